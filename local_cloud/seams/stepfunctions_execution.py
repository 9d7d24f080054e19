"""State machines run: moto's own interpreter is switched on, called at this cloud's port, and names executions."""

from __future__ import annotations

import inspect
import logging
import uuid
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from moto.core.config import default_user_config
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from ..calls import SERVICE
from ..process import cloud
from . import require

GAP = "executions only run when asked for, without a name are all called None, and call localhost's port 5000"
MOTO = "5.2.5"


def check() -> None:
    """The names that are replaced."""
    require(boto_client, "boto_client_for")
    require(lambda_eval_utils, "boto_client_for")
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

    def start_execution(self: Any, state_machine_arn: str, name: str | None = None, *rest: Any, **named: Any) -> Any:
        return start(self, state_machine_arn, name or str(uuid.uuid4()), *rest, **named)

    StepFunctionsParserBackend.start_execution = start_execution


def _client(region: str, service: str, state_credentials: Any = None) -> BaseClient:
    """A client as the service itself has: one attempt, because the machine's Retry is what repeats."""
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=cloud.url,
        aws_access_key_id=SERVICE,
        aws_secret_access_key=SERVICE,
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}, read_timeout=1000),
    )
