"""The policies of the functions and services as the roles render them, and the calls that each of them is for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import names
from jinja2 import StrictUndefined, Template

LAMBDA_FILES = Path(__file__).resolve().parents[1] / "lambda_files"
FUNCTIONS = ("join", "fetch", "scale", "terminate", "transient")
SERVICES = ("states", "events")
# What Lambda itself does with the role, outside the function's code: its log, and its interfaces in the subnet.
LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
INTERFACES = {"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"}
BY_LAMBDA = LOG | INTERFACES
LEASE = {"dynamodb:GetItem lease", "dynamodb:UpdateItem lease"}
READ_GROUP = {"autoscaling:DescribeAutoScalingGroups", "ec2:DescribeInstances"}
CHANGE_GROUP = {"autoscaling:DetachInstances"}
END = {"ec2:ModifyInstanceAttribute", "ec2:TerminateInstances"}
# Step Functions has no call of these; they are the permissions that its logging wants of the role (its guide, "CloudWatch
# Logs"), as are the two policy calls and DescribeLogGroups.
DELIVERY = {f"logs:{verb}LogDelivery" for verb in ("Create", "Get", "Update", "Delete")} | {"logs:ListLogDeliveries"}
LOG_POLICY = {"logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"}
# AWS has no resource level for these (Service Authorization Reference).
ONLY_STAR = READ_GROUP | {"ec2:DescribeNetworkInterfaces"} | DELIVERY | LOG_POLICY


def reads(*keys: str) -> set[str]:
    return {f"dynamodb:BatchGetItem {key}" for key in keys}


def writes(*keys: str) -> set[str]:
    return {f"dynamodb:PutItem {key}" for key in keys}


# Attempts to log in are counted before they are made, by functions that run at the same time.
LOGINS = writes("login") | {"dynamodb:UpdateItem login"}
# Every call that a role is for; a call of the table with the item's key.
NEEDED: dict[str, set[str]] = {
    "join": BY_LAMBDA | READ_GROUP | reads("settings", "credentials", "journal", "login") | LOGINS | {"kms:Decrypt"},
    "fetch": LOG | LEASE | {"autoscaling:DescribeAutoScalingGroups"},
    "scale": BY_LAMBDA
    | LEASE
    | READ_GROUP
    | reads("settings", "journal", "control", "report", "credentials", "login")
    | writes("journal", "report")
    | LOGINS
    | {"kms:Decrypt"},
    "terminate": BY_LAMBDA
    | LEASE
    | READ_GROUP
    | CHANGE_GROUP
    | END
    | reads("settings", "journal", "control", "credentials", "login")
    | LOGINS
    | {"kms:Decrypt"},
    "transient": LOG | {"dynamodb:UpdateItem lease"},
    "states": {f"lambda:InvokeFunction {name}" for name in ("fetch", "scale", "terminate", "transient")}
    | DELIVERY
    | LOG_POLICY,
    "events": {"states:StartExecution"},
}


def rendered(role: str, cluster: str, partition: str, region: str, account_id: str, key_arn: str) -> dict[str, Any]:
    """The policy of a function or service of this cluster."""
    path = LAMBDA_FILES / (f"{role}/policy.json.j2" if role in FUNCTIONS else f"{role}_policy.json.j2")
    document: dict[str, Any] = json.loads(
        Template(path.read_text(), undefined=StrictUndefined).render(
            cluster=cluster,
            names=names(cluster),
            partition=partition,
            region=region,
            account_id=account_id,
            key_arn=key_arn,
        )
    )
    return document


def trust(service: str, account_id: str) -> dict[str, Any]:
    """The document that says who may assume a role."""
    text = (LAMBDA_FILES / "assume_role.json.j2").read_text()
    document: dict[str, Any] = json.loads(
        Template(text, undefined=StrictUndefined).render(service=service, account_id=account_id)
    )
    return document


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def allowed(document: dict[str, Any], cluster: str) -> set[str]:
    """What a policy allows, in the words of NEEDED."""
    own = {f":function:{name}": function for function, name in names(cluster)["functions"].items()}
    found = set()
    for statement in document["Statement"]:
        keys = statement.get("Condition", {}).get("ForAllValues:StringEquals", {}).get("dynamodb:LeadingKeys", [])
        functions = [f for arn in listed(statement["Resource"]) for end, f in own.items() if arn.endswith(end)]
        for action in listed(statement["Action"]):
            found |= {f"{action} {more}" for more in (*keys, *functions)} or {action}
    return found
