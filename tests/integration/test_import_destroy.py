"""import.yml and destroy.yml against the local cloud: what they make, leave alone and take away."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_cloud.account import fingerprint, leftovers
from local_cloud.client import Cloud
from local_cloud.stack import create_stack, update_stack
from tests.integration.conftest import USER, Done, Playbooks

TYPES = {
    "kms:CreateKey",
    "dynamodb:CreateTable",
    "dynamodb:PutItem",
    "iam:CreateRole",
    "logs:CreateLogGroup",
    "lambda:CreateFunction",
    "states:CreateStateMachine",
    "events:PutRule",
    "apigateway:CreateRestApi",
    "ec2:CreateLaunchTemplate",
    "autoscaling:CreateAutoScalingGroup",
    "autoscaling:AttachInstances",
    "elasticloadbalancing:CreateTargetGroup",
    "elasticloadbalancing:CreateLoadBalancer",
}


def actions(done: Done) -> list[str]:
    """The AWS actions that a run made, or in check mode would make."""
    results = [result for task in done.results() for result in (task, *task.get("results", []))]
    return [step["action"] for result in results for step in result.get("actions", [])]


def members(cloud: Cloud, cluster: str) -> dict[str, Any]:
    """Members of the cluster's group, by id."""
    answer = cloud.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[f"stateful-{cluster}"])
    return {
        instance["InstanceId"]: instance for group in answer["AutoScalingGroups"] for instance in group["Instances"]
    }


def group(cloud: Cloud, cluster: str) -> dict[str, Any]:
    """The cluster's group."""
    answer = cloud.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[f"stateful-{cluster}"])
    return dict(answer["AutoScalingGroups"][0])


def backends(cloud: Cloud, stack: str) -> list[str]:
    """The stack's backends that run."""
    pages = cloud.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    ids = {
        resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::EC2::Instance" and resource["LogicalResourceId"].startswith("Backend")
    }
    return sorted(name for name, state in states(cloud, ids).items() if state == "running")


def states(cloud: Cloud, ids: set[str]) -> dict[str, str]:
    """EC2's states of instances."""
    answer = cloud.client("ec2").describe_instances(Filters=[{"Name": "instance-id", "Values": sorted(ids)}])
    return {i["InstanceId"]: i["State"]["Name"] for r in answer["Reservations"] for i in r["Instances"]}


def protected(cloud: Cloud, instance_id: str) -> bool:
    """Whether an instance is protected from termination."""
    ec2 = cloud.client("ec2")
    answer = ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="disableApiTermination")
    return bool(answer["DisableApiTermination"]["Value"])


@pytest.fixture
def demo(playbooks: Playbooks, cloud: Cloud) -> Any:
    """Cluster demo, imported; destroyed afterwards with its backends kept."""
    yield playbooks("import", cluster="demo")
    playbooks("destroy", cluster="demo", confirm="demo")
    assert leftovers(cloud, "demo") == []


def test_check_mode_on_an_empty_account_shows_everything_and_writes_nothing(playbooks: Playbooks, cloud: Cloud) -> None:
    done, written = playbooks.writes(lambda: playbooks("import", "--check", "--diff", cluster="demo"))
    assert written == []
    assert set(actions(done)) >= TYPES
    assert "(known after apply)" in done.output


def test_what_check_mode_shows_is_what_import_does(playbooks: Playbooks, cloud: Cloud) -> None:
    shown = actions(playbooks("import", "--check", "--diff", cluster="demo"))
    made = actions(playbooks("import", cluster="demo"))
    playbooks("destroy", cluster="demo", confirm="demo")
    assert sorted(made) == sorted(shown)


def test_import_puts_the_backends_behind_a_group(demo: Done, cloud: Cloud) -> None:
    found = members(cloud, "demo")
    assert sorted(found) == backends(cloud, "demo")
    assert {each["LifecycleState"] for each in found.values()} == {"InService"}
    assert all(each["ProtectedFromScaleIn"] for each in found.values())
    assert all(protected(cloud, name) for name in found)
    made = group(cloud, "demo")
    assert (made["MinSize"], made["DesiredCapacity"], made["MaxSize"]) == (0, 6, 42)
    assert "ReplaceUnhealthy" in [process["ProcessName"] for process in made["SuspendedProcesses"]]
    health = cloud.client("elbv2").describe_target_health(TargetGroupArn=made["TargetGroupARNs"][0])
    assert len(health["TargetHealthDescriptions"]) == 6


def test_import_ends_with_a_summary(demo: Done) -> None:
    for words in ("stateful-demo", "6 backends, up to 42", "mount -t wekafs", "elb.amazonaws.com"):
        assert words in demo.output


def test_no_secret_appears_anywhere(demo: Done, playbooks: Playbooks, cloud: Cloud) -> None:
    noisy = playbooks(
        "import", "-vvv", "--diff", cluster="demo", env={"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default"}, ok=False
    )
    assert noisy.status == 0
    assert USER["WEKA_PASSWORD"] not in noisy.output
    key = next(iter(cloud.client("apigateway").get_api_keys(includeValues=True)["items"]))["value"]
    assert key not in noisy.output
    items = cloud.client("dynamodb").scan(TableName="stateful-demo")["Items"]
    assert USER["WEKA_PASSWORD"] not in str(items)
    functions = cloud.client("lambda").list_functions()["Functions"]
    assert USER["WEKA_PASSWORD"] not in json.dumps(functions, default=str)


def test_a_second_import_changes_nothing(demo: Done, playbooks: Playbooks) -> None:
    again, written = playbooks.writes(lambda: playbooks("import", cluster="demo"))
    assert (again.changed, written) == (0, [])


def test_a_pass_of_the_state_machine_succeeds(demo: Done, cloud: Cloud) -> None:
    passes = cloud.control("schedule/tick", method="POST")
    assert [each["status"] for each in passes] == ["SUCCEEDED"], passes


def test_an_import_under_other_settings_is_refused(demo: Done, playbooks: Playbooks) -> None:
    done, written = playbooks.writes(lambda: playbooks("import", ok=False, cluster="demo", private_subnet=True))
    assert done.status != 0
    assert written == []
    assert "already is imported under other settings: private_subnet" in done.failure()


def test_credentials_can_be_replaced_by_another_import(demo: Done, playbooks: Playbooks, cloud: Cloud) -> None:
    cloud.control("weka/demo/set", {"users": {"scaler": "Another-1"}})
    done = playbooks("import", cluster="demo", weka_username="scaler", weka_password="Another-1")
    assert actions(done) == ["dynamodb:PutItem"]
    assert playbooks("import", cluster="demo", weka_username="scaler", weka_password="Another-1").changed == 0
    playbooks("import", cluster="demo")


def test_an_import_of_a_cluster_that_grew_attaches_the_new_backends(playbooks: Playbooks, cloud: Cloud) -> None:
    create_stack(cloud.url, "grows", backends=5, clients=0)
    playbooks("import", cluster="grows", max_size=20)
    update_stack(cloud.url, "grows", backends=7, clients=0)
    playbooks("import", cluster="grows", max_size=20)
    assert sorted(members(cloud, "grows")) == backends(cloud, "grows")
    assert (group(cloud, "grows")["DesiredCapacity"], group(cloud, "grows")["MaxSize"]) == (7, 20)
    assert playbooks("import", cluster="grows", max_size=20).changed == 0
    playbooks("destroy", cluster="grows", confirm="grows")
    assert leftovers(cloud, "grows") == []
    assert len(backends(cloud, "grows")) == 7


def test_destroy_terminates_what_the_group_launched_and_nothing_else(playbooks: Playbooks, cloud: Cloud) -> None:
    playbooks("import", cluster="demo")
    cloud.client("autoscaling").set_desired_capacity(AutoScalingGroupName="stateful-demo", DesiredCapacity=8)
    before, launched = set(backends(cloud, "demo")), set[str]()
    while len(launched) < 2:
        launched = set(members(cloud, "demo")) - before
    playbooks("destroy", cluster="demo", confirm="demo")
    assert set(states(cloud, launched).values()) == {"terminated"}
    assert set(backends(cloud, "demo")) == before
    assert not any(protected(cloud, name) for name in before)
    assert leftovers(cloud, "demo") == []


def test_destroy_keeps_what_the_group_launched_when_asked(playbooks: Playbooks, cloud: Cloud) -> None:
    playbooks("import", cluster="demo")
    cloud.client("autoscaling").set_desired_capacity(AutoScalingGroupName="stateful-demo", DesiredCapacity=7)
    launched = set[str]()
    while not launched:
        launched = set(members(cloud, "demo")) - set(backends(cloud, "demo"))
    playbooks("destroy", cluster="demo", confirm="demo", keep_instances=True)
    assert set(states(cloud, launched).values()) <= {"running", "pending"}
    assert leftovers(cloud, "demo") == []
    ec2 = cloud.client("ec2")
    for name in launched:
        ec2.modify_instance_attribute(InstanceId=name, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=sorted(launched))


def test_destroy_twice_and_of_nothing_ends_well(playbooks: Playbooks, cloud: Cloud) -> None:
    playbooks("import", cluster="demo")
    playbooks("destroy", cluster="demo", confirm="demo")
    again, written = playbooks.writes(lambda: playbooks("destroy", cluster="demo", confirm="demo"))
    assert (again.changed, written) == (0, [])
    playbooks("destroy", cluster="never-there", confirm="never-there")


def test_destroy_asks_first(demo: Done, playbooks: Playbooks, cloud: Cloud) -> None:
    for answer in ({}, {"confirm": "other"}):
        done, written = playbooks.writes(lambda answer=answer: playbooks("destroy", ok=False, cluster="demo", **answer))
        assert done.status != 0
        assert written == []
        assert "Nothing was removed" in done.failure()


def test_destroy_in_check_mode_writes_nothing(demo: Done, playbooks: Playbooks) -> None:
    done, written = playbooks.writes(lambda: playbooks("destroy", "--check", "--diff", cluster="demo", confirm="demo"))
    assert written == []
    assert {"kms:ScheduleKeyDeletion", "dynamodb:DeleteTable", "autoscaling:DeleteAutoScalingGroup"} <= set(
        actions(done)
    )


def test_destroy_touches_nothing_without_our_tag(demo: Done, playbooks: Playbooks, cloud: Cloud) -> None:
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/aws/lambda/stateful-demo-of-somebody-else")
    playbooks("destroy", cluster="demo", confirm="demo")
    found = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/stateful-demo")["logGroups"]
    assert [each["logGroupName"] for each in found] == ["/aws/lambda/stateful-demo-of-somebody-else"]
    logs.delete_log_group(logGroupName="/aws/lambda/stateful-demo-of-somebody-else")


@pytest.mark.parametrize(
    ("stack", "options", "variables"),
    [
        ("keyed", {"key_name": "operators", "volume_type": "gp2", "security_groups": 3, "protected": True}, {}),
        ("large", {"extra_resources": 150}, {"tags": {"Team": "storage", "Cost centre": "42"}}),
        ("private", {}, {"private_subnet": True}),
        ("a-cluster-with-a-name-that-is-longer-than-aws-takes-for-most-of-its-resources", {}, {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_clusters_as_they_are_met(
    playbooks: Playbooks, cloud: Cloud, stack: str, options: dict[str, Any], variables: dict[str, Any]
) -> None:
    create_stack(cloud.url, stack, backends=5, clients=1, **options)
    playbooks("import", cluster=stack, **variables)
    again, written = playbooks.writes(lambda: playbooks("import", cluster=stack, **variables))
    assert (again.changed, written) == (0, [])
    playbooks("destroy", cluster=stack, confirm=stack)
    assert leftovers(cloud, stack) == []
    assert all(protected(cloud, name) == options.get("protected", False) for name in backends(cloud, stack))


def test_a_cluster_without_a_stack_and_with_a_dns_alias(playbooks: Playbooks, cloud: Cloud) -> None:
    create_stack(cloud.url, "unnamed", backends=5, clients=0)
    route53 = cloud.client("route53")
    zone = route53.create_hosted_zone(Name="example.org", CallerReference="1")["HostedZone"]["Id"].rpartition("/")[2]
    variables = {
        "cluster": "by-ids",
        "instance_ids": backends(cloud, "unnamed"),
        "dns_alias": "weka.example.org",
        "dns_zone_id": zone,
    }
    done = playbooks("import", **variables)
    assert "weka.example.org" in done.output
    assert playbooks("import", **variables).changed == 0
    playbooks("destroy", cluster="by-ids", confirm="by-ids")
    assert leftovers(cloud, "by-ids") == []
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    assert [record["Type"] for record in records if record["Type"] == "A"] == []


def test_two_clusters_in_one_account_do_not_touch_each_other(demo: Done, playbooks: Playbooks, cloud: Cloud) -> None:
    create_stack(cloud.url, "demo-2", backends=5, clients=0)
    playbooks("import", cluster="demo-2")
    before = fingerprint(cloud, "demo")
    playbooks("destroy", cluster="demo-2", confirm="demo-2")
    assert fingerprint(cloud, "demo") == before
