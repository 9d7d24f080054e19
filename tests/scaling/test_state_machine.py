"""The state machine's definition: its edges, and that no state can end a pass silently."""

from __future__ import annotations

import json

import boto3
import errors
import pytest
from jinja2 import StrictUndefined, Template
from moto import mock_aws

TASKS = ("Fetch", "Scale", "Terminate", "Transient")
TRANSIENT_LAMBDA = {
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
}


@pytest.fixture
def definition(lambda_files):
    arns = {
        f"{name}_function_arn": f"arn:aws-cn:lambda:cn-north-1:123456789012:function:stateful-demo-{name}"
        for name in ("fetch", "scale", "terminate", "transient")
    }
    text = (lambda_files / "state_machine.asl.json.j2").read_text()
    return json.loads(Template(text, undefined=StrictUndefined).render(**arns))


def test_aws_accepts_the_definition(definition):
    with mock_aws():
        answer = boto3.client("stepfunctions").create_state_machine(
            name="stateful-demo",
            definition=json.dumps(definition),
            roleArn="arn:aws:iam::123456789012:role/stateful-demo-states",
        )
    assert answer["stateMachineArn"]


def targets(state):
    yield from filter(None, [state.get("Next"), state.get("Default")])
    for edge in (*state.get("Catch", []), *state.get("Choices", [])):
        yield edge["Next"]


def test_every_edge_leads_to_a_state_and_every_state_is_reached(definition):
    states = definition["States"]
    reached = {definition["StartAt"], *(target for state in states.values() for target in targets(state))}
    assert reached == set(states)
    for name, state in states.items():
        assert state["Type"] in ("Succeed", "Fail") or list(targets(state)), name


def test_defect_29_every_task_has_a_timeout_retries_only_lambdas_own_errors_and_a_catch(definition):
    assert definition["TimeoutSeconds"] == 600
    tasks = {name: state for name, state in definition["States"].items() if state["Type"] == "Task"}
    assert set(tasks) == set(TASKS)
    for state in tasks.values():
        assert 60 < state["TimeoutSeconds"] < 120, "longer than the function's, shorter than the lease"
        assert [set(retry["ErrorEquals"]) for retry in state["Retry"]] == [TRANSIENT_LAMBDA]
        assert all(1 <= retry["MaxAttempts"] <= 5 for retry in state["Retry"])
        assert state["Catch"]
        assert all(catch["ResultPath"] == "$.failure" for catch in state["Catch"]), "the execution's id must survive"


def test_whatever_fails_ends_in_transient_which_releases_the_lease(definition):
    for name in ("Fetch", "Scale", "Terminate"):
        last = definition["States"][name]["Catch"][-1]
        assert last["ErrorEquals"] == ["States.ALL"]
        assert last["Next"] == "Transient"


def test_transients_own_error_is_not_caught_so_that_the_execution_shows_it(definition):
    state = definition["States"]["Transient"]
    caught = {name for catch in state["Catch"] for name in catch["ErrorEquals"]}
    assert errors.TransientErrors.__name__ not in caught
    assert not caught & {"States.ALL", "States.TaskFailed"}
    assert state["Next"] == "Failed"
    assert definition["States"]["Failed"]["Type"] == "Fail"


def test_a_held_lease_is_no_failure(definition):
    first = definition["States"]["Fetch"]["Catch"][0]
    assert first["ErrorEquals"] == [errors.LeaseHeld.__name__]
    assert definition["States"][first["Next"]]["Type"] == "Succeed"


def test_every_choice_asks_first_whether_the_path_is_there(definition):
    choices = [state for state in definition["States"].values() if state["Type"] == "Choice"]
    assert choices
    for state in choices:
        assert state["Default"]
        for choice in state["Choices"]:
            guards = [test["Variable"] for test in choice["And"] if test.get("IsPresent") is True]
            assert all(test["Variable"] in guards for test in choice["And"])


def test_s12_s16_state_data_begins_with_the_execution_id_alone(definition):
    first = definition["States"][definition["StartAt"]]
    assert first["Parameters"] == {"execution.$": "$$.Execution.Id"}
    assert "partition" not in json.dumps(definition)


def test_transient_knows_its_execution_whatever_failed(definition):
    parameters = definition["States"]["Transient"]["Parameters"]
    assert parameters == {"execution.$": "$$.Execution.Id", "input.$": "$"}


def test_an_idle_pass_takes_four_transitions(definition):
    states, name, seen = definition["States"], definition["StartAt"], []
    while name:
        seen.append(name)
        name = states[name].get("Default") or states[name].get("Next")
    assert seen == ["Fetch", "Scale", "Outcome", "Success"]
