"""ministack with AUTH=true on a free loopback port: an emulator that refuses what a role's policy does not allow."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import requests

BIN = Path(__file__).resolve().parents[2] / ".venv-ministack" / "bin"
EVALUATOR = Path(__file__).with_name("evaluator.py")
ACCOUNT, REGION = "000000000000", "us-east-1"
ROOT = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


class Ministack:
    """A running emulator."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = boto3.Session(region_name=REGION)

    def client(self, service: str, **credentials: str) -> Any:
        """A client with these credentials, or the account's root."""
        return self.session.client(service, endpoint_url=self.url, **(credentials or ROOT))

    def role(self, name: str, trust: dict[str, Any], policy: dict[str, Any] | None = None) -> dict[str, str]:
        """Make a role and assume it; returns the session's credentials as client() takes them."""
        iam = self.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        if policy:
            iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=json.dumps(policy))
        made = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="tests")["Credentials"]
        return {
            "aws_access_key_id": made["AccessKeyId"],
            "aws_secret_access_key": made["SecretAccessKey"],
            "aws_session_token": made["SessionToken"],
        }


@contextlib.contextmanager
def running(folder: Path, timeout: float = 30) -> Iterator[Ministack]:
    """Start the emulator with its state in `folder`; it ends with the block."""
    assert (BIN / "ministack").exists(), "make .venv-ministack/.ready makes the emulator's environment"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
    }
    log = folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen([BIN / "ministack"], env=environment, cwd=folder, stdout=out, stderr=out)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(process, f"{url}/_ministack/health", time.monotonic() + timeout, log)
            yield Ministack(url)
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, deadline: float, log: Path) -> None:
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(url, timeout=5).ok:
                return
        time.sleep(0.1)
    raise AssertionError(f"ministack did not come up: {log.read_text()[-2000:]}")


def decisions(questions: list[dict[str, Any]]) -> list[bool]:
    """Whether the policy of each question allows its request, by ministack's own evaluation (see evaluator.py)."""
    ran = subprocess.run(
        [BIN / "python", "-I", EVALUATOR],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answers: list[bool] = json.loads(ran.stdout)
    return answers
