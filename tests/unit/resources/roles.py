"""Roles that services can assume, made behind the modules' back."""

from __future__ import annotations

import contextlib
import json

from tests.unit.harness import Runner


def role_for(runner: Runner, name: str, service: str) -> str:
    """Return the ARN of a role that ``service`` may assume; made when it is missing."""
    iam = runner.client("iam")
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        return str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"])
    return str(iam.get_role(RoleName=name)["Role"]["Arn"])
