"""Fires EventBridge's rate() rules: by the clock, sped up, or one step at a time."""

from __future__ import annotations

import datetime
import json
import re
import threading
import time
import traceback
import uuid
from typing import Any

from .control import ControlError, ControlRequest, route
from .process import ACCOUNT_ID, cloud

UNIT_SECONDS = {"minute": 60, "minutes": 60, "hour": 3600, "hours": 3600, "day": 86400, "days": 86400}
RATE = re.compile(r"rate\((\d+) (\w+)\)$")
WAKE_S = 0.2


def period(rule: Any) -> float | None:
    """A rule's period in AWS's seconds, None when it has no rate or is disabled."""
    match = RATE.match(rule.scheduled_expression or "")
    if not match or rule.state != "ENABLED" or match[2] not in UNIT_SECONDS:
        return None
    return int(match[1]) * float(UNIT_SECONDS[match[2]])


def sound(expression: str | None) -> bool:
    """Whether EventBridge takes a schedule expression; a rate of 1 has a unit in the singular, any other a plural."""
    if not expression or not expression.startswith("rate("):
        return True
    match = RATE.match(expression)
    if match is None or match[2] not in UNIT_SECONDS or int(match[1]) < 1:
        return False
    return (int(match[1]) == 1) != match[2].endswith("s")


def rules() -> list[Any]:
    """Every enabled rate() rule of the account, all regions."""
    from moto.events.models import events_backends

    with cloud.moto_lock:
        found = []
        for backend in list(events_backends[ACCOUNT_ID].values()):
            for bus in backend.event_buses.values():
                found += [rule for rule in bus.rules.values() if period(rule)]
        return found


def fire(rule: Any) -> list[Any]:
    """Send one scheduled event to the rule's targets; returns the executions that this started."""
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": rule.account_id,
        "time": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": rule.region_name,
        "resources": [rule.arn],
        "detail": {},
    }
    started = []
    for target in list(rule.targets):
        text = target.get("Input") or json.dumps(event)
        service = target["Arn"].split(":")[2]
        if service == "states":
            started.append(_start_execution(target["Arn"], text))
        elif service == "lambda":
            _invoke(target["Arn"], text)
    return [execution for execution in started if execution is not None]


def _start_execution(arn: str, text: str) -> Any:
    from moto.stepfunctions.exceptions import StateMachineDoesNotExist
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    with cloud.moto_lock:
        try:
            backend = stepfunctions_parser_backends[ACCOUNT_ID][arn.split(":")[3]]
            return backend.start_execution(arn, str(uuid.uuid4()), text)
        except StateMachineDoesNotExist:
            return None


def _invoke(arn: str, text: str) -> None:
    from moto.awslambda.models import lambda_backends

    function = lambda_backends[ACCOUNT_ID][arn.split(":")[3]].get_function_by_arn(arn)
    if function is not None:
        function.invoke(text, {"x-amz-invocation-type": "Event"}, {})


def wait(execution: Any, timeout: float = 600) -> dict[str, Any]:
    """Wait until an execution ends and describe it."""
    deadline = time.monotonic() + timeout
    while execution.status == "RUNNING" and time.monotonic() < deadline:
        time.sleep(0.02)
    output = json.dumps(execution.output) if execution.status == "SUCCEEDED" else None
    return {
        "execution_arn": execution.execution_arn,
        "status": execution.status,
        "output": output,
        "error": execution.error,
        "cause": execution.cause,
    }


class Schedule:
    """The thread that fires rules in realtime mode; quiet in stepped mode."""

    def __init__(self) -> None:
        self.mode = "stepped"
        self.speed = 1.0
        self._due: dict[str, float] = {}
        self._thread: threading.Thread | None = None

    def set(self, mode: str, speed: float) -> None:
        """Choose how rules fire. Raises ControlError (400) for values that make no sense."""
        if mode not in ("realtime", "stepped") or speed <= 0:
            raise ControlError(400, "A schedule has mode 'realtime' or 'stepped' and a speed above 0.")
        self.mode, self.speed = mode, speed
        self._due.clear()
        if self._thread is None and mode == "realtime":
            self._thread = threading.Thread(target=self._run, name="schedule", daemon=True)
            self._thread.start()

    def report(self) -> dict[str, Any]:
        """What GET schedule answers."""
        return {"mode": self.mode, "speed": self.speed, "rules": [rule.name for rule in rules()]}

    def _run(self) -> None:
        while True:
            time.sleep(WAKE_S)
            if self.mode != "realtime":
                continue
            now = time.monotonic()
            enabled = {rule.arn: rule for rule in rules()}
            self._due = {arn: due for arn, due in self._due.items() if arn in enabled}
            for arn, rule in enabled.items():
                step = (period(rule) or 60) / self.speed
                if now >= self._due.setdefault(arn, now + step):
                    self._due[arn] = now + step
                    try:
                        fire(rule)
                    except Exception:
                        # One broken target must not stop the clock of the other rules.
                        traceback.print_exc()


schedule = Schedule()


@route("GET", "schedule")
def _get(request: ControlRequest) -> dict[str, Any]:
    return schedule.report()


@route("POST", "schedule")
def _post(request: ControlRequest) -> dict[str, Any]:
    values = request.fields()
    schedule.set(values.get("mode", schedule.mode), float(values.get("speed", schedule.speed)))
    return schedule.report()


@route("POST", "schedule/tick")
def _tick(request: ControlRequest) -> list[dict[str, Any]]:
    started = [execution for rule in rules() for execution in fire(rule)]
    return [wait(execution) for execution in started]
