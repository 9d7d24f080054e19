"""One execution environment: a child process running awslambdaric, and the runtime API that it polls."""

from __future__ import annotations

import json
import os
import queue
import select
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

API = "/2018-06-01/runtime"
INIT_TIMEOUT_S = 60
# Lambda guide, "Quotas": a synchronous answer may have 6 MB (6291556 bytes).
MAX_ANSWER = 6291556


@dataclass
class Invocation:
    """One event on its way through a child; `done` is set when `payload` and `error` are final."""

    payload_in: bytes
    arn: str
    timeout: float
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    deadline_ms: int = 0
    payload: bytes = b"null"
    error: bool = False
    done: threading.Event = field(default_factory=threading.Event)

    def finish(self, payload: bytes, error: bool) -> None:
        """Set the outcome, once."""
        if not self.done.is_set():
            self.payload, self.error = payload, error
            self.done.set()

    def fail(self, error_type: str, message: str) -> None:
        """End with an error that Lambda itself reports."""
        text = f"RequestId: {self.request_id} Error: {message}"
        self.finish(json.dumps({"errorMessage": text, "errorType": error_type}).encode(), True)


class _Api(BaseHTTPRequestHandler):
    """The runtime API of one child (Lambda guide, "Using the Lambda runtime API")."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _ApiServer

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        """GET invocation/next: wait for the next event."""
        child = self.server.child
        child.idle.set()
        invocation = child.events.get()
        if invocation is None:
            self.close_connection = True
            return
        child.current = invocation
        invocation.deadline_ms = int((time.time() + invocation.timeout) * 1000)
        self._answer(
            200,
            invocation.payload_in,
            {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.arn,
                "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}",
            },
        )

    def do_POST(self) -> None:
        """POST invocation/<id>/response, invocation/<id>/error and init/error."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        child = self.server.child
        if self.path == f"{API}/init/error":
            child.init_error = body
            child.idle.set()
        elif self.path.endswith("/response") and child.current:
            if len(body) > MAX_ANSWER:
                child.spent = True
                child.current.finish(_too_large(), True)
                self._answer(413, b'{"errorType":"RequestEntityTooLarge"}')
                return
            child.current.finish(body, False)
        elif self.path.endswith("/error") and child.current:
            child.current.finish(body, True)
        self._answer(202, b'{"status":"OK"}')

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class _ApiServer(ThreadingHTTPServer):
    daemon_threads = True
    child: Child

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A killed child leaves its connection broken; that is no news."""


class Child:
    """A warm environment of one function. Not for two events at once: the pool sees to that."""

    def __init__(self, handler: str, code: Path, packages: Path, environment: dict[str, str]) -> None:
        self.events: queue.Queue[Invocation | None] = queue.Queue()
        self.current: Invocation | None = None
        self.idle = threading.Event()
        self.init_error: bytes | None = None
        # Ending: awslambdaric ends itself after a refused answer, and one that was killed still runs for a moment.
        self.spent = False
        self.log_stream = environment["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._lines: list[str] = []
        self._rest = b""
        self._eof = False
        self._reading = threading.Lock()
        self._api = _ApiServer(("127.0.0.1", 0), _Api)
        self._api.child = self
        threading.Thread(target=self._api.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True).start()
        self._process = subprocess.Popen(
            # -S keeps this environment's site-packages away: the function sees only what Lambda offers.
            [sys.executable, "-S", "-m", "awslambdaric", handler],
            cwd=code,
            env={
                **environment,
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._api.server_address[1]}",
                "LAMBDA_TASK_ROOT": str(code),
                "PYTHONPATH": str(packages),
                "PYTHONUNBUFFERED": "1",
                "_HANDLER": handler,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self._process.stdout is not None
        self._pipe = self._process.stdout.fileno()
        os.set_blocking(self._pipe, False)
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether another event can be given to it."""
        return self._process.poll() is None and self.init_error is None and not self.spent

    def run(self, invocation: Invocation) -> list[str]:
        """Run one event to its end; the outcome is in `invocation`, the answer is what it logged."""
        self.idle.wait(INIT_TIMEOUT_S)
        started = time.monotonic()
        if self.init_error is not None:
            invocation.finish(self.init_error, True)
        elif not self.idle.is_set():
            invocation.fail("Sandbox.Timedout", f"Task timed out after {INIT_TIMEOUT_S}.00 seconds")
            self.kill()
        elif self._process.poll() is not None:
            self._exited(invocation)
        else:
            self.idle.clear()
            self.current = invocation
            self.events.put(invocation)
            if not invocation.done.wait(invocation.timeout):
                invocation.fail("Sandbox.Timedout", f"Task timed out after {invocation.timeout:.2f} seconds")
                self.kill()
        return self._report(invocation, (time.monotonic() - started) * 1000)

    def _report(self, invocation: Invocation, duration_ms: float) -> list[str]:
        self._drain()
        lines, self._lines = self._lines, []
        ends = json.loads(invocation.payload)["errorMessage"].partition(" Error: ")[2] if _own_error(invocation) else ""
        return [
            f"START RequestId: {invocation.request_id} Version: $LATEST",
            *lines,
            *([f"{invocation.request_id} {ends}"] if ends else []),
            f"END RequestId: {invocation.request_id}",
            f"REPORT RequestId: {invocation.request_id} Duration: {duration_ms:.2f} ms",
        ]

    def kill(self) -> None:
        """End the process and its runtime API."""
        self.spent = True
        if self._process.poll() is None:
            self._process.kill()
        self.events.put(None)
        threading.Thread(target=self._close_api, daemon=True).start()

    def _close_api(self) -> None:
        self._api.shutdown()
        self._api.server_close()

    def _watch(self) -> None:
        while self._process.poll() is None:
            if select.select([self._pipe], [], [], 0.5)[0]:
                self._drain()
                if self._eof:
                    break
        self._process.wait()
        self._drain()
        if self.current is not None:
            self._exited(self.current)
        self.idle.set()

    def _exited(self, invocation: Invocation) -> None:
        status = self._process.wait()
        how = f"signal: {-status}" if status < 0 else f"exit status {status}"
        invocation.fail("Runtime.ExitError", f"Runtime exited with error: {how}")

    def _drain(self) -> None:
        with self._reading:
            while not self._eof:
                try:
                    data = os.read(self._pipe, 65536)
                except (BlockingIOError, ValueError, OSError):
                    return
                self._eof = not data
                *lines, self._rest = (self._rest + data).replace(b"\r", b"\n").split(b"\n")
                self._lines += [line.decode("utf-8", "replace") for line in lines]


def _too_large() -> bytes:
    message = f"Response payload size exceeded maximum allowed payload size ({MAX_ANSWER} bytes)."
    return json.dumps({"errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"}).encode()


def _own_error(invocation: Invocation) -> bool:
    return invocation.error and any(
        name in invocation.payload[-200:] for name in (b"Sandbox.Timedout", b"Runtime.ExitError")
    )
