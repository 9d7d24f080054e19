"""The control API under /_local/: a registry of routes that every part of the local cloud adds to.

    @route("GET", "weka/<stack>")
    def weka_state(request: ControlRequest) -> object:
        return {"stack": request.params["stack"]}

A handler returns something that JSON can carry, or raises ControlError with an HTTP status.
"""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from .process import Wsgi

PREFIX = "/_local/"


class ControlError(Exception):
    """A refusal to tell the caller: `status` and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class ControlRequest:
    """One call: names from the path in `params`, the JSON body (None when empty) in `body`."""

    method: str
    path: str
    params: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None

    def fields(self) -> dict[str, Any]:
        """The body as an object; an empty body is an empty object. Raises ControlError (400) for anything else."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise ControlError(400, f"{self.method} {self.path} takes a JSON object.")
        return self.body


Handler = Callable[[ControlRequest], Any]
_routes: list[tuple[str, re.Pattern[str], Handler]] = []


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register a handler for `method` on PREFIX + `path`; `<name>` in the path matches one segment."""
    pattern = re.compile("".join(_segment(part) for part in re.split(r"(<\w+>)", path)) + "/?$")

    def register(handler: Handler) -> Handler:
        _routes.append((method.upper(), pattern, handler))
        return handler

    return register


def _segment(part: str) -> str:
    return f"(?P<{part[1:-1]}>[^/]+)" if part.startswith("<") else re.escape(part)


def dispatch(method: str, path: str, query: str, body: bytes) -> tuple[int, Any]:
    """Answer one control call: HTTP status and the JSON value."""
    known_path = False
    for wanted, pattern, handler in _routes:
        match = pattern.match(path)
        if not match:
            continue
        known_path = True
        if wanted != method:
            continue
        try:
            request = ControlRequest(
                method=method,
                path=path,
                params={name: unquote(value) for name, value in match.groupdict().items()},
                query=dict(parse_qsl(query)),
                body=json.loads(body) if body.strip() else None,
            )
            return 200, handler(request)
        except ControlError as error:
            return error.status, {"error": str(error)}
        except json.JSONDecodeError as error:
            return 400, {"error": f"The body of {method} {PREFIX}{path} is not JSON: {error}"}
        except Exception as error:
            traceback.print_exc()
            return 500, {"error": f"{method} {PREFIX}{path} failed: {type(error).__name__}: {error}"}
    if known_path:
        return 405, {"error": f"{PREFIX}{path} does not take {method}."}
    return 404, {"error": f"There is no {PREFIX}{path} in this cloud."}


def middleware(app: Wsgi) -> Wsgi:
    """WSGI: answer PREFIX here, hand the rest to `app`."""

    def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not path.startswith(PREFIX):
            return app(environ, start_response)
        body = environ["wsgi.input"].read()
        status, value = dispatch(environ["REQUEST_METHOD"], path[len(PREFIX) :], environ.get("QUERY_STRING", ""), body)
        data = json.dumps(value, default=str).encode()
        start_response(f"{status} {'OK' if status == 200 else 'Error'}", [("Content-Type", "application/json")])
        return [data]

    return wrapped
