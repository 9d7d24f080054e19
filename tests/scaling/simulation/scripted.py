"""Runs without chance: what happens in between is written down."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from .functions import cold
from .process import Process
from .simulation import Run
from .world import World

Cue = tuple[str, str]


@dataclass(slots=True)
class Scripted(Run):
    """Before the named call of the named function, for the so manieth time, something happens once."""

    cues: dict[tuple[str, str, int], Callable[[Process], None]] = field(default_factory=dict)
    seen: dict[Cue, int] = field(default_factory=dict)

    def __call__(self, process: Process) -> None:
        cue = (process.function, process.call_name)
        self.seen[cue] = self.seen.get(cue, 0) + 1
        happens = self.cues.pop((*cue, self.seen[cue]), None)
        if happens:
            happens(process)

    def passes(self, count: int = 1, seconds: float = 60) -> list[str]:
        """So many passes, and the time after each; returns how they ended."""
        ended = []
        for _ in range(count):
            execution = self.start()
            self.seen.clear()
            with cold(whole=False):
                self.advance(execution)
            ended.append(f"{execution.status} {execution.error}".strip())
            self.wait(seconds)
        return ended


def scripted(world: World, **cues: object) -> Scripted:
    """A run of that world in which nothing happens but what is written."""
    return Scripted(random.Random(0), world, set(), **cues)  # type: ignore[arg-type]
