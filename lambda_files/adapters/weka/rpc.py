"""One JSON-RPC call to one member of a WEKA cluster, bounded in time and size."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import requests
from errors import ClusterAnswerUnknown, ClusterRefused, ClusterUnreachable

from adapters.weka.lean import lean_answer
from adapters.weka.tls import Transport

PATH = "/api/v1"
REST = "/api/v2"
CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
LARGEST_ANSWER = 64 * 1024 * 1024
# Read entry by entry, it is never held as a whole: 2,000 machines and 5,000 clients have 60,000 processes of 2 KB.
LARGEST_LEAN_ANSWER = 256 * 1024 * 1024
METHOD_NOT_FOUND = -32601


class Unusable(Exception):
    """This member cannot answer; another one may."""


class Unheard(Unusable):
    """No answer came: the request may have been taken or not."""


class Unauthorized(Exception):
    """The token, or the login, was not accepted."""


class NotOffered(Exception):
    """This release knows no such path."""


class Forbidden(Exception):
    """HTTP 403: on a login this is WEKA's answer while the account is locked."""


class Rpc:
    """Calls methods on members; `seconds` bounds all calls of one object together."""

    def __init__(
        self, transport: Transport, seconds: float = 40.0, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._transport = transport
        self._session = transport.session()
        self._ticks = ticks
        self._end = ticks() + seconds

    def post(
        self, address: str, method: str, params: Any, token: str | None = None, only: frozenset[str] | None = None
    ) -> Any:
        """The method's result; with `only`, of its objects just these fields and the entries keyed by an id.

        Raises Unusable, Unauthorized, Forbidden, ClusterRefused, ClusterAnswerUnknown, and ClusterUnreachable
        when the time of all calls is used up.
        """
        url = self._transport.url(address, PATH)
        request = {"jsonrpc": "2.0", "method": method, "params": params, "id": str(uuid.uuid4())}
        status, body = self._exchange(url, request, token, f"{method} on {url}", only)
        return _result(status, body, f"{method} on {url}", request["id"])

    def rest(self, address: str, path: str, body: Any, token: str | None = None) -> Any:
        """Data of a POST to REST v2; raises as post does, and NotOffered when this release has no such path."""
        url = self._transport.url(address, f"{REST}/{path}")
        status, answer = self._exchange(url, body, token, f"POST {url}")
        return _data(status, answer, f"POST {url}")

    def _exchange(
        self, url: str, body: Any, token: str | None, what: str, only: frozenset[str] | None = None
    ) -> tuple[int, Any]:
        """HTTP status, and the body: read already where only some fields of a result are wanted."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        left = self._left(what)
        try:
            with self._session.post(
                url,
                json=body,
                headers=headers,
                timeout=(min(CONNECT_SECONDS, left), min(READ_SECONDS, left)),
                allow_redirects=False,
                stream=True,
            ) as response:
                status = response.status_code
                if only and status == 200:
                    return status, lean_answer(self._chunks(response, what, LARGEST_LEAN_ANSWER), only)
                return status, b"".join(self._chunks(response, what, LARGEST_ANSWER))
        except requests.RequestException as error:
            raise Unheard(f"{what} failed: {error}") from error
        except ValueError as error:
            raise ClusterAnswerUnknown(f"{what} answered HTTP 200 with something that is not JSON: {error}") from error

    def _left(self, what: str) -> float:
        left = self._end - self._ticks()
        if left <= 0:
            raise ClusterUnreachable(f"The time for this pass was used up before {what}; the next pass tries again.")
        return left

    def _chunks(self, response: requests.Response, what: str, largest: int) -> Iterator[bytes]:
        size = 0
        for chunk in response.iter_content(65536):
            self._left(what)
            size += len(chunk)
            if size > largest:
                raise ClusterAnswerUnknown(f"The answer to {what} is larger than {largest} bytes.")
            yield chunk


def _result(status: int, body: Any, what: str, request_id: str) -> Any:
    answer = body if status == 200 and not isinstance(body, bytes) else _answer(status, body, what)
    if not isinstance(answer, dict) or status >= 400 and "error" not in answer:
        raise ClusterAnswerUnknown(f"{what} answered HTTP {status} with something that is not JSON-RPC.")
    if answer.get("error"):
        raise _refusal(answer["error"], what)
    if "result" not in answer or answer.get("id", request_id) != request_id:
        raise ClusterAnswerUnknown(f"{what} answered without a result, or to another request.")
    return answer["result"]


def _data(status: int, body: bytes, what: str) -> Any:
    if status == 404:
        raise NotOffered(f"{what} answered HTTP 404.")
    answer = _answer(status, body, what)
    if isinstance(answer, dict) and status >= 400 and isinstance(answer.get("message"), str):
        raise ClusterRefused(f"The cluster refused {what}: {answer['message']}")
    if not isinstance(answer, dict) or status >= 400 or "data" not in answer:
        raise ClusterAnswerUnknown(f"{what} answered HTTP {status} with something that is not WEKA's REST.")
    return answer["data"]


def _answer(status: int, body: bytes, what: str) -> Any:
    if status == 401:
        raise Unauthorized(f"{what} answered HTTP 401.")
    if status == 403:
        raise Forbidden(f"{what} answered HTTP 403: {body[:200].decode(errors='replace')}")
    if status >= 500 or 300 <= status < 400:
        raise Unusable(f"{what} answered HTTP {status}.")
    try:
        return json.loads(body)
    except ValueError as error:
        raise ClusterAnswerUnknown(f"{what} answered HTTP {status} with something that is not JSON.") from error


def _refusal(error: Any, what: str) -> Exception:
    if not isinstance(error, dict):
        return ClusterRefused(f"The cluster refused {what}: {error}")
    if error.get("code") == METHOD_NOT_FOUND:
        # A container outside a cluster (STEM mode) answers every management method like this.
        return Unusable(f"{what}: this member knows no such method; it is in no cluster, or too old.")
    data = error.get("data")
    detail = data.get("exceptionText") if isinstance(data, dict) else data
    words = " ".join(str(part) for part in (error.get("message"), detail) if part)
    return ClusterRefused(f"The cluster refused {what}: {words} (code {error.get('code')})")
