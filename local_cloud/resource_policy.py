"""Evaluates a resource policy on one anonymous request (IAM guide, "Policy evaluation logic")."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any


def decide(policy: str, action: str, resource: str, context: Mapping[str, str]) -> str:
    """`allow`, `deny` (an explicit one) or `none` for anyone doing `action` on `resource`; context holds condition
    keys in lower case."""
    answer = "none"
    for statement in listed(json.loads(policy).get("Statement", [])):
        if not (_anyone(statement.get("Principal")) and _matches(statement.get("Action"), action)):
            continue
        # API Gateway lets "execute-api:/*" stand for the API itself (API Gateway guide, resource policies).
        pattern = [_whole(item, resource) for item in listed(statement.get("Resource", "*"))]
        if not _matches(pattern, resource) or not _conditions(statement.get("Condition", {}), context):
            continue
        if statement["Effect"] == "Deny":
            return "deny"
        answer = "allow"
    return answer


def listed(value: Any) -> list[Any]:
    """A policy's scalar or list as a list."""
    return value if isinstance(value, list) else [value]


def _whole(pattern: str, resource: str) -> str:
    if pattern.startswith("execute-api:/"):
        return resource.partition("/")[0] + pattern[len("execute-api:") :]
    return pattern


def _anyone(principal: Any) -> bool:
    return principal == "*" or (isinstance(principal, dict) and "*" in listed(principal.get("AWS", [])))


def _matches(patterns: Any, value: str) -> bool:
    return any(fnmatchcase(value, pattern) for pattern in listed(patterns))


def _conditions(conditions: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    return all(
        _condition(operator, listed(wanted), context.get(key.lower()))
        for operator, tests in conditions.items()
        for key, wanted in tests.items()
    )


def _condition(operator: str, wanted: list[str], actual: str | None) -> bool:
    negative = "Not" in operator
    if actual is None:
        return negative
    if operator in ("StringEquals", "StringNotEquals"):
        found = actual in wanted
    elif operator in ("StringLike", "StringNotLike", "ArnLike", "ArnNotLike"):
        found = _matches(wanted, actual)
    elif operator in ("IpAddress", "NotIpAddress"):
        found = any(ipaddress.ip_address(actual) in ipaddress.ip_network(net, strict=False) for net in wanted)
    else:
        raise ValueError(f"The local cloud does not know the policy condition {operator}.")
    return found != negative
