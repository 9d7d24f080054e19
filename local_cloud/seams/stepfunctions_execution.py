"""State machines run: moto's own interpreter is switched on, called at this cloud's port, and names executions."""

from __future__ import annotations

import inspect
import json
import logging
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from moto.core.config import default_user_config
from moto.core.exceptions import JsonRESTError
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from ..process import STEP_FUNCTIONS, cloud
from . import require

GAP = (
    "executions only run when asked for, without a name are all called None, call localhost's port 5000; "
    "large inputs and broken definitions are accepted"
)
MOTO = "5.2.5"
# Step Functions guide, "Quotas": the largest input or output of a task, state or execution.
MAX_INPUT = 262144


def check() -> None:
    """The names that are replaced."""
    require(boto_client, "boto_client_for")
    require(lambda_eval_utils, "boto_client_for")
    require(StepFunctionsParserBackend, "_validate_definition")
    parameters = list(inspect.signature(StepFunctionsParserBackend.start_execution).parameters)
    assert parameters[1:4] == ["state_machine_arn", "name", "execution_input"], f"start_execution takes {parameters}"
    assert "execute_state_machine" in default_user_config["stepfunctions"], "no execute_state_machine setting"


def install() -> None:
    """Switch the interpreter on and point it here."""
    # The interpreter logs every failed state with its whole syntax tree.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
    default_user_config["stepfunctions"]["execute_state_machine"] = True
    lambda_eval_utils.boto_client_for = _client
    boto_client.boto_client_for = _client
    start = StepFunctionsParserBackend.start_execution
    validate = StepFunctionsParserBackend._validate_definition

    def start_execution(
        self: Any, state_machine_arn: str, name: str | None = None, execution_input: Any = None, *rest: Any
    ) -> Any:
        if execution_input is not None and len(execution_input.encode()) > MAX_INPUT:
            raise JsonRESTError(
                "ValidationException",
                "1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length "
                f"less than or equal to {MAX_INPUT}",
            )
        return start(self, state_machine_arn, name or str(uuid.uuid4()), execution_input, *rest)

    def validate_definition(definition: str) -> None:
        validate(definition)
        missing = sorted(set(dangling(json.loads(definition))))
        if missing:
            raise JsonRESTError(
                "InvalidDefinition",
                "Invalid State Machine Definition: " + ", ".join(f"'MISSING_TRANSITION_TARGET: {m}'" for m in missing),
            )

    StepFunctionsParserBackend.start_execution = start_execution  # type: ignore[method-assign]
    StepFunctionsParserBackend._validate_definition = staticmethod(validate_definition)  # type: ignore[method-assign]


def dangling(machine: dict[str, Any]) -> Iterator[str]:
    """The states that a definition goes to and does not have."""
    states = machine.get("States", {})
    targets = [machine.get("StartAt")]
    for state in states.values():
        targets += [state.get("Next"), state.get("Default")]
        targets += [branch.get("Next") for branch in (*state.get("Choices", ()), *state.get("Catch", ()))]
        for inner in (*state.get("Branches", ()), state.get("ItemProcessor") or state.get("Iterator") or {}):
            if inner:
                yield from dangling(inner)
    yield from (target for target in targets if target is not None and target not in states)


def _client(region: str, service: str, state_credentials: Any = None) -> BaseClient:
    """A client as the service itself has: one attempt, because the machine's Retry is what repeats."""
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=cloud.url,
        aws_access_key_id=STEP_FUNCTIONS,
        aws_secret_access_key=STEP_FUNCTIONS,
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}, read_timeout=1000),
    )
