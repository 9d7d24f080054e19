"""What each role must be able to do with its own cluster, and everything else that it must not."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import names

from tests.iam.emulator import ACCOUNT, REGION
from tests.policies import DELIVERY, FUNCTIONS, INTERFACES, LOG, NEEDED, ONLY_STAR, SERVICES

OWN, OTHER = "demo", "other"
ROLES = (*FUNCTIONS, *SERVICES)
ITEMS = ("settings", "credentials", "lease", "journal", "login", "control", "report")
CALLS = {call.split()[0] for calls in NEEDED.values() for call in calls} | {
    "autoscaling:DeleteAutoScalingGroup",
    "autoscaling:TerminateInstanceInAutoScalingGroup",
    "autoscaling:UpdateAutoScalingGroup",
    "dynamodb:DeleteItem",
    "dynamodb:Scan",
    "ec2:RunInstances",
    "ec2:StopInstances",
    "iam:PutRolePolicy",
    "kms:Encrypt",
    "lambda:UpdateFunctionCode",
    "states:StopExecution",
}

# What ministack 1.5.33 cannot tell, in its own terms (core/iam_actions.py, services/tagging.py).
LEADING_KEYS = "it has no dynamodb:LeadingKeys, and ForAllValues over a missing key holds: every item is allowed"
KEY_CONTEXT = (
    "it has no kms:EncryptionContext: keys, and StringEquals over a missing key fails: every context is refused"
)
INSTANCE_TAGS = "it knows no tags of EC2 resources for aws:ResourceTag: every instance is refused"
LOG_STREAMS = "it names a log group without the :* that AWS puts behind it: every stream is refused"
NO_CALL = "AWS has no such call: Step Functions' own permission"


@dataclass(frozen=True)
class Request:
    """One call: boto3's parameters, the resources that AWS authorizes it on, and the condition keys it carries."""

    parameters: dict[str, Any]
    resources: tuple[str, ...] = ("*",)
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A role, a call in NEEDED's words, whose things it touches, and whether that is allowed.

    `blind` is why ministack answers otherwise than AWS, or empty.
    """

    role: str
    call: str
    whose: str
    allowed: bool
    blind: str
    request: Request

    def __str__(self) -> str:
        return f"{self.role} {'may' if self.allowed else 'may not'} {self.call} of {self.whose}"


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def request(role: str, call: str, cluster: str, keys: dict[str, str], instances: dict[str, str]) -> Request:
    """The call as it looks when it touches this cluster's things; an unknown call touches nothing of note."""
    action, _, item = call.partition(" ")
    service, operation = action.split(":")
    called = names(cluster)
    group, table, instance = called["group"], called["table"], instances[cluster]
    function = item or "fetch"
    log_group = called["function_log_groups"].get(role, "/aws/lambda/any")
    if service == "dynamodb":
        key = {"Key": {"S": item or "lease"}}
        parameters = {
            "BatchGetItem": {"RequestItems": {table: {"Keys": [key]}}},
            "PutItem": {"TableName": table, "Item": key},
            "Scan": {"TableName": table},
        }.get(operation, {"TableName": table, "Key": key})
        context = {} if operation == "Scan" else {"dynamodb:LeadingKeys": [item or "lease"]}
        return Request(parameters, (arn("dynamodb", f"table/{table}"),), context)
    if service == "kms":
        data = {"CiphertextBlob": b"x"} if operation == "Decrypt" else {"Plaintext": b"x"}
        context = {"stateful:cluster": cluster}
        return Request(
            {"KeyId": keys[cluster], "EncryptionContext": context, **data},
            (keys[cluster],),
            {f"kms:EncryptionContext:{name}": value for name, value in context.items()},
        )
    ended = (arn("ec2", f"instance/{instance}"),), {"aws:ResourceTag/stateful:cluster": cluster}
    scaled = (arn("autoscaling", f"autoScalingGroup:any:autoScalingGroupName/{group}"),)
    stream = {"logGroupName": log_group, "logStreamName": "stream"}
    streams = (arn("logs", f"log-group:{log_group}:log-stream:stream"),)
    own = {"AutoScalingGroupName": group, "InstanceIds": [instance]}
    machine = arn("states", f"stateMachine:{called['state_machine']}")
    execution = arn("states", f"execution:{called['state_machine']}:any")
    invoked = called["functions"][function]
    code = (arn("lambda", f"function:{invoked}"),)
    interface = tuple(arn("ec2", f"{kind}/any") for kind in ("network-interface", "subnet", "security-group"))
    role_name = called["roles"]["scale"]
    return {
        "ec2:TerminateInstances": Request({"InstanceIds": [instance]}, *ended),
        "ec2:ModifyInstanceAttribute": Request(
            {"InstanceId": instance, "DisableApiTermination": {"Value": False}}, *ended
        ),
        "ec2:RunInstances": Request({"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1}),
        "ec2:CreateNetworkInterface": Request({"SubnetId": "subnet-any"}, interface),
        "ec2:DeleteNetworkInterface": Request({"NetworkInterfaceId": "eni-any"}, interface[:1]),
        "ec2:StopInstances": Request({"InstanceIds": [instance]}, *ended),
        "autoscaling:DeleteAutoScalingGroup": Request({"AutoScalingGroupName": group}, scaled),
        "autoscaling:UpdateAutoScalingGroup": Request({"AutoScalingGroupName": group, "MaxSize": 1}, scaled),
        "autoscaling:TerminateInstanceInAutoScalingGroup": Request(
            {"InstanceId": instance, "ShouldDecrementDesiredCapacity": True}, scaled
        ),
        "autoscaling:DetachInstances": Request({**own, "ShouldDecrementDesiredCapacity": True}, scaled),
        "autoscaling:SetInstanceProtection": Request({**own, "ProtectedFromScaleIn": False}, scaled),
        "logs:CreateLogStream": Request(stream, (arn("logs", f"log-group:{log_group}:*"),)),
        "logs:PutLogEvents": Request({**stream, "logEvents": [{"timestamp": 1, "message": "x"}]}, streams),
        "logs:PutResourcePolicy": Request({"policyName": "any", "policyDocument": "{}"}),
        "lambda:InvokeFunction": Request({"FunctionName": invoked}, code),
        "lambda:UpdateFunctionCode": Request({"FunctionName": invoked, "ZipFile": b"x"}, code),
        "states:StartExecution": Request({"stateMachineArn": machine}, (machine,)),
        "states:StopExecution": Request({"executionArn": execution}, (execution,)),
        "iam:PutRolePolicy": Request(
            {"RoleName": role_name, "PolicyName": "any", "PolicyDocument": "{}"},
            (f"arn:aws:iam::{ACCOUNT}:role{called['role_path']}{role_name}",),
        ),
    }.get(action, Request({}))


def spelled(call: str) -> list[str]:
    """A call with every item or function it can name."""
    if call.startswith("dynamodb:") and call != "dynamodb:Scan":
        return [f"{call} {item}" for item in ITEMS]
    return [f"{call} {name}" for name in FUNCTIONS] if call == "lambda:InvokeFunction" else [call]


def held(role: str, action: str) -> bool:
    """Whether a role may make the call for any of its things."""
    return any(call.split()[0] == action for call in NEEDED[role])


def unseen(call: str, whose: str, allowed: bool, role: str) -> str:
    """Why ministack's answer is not AWS's, where it is not."""
    action = call.split()[0]
    if action.startswith("dynamodb:") and whose == OWN and not allowed and held(role, action):
        return LEADING_KEYS
    if action in DELIVERY:
        return NO_CALL
    if not allowed:
        return ""
    if action in LOG:
        return LOG_STREAMS
    return {
        "kms:Decrypt": KEY_CONTEXT,
        "ec2:TerminateInstances": INSTANCE_TAGS,
        "ec2:ModifyInstanceAttribute": INSTANCE_TAGS,
    }.get(action, "")


def cases(keys: dict[str, str], instances: dict[str, str]) -> list[Case]:
    """Every role with every call, on its own cluster's things and on another's; `keys` and `instances` by cluster.

    A call that the role may make of nothing is made of one thing only.
    """
    found = []
    for role, action in itertools.product(ROLES, sorted(CALLS)):
        for call in spelled(action) if held(role, action) else spelled(action)[:1]:
            for whose in (OWN, OTHER):
                anywhere = whose == OWN or action in ONLY_STAR | INTERFACES
                may = call in NEEDED[role] and anywhere
                blind = unseen(call, whose, may, role)
                found.append(Case(role, call, whose, may, blind, request(role, call, whose, keys, instances)))
    return found
