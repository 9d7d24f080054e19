"""JSON-RPC 2.0 at POST /api/v1: errors come inside an HTTP 200, a bad token as HTTP 401, a lock-out as HTTP 403."""

from __future__ import annotations

from typing import Any

from .errors import DropConnection, HttpFault, LockedOut, Unauthorized, WekaError
from .methods import call
from .model import Cluster
from .web import Response, json_response, parse_json


def handle(cluster: Cluster, address: str, body: bytes, token: str | None) -> Response:
    """Answer one request. DropConnection passes through to the server."""
    try:
        request = parse_json(body)
    except ValueError:
        return _error(None, -32700, "Parse error")
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        return _error(None, -32600, "Invalid Request")
    call_id = request.get("id")
    try:
        result = call(cluster, address, request["method"], request.get("params"), token)
    except DropConnection:
        raise
    except (Unauthorized, LockedOut) as error:
        return json_response({"data": str(error)}, error.http_status)
    except HttpFault as error:
        return Response(error.http_status, str(error).encode(), "text/plain")
    except WekaError as error:
        return _error(call_id, error.code, str(error), type(error).__name__)
    return json_response({"jsonrpc": "2.0", "id": call_id, "result": result})


def _error(call_id: Any, code: int, message: str, kind: str | None = None) -> Response:
    error: dict[str, Any] = {"code": code, "message": message}
    if kind:
        error["data"] = {"exceptionClass": kind, "exceptionText": message}
    return json_response({"jsonrpc": "2.0", "id": call_id, "error": error})
