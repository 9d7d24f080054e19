"""stateful.aws.autoscaling_group on the wire."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError

from tests.unit.harness import Runner
from tests.unit.resources.network import place
from tests.unit.resources.scaling import actions, described, instances, target_group, template, until

OURS = ["AZRebalance", "ReplaceUnhealthy"]


def options(runner: Runner, cluster: str, **more: Any) -> dict[str, Any]:
    return {
        "cluster": cluster,
        "component": "group",
        "name": f"stateful-{cluster}",
        "launch_template_id": template(runner, cluster),
        "max_size": 40,
        "vpc_zone_identifier": [place(runner).network.subnet_id],
        "suspended_processes": OURS,
        **more,
    }


def test_a_group_goes_through_its_whole_life(runner: Runner) -> None:
    first, second = target_group(runner, "asg-life-1"), target_group(runner, "asg-life-2")
    runner.check_lifecycle(
        "autoscaling_group",
        options(runner, "asg-life", target_group_arns=[first], tags={"a": "1"}),
        [
            {"launch_template_version": "1"},
            {"launch_template_id": template(runner, "asg-life-other"), "launch_template_version": "2"},
            {"vpc_zone_identifier": place(runner).subnets},
            {"target_group_arns": [first, second]},
            {"target_group_arns": [second]},
            {"new_instances_protected_from_scale_in": True},
            {"suspended_processes": [*OURS, "Terminate"]},
            {"suspended_processes": ["Launch", "AZRebalance"]},
            {"suspended_processes": []},
            {"health_check_type": "ELB", "health_check_grace_period": 60},
            {"instance_lifecycle_policy": {"terminate_hook_abandon": "retain"}},
            {"deletion_protection": "prevent-force-deletion"},
            {"default_cooldown": 30},
            {"termination_policies": ["OldestInstance"]},
            {"resize": True, "max_size": 50},
            {"tags": {"b": "2"}},
            {"tags": {"c": "3"}, "purge_tags": False},
            {"instance_tags": {"Name": "backend", "c": "3"}},
            {"instance_tags": {"Name": "other"}},
            {"deletion_protection": "prevent-all-deletion"},
        ],
    )


def test_a_group_is_suspended_before_it_has_room(runner: Runner) -> None:
    wanted = options(runner, "asg-order", target_group_arns=[target_group(runner, "asg-order")])
    made = runner("autoscaling_group", **wanted, new_instances_protected_from_scale_in=True)
    assert actions(made) == ["CreateAutoScalingGroup", "SuspendProcesses", "UpdateAutoScalingGroup"]
    group = made["autoscaling_group"]
    assert (group["min_size"], group["max_size"], group["desired_capacity"], group["members"]) == (0, 40, 0, [])
    assert group["launch_template_version"] == "2" and group["suspended_processes"] == OURS
    assert group["new_instances_protected_from_scale_in"] is True


def test_a_run_stopped_after_creation_is_suspended_and_sized_by_the_next(runner: Runner) -> None:
    asg, wanted = runner.client("autoscaling"), options(runner, "asg-half")
    runner("autoscaling_group", **wanted)
    asg.resume_processes(AutoScalingGroupName="stateful-asg-half")
    asg.update_auto_scaling_group(AutoScalingGroupName="stateful-asg-half", MaxSize=0)
    again = runner("autoscaling_group", **wanted)
    assert actions(again) == ["SuspendProcesses", "UpdateAutoScalingGroup"]
    assert again["autoscaling_group"]["max_size"] == 40
    assert again["autoscaling_group"]["suspended_processes"] == OURS


def test_processes_suspended_by_someone_else_stay_unless_they_are_given(runner: Runner) -> None:
    asg, wanted = runner.client("autoscaling"), options(runner, "asg-others")
    runner("autoscaling_group", **wanted)
    name = {"AutoScalingGroupName": "stateful-asg-others"}
    asg.suspend_processes(**name, ScalingProcesses=["RemoveFromLoadBalancerLowPriority", "Launch"])
    untouched = {key: value for key, value in wanted.items() if key != "suspended_processes"}
    assert not runner("autoscaling_group", **untouched)["changed"]
    assert actions(runner("autoscaling_group", **wanted)) == ["ResumeProcesses"]
    suspended = {each["ProcessName"] for each in described(runner, "stateful-asg-others")["SuspendedProcesses"]}
    assert suspended == {*OURS, "RemoveFromLoadBalancerLowPriority"}


def test_sizes_are_left_alone_once_they_are_there(runner: Runner) -> None:
    wanted = options(runner, "asg-sizes")
    runner("autoscaling_group", **wanted)
    assert not runner("autoscaling_group", **{**wanted, "max_size": 7, "min_size": 3})["changed"]
    resized = runner("autoscaling_group", **{**wanted, "max_size": 7}, resize=True)
    assert resized["autoscaling_group"]["max_size"] == 7


def test_a_group_with_members_is_neither_shrunk_below_them_nor_deleted(runner: Runner) -> None:
    asg, wanted = runner.client("autoscaling"), options(runner, "asg-full")
    runner("autoscaling_group", **wanted, target_group_arns=[])
    ids = instances(runner, 2)
    asg.attach_instances(AutoScalingGroupName="stateful-asg-full", InstanceIds=ids)

    def refused(words: str, **more: Any) -> None:
        with pytest.raises(ResourceError, match=words):
            runner("autoscaling_group", **{**wanted, **more})

    _, written = runner.writes(lambda: refused("max_size 1 is too small", max_size=1, resize=True))
    assert written == []
    _, written = runner.writes(lambda: refused(f"has 2 members: {ids[0]}, {ids[1]}", state="absent"))
    assert written == []
    until(lambda: all(e["LifecycleState"] == "InService" for e in described(runner, "stateful-asg-full")["Instances"]))
    members = runner("autoscaling_group", **wanted)["autoscaling_group"]["members"]
    assert [(each["instance_id"], each["lifecycle_state"], each["health_status"]) for each in members] == [
        (instance_id, "InService", "Healthy") for instance_id in ids
    ]
    asg.detach_instances(AutoScalingGroupName="stateful-asg-full", InstanceIds=ids, ShouldDecrementDesiredCapacity=True)
    gone = runner("autoscaling_group", cluster="asg-full", name="stateful-asg-full", state="absent")
    assert actions(gone) == ["UpdateAutoScalingGroup", "DeleteAutoScalingGroup"]
    states = runner.client("ec2").describe_instances(InstanceIds=ids)["Reservations"]
    assert {each["State"]["Name"] for one in states for each in one["Instances"]} == {"running"}


def test_members_get_only_the_tags_meant_for_them(runner: Runner) -> None:
    wanted = options(runner, "asg-tags", tags={"mine": "1"}, instance_tags={"theirs": "2"})
    runner("autoscaling_group", **wanted)
    tags = {each["Key"]: each["PropagateAtLaunch"] for each in described(runner, "stateful-asg-tags")["Tags"]}
    assert tags.pop("theirs") is True
    assert set(tags) >= {"mine", "stateful:cluster", "stateful:component"} and not any(tags.values())
    moved = runner("autoscaling_group", **{**wanted, "tags": {"mine": "1", "theirs": "2"}, "instance_tags": {}})
    assert moved["autoscaling_group"]["instance_tags"] == {}
    assert moved["autoscaling_group"]["tags"]["theirs"] == "2"


def test_a_second_run_costs_two_calls(runner: Runner) -> None:
    wanted = options(runner, "asg-calls", target_group_arns=[target_group(runner, "asg-calls")])
    runner("autoscaling_group", **wanted)
    assert runner("autoscaling_group", **wanted)["api_calls"] == 2
    assert runner("autoscaling_group", **wanted, launch_template_version="2")["api_calls"] == 1


def test_a_foreign_group_is_refused(runner: Runner) -> None:
    wanted, asg = options(runner, "asg-foreign"), runner.client("autoscaling")
    asg.create_auto_scaling_group(
        AutoScalingGroupName="stateful-asg-foreign",
        LaunchTemplate={"LaunchTemplateId": wanted["launch_template_id"], "Version": "1"},
        MinSize=0,
        MaxSize=1,
        VPCZoneIdentifier=wanted["vpc_zone_identifier"][0],
    )
    runner.check_refused("autoscaling_group", wanted, "not ours", "stateful-asg-foreign")
    assert described(runner, "stateful-asg-foreign")["SuspendedProcesses"] == []


def test_a_template_that_auto_scaling_refuses_is_told_in_awss_words(runner: Runner) -> None:
    ec2 = runner.client("ec2")
    broken = ec2.create_launch_template(LaunchTemplateName="asg-broken", LaunchTemplateData={"ImageId": "ami-none"})
    wanted = {**options(runner, "asg-refused"), "launch_template_id": broken["LaunchTemplate"]["LaunchTemplateId"]}
    with pytest.raises(ResourceError, match="AWS said ValidationError: You must use a valid fully-formed"):
        runner("autoscaling_group", **wanted)


def test_a_group_that_does_not_exist_needs_what_makes_it(runner: Runner) -> None:
    with pytest.raises(ResourceError, match="launch_template_id, vpc_zone_identifier, max_size must be given"):
        runner("autoscaling_group", cluster="x", name="stateful-asg-nothing", suspended_processes=[])


def test_check_mode_accepts_what_is_not_made_yet(runner: Runner) -> None:
    unknown = "(known after apply) ec2_launch_template x launch_template_id"
    wanted = {
        "cluster": "asg-new",
        "name": "stateful-asg-new",
        "launch_template_id": unknown,
        "max_size": 4,
        "vpc_zone_identifier": ["subnet-1"],
        "target_group_arns": ["(known after apply) elbv2_target_group x target_group_arn"],
    }
    planned = runner("autoscaling_group", check=True, **wanted)["autoscaling_group"]
    assert planned["members"] == [] and planned["group_arn"].startswith("(known after apply)")
    assert planned["launch_template_version"].startswith("(known after apply)")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "a:b"}, "no colon"),
        ({"min_size": 3, "max_size": 2}, "min_size <= desired_capacity <= max_size"),
        ({"desired_capacity": -1}, "0 or more"),
        ({"default_cooldown": -1}, "number of seconds"),
        ({"vpc_zone_identifier": []}, "needs a subnet"),
        ({"suspended_processes": ["Sleep"]}, "suspended_processes"),
        ({"instance_tags": {"stateful:cluster": "x"}}, "reserved"),
        ({"instance_tags": {"a": "1"}, "tags": {"a": "2"}}, "one value in tags and another"),
    ],
)
def test_bad_options_are_refused_before_the_first_call(runner: Runner, wrong: dict[str, Any], words: str) -> None:
    runner.cloud.control("calls/reset", method="POST")
    with pytest.raises(ResourceError, match=words):
        runner("autoscaling_group", **{"cluster": "x", "name": "x", **wrong})
    assert runner.cloud.control("calls")["total"] == 0
