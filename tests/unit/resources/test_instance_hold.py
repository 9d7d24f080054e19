"""stateful.aws.instance_hold on the wire."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError

from tests.unit.harness import Runner
from tests.unit.resources.scaling import actions, imported, instances

TYPE = "instance_hold"
HOLD = "stateful:hold"


@pytest.fixture(autouse=True)
def fast(runner: Runner) -> None:
    runner.cloud.control("instances/timing", {"pending_s": 0.1, "attach_s": 0.05})


def holds(runner: Runner, ids: list[str]) -> dict[str, str]:
    pages = runner.client("ec2").describe_instances(InstanceIds=ids)["Reservations"]
    return {
        each["InstanceId"]: tag["Value"]
        for one in pages
        for each in one["Instances"]
        for tag in each.get("Tags", [])
        if tag["Key"] == HOLD
    }


def test_holds_go_through_their_whole_life(runner: Runner) -> None:
    options = imported(runner, "hold-life", 3)
    runner.check_lifecycle(TYPE, {**options, "reason": "first"}, [{"reason": "second"}])
    assert holds(runner, options["instance_ids"]) == {}


def test_all_instances_are_held_and_released_by_one_call(runner: Runner) -> None:
    options = imported(runner, "hold-many", 5)
    ids = options["instance_ids"]
    done = runner(TYPE, **{**options, "instance_ids": [*ids, ids[0]]}, reason="a fan is loud")
    assert actions(done) == ["CreateTags"] and done[TYPE]["held"] == dict.fromkeys(ids, "a fan is loud")
    assert holds(runner, ids) == dict.fromkeys(ids, "a fan is loud")
    gone = runner(TYPE, **options, state="absent")
    assert actions(gone) == ["DeleteTags"] and gone[TYPE]["released"] == ids
    assert holds(runner, ids) == {}


def test_a_hold_keeps_its_reason_and_only_the_named_are_touched(runner: Runner) -> None:
    options = imported(runner, "hold-some", 3)
    first, second, third = options["instance_ids"]
    runner(TYPE, **{**options, "instance_ids": [first]}, reason="mine")
    runner(TYPE, **{**options, "instance_ids": [first, second]})
    assert holds(runner, options["instance_ids"]) == {first: "mine", second: "by hand"}
    again = runner(TYPE, **{**options, "instance_ids": [second, third]}, state="absent")
    assert again[TYPE]["released"] == [second]
    assert holds(runner, options["instance_ids"]) == {first: "mine"}


def test_one_wrong_instance_and_nothing_is_done(runner: Runner) -> None:
    options = imported(runner, "hold-wrong", 1)
    (foreign,) = instances(runner, 1, {"stateful:cluster": "another"})
    (outside,) = instances(runner, 1, {"stateful:cluster": "hold-wrong"})
    unknown = "i-0123456789abcdef0"
    for name, words in (
        (unknown, f"EC2 knows no instance {unknown}"),
        (foreign, f"{foreign} does not carry the tag stateful:cluster=hold-wrong"),
        (outside, f"{outside} is not in the group"),
    ):
        given = {**options, "instance_ids": [*options["instance_ids"], name]}
        runner.check_refused(TYPE, given, "Nothing was done", words, "Leave these instances out")
    assert holds(runner, options["instance_ids"]) == {}


def test_a_group_that_is_missing_or_not_ours_is_refused(runner: Runner) -> None:
    options = imported(runner, "hold-theirs", 1)
    runner.check_refused(TYPE, {**options, "group": "stateful-nowhere"}, "There is no Auto Scaling group")
    runner.check_refused(TYPE, {**options, "cluster": "mine"}, "belongs to cluster 'hold-theirs'", "not ours")


@pytest.mark.parametrize(
    ("wrong", "words"), [({"instance_ids": []}, "instance_ids is empty"), ({"reason": "x" * 257}, "257 characters")]
)
def test_what_cannot_be_held_fails_before_the_first_call(runner: Runner, wrong: dict[str, Any], words: str) -> None:
    runner.cloud.control("calls/reset", method="POST")
    with pytest.raises(ResourceError, match=words):
        runner(TYPE, **{"cluster": "bad", "group": "stateful-bad", "instance_ids": ["i-1"], **wrong})
    assert runner.cloud.control("calls")["total"] == 0
