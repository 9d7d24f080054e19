"""The seeded fault layer in front of moto, and the count of every call that reaches it.

Faults are drawn from one generator per call number, so that a seed gives the same faults for the same order of calls.
"""

from __future__ import annotations

import random
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any

from . import calls, errors
from .calls import Call
from .control import ControlError, ControlRequest, route
from .process import INTERNAL, Wsgi, cloud


class DropConnection(Exception):
    """Ends the connection without any answer."""


@dataclass
class Faults:
    """What goes wrong. Chances are 0 to 1 a call; `only` holds patterns of `service:Operation`, none means all.

    `callers` narrows it to "user", role names or names of process.INTERNAL; without it all but the internal are.
    """

    seed: int = 1
    throttle: float = 0.0
    error_5xx: float = 0.0
    drop_reply_after_write: float = 0.0
    delay_ms: float = 0.0
    propagation_s: float = 0.0
    hold_at: int = 0
    hold: str = "before"
    only: list[str] = field(default_factory=list)
    callers: list[str] = field(default_factory=list)

    def concerns(self, call: Call) -> bool:
        """Whether `call` is among those that can be disturbed."""
        named = not self.only or any(fnmatchcase(call.name, pattern) for pattern in self.only)
        caller = calls.caller_of(call.access_key)
        return named and (caller in self.callers if self.callers else caller not in INTERNAL)


class FaultLayer:
    """Counts the calls that the present faults concern, and disturbs them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._held: Call | None = None
        self._release = threading.Event()
        self.faults = Faults()
        self.injected = 0

    def set(self, faults: Faults) -> None:
        """Put `faults` in the place of the present ones, count from 0, and let a held call go."""
        with self._lock:
            self._release.set()
            self._release = threading.Event()
            self.faults, self._count, self.injected = faults, 0, 0
        cloud.propagation_s = faults.propagation_s

    def report(self) -> dict[str, Any]:
        """What GET faults answers."""
        held = self._held
        return {
            **asdict(self.faults),
            "calls": self._count,
            "injected": self.injected,
            "held": held is not None,
            "held_call": held.name if held else None,
        }

    def run(self, call: Call, environ: dict[str, Any], inner: Callable[[], errors.Answer]) -> errors.Answer:
        """Answer one call through `inner`, with this call's faults."""
        faults = self.faults
        if not faults.concerns(call):
            return inner()
        with self._lock:
            self._count += 1
            number, release = self._count, self._release
        if faults.delay_ms:
            time.sleep(faults.delay_ms / 1000)
        if number == faults.hold_at:
            return self._hold(call, environ, inner, faults.hold, release)
        draw = random.Random(f"{faults.seed}/{number}")
        if draw.random() < faults.throttle:
            self.injected += 1
            return errors.throttled(call)
        if draw.random() < faults.error_5xx:
            self.injected += 1
            return errors.broken(call)
        result = inner()
        if call.write and draw.random() < faults.drop_reply_after_write:
            self.injected += 1
            raise DropConnection
        return result

    def _hold(
        self,
        call: Call,
        environ: dict[str, Any],
        inner: Callable[[], errors.Answer],
        when: str,
        release: threading.Event,
    ) -> errors.Answer:
        result = inner() if when == "after" else None
        self._held = call
        release.wait()
        self._held = None
        if _gone(environ.get("werkzeug.socket")):
            raise DropConnection
        return result or inner()


def _gone(connection: socket.socket | None) -> bool:
    """Whether the caller has hung up."""
    if connection is None:
        return False
    try:
        readable, _, _ = select.select([connection], [], [], 0)
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


layer = FaultLayer()


def middleware(app: Wsgi) -> Wsgi:
    """WSGI: count the call, disturb it, hand it to `app`. moto's own pages (/moto-api) pass untouched."""

    def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith("/moto-api"):
            return app(environ, start_response)
        call = environ["local_cloud.call"] = calls.identify(environ)

        def inner() -> errors.Answer:
            seen: dict[str, Any] = {}

            def remember(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., Any]:
                seen.update(status=int(status.split()[0]), headers=headers)
                return lambda data: None

            data = b"".join(app(environ, remember))
            return seen["status"], seen["headers"], data

        calls.log.add(call)
        status, headers, data = layer.run(call, environ, inner)
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [data]

    return wrapped


def parse(values: dict[str, Any]) -> Faults:
    """Faults from a control call's fields. Raises ControlError (400) naming what is wrong."""
    known = {item.name for item in fields(Faults)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ControlError(400, f"Unknown faults: {', '.join(unknown)}. Known are: {', '.join(sorted(known))}.")
    if values.get("hold", "before") not in ("before", "after"):
        raise ControlError(400, "hold is 'before' or 'after' (the call's effect).")
    return Faults(**values)


@route("GET", "faults")
def _get(request: ControlRequest) -> dict[str, Any]:
    return layer.report()


@route("POST", "faults")
def _post(request: ControlRequest) -> dict[str, Any]:
    layer.set(parse(request.fields()))
    return layer.report()


@route("DELETE", "faults")
def _delete(request: ControlRequest) -> dict[str, Any]:
    layer.set(Faults())
    return layer.report()
