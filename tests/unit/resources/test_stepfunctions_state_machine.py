"""stateful.aws.stepfunctions_state_machine on the wire."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.placeholder import unknown
from ansible_collections.stateful.aws.plugins.module_utils._resources.stepfunctions_state_machine import StateMachine

from tests.unit.harness import Runner
from tests.unit.resources.roles import role_for

TYPE = "stepfunctions_state_machine"
LOGS = "arn:aws:logs:us-east-1:123456789012:log-group:"
PASSES = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}


def waiting(seconds: int) -> dict[str, Any]:
    return {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": seconds, "End": True}}}


@pytest.fixture
def role(runner: Runner) -> str:
    return role_for(runner, "states-role", "states.amazonaws.com")


def actions(result: dict[str, Any]) -> list[str]:
    return [step["action"] for step in result["actions"]]


def test_a_state_machine_goes_through_its_whole_life(runner: Runner, role: str) -> None:
    runner.check_lifecycle(
        TYPE,
        {"cluster": "life", "component": "scaling", "name": "machine-life", "role": role, "definition": PASSES}
        | {"log_group_arn": f"{LOGS}/aws/vendedlogs/states/life", "tags": {"a": "1"}},
        [
            {"definition": waiting(1)},
            {"role": role_for(runner, "other-states-role", "states.amazonaws.com")},
            {"log_level": "ALL"},
            {"log_group_arn": f"{LOGS}/aws/vendedlogs/states/other:*"},
            {"log_group_arn": ""},
            {"tracing": True},
            {"tracing": False},
            {"tags": {"b": "2"}},
            {"tags": {"c": "3"}, "purge_tags": False},
        ],
    )


def test_what_it_tells_and_what_aws_holds(runner: Runner, role: str) -> None:
    options = {"cluster": "told", "name": "machine-told", "role": role, "log_group_arn": f"{LOGS}told"}
    made = runner(TYPE, **options, definition=PASSES)[TYPE]
    assert made["state_machine_arn"] == "arn:aws:states:us-east-1:123456789012:stateMachine:machine-told"
    assert (made["type"], made["log_level"], made["log_group_arn"]) == ("STANDARD", "ERROR", f"{LOGS}told")
    found = runner.client("stepfunctions").describe_state_machine(stateMachineArn=made["state_machine_arn"])
    assert found["loggingConfiguration"] == {
        "level": "ERROR",
        "includeExecutionData": False,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": f"{LOGS}told:*"}}],
    }
    rewritten = json.dumps({"States": PASSES["States"], "StartAt": "Pass"}, indent=4)
    assert not runner(TYPE, **options, definition=rewritten)["changed"]
    del options["log_group_arn"]
    assert not runner(TYPE, **options, definition=PASSES)["changed"]


def test_logging_of_execution_data_that_somebody_switched_on_is_switched_off(runner: Runner, role: str) -> None:
    options = {"cluster": "data", "name": "machine-data", "role": role, "definition": PASSES, "log_group_arn": LOGS}
    arn = runner(TYPE, **options)[TYPE]["state_machine_arn"]
    client = runner.client("stepfunctions")
    logging = client.describe_state_machine(stateMachineArn=arn)["loggingConfiguration"]
    client.update_state_machine(stateMachineArn=arn, loggingConfiguration={**logging, "includeExecutionData": True})
    changed = runner(TYPE, **options)
    assert changed["diff"]["before"] == {"log_execution_data": True}
    assert not changed[TYPE]["log_execution_data"]


def test_a_new_role_is_awaited(runner: Runner) -> None:
    runner.cloud.control("faults", {"propagation_s": 0.5})
    try:
        role = role_for(runner, "new-states-role", "states.amazonaws.com")
        made = runner(TYPE, cluster="fresh", name="machine-fresh", role=role, definition=PASSES)
    finally:
        runner.cloud.control("faults", method="DELETE")
    assert made[TYPE]["status"] == "ACTIVE"


def test_a_lost_answer_makes_no_second_machine(runner: Runner, role: str) -> None:
    runner.cloud.control("faults", {"drop_reply_after_write": 1, "only": ["states:CreateStateMachine"]})
    try:
        made = runner(TYPE, cluster="lost", name="machine-lost", role=role, definition=PASSES)
    finally:
        runner.cloud.control("faults", method="DELETE")
    assert actions(made) == ["states:CreateStateMachine"]
    machines = runner.client("stepfunctions").list_state_machines()["stateMachines"]
    assert [machine["name"] for machine in machines].count("machine-lost") == 1


def test_running_executions_are_stopped_before_deletion(runner: Runner, role: str) -> None:
    options = {"cluster": "busy", "name": "machine-busy"}
    client = runner.client("stepfunctions")
    arn = runner(TYPE, **options, role=role, definition=waiting(300))[TYPE]["state_machine_arn"]
    running = [client.start_execution(stateMachineArn=arn)["executionArn"] for _ in range(2)]
    planned = runner(TYPE, check=True, **options, state="absent")
    done, writes = runner.writes(lambda: runner(TYPE, **options, state="absent"))
    stopped = [name for name in writes if name.endswith("StopExecution")]
    assert len(stopped) == len(running)
    assert actions(done) == actions(planned) == ["states:StopExecution"] * 2 + ["states:DeleteStateMachine"]


def test_a_deletion_waits_as_long_as_asked_for_executions_to_end(runner: Runner, role: str) -> None:
    options = {"cluster": "ending", "name": "machine-ending"}
    client = runner.client("stepfunctions")
    arn = runner(TYPE, **options, role=role, definition=waiting(2))[TYPE]["state_machine_arn"]
    client.start_execution(stateMachineArn=arn)
    start = time.monotonic()
    done = runner(TYPE, **options, state="absent", wait_for_executions=60)
    assert actions(done) == ["states:DeleteStateMachine"]
    assert 1 < time.monotonic() - start < 15


def test_a_foreign_machine_is_refused_and_its_executions_go_on(runner: Runner, role: str) -> None:
    options = {"cluster": "owner", "name": "machine-foreign", "role": role, "definition": waiting(300)}
    arn = runner(TYPE, **options)[TYPE]["state_machine_arn"]
    execution = runner.client("stepfunctions").start_execution(stateMachineArn=arn)["executionArn"]
    runner.check_refused(TYPE, {**options, "cluster": "thief", "wait_for_executions": 30}, "belongs to cluster 'owner'")
    assert runner.client("stepfunctions").describe_execution(executionArn=execution)["status"] == "RUNNING"
    runner(TYPE, **options | {"state": "absent"})


def test_a_definition_with_placeholders_is_accepted_in_check_mode(runner: Runner, role: str) -> None:
    states = {"Work": {"Type": "Task", "Resource": unknown("lambda_function fetch function_arn"), "End": True}}
    planned = runner(
        TYPE, check=True, cluster="new", name="machine-new", role=unknown("iam_role states role_arn"),
        definition={"StartAt": "Work", "States": states},
    )  # fmt: skip
    assert actions(planned) == ["states:CreateStateMachine"]
    assert planned[TYPE]["state_machine_arn"].endswith(":stateMachine:machine-new")


def test_a_machine_being_deleted_is_waited_for_and_not_deleted_twice() -> None:
    machine = StateMachine({"name": "x", "state": "absent"}, aws=None)  # type: ignore[arg-type]
    deleting = {"status": "DELETING", "_running": []}
    assert machine.plan_absent(deleting) == []
    assert not machine.gone(deleting)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"name": "a.b"}, "letters, digits, hyphen"),
        ({"definition": "{"}, "not JSON"),
        ({"definition": {"States": {}}}, "no StartAt"),
        ({"definition": {**PASSES, "Comment": "x" * 1048576}}, "1 MiB"),
        ({"wait_for_executions": -1}, "0 or more"),
        ({"log_level": "SOME"}, "log_level"),
        ({"role": None}, "role"),
    ],
)
def test_bad_input_fails_before_the_first_call(runner: Runner, bad: dict[str, Any], words: str) -> None:
    good = {"cluster": "bad", "name": "bad", "role": "arn:r", "definition": PASSES}
    given = {key: value for key, value in {**good, **bad}.items() if value is not None}
    runner.cloud.control("calls/reset", method="POST")
    with pytest.raises(ResourceError, match=words):
        runner(TYPE, **given)
    assert runner.cloud.control("calls")["total"] == 0
