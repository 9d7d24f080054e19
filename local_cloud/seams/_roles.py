"""Whether a service can assume a role now: it exists, trusts the service, and is not too new."""

from __future__ import annotations

import json
from typing import Any

from moto.core.utils import utcnow
from moto.iam.models import iam_backends

from ..process import ACCOUNT_ID, cloud


def find(role_arn: str) -> Any:
    """moto's role of that ARN, None when there is none."""
    for partition in list(iam_backends[ACCOUNT_ID]):
        for role in iam_backends[ACCOUNT_ID][partition].roles.values():
            if role.arn == role_arn:
                return role
    return None


def assumable(role_arn: str, service: str) -> bool:
    """Whether `service` (such as lambda.amazonaws.com) can assume the role at this moment."""
    role = find(role_arn)
    if role is None or service not in trusted_services(role):
        return False
    return bool((utcnow() - role.create_date).total_seconds() >= cloud.propagation_s)


def trusted_services(role: Any) -> set[str]:
    """The service principals that the role's trust policy allows to assume it."""
    document = role.assume_role_policy_document
    found: set[str] = set()
    for statement in _listed((json.loads(document) if isinstance(document, str) else document).get("Statement", [])):
        if statement.get("Effect") == "Allow" and "sts:AssumeRole" in _listed(statement.get("Action", [])):
            principal = statement.get("Principal", {})
            if isinstance(principal, dict):
                found.update(_listed(principal.get("Service", [])))
    return found


def may(role_arn: str, action: str) -> bool:
    """Whether one of the role's inline policies allows `action` on anything."""
    role = find(role_arn)
    for text in role.policies.values() if role is not None else ():
        for statement in _listed(json.loads(text).get("Statement", [])):
            wanted = {action, action.split(":")[0] + ":*", "*"}
            if statement.get("Effect") == "Allow" and wanted & set(_listed(statement.get("Action", []))):
                return True
    return False


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
