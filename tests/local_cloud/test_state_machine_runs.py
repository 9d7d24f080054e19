"""Every edge of the state machine is executed: by Step Functions, with functions that answer or raise as they are told.

The edges are read from the definition, so that a new one without a case is noticed; which of them an execution took is
read from its history.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from jinja2 import StrictUndefined, Template

from local_cloud.client import ROOT, Cloud

from .core_helpers import execute, function, role
from .edges import edges, taken

# The handler: what to do is written for the execution's name, the function and the attempt.
SOURCE = """
import itertools, os, time
from pathlib import Path
from stories import STORIES


def attempt_of(name, task):
    for number in itertools.count():
        try:
            (Path(__file__).parent / f"{name}-{task}-{number}").touch(exist_ok=False)
            return number
        except FileExistsError:
            pass


def handler(event, context):
    name, task = event["execution"].rsplit(":", 1)[-1], context.function_name.rsplit("-", 1)[-1]
    told = STORIES[name].get(task, [{}])
    do = told[min(attempt_of(name, task), len(told) - 1)]
    if "sleep" in do:
        time.sleep(do["sleep"])
    if "exit" in do:
        os._exit(1)
    if "raise" in do:
        raise type(do["raise"], (Exception,), {})("as told")
    return {"execution": event["execution"], **do}
"""
TASKS = ("fetch", "scale", "terminate", "transient")
LAMBDA_ERRORS = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
# A task's time must be enough for a function's cold start on a busy machine.
PATIENCE = 5
HANGS = {"sleep": PATIENCE + 1.5}
WORK = {"terminate": ["i-1"], "detach": []}
REPORT = {"raise": "TransientErrors"}
Story = dict[str, list[dict[str, Any]]]


def broken(task: str, *told: dict[str, Any]) -> Story:
    """A story that reaches the task, where this happens; transient then reports as the real one does."""
    story: Story = {"transient": [REPORT], task: list(told)}
    if task == "terminate":
        story["scale"] = [WORK]
    if task == "transient":
        story["scale"] = [{"transient_errors": ["it went wrong"]}]
    return story


@dataclass(frozen=True)
class Case:
    """What the functions do, the states that are passed, and how the execution ends."""

    story: Story
    path: str
    status: str = "SUCCEEDED"


TOO_LONG = "too-long"
CASES: dict[str, Case] = {
    "idle": Case({"scale": [{"terminate": [], "detach": []}]}, "Fetch Scale Outcome Success"),
    "missing-keys": Case({}, "Fetch Scale Outcome Success"),
    "no-errors": Case({"scale": [{"transient_errors": []}]}, "Fetch Scale Outcome Success"),
    "terminates": Case({"scale": [WORK]}, "Fetch Scale Outcome Terminate Outcome Success"),
    "detaches": Case(
        {"scale": [{"terminate": [], "detach": ["i-1"]}]}, "Fetch Scale Outcome Terminate Outcome Success"
    ),
    "errors-of-scale": Case(broken("transient", REPORT), "Fetch Scale Outcome Transient", "FAILED"),
    "errors-of-terminate": Case(
        {"scale": [WORK], "terminate": [{"transient_errors": ["x"]}], "transient": [REPORT]},
        "Fetch Scale Outcome Terminate Outcome Transient",
        "FAILED",
    ),
    "held": Case({"fetch": [{"raise": "LeaseHeld"}]}, "Fetch LeaseHeld"),
    "fetch-raises": Case(broken("fetch", {"raise": "GroupMissing"}), "Fetch Transient", "FAILED"),
    "scale-raises": Case(broken("scale", {"raise": "LeaseLost"}), "Fetch Scale Transient", "FAILED"),
    "terminate-raises": Case(
        broken("terminate", {"raise": "WrongCluster"}), "Fetch Scale Outcome Terminate Transient", "FAILED"
    ),
    "scale-dies": Case(broken("scale", {"exit": 1}), "Fetch Scale Transient", "FAILED"),
    "fetch-hangs": Case(broken("fetch", HANGS), "Fetch Transient", "FAILED"),
    "scale-hangs": Case(broken("scale", HANGS), "Fetch Scale Transient", "FAILED"),
    "terminate-hangs": Case(broken("terminate", HANGS), "Fetch Scale Outcome Terminate Transient", "FAILED"),
    "transient-hangs": Case(broken("transient", HANGS), "Fetch Scale Outcome Transient Failed", "FAILED"),
    "transient-has-nothing-to-say": Case(broken("transient", {}), "Fetch Scale Outcome Transient Failed", "FAILED"),
}
AS_USUAL = {
    "fetch": ("Fetch Scale Outcome Success", "SUCCEEDED"),
    "scale": ("Fetch Scale Outcome Success", "SUCCEEDED"),
    "terminate": ("Fetch Scale Outcome Terminate Outcome Success", "SUCCEEDED"),
    "transient": ("Fetch Scale Outcome Transient", "FAILED"),
}
for _task in TASKS:
    for _error in LAMBDA_ERRORS:
        _then = REPORT if _task == "transient" else {}
        CASES[f"{_task}-again-{_error.split('.')[1]}"] = Case(broken(_task, {"raise": _error}, _then), *AS_USUAL[_task])
# After three repetitions the error is caught like any other one; transient's own is caught by name.
CASES["scale-never"] = Case(broken("scale", {"raise": LAMBDA_ERRORS[3]}), "Fetch Scale Transient", "FAILED")
for _error in (*LAMBDA_ERRORS, "Lambda.Unknown"):
    CASES[f"transient-never-{_error.split('.')[1]}"] = Case(
        broken("transient", {"raise": _error}), "Fetch Scale Outcome Transient Failed", "FAILED"
    )


def definition(arns: dict[str, str]) -> dict[str, Any]:
    """The real definition, in which a task may take a few seconds and repetitions follow quickly."""
    text = (ROOT / "lambda_files" / "state_machine.asl.json.j2").read_text()
    made: dict[str, Any] = json.loads(Template(text, undefined=StrictUndefined).render(**arns))
    for state in made["States"].values():
        if state["Type"] == "Task":
            state["TimeoutSeconds"] = PATIENCE
            for retry in state["Retry"]:
                retry["BackoffRate"] = 1
    return made


@dataclass(frozen=True)
class Ran:
    """The machine, and of each case its end and its history."""

    machine: dict[str, Any]
    ends: dict[str, dict[str, Any]]
    histories: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def ran(cloud: Cloud) -> Ran:
    stories = {name: case.story for name, case in CASES.items()} | {TOO_LONG: {"fetch": [HANGS]}}
    arns = {
        f"{task}_function_arn": function(cloud, f"edges-{task}", SOURCE, stories=f"STORIES = {stories!r}")
        for task in TASKS
    }
    machine, trusted = definition(arns), role(cloud, "edges-states", "states.amazonaws.com")
    states = cloud.client("stepfunctions")

    def create(name: str, **change: Any) -> str:
        made = states.create_state_machine(name=name, definition=json.dumps({**machine, **change}), roleArn=trusted)
        return str(made["stateMachineArn"])

    arn, impatient = create("edges"), create("edges-impatient", TimeoutSeconds=1)

    def run(name: str) -> tuple[str, dict[str, Any], list[dict[str, Any]]]:
        end = execute(cloud, arn, {"time": "of the rule"}, name=name, timeout=60)
        pages = states.get_paginator("get_execution_history").paginate(executionArn=end["executionArn"])
        return name, end, [event for page in pages for event in page["events"]]

    with ThreadPoolExecutor(7) as pool:
        late = pool.submit(execute, cloud, impatient, {}, name=TOO_LONG, timeout=60)
        results = list(pool.map(run, CASES))
    ends = {name: end for name, end, _ in results} | {TOO_LONG: late.result()}
    return Ran(machine, ends, {name: events for name, _, events in results})


@pytest.mark.parametrize("name", CASES)
def test_an_execution_takes_the_way_that_it_should(ran: Ran, name: str) -> None:
    path, _ = taken(ran.machine, ran.histories[name])
    assert " ".join(path) == CASES[name].path
    assert ran.ends[name]["status"] == CASES[name].status


def test_every_edge_was_executed(ran: Ran) -> None:
    done = {edge for events in ran.histories.values() for edge in taken(ran.machine, events)[1]}
    assert edges(ran.machine) - done == set()
    assert done <= edges(ran.machine)


def test_what_went_wrong_is_told_by_the_execution_itself(ran: Ran) -> None:
    assert ran.ends["errors-of-scale"]["error"] == "TransientErrors"
    assert ran.ends["scale-never"]["error"] == "TransientErrors"
    assert "could not say how" in ran.ends["transient-hangs"]["cause"]


def test_lambdas_own_errors_are_repeated_three_times_and_others_never(ran: Ran) -> None:
    def attempts(name: str) -> int:
        return sum(event["type"] == "LambdaFunctionScheduled" for event in ran.histories[name])

    assert attempts("scale-never") == 1 + 4 + 1
    assert attempts("scale-raises") == 1 + 1 + 1
    assert attempts("idle") == 2


def test_a_pass_that_takes_too_long_is_ended(ran: Ran) -> None:
    assert ran.ends[TOO_LONG]["status"] == "TIMED_OUT"
