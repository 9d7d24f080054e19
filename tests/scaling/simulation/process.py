"""One run of a Lambda function: every call that it makes passes here, and may fail, hang, or be its last."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .truth import moment

if TYPE_CHECKING:
    from .oracle import Oracle
    from .world import World

Answer = TypeVar("Answer")
LAMBDA_SECONDS = 60.0


class Killed(BaseException):
    """The function is gone in the middle of its work; nothing of its code may run any more."""


class Fate:
    """What happens to calls. This one lets all of them pass."""

    def before(self, process: Process, call: str) -> None:
        """Called where other things may happen first: before reads, and before the lease is renewed."""

    def seconds(self, process: Process, call: str) -> float:
        """How long the call takes."""
        return 0.05

    def refusal(self, process: Process, call: str, target: str) -> Exception | None:
        """An error instead of the call's effect."""
        return None

    def loss(self, process: Process, call: str, target: str) -> Exception | None:
        """An error after the call's effect."""
        return None

    def age(self, process: Process, call: str) -> int:
        """How many changes old the answer of a read is."""
        return 0

    def foreign(self, process: Process, address: str) -> bool:
        """Another cluster answers at the address."""
        return False


class Process:
    """A function at work for an execution. `served` says of which tick the answers are that it was given."""

    __slots__ = (
        "call_name",
        "calls",
        "dead",
        "event",
        "execution",
        "fate",
        "fence",
        "function",
        "kill_at",
        "oracle",
        "served",
        "skew",
    )
    __slots__ += ("started", "trouble", "world")

    def __init__(self, world: World, oracle: Oracle, fate: Fate, execution: str, function: str) -> None:
        self.world = world
        self.oracle = oracle
        self.fate = fate
        self.execution = execution
        self.function = function
        self.fence: int | None = None
        self.kill_at: int | None = None
        self.event: dict[str, Any] = {}
        self.calls = 0
        self.call_name = ""
        self.dead = False
        self.skew = 0.0
        self.trouble: list[str] = []
        self.started = world.now
        self.served: dict[str, int] = {}

    def now(self) -> Any:
        """The clock port."""
        return moment(self.world.now + self.skew)

    def die(self) -> None:
        """Be gone; raises Killed."""
        self.dead = True
        raise Killed(f"{self.execution} {self.function}")

    def call(self, call: str, apply: Callable[[], Answer], target: str = "", others: bool = False) -> Answer:
        """Make a call; `others` may act first. Raises what fate has in store."""
        if self.dead:
            raise Killed(f"{self.execution} {self.function}")
        if others:
            self.call_name = call
            self.fate.before(self, call)
        self.calls += 1
        if self.calls == self.kill_at:
            self.oracle.note(self, f"is killed before {call}", target)
            self.die()
        self.world.now += self.fate.seconds(self, call)
        if self.world.now - self.started > LAMBDA_SECONDS:
            self.oracle.note(self, f"times out in {call}", target)
            self.die()
        error = self.fate.refusal(self, call, target)
        if error:
            self.oracle.note(self, f"is refused {call}: {error}", target)
            raise error
        answer = apply()
        self.oracle.note(self, call, target)
        error = self.fate.loss(self, call, target)
        if error:
            self.oracle.note(self, f"loses the answer of {call}", target)
            raise error
        return answer
