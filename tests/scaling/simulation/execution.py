"""The state machine's own definition at work: its tasks, retries, catches and choices."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template
from scaling.replay import differences, passes

from .functions import handler_of
from .oracle import Broken
from .process import Killed, Process
from .world import PASSWORD

LAMBDA_FILES = Path(__file__).resolve().parents[3] / "lambda_files"
MOST_BYTES = 32 * 1024
FUNCTIONS = ("fetch", "scale", "terminate", "transient")
Call = Callable[[Process, dict[str, Any]], dict[str, Any]]


@cache
def definition() -> dict[str, Any]:
    """The states, with the functions' names as their resources."""
    text = (LAMBDA_FILES / "state_machine.asl.json.j2").read_text()
    names = {f"{name}_function_arn": name for name in FUNCTIONS}
    return dict(json.loads(Template(text, undefined=StrictUndefined).render(**names)))


class Failed(Exception):
    """A task failed, with the error's name as Step Functions sees it."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(cause)
        self.name = name


class Execution:
    """One execution. `steps` runs one task each time it is advanced; `status` is None until the end."""

    def __init__(self, name: str, invoke: Callable[[str, str, dict[str, Any]], dict[str, Any]], trips: Trips) -> None:
        self.name = name
        self.status: str | None = None
        self.error = ""
        self.held = False
        self._invoke = invoke
        self._trips = trips
        self._data: Any = {}
        self.steps = self._run()

    def finish(self) -> None:
        """Run what is left."""
        for _ in self.steps:
            pass

    def _run(self) -> Iterator[str]:
        states = definition()["States"]
        name = definition()["StartAt"]
        while True:
            state = states[name]
            kind = state["Type"]
            if kind == "Succeed":
                self.status, self.held = "SUCCEEDED", name == "LeaseHeld"
                return
            if kind == "Fail":
                self.status, self.error = "FAILED", state["Error"]
                return
            if kind == "Choice":
                name = next((c["Next"] for c in state["Choices"] if _chosen(c, self._data)), state["Default"])
                continue
            yield name
            if self.status:
                return
            try:
                self._data = self._task(state)
                if state.get("End"):
                    self.status = "SUCCEEDED"
                    return
                name = state["Next"]
            except Failed as failed:
                caught = next((c for c in state.get("Catch", []) if _matches(c, failed)), None)
                if caught is None:
                    self.status, self.error = "FAILED", f"{failed.name}: {failed}"
                    return
                self._data = {**self._data, "failure": {"Error": failed.name, "Cause": str(failed)}}
                name = caught["Next"]

    def _task(self, state: dict[str, Any]) -> Any:
        given = state.get("Parameters")
        event = self._data if given is None else {k[:-2]: self._path(v) for k, v in given.items()}
        left = {id(retry): retry["MaxAttempts"] for retry in state.get("Retry", [])}
        while True:
            try:
                if self._trips.throttled(self):
                    raise Failed("Lambda.TooManyRequestsException", "Rate exceeded")
                answer = self._invoke(self.name, state["Resource"], json.loads(json.dumps(event)))
                if self._trips.lost(self):
                    raise Failed("Lambda.SdkClientException", "Connection reset")
                return answer
            except Failed as failed:
                retry = next((r for r in state.get("Retry", []) if _matches(r, failed)), None)
                if retry is None or left[id(retry)] == 0:
                    raise
                left[id(retry)] -= 1

    def _path(self, path: str) -> Any:
        return self.name if path == "$$.Execution.Id" else self._data if path == "$" else self._data[path[2:]]


class Trips:
    """What can happen between Step Functions and Lambda. Here nothing does."""

    def throttled(self, execution: Execution) -> bool:
        """The function is not even started."""
        return False

    def lost(self, execution: Execution) -> bool:
        """The function has run, and its answer is lost."""
        return False


def invoke(process: Process, event: dict[str, Any]) -> dict[str, Any]:
    """Run the function's real handler; raises Failed as Step Functions would see it."""
    process.fence = (event.get("lease") or {}).get("fence")
    log = io.StringIO()
    try:
        with redirect_stdout(log):
            answer = handler_of(process)(event, None)
    except Killed as killed:
        raise Failed("Sandbox.Timedout", str(killed)) from None
    except Exception as error:
        cause = json.dumps({"errorMessage": str(error), "errorType": type(error).__name__})
        _bounded(cause)
        raise Failed(type(error).__name__, cause) from error
    finally:
        _honest(log.getvalue())
    _bounded(json.dumps(answer))
    return answer


def _honest(log: str) -> None:
    if PASSWORD in log:
        raise Broken("S12", "a log holds the password")
    for name, record in passes(log.splitlines()) if '"record"' in log else ():
        found = differences(record)
        if found:
            raise Broken("replay", f"the log of {name} leads to other decisions: {found}")


def _bounded(text: str) -> None:
    if PASSWORD in text:
        raise Broken("S12", "state data holds the password")
    if len(text) > MOST_BYTES:
        raise Broken("S16", f"state data has {len(text)} bytes")


def _matches(rule: dict[str, Any], failed: Failed) -> bool:
    return failed.name in rule["ErrorEquals"] or "States.ALL" in rule["ErrorEquals"]


def _chosen(rule: dict[str, Any], data: Any) -> bool:
    if "And" in rule:
        return all(_chosen(one, data) for one in rule["And"])
    name, _, index = rule["Variable"][2:].partition("[")
    present = name in data and (not index or len(data[name]) > int(index[:-1]))
    return bool(present is rule["IsPresent"])
