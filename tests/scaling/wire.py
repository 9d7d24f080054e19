"""Every call of the functions on its way, to AWS and to WEKA: counted, and disturbed where a test asks for it."""

from __future__ import annotations

import fnmatch
import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import boto3
from adapters.weka.rpc import Rpc
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse

WATCHED = "watched-by-the-wire"


class Killed(BaseException):
    """The function's process ends here: no handler of an error runs, and no call of it leaves any more."""


@dataclass(frozen=True)
class Call:
    """A call of a function: its names, what it was asked, and its answer once there is one."""

    names: tuple[str, ...]
    params: Any
    answer: Any = None


def refusal(call: Call, code: str, message: str = "no") -> ClientError:
    """AWS's error in answer to this call."""
    return ClientError({"Error": {"Code": code, "Message": message}}, call.names[0].split(":")[1].split()[0])


@dataclass
class Moment:
    """Something that happens before or after the nth call of a name (a pattern)."""

    name: str
    do: Callable[[Call], object]
    after: bool
    skip: int
    times: int | None

    def met_by(self, names: tuple[str, ...], after: bool) -> bool:
        if after is not self.after or not any(fnmatch.fnmatchcase(name, self.name) for name in names):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return self.times is None or self.times >= 0


@dataclass
class Wire:
    """Names are ec2:TerminateInstances, "dynamodb:PutItem journal" (with the item's key), weka:hosts_list."""

    function: str = ""
    dead: bool = False
    seen: list[tuple[str, Call]] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    answers: list[tuple[str, int, bytes]] = field(default_factory=list)
    lock: Any = field(default_factory=threading.RLock)

    def when(
        self, name: str, do: Callable[[Call], object], after: bool = False, nth: int = 1, times: int | None = 1
    ) -> None:
        """`do` is called before, or after, the nth call of the name, and those after it up to `times`."""
        self.moments.append(Moment(name, do, after, nth - 1, times))

    def kill(self, name: str, after: bool = True, nth: int = 1) -> None:
        """The function dies right before or after the nth such call."""
        self.when(name, self._die, after, nth)

    def _die(self, _call: Call) -> None:
        self.dead = True

    def refuse(self, name: str, code: str, message: str = "no", times: int | None = None, nth: int = 1) -> None:
        """AWS answers the calls with this error."""

        def error(call: Call) -> None:
            raise refusal(call, code, message)

        self.when(name, error, nth=nth, times=times)

    def quiet(self) -> None:
        """Nothing is disturbed any more."""
        self.moments.clear()
        self.answers.clear()

    def names(self, function: str = "*") -> list[str]:
        """The names of the calls so far, of a function or of all."""
        return [name for who, call in self.seen if fnmatch.fnmatchcase(who, function) for name in call.names]

    def bare_answer(self, event_name: str) -> bytes | None:
        """The body of the bare answer that this call of AWS gets, if it gets one."""
        with self.lock:
            for number, (pattern, times, body) in enumerate(self.answers):
                if times > 0 and fnmatch.fnmatchcase(event_name, pattern):
                    self.answers[number] = (pattern, times - 1, body)
                    return body
        return None

    def pass_by(self, call: Call, after: bool) -> None:
        """A call goes out, or its answer comes back."""
        if self.dead:
            raise Killed(call.names[0])
        with self.lock:
            if not after:
                self.seen.append((self.function, call))
            met = [moment for moment in self.moments if moment.met_by(call.names, after)]
        for moment in met:
            moment.do(call)
        if self.dead:
            raise Killed(call.names[0])


_now: list[Wire] = []


@contextmanager
def wired(wire: Wire) -> Iterator[None]:
    """The functions' clients of AWS and WEKA are watched by this wire."""

    def watched(send: Callable[..., Any]) -> Callable[..., Any]:
        def call(rpc: Rpc, address: str, method: str, params: Any, *more: Any) -> Any:
            names = (f"weka:{method}", f"weka:{method} {address}")
            wire.pass_by(Call(names, params), after=False)
            answer = send(rpc, address, method, params, *more)
            wire.pass_by(Call(names, params, answer), after=True)
            return answer

        return call

    _now.append(wire)
    try:
        with (
            patch.object(Rpc, "post", watched(Rpc.post)),
            patch.object(Rpc, "rest", watched(Rpc.rest)),
            patch.object(BotocoreStubber, "__call__", _answering(BotocoreStubber.__call__)),
        ):
            yield
    finally:
        _now.remove(wire)


@functools.cache
def own_client(service: str) -> Any:
    """The test's own client, which nobody watches. Made once, for making one takes longer than a pass."""
    return _session().client(service)


@functools.cache
def watched_client(service: str, **config: Any) -> Any:
    """A function's client."""
    return _watched_session().client(service, **config)


def _session() -> boto3.Session:
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")


@functools.cache
def _watched_session() -> boto3.Session:
    session = _session()
    session.events.register("provide-client-params.*.*", _out)
    session.events.register("after-call.*.*", _back)
    session._session.user_agent_extra = WATCHED
    return session


def _out(params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
    name = f"{model.service_model.service_name}:{model.name}"
    items = [params.get("Key") or params.get("Item") or {}]
    for table in params.get("RequestItems", {}).values():
        items = table["Keys"]
    keys = [item["Key"]["S"] for item in items if "Key" in item]
    context["wire"] = Call(tuple(f"{name} {key}" for key in keys) or (name,), params)
    for wire in _now:
        wire.pass_by(context["wire"], after=False)


def _back(parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    """What a moment changes in the answer is what the function sees."""
    for wire in _now:
        wire.pass_by(Call(context["wire"].names, context["wire"].params, parsed), after=True)


def _answering(stubber: Callable[..., Any]) -> Callable[..., Any]:
    """Moto, or in its stead a bare HTTP answer, below the client's own retries."""

    def answer(moto: Any, event_name: str, request: Any, **more: Any) -> Any:
        if WATCHED in str(request.headers.get("User-Agent")):
            for wire in _now:
                body = wire.bare_answer(event_name)
                if body is not None:
                    return AWSResponse(request.url, 400, {}, MockRawResponse(body))
        return stubber(moto, event_name, request, **more)

    return answer
