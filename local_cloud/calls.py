"""Which AWS call a request is (service, operation, protocol, who signed it), and the count of calls."""

from __future__ import annotations

import io
import json
import re
import threading
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

import botocore.session

from .control import ControlRequest, route
from .process import INTERNAL

# Signing names that differ from the prefix that IAM policies use for the same service.
IAM_PREFIX = {"monitoring": "cloudwatch", "tagging": "tag"}
REST_SERVICES = {"lambda": "lambda", "apigateway": "apigateway", "route53": "route53", "s3": "s3"}
REST_XML = ("route53", "s3")
READS = re.compile(
    r"^(Describe|Get|List|Head|Lookup|Search|BatchGet|TransactGet|Query$|Scan$|Simulate|Validate|Filter|Estimate"
    r"|Encrypt$|Decrypt$|ReEncrypt$|GenerateDataKey|Sign$|Verify$|AssumeRole|DecodeAuthorization|TestDNSAnswer|TestState)"
)


@dataclass(frozen=True)
class Call:
    """One AWS request. `service` is IAM's prefix; `protocol` is query, ec2, json, cbor, rest-json or rest-xml."""

    service: str
    operation: str
    protocol: str
    access_key: str

    @property
    def name(self) -> str:
        """`service:Operation`."""
        return f"{self.service}:{self.operation}"

    @property
    def write(self) -> bool:
        """Whether the call can change anything on the other side."""
        return self.service != "sts" and not READS.match(self.operation)


def identify(environ: dict[str, Any]) -> Call:
    """Read service and operation from a WSGI request; an unknown one is named by its method and path."""
    service, access_key = _credential_scope(environ.get("HTTP_AUTHORIZATION", ""))
    prefix = IAM_PREFIX.get(service, service)
    path = environ.get("PATH_INFO", "/")
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return Call(prefix, target.rpartition(".")[2], "json", access_key)
    if "/operation/" in path and path.startswith("/service/"):
        return Call(prefix, path.rpartition("/")[2], "cbor", access_key)
    if service in REST_SERVICES:
        protocol = "rest-xml" if service in REST_XML else "rest-json"
        return Call(prefix, _rest_operation(service, environ["REQUEST_METHOD"], path), protocol, access_key)
    action = dict(parse_qsl(body_of(environ).decode("utf-8", "replace"))).get("Action") or dict(
        parse_qsl(environ.get("QUERY_STRING", ""))
    ).get("Action", f"{environ['REQUEST_METHOD']} {path}")
    return Call(prefix, action, "ec2" if service == "ec2" else "query", access_key)


def body_of(environ: dict[str, Any]) -> bytes:
    """The request's body, left in place for the next reader."""
    body: bytes = environ["wsgi.input"].read()
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def json_body(environ: dict[str, Any]) -> dict[str, Any]:
    """The request's body as an object, empty when it is not one."""
    try:
        value = json.loads(body_of(environ) or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _credential_scope(authorization: str) -> tuple[str, str]:
    match = re.search(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/aws4_request", authorization)
    return (match[2].lower(), match[1]) if match else ("unsigned", "")


def _rest_operation(service: str, method: str, path: str) -> str:
    for wanted, pattern, name in _rest_table(service):
        if wanted == method and pattern.match(path.rstrip("/") or "/"):
            return name
    return f"{method} {path}"


@cache
def _rest_table(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    """Method, path pattern and operation of every call of a REST service, the most literal paths first."""
    model = botocore.session.get_session().get_service_model(REST_SERVICES[service])
    rows = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        uri = http["requestUri"].partition("?")[0].rstrip("/") or "/"
        parts = re.split(r"(\{[^}]+\})", uri)
        pattern = "".join(_path_part(part) for part in parts)
        rows.append((len(uri) - sum(len(p) for p in parts[1::2]), http["method"], re.compile(pattern + "$"), name))
    rows.sort(key=lambda row: -row[0])
    return [(method, pattern, name) for _, method, pattern, name in rows]


def _path_part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return ".+" if part.endswith("+}") or "Arn" in part or "arn" in part else "[^/]+"


def caller_of(access_key: str) -> str:
    """`user`, one of process.INTERNAL, or the name of the role whose session signed the call."""
    if not access_key.startswith("ASIA"):
        return access_key if access_key in INTERNAL else "user"
    from moto.sts.models import sts_backends

    for account in list(sts_backends.values()):
        for backend in list(account.values()):
            role = backend.get_assumed_role_from_access_key(access_key)
            if role is not None:
                return unquote(role.role_arn.rpartition("/")[2])
    return "user"


class CallLog:
    """Counts calls since the last reset by name, internal ones apart, and by caller, internal ones too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Start counting anew."""
        with self._lock:
            self._by: Counter[str] = Counter()
            self._by_caller: dict[str, Counter[str]] = {}
            self._writes: list[str] = []

    def add(self, call: Call) -> None:
        """Count one call."""
        caller = caller_of(call.access_key)
        with self._lock:
            self._by_caller.setdefault(caller, Counter())[call.name] += 1
            if caller in INTERNAL:
                return
            self._by[call.name] += 1
            if call.write:
                self._writes.append(call.name)

    def report(self) -> dict[str, Any]:
        """What GET calls answers."""
        with self._lock:
            return {
                "total": sum(self._by.values()),
                "writes": len(self._writes),
                "by": dict(sorted(self._by.items())),
                "write_names": list(self._writes),
                "by_caller": {caller: dict(sorted(by.items())) for caller, by in self._by_caller.items()},
            }


log = CallLog()


@route("GET", "calls")
def _report(request: ControlRequest) -> dict[str, Any]:
    return log.report()


@route("POST", "calls/reset")
def _reset(request: ControlRequest) -> dict[str, Any]:
    log.reset()
    return log.report()
