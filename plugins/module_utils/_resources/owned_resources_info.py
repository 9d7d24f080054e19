"""Everything that carries a cluster's tag, every type, all pages.

Each type is asked in the way that AWS answers consistently: by a tag filter where the service has one, by the names'
prefix and then the tags where it has none, and through the tagging API only for types that have neither. The tagging
API lags behind: what it still lists although it is gone is left out, since each of its answers is looked up again, and
what it does not list yet is found by the name that an import gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.aws import Aws
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import names
from ansible_collections.stateful.aws.plugins.module_utils._engine.options import validate
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Reading, Resource
from ansible_collections.stateful.aws.plugins.module_utils._engine.run import kind_of
from botocore.exceptions import ClientError

Found = dict[str, Any]
PREFIX = "stateful-"
LOG_PREFIXES = ("/aws/lambda/stateful-", "/aws/vendedlogs/states/stateful-")
# Types that only the tagging API finds by tag, and how one that it names is looked up.
TAGGING_API = ("kms:key", "dynamodb:table", "lambda:function", "states:stateMachine", "elasticloadbalancing", "sns")
MISSING = (
    "NotFound",
    "NotFoundException",
    "ResourceNotFoundException",
    "StateMachineDoesNotExist",
    "LoadBalancerNotFound",
    "TargetGroupNotFound",
    "NoSuchEntity",
)


def tagged(aws: Aws, cluster: str) -> Iterator[Found]:
    """Keys, tables, functions, state machines, load balancers, target groups and topics."""
    mappings = aws.pages(
        "resourcegroupstaggingapi",
        "get_resources",
        "ResourceTagMappingList",
        TagFilters=[{"Key": tagging.CLUSTER, "Values": [cluster]}],
        ResourceTypeFilters=list(TAGGING_API),
    )
    for mapping in mappings:
        arn, tags = mapping["ResourceARN"], tagging.to_dict(mapping["Tags"])
        for marker, look in LOOKUPS.items():
            if marker in arn:
                try:
                    found = look(aws, arn, tags)
                except ClientError as error:
                    if error_code(error) not in MISSING:
                        raise
                    found = None
                if found:
                    yield {**found, "arn": arn, "tags": tags}


def _key(aws: Aws, arn: str, tags: dict[str, str]) -> Found:
    state = aws.client("kms").describe_key(KeyId=arn)["KeyMetadata"]["KeyState"]
    return {"type": "kms_key", "name": tags.get(tagging.NAME, arn), "state": state}


def _table(aws: Aws, arn: str, tags: dict[str, str]) -> Found:
    table = aws.client("dynamodb").describe_table(TableName=arn.rpartition("/")[2])["Table"]
    return {"type": "dynamodb_table", "name": table["TableName"], "state": table["TableStatus"]}


def _function(aws: Aws, arn: str, tags: dict[str, str]) -> Found:
    answer = aws.client("lambda").get_function_configuration(FunctionName=arn)
    return {"type": "lambda_function", "name": answer["FunctionName"], "state": answer.get("State")}


def _machine(aws: Aws, arn: str, tags: dict[str, str]) -> Found:
    answer = aws.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    return {"type": "stepfunctions_state_machine", "name": answer["name"], "state": answer.get("status")}


def _balancer(aws: Aws, arn: str, tags: dict[str, str]) -> Found:
    answer = aws.client("elbv2").describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
    return {"type": "elbv2_load_balancer", "name": answer["LoadBalancerName"], "state": answer["State"]["Code"]}


def _target_group(aws: Aws, arn: str, tags: dict[str, str]) -> Found:
    answer = aws.client("elbv2").describe_target_groups(TargetGroupArns=[arn])["TargetGroups"][0]
    return {"type": "elbv2_target_group", "name": answer["TargetGroupName"]}


def _topic(aws: Aws, arn: str, tags: dict[str, str]) -> Found:
    aws.client("sns").get_topic_attributes(TopicArn=arn)
    return {"type": "sns_topic", "name": arn.rpartition(":")[2]}


LOOKUPS: dict[str, Callable[[Aws, str, dict[str, str]], Found]] = {
    ":kms:": _key,
    ":dynamodb:": _table,
    ":lambda:": _function,
    ":states:": _machine,
    ":loadbalancer/": _balancer,
    ":targetgroup/": _target_group,
    ":sns:": _topic,
}


def named(aws: Aws, cluster: str) -> Iterator[Found]:
    """The same types by the names that an import gives them."""
    given = names(cluster)
    expected = [
        ("kms_key", "alias", given["key_alias"]),
        ("dynamodb_table", "name", given["table"]),
        ("stepfunctions_state_machine", "name", given["state_machine"]),
        ("elbv2_load_balancer", "name", given["load_balancer"]),
        ("elbv2_target_group", "name", given["target_group"]),
        ("sns_topic", "name", given["topic"]),
        *(("lambda_function", "name", name) for name in given["functions"].values()),
    ]
    for kind_name, option, name in expected:
        kind = cast(type[Resource], kind_of(kind_name))
        options, _ = validate(kind, {"cluster": cluster, option: name, "state": "absent"}, connection=False)
        observed = kind(options, aws).observe()
        if observed is not None and observed["tags"].get(tagging.CLUSTER) == cluster:
            yield {"type": kind_name, "name": name, "tags": observed["tags"], "state": observed.get("state")}


def roles(aws: Aws, cluster: str) -> Iterator[Found]:
    """IAM roles below the cluster's path; ListRoles omits tags."""
    for role in aws.pages("iam", "list_roles", "Roles", PathPrefix=f"/stateful/{cluster}/"):
        tags = tagging.to_dict(aws.pages("iam", "list_role_tags", "Tags", RoleName=role["RoleName"]))
        if tags.get(tagging.CLUSTER) == cluster:
            yield {"type": "iam_role", "name": role["RoleName"], "arn": role["Arn"], "tags": tags}


def rules(aws: Aws, cluster: str) -> Iterator[Found]:
    """EventBridge rules with our prefix; the target id is part of the rule's module."""
    for rule in aws.pages("events", "list_rules", "Rules", NamePrefix=PREFIX):
        tags = tagging.to_dict(aws.client("events").list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"])
        if tags.get(tagging.CLUSTER) == cluster:
            yield {
                "type": "events_rule",
                "name": rule["Name"],
                "arn": rule["Arn"],
                "tags": tags,
                "state": rule["State"],
            }


def alarms(aws: Aws, cluster: str) -> Iterator[Found]:
    """CloudWatch alarms whose name begins with the cluster's; DescribeAlarms omits tags."""
    prefix = f"{PREFIX}{cluster}-"
    for alarm in aws.pages("cloudwatch", "describe_alarms", "MetricAlarms", AlarmNamePrefix=prefix):
        arn = alarm["AlarmArn"]
        tags = tagging.to_dict(aws.client("cloudwatch").list_tags_for_resource(ResourceARN=arn)["Tags"])
        if tags.get(tagging.CLUSTER) == cluster:
            yield {"type": "cloudwatch_metric_alarm", "name": alarm["AlarmName"], "arn": arn, "tags": tags}


def log_groups(aws: Aws, cluster: str) -> Iterator[Found]:
    """Log groups with our prefixes; they are listed by prefix only."""
    for prefix in LOG_PREFIXES:
        for group in aws.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix):
            arn = group["arn"].removesuffix(":*")
            tags = tagging.visible(aws.client("logs").list_tags_for_resource(resourceArn=arn).get("tags", {}))
            if tags.get(tagging.CLUSTER) == cluster:
                yield {"type": "logs_group", "name": group["logGroupName"], "arn": arn, "tags": tags}


def rest_apis(aws: Aws, cluster: str) -> Iterator[Found]:
    """REST APIs, and the keys and usage plans that outlive them. All are parts of one module's resource."""
    parts = (("rest_api", "get_rest_apis"), ("usage_plan", "get_usage_plans"), ("api_key", "get_api_keys"))
    for part, method in parts:
        for item in aws.pages("apigateway", method, "items"):
            tags = item.get("tags", {})
            if tags.get(tagging.CLUSTER) == cluster:
                yield {
                    "type": "apigateway_rest_api",
                    "name": item["name"],
                    "id": item["id"],
                    "part": part,
                    "tags": tags,
                }


def launch_templates(aws: Aws, cluster: str) -> Iterator[Found]:
    """Launch templates."""
    for item in aws.pages("ec2", "describe_launch_templates", "LaunchTemplates", Filters=_filter(cluster)):
        found = {"id": item["LaunchTemplateId"], "tags": tagging.to_dict(item.get("Tags"))}
        yield {"type": "ec2_launch_template", "name": item["LaunchTemplateName"], **found}


def groups(aws: Aws, cluster: str) -> Iterator[Found]:
    """Auto Scaling groups."""
    for item in aws.pages("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", Filters=_filter(cluster)):
        found = {"arn": item["AutoScalingGroupARN"], "tags": tagging.to_dict(item.get("Tags"))}
        members = sorted(instance["InstanceId"] for instance in item["Instances"])
        yield {"type": "autoscaling_group", "name": item["AutoScalingGroupName"], **found, "members": members}


def instances(aws: Aws, cluster: str) -> Iterator[Found]:
    """Instances that are not terminated: those the group launched, and imported ones that bear our tags."""
    for reservation in aws.pages("ec2", "describe_instances", "Reservations", Filters=_filter(cluster)):
        for item in reservation["Instances"]:
            state = item["State"]["Name"]
            if state not in ("terminated", "shutting-down"):
                tags = tagging.to_dict(item.get("Tags"))
                yield {"type": "ec2_instance", "name": item["InstanceId"], "state": state, "tags": tags}


def interfaces(aws: Aws, cluster: str) -> Iterator[Found]:
    """Network interfaces that no instance holds: leftovers of machines that were stopped while they booted."""
    unheld = [*_filter(cluster), {"Name": "status", "Values": ["available"]}]
    for item in aws.pages("ec2", "describe_network_interfaces", "NetworkInterfaces", Filters=unheld):
        tags = tagging.to_dict(item.get("TagSet"))
        yield {"type": "ec2_network_interface", "name": item["NetworkInterfaceId"], "tags": tags}


def _filter(cluster: str) -> list[dict[str, Any]]:
    return [{"Name": f"tag:{tagging.CLUSTER}", "Values": [cluster]}]


FINDERS: tuple[Callable[[Aws, str], Iterator[Found]], ...] = (
    tagged,
    named,
    roles,
    rules,
    alarms,
    log_groups,
    rest_apis,
    launch_templates,
    groups,
    instances,
    interfaces,
)


class OwnedResourcesInfo(Reading):
    """Resources of one cluster."""

    name = "owned_resources_info"
    title = "the cluster's resources"
    iam_actions = {
        "read": (
            "tag:GetResources",
            "kms:DescribeKey",
            "kms:ListResourceTags",
            "dynamodb:DescribeTable",
            "dynamodb:ListTagsOfResource",
            "lambda:GetFunctionConfiguration",
            "lambda:GetFunction",
            "states:DescribeStateMachine",
            "states:ListTagsForResource",
            "states:ListExecutions",
            "elasticloadbalancing:DescribeLoadBalancers",
            "elasticloadbalancing:DescribeLoadBalancerAttributes",
            "elasticloadbalancing:DescribeListeners",
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTags",
            "iam:ListRoles",
            "iam:ListRoleTags",
            "events:ListRules",
            "events:ListTagsForResource",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:ListTagsForResource",
            "sns:GetTopicAttributes",
            "sns:ListTagsForResource",
            "logs:DescribeLogGroups",
            "logs:ListTagsForResource",
            "apigateway:GET",
            "ec2:DescribeLaunchTemplates",
            "ec2:DescribeInstances",
            "ec2:DescribeNetworkInterfaces",
            "autoscaling:DescribeAutoScalingGroups",
        )
    }
    options = {"cluster": {"type": "str", "required": True}, "threads": {"type": "int", "default": 8}}

    def read(self) -> dict[str, Any]:
        """Return ``owned``, a list of what was found, and ``by_type``, each as an item for ``stateful.aws.resources``."""
        cluster = self.option("cluster")
        with ThreadPoolExecutor(max_workers=self.option("threads")) as pool:
            answers = pool.map(lambda finder: list(finder(self.aws, cluster)), FINDERS)
            found = [each for answer in answers for each in answer]
        pending = [each for each in found if each.get("state") == "PendingDeletion"]
        # The first to find a resource says most about it.
        unique: dict[tuple[str, str, str], Found] = {}
        for each in found:
            if each not in pending:
                unique.setdefault((each["type"], each["name"], each.get("id", "")), each)
        owned = [unique[key] for key in sorted(unique)]
        by_type: dict[str, list[dict[str, Any]]] = {}
        for resource in owned:
            items = by_type.setdefault(resource["type"], [])
            item = {resource["type"]: {"alias" if resource["type"] == "kms_key" else "name": resource["name"]}}
            if item not in items:
                items.append(item)
        return {"owned": owned, "by_type": by_type, "pending_deletion": pending}


RESOURCE = OwnedResourcesInfo
