"""Guards taken away, so that one can see whether the oracle notices."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import scale.effects
import scaling.decide
import scaling.invariants
import scaling.strangers
import terminate.effects

from .oracle import Broken
from .simulation import run

MODULES = (scaling.invariants, scaling.decide, scaling.strangers, scale.effects, terminate.effects)


def always(*_: Any, **__: Any) -> tuple[bool, str]:
    """An invariant that allows everything."""
    return True, ""


def never_stops(*_: Any) -> None:
    """A check that never raises."""


def without(*guards: str) -> ExitStack:
    """Every place that asks one of these invariants hears that all is well."""
    stack = ExitStack()
    for guard in guards:
        places = [module for module in MODULES if hasattr(module, guard)]
        if not places:
            raise LookupError(f"There is no guard {guard}.")
        for module in places:
            stack.enter_context(patch.object(module, guard, always))
    return stack


def promises_broken(seeds: range, enough: set[str]) -> set[str]:
    """The promises that break in these runs, until one is among those that are looked for."""
    broken = set()
    for seed in seeds:
        try:
            run(seed)
        except Broken as found:
            broken.add(found.promise)
            if broken & enough:
                break
    return broken
