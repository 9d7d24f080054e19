"""Replacing private names of moto, with a check that the names still are what the replacement was written for."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


class NameMoved(AttributeError):
    """moto has no such name any more, or its parameters are others: the seam must be written anew."""


@dataclass
class Replacement:
    """`owner.name` becomes `value`; moto's own is kept in `original`.

    With `new` moto is expected not to have the name: once it has, the gap is closed and the seam can go.
    """

    owner: Any
    name: str
    value: Any
    new: bool = False
    original: Any = field(init=False)

    def __post_init__(self) -> None:
        self.original = inspect.getattr_static(self.owner, self.name, None)

    def install(self) -> None:
        """Put the replacement in place."""
        setattr(self.owner, self.name, self.value)

    def check(self) -> None:
        """Raise NameMoved when moto's own name is not what was expected."""
        where = f"{self.owner.__module__}.{self.owner.__qualname__}.{self.name}"
        if self.new:
            if self.original is not None:
                raise NameMoved(f"moto has {where} now: remove the seam that adds it.")
            return
        if self.original is None:
            raise NameMoved(f"moto has no {where} any more.")
        if inspect.isfunction(self.original) and inspect.isfunction(self.value):
            ours, theirs = _names(self.value), _names(self.original)
            if not ours <= theirs:
                raise NameMoved(f"{where} does not take {', '.join(sorted(ours - theirs))} any more.")


def _names(function: Any) -> set[str]:
    parameters = inspect.signature(function).parameters.values()
    return {each.name for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)}


def install(replacements: Iterable[Replacement]) -> None:
    """Put every replacement in place."""
    for each in replacements:
        each.install()


def check(replacements: Iterable[Replacement]) -> None:
    """Raise NameMoved for the first replacement that does not fit moto."""
    for each in replacements:
        each.check()
