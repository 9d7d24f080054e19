"""The statements of a function's resource policy: who may invoke it, compared by meaning."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Resource, Retry, Step

OPTIONS: dict[str, dict[str, Any]] = {
    "statement_id": {"type": "str", "required": True},
    "principal": {"type": "str", "required": True},
    "action": {"type": "str", "default": "lambda:InvokeFunction"},
    "source_arn": {"type": "str"},
    "source_account": {"type": "str"},
}
PARAMETERS = {
    "statement_id": "StatementId",
    "principal": "Principal",
    "action": "Action",
    "source_arn": "SourceArn",
    "source_account": "SourceAccount",
}
# Statements are written one after another, and still AWS may be busy with the last one.
BUSY = (
    Retry("ResourceConflictException", "concurrent update operation", 120, "cdkd error list"),
    Retry("ResourceConflictException", "in progress", 120, "terraform-provider-aws lambda/permission.go"),
    Retry("ResourceNotFoundException", "Function not found", 60, "terraform-provider-aws lambda/permission.go"),
)

Permission = dict[str, Any]


def check(permissions: Sequence[Mapping[str, Any]] | None) -> None:
    """Refuse ids that Lambda refuses or that are given twice."""
    ids = [item["statement_id"] for item in permissions or []]
    for statement_id in ids:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", statement_id):
            raise ResourceError(
                f"permissions: statement_id {statement_id!r} must have 1 to 100 letters, digits, hyphens, underscores."
            )
        if ids.count(statement_id) > 1:
            raise ResourceError(f"permissions: statement_id {statement_id!r} is given twice.")


def wanted(permissions: Sequence[Mapping[str, Any]] | None) -> list[Permission] | None:
    """Return permissions without what is not set, an account always as its number, in a stable order."""
    if permissions is None:
        return None
    set_only = [
        {key: value for key, value in {**item, "principal": _account(item["principal"])}.items() if value is not None}
        for item in permissions
    ]
    return sorted(set_only, key=lambda item: str(item["statement_id"]))


def of_policy(policy: str) -> list[Permission]:
    """Return the statements of a resource policy as permissions, in a stable order."""
    return wanted([_of_statement(statement) for statement in json.loads(policy).get("Statement", [])]) or []


def _of_statement(statement: Mapping[str, Any]) -> Permission:
    principal = statement.get("Principal")
    if isinstance(principal, dict):
        principal = principal.get("Service") or principal.get("AWS")
    conditions = {
        key.lower(): value for tests in (statement.get("Condition") or {}).values() for key, value in tests.items()
    }
    return {
        "statement_id": statement.get("Sid", ""),
        "principal": _single(principal),
        "action": _single(statement.get("Action")),
        "source_arn": _single(conditions.get("aws:sourcearn")),
        "source_account": _single(conditions.get("aws:sourceaccount")),
    }


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _account(principal: Any) -> Any:
    # AWS stores an account number as the ARN of its root (Lambda API reference, AddPermission).
    match = re.fullmatch(r"arn:[^:]+:iam::(\d{12}):root", str(principal))
    return match[1] if match else principal


def steps(resource: Resource, present: Sequence[Permission], differences: Mapping[str, Any]) -> list[Step]:
    """Return the calls from the permissions that are to those that are wanted: a changed one is removed, then added."""
    pair = differences.get("permissions")
    if pair is None:
        return []
    function = {"FunctionName": resource.identifier()}
    is_now = {item["statement_id"]: item for item in present}
    shall_be = {item["statement_id"]: item for item in pair[1]}
    found: list[Step] = []
    for statement_id, item in is_now.items():
        if statement_id not in shall_be or item != shall_be[statement_id]:
            params = {**function, "StatementId": statement_id}
            found.append(
                resource.change(
                    "lambda",
                    "remove_permission",
                    params,
                    f"take back permission {statement_id}",
                    {"permissions": pair},
                    retry=BUSY[:2],
                    done=("ResourceNotFoundException",),
                )
            )
    for statement_id, item in shall_be.items():
        if statement_id not in is_now or item != is_now[statement_id]:
            params = {**function, **{PARAMETERS[key]: value for key, value in item.items()}}
            found.append(
                resource.change(
                    "lambda",
                    "add_permission",
                    params,
                    f"let {item['principal']} invoke it",
                    {"permissions": pair},
                    retry=BUSY,
                    repeatable=False,
                    doubt=("ResourceConflictException",),
                )
            )
    return found
