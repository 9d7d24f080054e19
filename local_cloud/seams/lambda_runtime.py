"""Functions run: their zips, under awslambdaric, with the credentials of their role."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

from moto.awslambda.models import LambdaFunction, LambdaStorage
from moto.core.exceptions import JsonRESTError
from moto.core.utils import unix_time_millis
from moto.sts.models import STSBackend, sts_backends
from moto.utilities.utils import get_partition

from ..functions.child import Invocation
from ..functions.pool import pool
from ..process import ACCOUNT_ID, cloud
from . import _roles, require

GAP = "functions need Docker; a failed one is reported as Handled; asynchronous calls are run at once"
MOTO = "5.2.5"
# AWS creates no log group for a function whose role lacks logs:CreateLogGroup; its lines are lost.
CREATE_GROUP = "logs:CreateLogGroup"


class TooManyRequests(JsonRESTError):
    """The function's reserved concurrency is used up."""

    code = 429


class Conflict(JsonRESTError):
    """The function cannot do this in its present state."""

    code = 409


def check() -> None:
    """The names that are replaced or read."""
    require(LambdaFunction, "_invoke_lambda", "invoke", "save_logs")
    require(LambdaStorage, "del_function", "get_function_by_name_or_arn_with_qualifier")
    require(STSBackend, "assume_role", "get_assumed_role_from_access_key")


def install() -> None:
    """Replace the two ways into a function, and end its children when it is deleted."""
    LambdaFunction._invoke_lambda = _invoke_lambda  # type: ignore[method-assign]
    LambdaFunction.invoke = _invoke  # type: ignore[method-assign]
    delete = LambdaStorage.del_function

    def del_function(self: LambdaStorage, name_or_arn: str, qualifier: str | None = None) -> None:
        arn = self.get_function_by_name_or_arn_with_qualifier(name_or_arn, qualifier).function_arn
        delete(self, name_or_arn, qualifier)
        pool.forget(arn)

    LambdaStorage.del_function = del_function  # type: ignore[method-assign]
    cloud.at_exit.append(pool.close)


def run(function: Any, event: bytes) -> tuple[bytes, bool, list[str]]:
    """Run one event: payload, whether it is an error, log lines. Raises TooManyRequests, Conflict."""
    with cloud.moto_lock:
        if function.state == "Pending" or not _roles.assumable(function.role, "lambda.amazonaws.com"):
            raise Conflict(
                "ResourceConflictException",
                "The operation cannot be performed at this time. The function is currently in the following state: "
                f"{function.state}, or its role {function.role} cannot be assumed by Lambda.",
            )
        limit = function.reserved_concurrency
        if limit is not None and pool.running(function.function_arn) >= int(limit):
            raise TooManyRequests("TooManyRequestsException", "Rate Exceeded.")
        credentials = sts_backends[ACCOUNT_ID][get_partition(function.region)].assume_role(
            region_name=function.region,
            role_session_name=function.function_name,
            role_arn=function.role,
            policy="",
            duration=3600,
            external_id="",
        )
    invocation = Invocation(payload_in=event, arn=function.function_arn, timeout=float(function.timeout))
    lines, stream = pool.run(function, invocation, credentials)
    with cloud.moto_lock:
        _save(function, stream, lines)
    return invocation.payload, invocation.error, lines


def _save(function: Any, stream: str, lines: list[str]) -> None:
    logs, group = function.logs_backend, function.logs_group_name
    if group not in logs.groups:
        if not _roles.may(function.role, CREATE_GROUP):
            return
        logs.create_log_group(group, {})
    if stream not in logs.groups[group].streams:
        logs.create_log_stream(group, stream)
    now = int(unix_time_millis())
    logs.put_log_events(group, stream, [{"timestamp": now, "message": line} for line in lines if line])


def _invoke_lambda(self: Any, event: Any = None) -> tuple[str, bool, str]:
    payload, error, lines = run(self, json.dumps({} if event is None else event).encode())
    return payload.decode("utf-8", "replace"), error, "\n".join(lines)


def _invoke(self: Any, body: Any, request_headers: Any, response_headers: Any) -> str | bytes:
    event = body.encode() if isinstance(body, str) else body or b"{}"
    # Calls from inside moto (SNS, streams) come without headers and hold moto's lock: they must not wait.
    kind = (request_headers.get("x-amz-invocation-type") or "RequestResponse") if request_headers else "Event"
    if kind == "DryRun":
        return ""
    if kind == "Event":
        threading.Thread(target=_asynchronous, args=(self, event), daemon=True).start()
        return ""
    payload, error, lines = run(self, event)
    if error:
        response_headers["x-amz-function-error"] = "Unhandled"
    # Lambda API, Invoke: LogResult is the last 4 KB of the log.
    response_headers["x-amz-log-result"] = base64.b64encode("\n".join(lines).encode()[-4096:]).decode()
    return payload


def _asynchronous(function: Any, event: bytes) -> None:
    try:
        run(function, event)
    except JsonRESTError as error:
        with cloud.moto_lock:
            _save(function, "not-run", [f"The event was not run: {error}"])
