"""A broken run as text."""

from __future__ import annotations

from .oracle import Broken
from .world import START

LAST_LINES = 30


def told(seed: int, broken: Broken, whole: bool = False) -> str:
    """The promise, the command that reproduces it, and what happened before."""
    lines = [
        f"{at - START:9.1f} {execution:14} {function:10} {what} {target}"
        for at, execution, function, what, target in (broken.history if whole else broken.history[-LAST_LINES:])
    ]
    command = f"python -m tests.scaling.simulation --seed {seed} --trace"
    return "\n".join([f"seed {seed} breaks {broken}", *lines, f"again: {command}", ""])
