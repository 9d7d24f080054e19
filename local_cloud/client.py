"""Start a local cloud from Python (tests, the demo) and speak to its control API.

with start(stack="demo") as cloud:
    boto3.client("ec2", endpoint_url=cloud.url, ...)
    cloud.control("schedule/tick", method="POST")
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3
import requests

ROOT = Path(__file__).resolve().parent.parent


class CloudFailed(Exception):
    """The cloud did not start, or refused a control call; the message holds its own words."""


class Cloud:
    """A running cloud: `url`, `env` (variables to export), `control()`, `client()` and `close()`."""

    def __init__(self, process: subprocess.Popen[str], env: dict[str, str], log: Path) -> None:
        self.process = process
        self.env = env
        self.url = env["AWS_ENDPOINT_URL"]
        self.log = log

    def control(self, path: str, body: Any = None, method: str | None = None, timeout: float = 300) -> Any:
        """Call /_local/`path` and return its JSON. POST when there is a body, else GET. Raises CloudFailed."""
        method = method or ("GET" if body is None else "POST")
        answer = requests.request(method, f"{self.url}/_local/{path}", json=body, timeout=timeout)
        if answer.status_code != 200:
            raise CloudFailed(f"{method} /_local/{path} answered {answer.status_code}: {answer.text}")
        return answer.json()

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of `service` for this cloud, whatever the caller's own environment says."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=self.env["AWS_REGION"],
            aws_access_key_id=self.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.env["AWS_SECRET_ACCESS_KEY"],
            **options,
        )

    def close(self) -> None:
        """End the cloud and everything that it started."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        with contextlib.suppress(FileNotFoundError):
            self.log.unlink()

    def __enter__(self) -> Cloud:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def start(timeout: float = 120, **options: Any) -> Cloud:
    """Start `python -m local_cloud` on a free port and wait until it is ready.

    Options are the command line's: stack="demo", backends=6, clients=2, mode="stepped", speed=30, region=...;
    stack=None starts an empty account. The cloud ends with the process that started it, unless parent=None.
    Raises CloudFailed with the cloud's own output when it does not come up.
    """
    options = {"mode": "stepped", "parent": os.getpid(), **options}
    command = [sys.executable, "-m", "local_cloud"]
    if options.get("stack", "") is None:
        options.pop("stack")
        command.append("--no-stack")
    for name, value in ((name, value) for name, value in options.items() if value is not None):
        command += [f"--{name.replace('_', '-')}", str(value)]
    handle, name = tempfile.mkstemp(prefix="local-cloud-", suffix=".log")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=handle, text=True, env=environment, cwd=ROOT, start_new_session=True
    )
    os.close(handle)
    try:
        return Cloud(process, _environment(process, Path(name), timeout), Path(name))
    except CloudFailed:
        Path(name).unlink()
        raise


def _environment(process: subprocess.Popen[str], log: Path, timeout: float) -> dict[str, str]:
    env: dict[str, str] = {}
    deadline = time.monotonic() + timeout
    assert process.stdout is not None
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        if not line:
            process.wait()
            raise CloudFailed(f"The local cloud ended with status {process.returncode}: {log.read_text()[-4000:]}")
        if line.startswith("export "):
            name, _, value = line[len("export ") :].strip().partition("=")
            env[name] = value
            if name == "AWS_REGION":
                return env
    process.kill()
    raise CloudFailed(f"The local cloud was not ready after {timeout:.0f} s: {log.read_text()[-4000:]}")
