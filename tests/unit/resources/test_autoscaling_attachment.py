"""stateful.aws.autoscaling_attachment on the wire."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError

from tests.unit.harness import Runner
from tests.unit.resources.network import place
from tests.unit.resources.scaling import actions, described, instances, template, until

TYPE = "autoscaling_attachment"
MEMBER = "stateful:component"


@pytest.fixture(autouse=True)
def fast(runner: Runner) -> None:
    runner.cloud.control("instances/timing", {"pending_s": 0.1, "attach_s": 0.05})


def group(runner: Runner, cluster: str, **more: Any) -> dict[str, Any]:
    """Make a group of the cluster and return the options that name it."""
    runner(
        "autoscaling_group",
        **{
            "cluster": cluster,
            "name": f"stateful-{cluster}",
            "launch_template_id": template(runner, cluster),
            "max_size": 100,
            "vpc_zone_identifier": [place(runner).network.subnet_id],
            "suspended_processes": ["AZRebalance", "ReplaceUnhealthy"],
            **more,
        },
    )
    return {"cluster": cluster, "group": f"stateful-{cluster}"}


def marks(cluster: str, component: str = "group") -> dict[str, str]:
    return {"stateful:cluster": cluster, MEMBER: component}


def found(runner: Runner, ids: list[str]) -> dict[str, dict[str, Any]]:
    pages = runner.client("ec2").describe_instances(InstanceIds=ids)["Reservations"]
    return {each["InstanceId"]: each for one in pages for each in one["Instances"]}


def states(runner: Runner, ids: list[str]) -> set[str]:
    return {each["State"]["Name"] for each in found(runner, ids).values()}


def tags(runner: Runner, instance_id: str) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in found(runner, [instance_id])[instance_id].get("Tags", [])}


def protected(runner: Runner, instance_id: str) -> bool:
    ec2 = runner.client("ec2")
    answer = ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="disableApiTermination")
    return bool(answer["DisableApiTermination"]["Value"])


def protect(runner: Runner, instance_id: str) -> None:
    runner.client("ec2").modify_instance_attribute(InstanceId=instance_id, DisableApiTermination={"Value": True})


def members(runner: Runner, cluster: str) -> set[str]:
    return {each["InstanceId"] for each in described(runner, f"stateful-{cluster}")["Instances"]}


def test_members_go_through_their_whole_life(runner: Runner) -> None:
    named = group(runner, "at-life")
    ids = instances(runner, 3)
    runner.check_lifecycle(
        TYPE,
        {**named, "instance_ids": ids[:2], "instance_tags": marks("at-life")},
        [
            {"instance_ids": ids},
            {"termination_protection": True},
            {"termination_protection": {ids[0]: False}},
            {"instance_tags": {**marks("at-life"), "more": "1"}},
        ],
    )
    assert members(runner, "at-life") == set()
    assert states(runner, ids) == {"running"}
    assert tags(runner, ids[0]) == {"Name": "backend"}


def test_many_are_attached_and_detached_twenty_at_a_time(runner: Runner) -> None:
    named = {**group(runner, "at-many", min_size=0), "instance_ids": instances(runner, 45)}
    runner.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName="stateful-at-many", MinSize=0)
    attached = runner(TYPE, **named, instance_tags=marks("at-many"))
    assert Counter(actions(attached)) == {"AttachInstances": 3, "CreateTags": 1}
    assert attached[TYPE]["desired_capacity"] == 45 and len(attached[TYPE]["members"]) == 45
    assert runner(TYPE, **named, instance_tags=marks("at-many"))["api_calls"] == 2
    runner.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName="stateful-at-many", MinSize=45)
    detached = runner(TYPE, **named, state="absent", instance_tags=[*marks("at-many")])
    assert actions(detached) == ["UpdateAutoScalingGroup", *["DetachInstances"] * 3, "DeleteTags"]
    assert detached[TYPE] == {
        "group": "stateful-at-many",
        "detached": sorted(named["instance_ids"]),
        "terminated": [],
    }
    after = described(runner, "stateful-at-many")
    assert (after["MinSize"], after["DesiredCapacity"], after["Instances"]) == (0, 0, [])
    assert states(runner, named["instance_ids"]) == {"running"}


def test_protection_is_written_only_where_it_differs_and_restored_as_it_was(runner: Runner) -> None:
    named, ids = group(runner, "at-protect"), instances(runner, 3)
    protect(runner, ids[0])
    wanted = {**named, "instance_ids": ids, "instance_tags": marks("at-protect")}
    attached = runner(TYPE, **wanted, termination_protection=True)
    assert Counter(actions(attached))["ModifyInstanceAttribute"] == 2
    assert attached[TYPE]["termination_protection"] == dict.fromkeys(ids, True)
    before = {ids[0]: True, ids[1]: False, ids[2]: "no"}
    runner(TYPE, **{**wanted, "state": "absent"}, termination_protection=before)
    assert [protected(runner, each) for each in ids] == [True, False, False]


def test_a_detachment_stopped_half_way_is_continued(runner: Runner) -> None:
    named, ids = group(runner, "at-half"), instances(runner, 2)
    wanted = {**named, "instance_ids": ids, "instance_tags": marks("at-half")}
    runner(TYPE, **wanted, termination_protection=True)
    runner(TYPE, **named, instance_ids=ids, state="absent")
    runner("autoscaling_group", cluster="at-half", name=named["group"], state="absent")
    rest = runner(TYPE, **{**wanted, "state": "absent"}, termination_protection=False)
    assert Counter(actions(rest)) == {"ModifyInstanceAttribute": 2, "DeleteTags": 1}
    assert not protected(runner, ids[0]) and "stateful:cluster" not in tags(runner, ids[0])


def test_an_attachment_stopped_half_way_is_continued(runner: Runner) -> None:
    named, ids = group(runner, "at-again"), instances(runner, 2)
    wanted = {**named, "instance_ids": ids, "instance_tags": marks("at-again"), "termination_protection": True}
    runner(TYPE, **wanted)
    runner.client("autoscaling").detach_instances(
        AutoScalingGroupName=named["group"], InstanceIds=ids[:1], ShouldDecrementDesiredCapacity=True
    )
    assert actions(runner(TYPE, **wanted)) == ["AttachInstances"]


def test_what_does_not_bear_our_tag_is_left_as_it_is(runner: Runner) -> None:
    named, ids = group(runner, "at-untouched"), instances(runner, 1, {"stateful:cluster": "another"})
    protect(runner, ids[0])
    result = runner(
        TYPE,
        **named,
        instance_ids=ids,
        state="absent",
        termination_protection=False,
        instance_tags=["stateful:cluster"],
    )
    assert not result["changed"] and protected(runner, ids[0])


def test_tags_that_the_group_overwrites_are_put_back(runner: Runner) -> None:
    named = group(runner, "at-tags", instance_tags={"role": "theirs"})
    (one,) = instances(runner, 1)
    wanted = {**named, "instance_ids": [one], "instance_tags": {"role": "ours"}}
    runner(TYPE, **wanted)
    assert tags(runner, one)["role"] == "ours"
    assert not runner(TYPE, **wanted)["changed"]


def refusal(runner: Runner, words: str, **options: Any) -> None:
    def attempt() -> None:
        with pytest.raises(ResourceError, match=words):
            runner(TYPE, **options)

    _, written = runner.writes(attempt)
    assert written == []


def test_what_aws_would_refuse_is_refused_before_the_first_call(runner: Runner) -> None:
    named, ec2 = group(runner, "at-refuse", max_size=1), runner.client("ec2")
    stopped, elsewhere, *two = instances(runner, 4)
    ec2.stop_instances(InstanceIds=[stopped])
    other = group(runner, "at-refuse-other")
    runner(TYPE, **other, instance_ids=[elsewhere])
    (far,) = instances(runner, 1, subnet=place(runner).network.sharing_subnet_ids[0])
    (theirs,) = instances(runner, 1, {"stateful:cluster": "another"})
    for ids, words in (
        ([stopped], f"{stopped} is stopped, not running"),
        ([elsewhere], f"{elsewhere} is in Auto Scaling group stateful-at-refuse-other"),
        ([far], f"{far} is in .*, and the group in"),
        ([theirs], f"{theirs} belongs to cluster 'another'"),
        (["i-00000000000000000"], "i-00000000000000000 does not exist"),
        (two, "too small for 2 more members"),
    ):
        refusal(runner, words, **named, instance_ids=ids)
    refusal(runner, "does not exist. Create it first", cluster="x", group="stateful-at-none", instance_ids=two)


def test_membership_is_read_again_when_aws_refuses(runner: Runner) -> None:
    """Another run attaches the instances between our look and our call."""
    named, ids = group(runner, "at-race"), instances(runner, 1)
    wanted = {**named, "instance_ids": ids}
    runner.cloud.control("faults", {"hold_at": 1, "hold": "before", "only": ["autoscaling:AttachInstances"]})
    results: list[dict[str, Any]] = []
    first = threading.Thread(target=lambda: results.append(runner(TYPE, **wanted)))
    first.start()
    until(lambda: runner.cloud.control("faults")["held"])
    runner.client("autoscaling").attach_instances(AutoScalingGroupName=named["group"], InstanceIds=ids)
    runner.cloud.control("faults", method="DELETE")
    first.join(timeout=10)
    assert results and results[0][TYPE]["instance_ids"] == ids
    assert actions(results[0]) == []


def test_a_foreign_group_is_refused(runner: Runner) -> None:
    named, ids = group(runner, "at-foreign"), instances(runner, 1)
    runner.check_refused(TYPE, {**named, "cluster": "another", "instance_ids": ids}, "belongs to cluster 'at-foreign'")


def test_without_decrement_the_group_replaces_who_left(runner: Runner) -> None:
    named, ids = group(runner, "at-replace"), instances(runner, 1)
    runner(TYPE, **named, instance_ids=ids)
    runner(TYPE, **named, instance_ids=ids, state="absent", decrement=False)
    until(lambda: len(members(runner, "at-replace")) == 1)
    assert members(runner, "at-replace") != set(ids)


def test_a_min_size_in_the_way_is_said_when_it_may_not_be_lowered(runner: Runner) -> None:
    named, ids = group(runner, "at-min"), instances(runner, 1)
    runner(TYPE, **named, instance_ids=ids)
    runner.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=named["group"], MinSize=1)
    refusal(
        runner, "has a min_size of 1", **named, instance_ids=ids, state="absent", decrement=True, lower_min_size=False
    )


def test_all_members_of_a_group_that_is_being_scaled_in_are_detached(runner: Runner) -> None:
    """Desired falls at once and members only when they are drained; AWS counts desired down, and not below 0."""
    named = group(runner, "at-shrinking", new_instances_protected_from_scale_in=True)
    ids = instances(runner, 3)
    runner(TYPE, **named, instance_ids=ids)
    runner.client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=named["group"], DesiredCapacity=2, MaxSize=2
    )
    gone = runner(TYPE, **named, instance_ids=ids, state="absent")
    assert actions(gone) == ["UpdateAutoScalingGroup", "DetachInstances"] and gone[TYPE]["detached"] == ids
    left = described(runner, named["group"])
    assert (left["DesiredCapacity"], left["Instances"], states(runner, ids)) == (0, [], {"running"})


def test_any_number_that_the_group_launched_is_terminated_and_nothing_else(runner: Runner) -> None:
    named = group(runner, "at-end")
    launched = instances(runner, 55, marks("at-end", "member"))
    imported = instances(runner, 2, marks("at-end"))
    runner(TYPE, **named, instance_ids=[*launched[:10], *imported])
    for each in launched[:3]:
        protect(runner, each)
    ended = {**named, "state": "absent", "terminate": True}
    refusal(
        runner, f"Nothing was done, because {imported[0]} may not be", **ended, instance_ids=[*launched, imported[0]]
    )
    planned = runner(TYPE, check=True, **ended, instance_ids=launched)
    done = runner(TYPE, **ended, instance_ids=launched)
    assert (done["actions"], done["diff"]) == (planned["actions"], planned["diff"])
    assert (
        done[TYPE]
        == planned[TYPE]
        == {
            "group": named["group"],
            "detached": launched[:10],
            "terminated": launched,
        }
    )
    assert actions(done)[:3] == ["DetachInstances", "ModifyInstanceAttribute", "TerminateInstances"]
    assert Counter(actions(done)) == {"DetachInstances": 1, "ModifyInstanceAttribute": 3, "TerminateInstances": 55}
    assert states(runner, launched) == {"terminated"}
    assert states(runner, imported) == {"running"} and members(runner, "at-end") == set(imported)
    assert not runner(TYPE, **ended, instance_ids=launched)["changed"]


def test_a_dead_member_is_detached_and_neither_protected_nor_tagged(runner: Runner) -> None:
    named, ids = group(runner, "at-dead"), instances(runner, 2)
    wanted = {**named, "instance_ids": ids, "instance_tags": marks("at-dead"), "termination_protection": True}
    runner(TYPE, **named, instance_ids=ids)
    runner.cloud.control(f"instances/{ids[0]}/die", method="POST")
    assert Counter(actions(runner(TYPE, **wanted))) == {"CreateTags": 1, "ModifyInstanceAttribute": 1}
    gone = runner(TYPE, **{**wanted, "state": "absent", "termination_protection": False})
    assert gone[TYPE]["detached"] == ids


def test_check_mode_shows_members_of_a_group_that_is_not_made_yet(runner: Runner) -> None:
    ids = instances(runner, 2)
    wanted = {"cluster": "at-new", "group": "stateful-at-new", "instance_ids": ids, "termination_protection": True}
    planned = runner(TYPE, check=True, **wanted)
    assert Counter(actions(planned)) == {"ModifyInstanceAttribute": 2, "AttachInstances": 1}
    assert planned[TYPE]["instance_ids"] == ids


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"termination_protection": "perhaps"}, "true, false, or a dictionary"),
        ({"instance_tags": ["a"]}, "dictionary of tags"),
        ({"terminate": True}, "state=absent only"),
        ({"terminate": True, "state": "absent", "termination_protection": True}, "exclude each other"),
    ],
)
def test_bad_options_are_refused(runner: Runner, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ResourceError, match=words):
        runner(TYPE, **{"cluster": "x", "group": "x", "instance_ids": [], **wrong})
