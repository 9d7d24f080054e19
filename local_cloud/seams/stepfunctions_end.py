"""State machines and executions end as on AWS: a stop shows at once, a deletion waits for what still runs."""

from __future__ import annotations

import datetime
import time
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.stepfunctions.models import StepFunctionBackend
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from ..process import cloud
from . import require

GAP = (
    "a stopped execution goes on running and forgets why, a deleted machine is gone at once and leaves its tags, "
    "and one that exists with another definition is returned as created"
)
MOTO = "5.2.5"


def check() -> None:
    """The names that are replaced or read."""
    require(StepFunctionBackend, "stop_execution", "delete_state_machine", "describe_state_machine")
    require(StepFunctionBackend, "_get_state_machine_for_execution", "list_state_machines")
    require(StepFunctionsParserBackend, "create_state_machine", "start_execution")
    require(StepFunctionResponse, "_describe_state_machine", "stepfunction_backend")
    require(Execution, "stop", "status")
    require(ExecutionStatus, "ABORTED")
    require(BaseExecutionWorkerCommunication, "terminated", "_reflect_execution_status")


def install() -> None:
    """Replace stopping, deleting, and what must know of a deletion under way."""
    _ending()
    _knowing()


def _ending() -> None:
    def stop(self: Any, stop_date: datetime.datetime, error: str | None, cause: str | None) -> None:
        if self.status != "RUNNING":
            return
        stop_worker(self, stop_date, error, cause)
        self.exec_status, self.stop_date = ExecutionStatus.ABORTED, stop_date
        self.error, self.cause = error or None, cause or None

    def terminated(self: Any) -> None:
        if self.execution.exec_status is not ExecutionStatus.ABORTED:
            worker_ended(self)

    def stop_execution(self: Any) -> ActionResult:
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        now = datetime.datetime.now(datetime.UTC)
        execution.stop(now, self._get_param("error"), self._get_param("cause"))
        return ActionResult({"stopDate": execution.stop_date})

    def delete_state_machine(self: Any, arn: str) -> None:
        self._validate_machine_arn(arn)
        for machine in [machine for machine in self.state_machines if machine.arn == arn]:
            machine.deleted_at = getattr(machine, "deleted_at", time.monotonic())
            for execution in running(machine):
                # AWS lets the state that runs finish: the execution ends at its next transition.
                stop_worker(execution, datetime.datetime.now(datetime.UTC), None, None)
        sweep(self)

    stop_worker, worker_ended = Execution.stop, BaseExecutionWorkerCommunication.terminated
    BaseExecutionWorkerCommunication.terminated = terminated  # type: ignore[method-assign]
    Execution.stop = stop  # type: ignore[method-assign]
    StepFunctionResponse.stop_execution = stop_execution  # type: ignore[method-assign]
    StepFunctionBackend.delete_state_machine = delete_state_machine  # type: ignore[method-assign]


def _knowing() -> None:
    describe, create = StepFunctionBackend.describe_state_machine, StepFunctionsParserBackend.create_state_machine
    start, listing = StepFunctionsParserBackend.start_execution, StepFunctionBackend.list_state_machines
    answer = StepFunctionResponse._describe_state_machine

    def describe_state_machine(self: Any, arn: str) -> Any:
        sweep(self)
        return describe(self, arn)

    def list_state_machines(self: Any, *args: Any, **named: Any) -> Any:
        sweep(self)
        return listing(self, *args, **named)

    def create_state_machine(self: Any, **named: Any) -> Any:
        sweep(self)
        for machine in self.state_machines:
            if machine.name != named["name"]:
                continue
            _refuse_deleting(machine)
            if (machine.definition, machine.roleArn) != (named["definition"], named["roleArn"]):
                raise JsonRESTError(
                    "StateMachineAlreadyExists", f"State Machine Already Exists: '{machine.arn}' with other settings"
                )
        return create(self, **named)

    def start_execution(self: Any, state_machine_arn: str, *args: Any, **named: Any) -> Any:
        _refuse_deleting(self.describe_state_machine(state_machine_arn))
        return start(self, state_machine_arn, *args, **named)

    def described(self: Any, state_machine_arn: str) -> ActionResult:
        result = answer(self, state_machine_arn)
        if hasattr(self.stepfunction_backend.describe_state_machine(state_machine_arn), "deleted_at"):
            return ActionResult({**result.result, "status": "DELETING"})  # type: ignore[dict-item]
        return result

    StepFunctionBackend.describe_state_machine = describe_state_machine  # type: ignore[method-assign]
    StepFunctionBackend.list_state_machines = list_state_machines  # type: ignore[method-assign, assignment]
    StepFunctionsParserBackend.create_state_machine = create_state_machine  # type: ignore[method-assign, assignment]
    StepFunctionsParserBackend.start_execution = start_execution  # type: ignore[method-assign]
    StepFunctionResponse._describe_state_machine = described  # type: ignore[method-assign]


def running(machine: Any) -> list[Any]:
    """A machine's executions that have not ended."""
    return [execution for execution in machine.executions if execution.status == "RUNNING"]


def sweep(backend: Any) -> None:
    """Remove deleted machines whose executions have ended, propagation_s after their deletion."""
    for machine in list(backend.state_machines):
        deleted_at = getattr(machine, "deleted_at", None)
        if deleted_at is None or running(machine) or time.monotonic() - deleted_at < cloud.propagation_s:
            continue
        backend.state_machines.remove(machine)
        backend.tagger.delete_all_tags_for_resource(machine.arn)


def _refuse_deleting(machine: Any) -> None:
    if hasattr(machine, "deleted_at"):
        raise JsonRESTError("StateMachineDeleting", f"State Machine is deleting: '{machine.arn}'")
