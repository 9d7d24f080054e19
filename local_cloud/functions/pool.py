"""The warm children of all functions: one a (function, code, handler, environment, role) and concurrent event."""

from __future__ import annotations

import datetime
import io
import shutil
import tempfile
import threading
import uuid
import zipfile
from pathlib import Path
from typing import Any

from ..process import cloud
from . import packages
from .child import Child, Invocation

Key = tuple[str, ...]


class Pool:
    """Starts children when needed, hands idle ones out again, ends those of code that is no more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[Key, list[Child]] = {}
        self._busy: dict[str, list[Child]] = {}
        self._folder: Path | None = None

    def run(self, function: Any, invocation: Invocation, credentials: Any) -> tuple[list[str], str]:
        """Run one event of a moto function; returns its log lines and log stream. The outcome is in `invocation`."""
        arn = function.function_arn
        key = (
            arn,
            function.code_sha_256,
            function.handler,
            repr(sorted(function.environment_vars.items())),
            function.role,
            str(function.memory_size),
        )
        child = self._take(key, arn) or self._start(function, arn, credentials)
        try:
            lines = child.run(invocation)
        finally:
            self._give_back(key, arn, child)
        return lines, child.log_stream

    def running(self, arn: str) -> int:
        """How many events of the function run now."""
        with self._lock:
            return len(self._busy.get(arn, []))

    def forget(self, arn: str) -> None:
        """End every child of a function that was deleted."""
        with self._lock:
            children = self._busy.pop(arn, [])
            for key in [key for key in self._idle if key[0] == arn]:
                children += self._idle.pop(key)
        for child in children:
            child.kill()

    def close(self) -> None:
        """End every child and remove the unpacked code."""
        with self._lock:
            children = [child for group in (*self._idle.values(), *self._busy.values()) for child in group]
            self._idle, self._busy = {}, {}
            folder, self._folder = self._folder, None
        for child in children:
            child.kill()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _take(self, key: Key, arn: str) -> Child | None:
        with self._lock:
            stale = [old for old in self._idle if old[0] == arn and old != key]
            ended = [child for old in stale for child in self._idle.pop(old)]
            waiting = self._idle.pop(key, [])
            ended += [child for child in waiting if not child.alive]
            usable = [child for child in waiting if child.alive]
            child = usable.pop() if usable else None
            self._idle[key] = usable
            if child is not None:
                self._busy.setdefault(arn, []).append(child)
        for old in ended:
            old.kill()
        return child

    def _give_back(self, key: Key, arn: str, child: Child) -> None:
        with self._lock:
            known = child in self._busy.get(arn, [])
            if known:
                self._busy[arn].remove(child)
            keep = known and child.alive
            if keep:
                self._idle.setdefault(key, []).append(child)
        if not keep:
            child.kill()

    def _start(self, function: Any, arn: str, credentials: Any) -> Child:
        folder = self._home()
        code = folder / "code" / function.code_sha_256.replace("/", "_")
        with self._lock:
            if not code.exists():
                with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as archive:
                    archive.extractall(code)
        child = Child(function.handler, code, folder / "packages", environment(function, credentials))
        with self._lock:
            self._busy.setdefault(arn, []).append(child)
        return child

    def _home(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="local-cloud-functions-"))
                packages.link_into(self._folder / "packages")
            return self._folder


def environment(function: Any, credentials: Any) -> dict[str, str]:
    """A child's whole environment (Lambda guide, "Defined runtime environment variables"), and our endpoint."""
    stream = f"{datetime.datetime.now(datetime.UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"
    return {
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "TZ": ":UTC",
        **function.environment_vars,
    }


pool = Pool()
