"""Who may act, and what time it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Grant:
    """Proof of holding the lease; a later grant has a greater fence."""

    owner: str
    fence: int


class Lease(Protocol):
    """At most one holder acts at any time."""

    def acquire(self, owner: str) -> Grant:
        """Take the free, expired or own lease; raises LeaseHeld."""

    def renew(self, grant: Grant) -> None:
        """Prove that the grant still holds and extend it; raises LeaseLost. Called before every change."""

    def release(self, owner: str) -> None:
        """Give it back, whatever the fence; does nothing when it is not this owner's."""


class Clock(Protocol):
    """Time, so that tests can set it."""

    def now(self) -> datetime:
        """The time now, with a time zone."""
