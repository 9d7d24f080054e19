"""The target of an EventBridge rule, and answers of 200 that refuse it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from botocore.exceptions import ClientError

NAME = r"[.A-Za-z0-9_-]"

OPTIONS: dict[str, dict[str, Any]] = {
    "id": {"type": "str", "required": True},
    "arn": {"type": "str", "required": True},
    "role_arn": {"type": "str"},
    "maximum_event_age": {"type": "int", "default": 60},
    "maximum_retry_attempts": {"type": "int", "default": 2},
}


def all_entries(operation: str) -> Any:
    """Return a check that raises, with its own code and words, the first entry that was refused in an answer of 200."""

    def check(answer: dict[str, Any]) -> None:
        for entry in answer.get("FailedEntries") or []:
            said = {
                "Code": entry.get("ErrorCode", "FailedEntry"),
                "Message": f"target {entry.get('TargetId')}: {entry.get('ErrorMessage', 'no reason given')}",
            }
            raise ClientError({"Error": said, "ResponseMetadata": answer.get("ResponseMetadata", {})}, operation)

    return check


def normalised(target: Mapping[str, Any]) -> dict[str, Any]:
    """Return a target as AWS describes it under the names of the options."""
    policy = target.get("RetryPolicy") or {}
    found = {
        "id": target["Id"],
        "arn": target["Arn"],
        "role_arn": target.get("RoleArn"),
        "maximum_event_age": policy.get("MaximumEventAgeInSeconds"),
        "maximum_retry_attempts": policy.get("MaximumRetryAttempts"),
    }
    return {key: value for key, value in found.items() if value is not None}


def check(target: Mapping[str, Any]) -> None:
    """Refuse an id or limits that EventBridge refuses.

    Raises:
        ResourceError: with what EventBridge accepts.
    """
    if not re.fullmatch(f"{NAME}{{1,64}}", target["id"]):
        raise ResourceError(
            f"target: id {target['id']!r} must have 1 to 64 letters, digits, dots, hyphens, underscores."
        )
    # EventBridge API reference, RetryPolicy.
    for option, low, high in (("maximum_event_age", 60, 86400), ("maximum_retry_attempts", 0, 185)):
        if not low <= target[option] <= high:
            raise ResourceError(f"target: {option} is {target[option]}; EventBridge accepts {low} to {high}.")
