"""What a call to the simulated cluster can end in, other than a result."""

from __future__ import annotations


class WekaError(Exception):
    """A call failed; `http_status` is the status REST answers, `code` the one JSON-RPC answers inside a 200."""

    http_status = 400
    code = -32001


class Refusal(WekaError):
    """The cluster will not do it: the text is what WEKA says."""


class NotFound(Refusal):
    """The object that the call names is not there."""

    http_status = 404


class InvalidParams(WekaError):
    """The call's parameters are missing or of the wrong form."""

    code = -32602


class MethodNotFound(WekaError):
    """No such method; also what a container in STEM mode (in no cluster) answers."""

    http_status = 404
    code = -32601


class Unauthorized(WekaError):
    """No token, a bad or expired one, or a wrong password: HTTP 401 whatever the protocol."""

    http_status = 401


class LockedOut(WekaError):
    """Too many wrong passwords: HTTP 403 whatever the protocol."""

    http_status = 403


class HttpFault(WekaError):
    """An injected bare HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"injected HTTP {status}")
        self.http_status = status


class DropConnection(WekaError):
    """An injected loss of the connection: the caller never sees an answer."""
