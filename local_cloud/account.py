"""What an account holds of a cluster, told by AWS's own lists and not by the collection's modules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .client import Cloud

LISTS = (
    ("dynamodb", "list_tables", "TableNames", None),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("stepfunctions", "list_state_machines", "stateMachines", "name"),
    ("events", "list_rules", "Rules", "Name"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("kms", "list_aliases", "Aliases", "AliasName"),
    ("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName"),
    ("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupName"),
    ("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateName"),
    ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", "AutoScalingGroupName"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("apigateway", "get_rest_apis", "items", "name"),
    ("apigateway", "get_usage_plans", "items", "name"),
    ("apigateway", "get_api_keys", "items", "name"),
)


def listed(cloud: Cloud, service: str, method: str, key: str) -> Iterator[Any]:
    """Every item of every page of a list."""
    for page in cloud.client(service).get_paginator(method).paginate():
        yield from page[key]


def bears(text: str, cluster: str) -> bool:
    """Whether a name or ARN is one of the cluster's own, and not of another whose name begins with the same letters."""
    part = "join|fetch|scale|terminate|transient|states|events|failed|missing|held-back"
    return bool(re.search(rf"(^|[/:])stateful-{re.escape(cluster)}(-({part}))?$", text))


def leftovers(cloud: Cloud, cluster: str) -> list[str]:
    """Whatever bears the cluster's name or tag; a key that is pending deletion is not left over."""
    left = []
    for service, method, key, attribute in LISTS:
        for item in listed(cloud, service, method, key):
            name = str(item if attribute is None else item.get(attribute, ""))
            if bears(name, cluster):
                left.append(f"{service} {name}")
    left += [f"kms key {key['KeyId']}" for key in _keys(cloud, cluster)]
    ec2, tagged = cloud.client("ec2"), [{"Name": "tag:stateful:cluster", "Values": [cluster]}]
    for reservation in ec2.describe_instances(Filters=tagged)["Reservations"]:
        left += [f"tags of {i['InstanceId']}" for i in reservation["Instances"] if i["State"]["Name"] != "terminated"]
    for interface in ec2.describe_network_interfaces(Filters=tagged)["NetworkInterfaces"]:
        if interface["Status"] == "available":
            left.append(f"network interface {interface['NetworkInterfaceId']}")
    return left


def _keys(cloud: Cloud, cluster: str) -> list[dict[str, Any]]:
    kms = cloud.client("kms")
    found = []
    for key in listed(cloud, "kms", "list_keys", "Keys"):
        told = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        if told["KeyState"] == "PendingDeletion":
            continue
        tags = {t["TagKey"]: t["TagValue"] for t in kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]}
        if tags.get("stateful:cluster") == cluster:
            found.append({"state": told["KeyState"], "description": told["Description"], "tags": tags})
    return found


def fingerprint(cloud: Cloud, cluster: str) -> dict[str, Any]:
    """What there is of a cluster without what differs between two equal imports (ids, dates, ARNs with ids)."""
    name = f"stateful-{cluster}"
    return {
        "keys": _keys(cloud, cluster),
        "table": _table(cloud, name),
        "roles": _roles(cloud, cluster),
        "log_groups": sorted(
            (g["logGroupName"], g.get("retentionInDays"))
            for g in listed(cloud, "logs", "describe_log_groups", "logGroups")
            if bears(g["logGroupName"], cluster)
        ),
        "functions": _functions(cloud, cluster),
        "machine": _machine(cloud, name),
        "rule": _rule(cloud, name),
        "api": _api(cloud, name),
        "load_balancer": _load_balancer(cloud, name),
        "group": _group(cloud, name),
        "launch_templates": sum(
            t["LaunchTemplateName"] == name
            for t in listed(cloud, "ec2", "describe_launch_templates", "LaunchTemplates")
        ),
    }


def _table(cloud: Cloud, name: str) -> dict[str, Any]:
    dynamodb = cloud.client("dynamodb")
    table = dynamodb.describe_table(TableName=name)["Table"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    items = dynamodb.scan(TableName=name, ConsistentRead=True)["Items"]
    return {
        "encrypted": table["SSEDescription"]["Status"],
        "protected": table["DeletionProtectionEnabled"],
        "recoverable": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
        "items": sorted(item["Key"]["S"] for item in items if item["Key"]["S"] in ("settings", "credentials")),
        "settings": next(item["Document"]["S"] for item in items if item["Key"]["S"] == "settings"),
    }


def _roles(cloud: Cloud, cluster: str) -> dict[str, Any]:
    iam = cloud.client("iam")
    roles = iam.get_paginator("list_roles").paginate(PathPrefix=f"/stateful/{cluster}/")
    return {
        role["RoleName"]: {
            "trust": role["AssumeRolePolicyDocument"],
            "policies": sorted(iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]),
        }
        for page in roles
        for role in page["Roles"]
    }


def _functions(cloud: Cloud, cluster: str) -> dict[str, Any]:
    fields = (
        "CodeSha256",
        "Handler",
        "Runtime",
        "Architectures",
        "Timeout",
        "MemorySize",
        "Environment",
        "LoggingConfig",
    )
    return {
        function["FunctionName"]: {field: function.get(field) for field in fields}
        for function in listed(cloud, "lambda", "list_functions", "Functions")
        if bears(function["FunctionName"], cluster)
    }


def _machine(cloud: Cloud, name: str) -> list[Any]:
    states = cloud.client("stepfunctions")
    found = [m for m in listed(cloud, "stepfunctions", "list_state_machines", "stateMachines") if m["name"] == name]
    told = [states.describe_state_machine(stateMachineArn=machine["stateMachineArn"]) for machine in found]
    return [
        {key: machine.get(key) for key in ("definition", "status", "type", "loggingConfiguration")} for machine in told
    ]


def _rule(cloud: Cloud, name: str) -> dict[str, Any]:
    events = cloud.client("events")
    rule = events.describe_rule(Name=name)
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    return {"state": rule["State"], "schedule": rule["ScheduleExpression"], "targets": targets}


def _api(cloud: Cloud, name: str) -> dict[str, Any]:
    apigateway = cloud.client("apigateway")
    apis = [api["id"] for api in listed(cloud, "apigateway", "get_rest_apis", "items") if api["name"] == name]
    plans = [plan for plan in listed(cloud, "apigateway", "get_usage_plans", "items") if plan["name"] == name]
    return {
        "paths": [
            sorted((r["path"], *r.get("resourceMethods", {})) for r in apigateway.get_resources(restApiId=api)["items"])
            for api in apis
        ],
        "stages": [[stage["stageName"] for stage in apigateway.get_stages(restApiId=api)["item"]] for api in apis],
        "plans": [(len(plan["apiStages"]), plan.get("throttle")) for plan in plans],
        "keys": [len(apigateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"]) for plan in plans],
        "all_keys": sum(key["name"] == name for key in listed(cloud, "apigateway", "get_api_keys", "items")),
    }


def _load_balancer(cloud: Cloud, name: str) -> dict[str, Any]:
    elbv2 = cloud.client("elbv2")
    balancers = [
        b for b in listed(cloud, "elbv2", "describe_load_balancers", "LoadBalancers") if b["LoadBalancerName"] == name
    ]
    listeners = [
        (listener["Port"], listener["Protocol"])
        for balancer in balancers
        for listener in elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    ]
    groups = [
        g for g in listed(cloud, "elbv2", "describe_target_groups", "TargetGroups") if g["TargetGroupName"] == name
    ]
    return {
        "balancers": [(b["Scheme"], len(b["AvailabilityZones"])) for b in balancers],
        "listeners": listeners,
        "targets": [(g["Port"], g["HealthCheckPath"], len(g["LoadBalancerArns"])) for g in groups],
    }


def _group(cloud: Cloud, name: str) -> list[Any]:
    autoscaling, ec2 = cloud.client("autoscaling"), cloud.client("ec2")
    groups = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    fields = ("MinSize", "MaxSize", "DesiredCapacity", "NewInstancesProtectedFromScaleIn")
    return [
        {
            **{field: group[field] for field in fields},
            "suspended": sorted(process["ProcessName"] for process in group["SuspendedProcesses"]),
            "target_groups": len(group["TargetGroupARNs"]),
            "members": sorted(
                (i["InstanceId"], i["LifecycleState"], i["ProtectedFromScaleIn"]) for i in group["Instances"]
            ),
            "protected": {
                i["InstanceId"]: ec2.describe_instance_attribute(
                    InstanceId=i["InstanceId"], Attribute="disableApiTermination"
                )["DisableApiTermination"]["Value"]
                for i in group["Instances"]
            },
        }
        for group in groups
    ]
