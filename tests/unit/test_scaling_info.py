"""stateful.aws.scaling_info on the wire."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.stateful.aws.plugins.filter.functions import limits_in_force, no_login_before, quiesced
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError

from tests.unit.harness import Runner
from tests.unit.resources.network import place
from tests.unit.resources.records import Table
from tests.unit.resources.roles import role_for
from tests.unit.resources.scaling import imported, template, until

TYPE = "scaling_info"
WAITING = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}
CHOICE = {
    "StartAt": "Choice",
    "States": {
        "Choice": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.good", "BooleanEquals": True, "Next": "Good"}],
            "Default": "Bad",
        },
        "Good": {"Type": "Succeed"},
        "Bad": {"Type": "Fail", "Error": "TransientErrors", "Cause": json.dumps({"errorMessage": "i-1: no; i-2: no"})},
    },
}
REPORT: dict[str, Any] = {
    "schema": 1,
    "at": 1_700_000_000,
    "execution": "arn:aws:states:us-east-1:123456789012:execution:x:y",
    "desired": 5,
    "members": 6,
    "gate": None,
    "should_leave": ["i-1", "i-2"],
    "may_leave": ["i-1"],
    "held_back": [{"machine": "i-2", "invariant": "S2 floor", "reason": "4 healthy members would stay"}],
    "errors": [],
    "counts": {"drain": 1},
}


def info(runner: Runner, cluster: str) -> dict[str, Any]:
    return dict(runner(TYPE, cluster=cluster)[TYPE])


def machine(runner: Runner, cluster: str, definition: dict[str, Any] = CHOICE) -> str:
    """Make the cluster's state machine and return its ARN."""
    made = runner.client("stepfunctions").create_state_machine(
        name=f"stateful-{cluster}",
        definition=json.dumps(definition),
        roleArn=role_for(runner, "states-role", "states.amazonaws.com"),
    )
    return str(made["stateMachineArn"])


def run(runner: Runner, arn: str, **given: Any) -> str:
    """Start an execution and wait until it has ended; return its ARN."""
    states = runner.client("stepfunctions")
    name = states.start_execution(stateMachineArn=arn, input=json.dumps(given))["executionArn"]
    until(lambda: states.describe_execution(executionArn=name)["status"] != "RUNNING")
    return str(name)


def test_of_a_cluster_that_is_not_imported_everything_is_missing(runner: Runner) -> None:
    found, written = runner.writes(lambda: info(runner, "told-nothing"))
    assert found["missing"] == ["table", "group", "rule", "state machine"] and written == []
    assert (found["paused"], found["lease"], found["login"], found["last_pass"]) == (None, None, None, None)
    assert (found["members"], found["running"], found["rule_enabled"]) == ({}, 0, False)
    assert quiesced(found) == {"allowed": True, "reason": ""}


def test_what_people_asked_for_and_what_the_last_pass_saw(runner: Runner) -> None:
    table = Table(runner, "told-table")
    table.document("settings", {"cluster": "told-table", "policy": {"max_leaving": 1}, "original_size": 6})
    table.pause(by="arn:aws:iam::1:user/ann", reason="new switches")
    table.document("report", REPORT)
    table.document("journal", {"guid": "g", "starts": [], "removed": {"i-1": {"address": "10.0.0.1"}}})
    table.put("credentials", Ciphertext={"B": b"never-shown"})
    table.logins(1_700_000_000, 2, 1_700_000_000, 0)
    holder = table.hold_lease(60)
    found = info(runner, "told-table")
    assert found["missing"] == ["group", "rule", "state machine"]
    assert found["paused"] == {
        "by": "arn:aws:iam::1:user/ann",
        "reason": "new switches",
        "since": "2023-11-14T22:13:20Z",
    }
    assert (found["policy"], found["original_size"], found["removed"]) == ({"max_leaving": 1}, 6, ["i-1"])
    assert (found["should_leave"], found["may_leave"]) == (["i-1", "i-2"], ["i-1"])
    assert found["held_back"] == REPORT["held_back"]
    assert found["last_report"]["at"] == "2023-11-14T22:13:20Z" and found["last_report"]["counts"] == {"drain": 1}
    moment = "2023-11-14T22:13:20Z"
    assert found["login"] == {"refused_at": moment, "refused": 2, "tried_at": moment, "unheard": 0}
    assert no_login_before(found["login"]) == "2023-11-14T23:13:20Z"
    assert found["lease"]["holder"] == holder
    assert quiesced(found)["allowed"] is False
    assert "never-shown" not in repr(found)
    table.hold_lease(-5)
    table.document("control", {"paused": None})
    table.logins(0, 0, 1_700_000_000, 0)
    found = info(runner, "told-table")
    assert (found["lease"], found["paused"], found["login"]) == (None, None, None)
    table.logins(0, 0, 1_700_000_000, 4)
    login = info(runner, "told-table")["login"]
    assert (login["refused_at"], login["refused"], login["unheard"]) == (None, 0, 4)
    assert no_login_before(login) == "2023-11-14T22:43:20Z"
    table.logins(1_700_000_000, 3, 1_700_000_000, 1)
    assert no_login_before(info(runner, "told-table")["login"]) == ""


def test_another_clusters_table_is_refused(runner: Runner) -> None:
    Table(runner, "told-theirs").document("settings", {"cluster": "theirs"})
    with pytest.raises(ResourceError, match="holds the record of cluster 'theirs'"):
        info(runner, "told-theirs")


def test_members_in_standby_and_held(runner: Runner) -> None:
    runner.cloud.control("instances/timing", {"pending_s": 0.1, "attach_s": 0.05})
    options = imported(runner, "told-group", 3)
    name, ids = options["group"], options["instance_ids"]
    runner("instance_hold", **{**options, "instance_ids": ids[:1]}, reason="noise")
    runner.client("autoscaling").enter_standby(
        AutoScalingGroupName=name, InstanceIds=ids[1:2], ShouldDecrementDesiredCapacity=True
    )
    until(lambda: info(runner, "told-group")["standby"] == ids[1:2])
    found = info(runner, "told-group")
    assert found["held"] == {ids[0]: "noise"} and set(found["members"]) == set(ids)
    assert (found["min_size"], found["desired_capacity"], found["max_size"]) == (0, 2, 100)


def test_a_group_of_somebody_else_is_missing(runner: Runner) -> None:
    runner.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="stateful-told-foreign",
        MinSize=0,
        MaxSize=1,
        LaunchTemplate={"LaunchTemplateId": template(runner, "told-foreign"), "Version": "1"},
        VPCZoneIdentifier=place(runner).network.subnet_id,
    )
    assert "group" in info(runner, "told-foreign")["missing"]


def test_the_last_pass_and_what_it_said(runner: Runner) -> None:
    arn = machine(runner, "told-passes")
    assert info(runner, "told-passes")["last_pass"] is None
    good = run(runner, arn, good=True)
    found = info(runner, "told-passes")
    assert (found["last_pass"]["execution_arn"], found["last_pass"]["errors"]) == (good, [])
    time.sleep(1)
    bad = run(runner, arn, good=False)
    found = info(runner, "told-passes")
    assert (found["last_pass"]["execution_arn"], found["last_pass"]["status"]) == (bad, "FAILED")
    assert found["last_pass"]["errors"] == ["i-1: no; i-2: no"]
    assert [each["status"] for each in found["executions"]] == ["FAILED", "SUCCEEDED"]


def test_what_runs_is_counted_and_is_not_the_last_pass(runner: Runner) -> None:
    arn = machine(runner, "told-running", WAITING)
    for _ in range(12):
        runner.client("stepfunctions").start_execution(stateMachineArn=arn)
    found = info(runner, "told-running")
    assert (found["running"], len(found["executions"]), found["last_pass"]) == (12, 10, None)
    assert quiesced(found) == {"allowed": False, "reason": "12 executions run"}


def test_the_schedule_is_enabled_or_not(runner: Runner) -> None:
    events = runner.client("events")
    for state, enabled in (("ENABLED", True), ("DISABLED", False)):
        events.put_rule(Name="stateful-told-rule", ScheduleExpression="rate(1 minute)", State=state)
        found = info(runner, "told-rule")
        assert found["rule_enabled"] is enabled and "rule" not in found["missing"]
        assert quiesced(found)["allowed"] is not enabled


def test_it_takes_few_calls(runner: Runner) -> None:
    assert runner(TYPE, cluster="told-nothing")["api_calls"] <= 6


def test_limits_in_force_are_those_of_the_scaling_core() -> None:
    limits = limits_in_force({"max_leaving": 1})
    assert (limits["max_leaving"], limits["min_members"], limits["strict"]) == (1, 5, False)
    assert limits_in_force({"strict": True})["max_removals_per_pass"] == 1
    with pytest.raises(AnsibleFilterError, match="unknown names: paused"):
        limits_in_force({"paused": True})
