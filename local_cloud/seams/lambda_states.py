"""A function is Pending, and an update InProgress, for propagation_s; configuration that moto forgets is kept."""

from __future__ import annotations

import time
from typing import Any

from moto.awslambda.models import LambdaBackend, LambdaFunction, LambdaStorage
from moto.core.exceptions import JsonRESTError

from ..process import cloud
from . import _roles, require
from .lambda_runtime import Conflict

GAP = "functions are Active at once, may be updated during an update, and lose LoggingConfig and tracing updates"
MOTO = "5.2.5"
KEPT = {"TracingConfig": "tracing_config", "KMSKeyArn": "kms_key_arn"}


def check() -> None:
    """The names that are replaced or read."""
    require(LambdaFunction, "get_configuration", "update_configuration", "update_function_code", "architectures")
    require(LambdaStorage, "put_function")
    require(LambdaBackend, "update_function_code", "update_function_configuration")


def install() -> None:
    """Replace reading and both updates."""
    read, configure, put = (
        LambdaFunction.get_configuration,
        LambdaFunction.update_configuration,
        LambdaStorage.put_function,
    )
    update_code = LambdaBackend.update_function_code
    update_configuration = LambdaBackend.update_function_configuration

    def get_configuration(self: Any, on_create: bool = False) -> dict[str, Any]:
        config = read(self, on_create)
        group = {"LogFormat": "Text", "LogGroup": self.logs_group_name}
        config["LoggingConfig"] = {**group, **getattr(self, "logging_config", {})}
        if _since(self, "created_at") < cloud.propagation_s:
            config.update(State="Pending", StateReason="The function is being created.", StateReasonCode="Creating")
            config.pop("LastUpdateStatus", None)
        elif _since(self, "updated_at") < cloud.propagation_s:
            config.update(
                LastUpdateStatus="InProgress",
                LastUpdateStatusReason="The function is being updated.",
                LastUpdateStatusReasonCode="Updating",
            )
        return config

    def put_function(self: Any, function: Any) -> None:
        put(self, function)
        if not _roles.assumable(function.role, "lambda.amazonaws.com"):
            self.del_function(function.function_name)
            raise not_assumable()
        function.created_at = time.monotonic()

    def apply(self: Any, updates: dict[str, Any]) -> dict[str, Any]:
        for name, attribute in KEPT.items():
            if name in updates:
                setattr(self, attribute, updates[name])
        keep_logging(self, updates)
        if "EphemeralStorage" in updates:
            self.ephemeral_storage = updates["EphemeralStorage"]["Size"]
        return configure(self, updates)

    def backend_configuration(self: Any, function_name: str, qualifier: str, body: dict[str, Any]) -> Any:
        function = self.get_function(function_name, qualifier)
        _refuse_busy(function)
        if "Role" in body and not _roles.assumable(body["Role"], "lambda.amazonaws.com"):
            raise not_assumable()
        update_configuration(self, function_name, qualifier, body)
        function.updated_at = time.monotonic()
        return function.get_configuration()

    def backend_code(self: Any, function_name: str, qualifier: str, body: dict[str, Any]) -> Any:
        function = self.get_function(function_name, qualifier)
        _refuse_busy(function)
        if body.get("Architectures"):
            function.architectures = body["Architectures"]
        update_code(self, function_name, qualifier, body)
        function.updated_at = time.monotonic()
        return function.get_configuration()

    create = LambdaFunction.__init__

    def initialise(self: Any, account_id: str, spec: dict[str, Any], region: str, version: Any = 1) -> None:
        create(self, account_id, spec, region, version)
        keep_logging(self, spec)

    LambdaFunction.__init__ = initialise  # type: ignore[method-assign]
    LambdaFunction.get_configuration = get_configuration  # type: ignore[method-assign]
    LambdaFunction.update_configuration = apply  # type: ignore[method-assign]
    LambdaStorage.put_function = put_function  # type: ignore[method-assign]
    LambdaBackend.update_function_configuration = backend_configuration  # type: ignore[method-assign]
    LambdaBackend.update_function_code = backend_code  # type: ignore[method-assign]


def keep_logging(function: Any, spec: dict[str, Any]) -> None:
    """Keep LoggingConfig, and log to its group."""
    config = spec.get("LoggingConfig")
    if config:
        function.logging_config = config
        function.logs_group_name = config.get("LogGroup", function.logs_group_name)


def not_assumable() -> JsonRESTError:
    """Lambda's refusal of a role, in its own words."""
    return JsonRESTError(
        "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."
    )


def _since(function: Any, moment: str) -> float:
    return time.monotonic() - getattr(function, moment, float("-inf"))


def _refuse_busy(function: Any) -> None:
    if _since(function, "created_at") < cloud.propagation_s:
        state = "The function is currently in the following state: Pending"
        raise Conflict("ResourceConflictException", f"The operation cannot be performed at this time. {state}")
    if _since(function, "updated_at") < cloud.propagation_s:
        raise Conflict(
            "ResourceConflictException",
            "The operation cannot be performed at this time. "
            f"An update is in progress for resource: {function.function_arn}",
        )
