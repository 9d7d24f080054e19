"""Makes the AWS things that the tests of the core need."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import Any

from local_cloud.client import Cloud


def archive(**files: str) -> bytes:
    """A zip of modules: `name="source"` becomes name.py."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        for name, source in files.items():
            out.writestr(f"{name}.py", source)
    return buffer.getvalue()


def role(cloud: Cloud, name: str, service: str) -> str:
    """A role that `service` can assume; returns its ARN."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return str(cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"])


def function(cloud: Cloud, name: str, source: str, timeout: int = 10, **files: str) -> str:
    """A function with its role and log group; returns its ARN."""
    cloud.client("logs").create_log_group(logGroupName=f"/aws/lambda/{name}")
    made = cloud.client("lambda").create_function(
        FunctionName=name,
        Role=role(cloud, name, "lambda.amazonaws.com"),
        Runtime="python3.13",
        Handler="handler.handler",
        Timeout=timeout,
        Code={"ZipFile": archive(handler=source, **files)},
    )
    return str(made["FunctionArn"])


def invoke(cloud: Cloud, name: str, event: Any) -> tuple[str | None, Any]:
    """The function's error kind and its decoded answer."""
    answer = cloud.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


def lines(cloud: Cloud, name: str) -> list[str]:
    """What the function logged."""
    events = cloud.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    return [event["message"] for event in events]


def execute(cloud: Cloud, machine: str, value: Any, timeout: float = 20, **more: Any) -> dict[str, Any]:
    """Start an execution and wait for its end."""
    states = cloud.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=machine, input=json.dumps(value), **more)["executionArn"]
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found: dict[str, Any] = states.describe_execution(executionArn=arn)
        if found["status"] != "RUNNING":
            return found
        time.sleep(0.05)
    raise AssertionError(f"{arn} did not end within {timeout} s")
