"""import.yml and destroy.yml from an empty account to an empty account."""

from __future__ import annotations

from typing import Any

import pytest

from local_cloud.account import leftovers
from local_cloud.client import Cloud
from local_cloud.stack import create_stack, update_stack
from tests.integration.conftest import Done, Playbooks
from tests.integration.looking import actions, backends, group, joined, members, protected, states

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
FOREIGN = "/aws/lambda/stateful-demo-of-somebody-else"


@pytest.fixture(scope="module")
def shown(playbooks: Playbooks) -> tuple[Done, list[str]]:
    """What check mode shows on an empty account, and the writing calls that it made."""
    return playbooks.writes(lambda: playbooks("import", "--check", "--diff", cluster="demo"))


@pytest.fixture(scope="module")
def made(shown: tuple[Done, list[str]], playbooks: Playbooks) -> Done:
    """The import that check mode announced."""
    return playbooks("import", cluster="demo")


@pytest.fixture(scope="module")
def grown(made: Done, cloud: Cloud) -> tuple[set[str], set[str]]:
    """The backends of the stack, and what the group has launched since; beside them what belongs to somebody else."""
    cloud.client("logs").create_log_group(logGroupName=FOREIGN)
    before, launched = set(backends(cloud, "demo")), set[str]()
    cloud.client("autoscaling").set_desired_capacity(AutoScalingGroupName="stateful-demo", DesiredCapacity=8)
    while len(launched) < 2:
        launched = set(members(cloud, "demo")) - before
    return before, launched


@pytest.fixture(scope="module")
def destroyed(grown: tuple[set[str], set[str]], playbooks: Playbooks) -> Done:
    """The end of all that."""
    return playbooks("destroy", cluster="demo", confirm="demo")


def test_check_mode_on_an_empty_account_shows_everything_and_writes_nothing(shown: tuple[Done, list[str]]) -> None:
    done, written = shown
    assert written == []
    assert set(actions(done)) >= TYPES
    assert "(known after apply)" in done.output


def test_what_check_mode_shows_is_what_import_does(shown: tuple[Done, list[str]], made: Done) -> None:
    assert sorted(actions(made)) == sorted(actions(shown[0]))


def test_destroy_terminates_what_the_group_launched_and_nothing_else(
    grown: tuple[set[str], set[str]], destroyed: Done, cloud: Cloud
) -> None:
    before, launched = grown
    assert set(states(cloud, launched).values()) == {"terminated"}
    assert set(backends(cloud, "demo")) == before
    assert not any(protected(cloud, name) for name in before)
    assert leftovers(cloud, "demo") == []


def test_destroy_touches_nothing_without_our_tag(destroyed: Done, cloud: Cloud) -> None:
    logs = cloud.client("logs")
    found = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/stateful-demo")["logGroups"]
    assert [each["logGroupName"] for each in found] == [FOREIGN]
    logs.delete_log_group(logGroupName=FOREIGN)


def test_destroy_twice_and_of_nothing_ends_well(destroyed: Done, playbooks: Playbooks) -> None:
    again, written = playbooks.writes(lambda: playbooks("destroy", cluster="demo", confirm="demo"))
    assert (again.changed, written) == (0, [])
    playbooks("destroy", cluster="never-there", confirm="never-there")


@pytest.mark.long
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


def test_destroy_keeps_what_the_group_launched_when_asked(playbooks: Playbooks, cloud: Cloud) -> None:
    playbooks("import", cluster="demo")
    cloud.client("autoscaling").set_desired_capacity(AutoScalingGroupName="stateful-demo", DesiredCapacity=7)
    launched = joined(cloud, "demo")
    playbooks("destroy", cluster="demo", confirm="demo", keep_instances=True)
    assert set(states(cloud, launched).values()) <= {"running", "pending"}
    assert leftovers(cloud, "demo") == []
    ec2 = cloud.client("ec2")
    ours = [{"Name": "tag:stateful:cluster", "Values": ["demo"]}]
    assert ec2.describe_volumes(Filters=ours)["Volumes"] == []
    assert ec2.describe_network_interfaces(Filters=ours)["NetworkInterfaces"] == []
    for name in launched:
        ec2.modify_instance_attribute(InstanceId=name, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=sorted(launched))


@pytest.mark.long
@pytest.mark.parametrize(
    ("stack", "options", "variables"),
    [
        (
            "a-cluster-with-a-name-that-is-longer-than-aws-takes-for-most-of-its-resources",
            {"key_name": "operators", "volume_type": "gp2", "security_groups": 3, "protected": True},
            {},
        ),
        ("large", {"extra_resources": 150}, {"tags": {"Team": "storage", "Cost centre": "42"}, "private_subnet": True}),
    ],
    ids=["keyed and protected, with a long name", "large and tagged, in a private subnet"],
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
