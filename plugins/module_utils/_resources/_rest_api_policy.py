"""Resource policies of REST APIs: the one that keeps a private API inside its VPC, and the form AWS reads back."""

from __future__ import annotations

import json
import re
from typing import Any

LARGEST = 8192
# API Gateway expands the short form to the whole ARN when it saves a policy (developer guide, resource policies).
SHORT = "execute-api:/"
WHOLE = re.compile(r"arn:[^:]+:execute-api:[^:]*:[^:]*:[^/]+/")


def of_network(vpc_id: str | None, vpc_endpoint_ids: list[str] | None) -> dict[str, Any]:
    """Return the policy that admits callers from the VPC, through these endpoints when there are any, and no others."""
    call = {"Principal": "*", "Action": "execute-api:Invoke", "Resource": f"{SHORT}*"}
    places = {"aws:SourceVpc": vpc_id, "aws:SourceVpce": sorted(vpc_endpoint_ids or [])}
    outside = [
        {"Effect": "Deny", **call, "Condition": {"StringNotEquals": {key: value}}}
        for key, value in places.items()
        if value
    ]
    return {"Version": "2012-10-17", "Statement": [*outside, {"Effect": "Allow", **call}]}


def read(text: str | None) -> dict[str, Any]:
    """Return a policy as data, whether AWS escaped it (as it does) or not; empty when there is none."""
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = json.loads(json.loads(f'"{text}"'))
    return shortened(found)


def shortened(policy: dict[str, Any]) -> dict[str, Any]:
    """Return the policy with the API itself always in the short form, so that both forms compare as the same."""
    statements = policy.get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    return {**policy, "Statement": [_short(statement) for statement in statements]}


def _short(statement: dict[str, Any]) -> dict[str, Any]:
    if "Resource" not in statement:
        return statement
    resources = statement["Resource"]
    listed = resources if isinstance(resources, list) else [resources]
    short = [WHOLE.sub(SHORT, resource, count=1) for resource in listed]
    return {**statement, "Resource": short if isinstance(resources, list) else short[0]}
