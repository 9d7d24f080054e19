"""Which member is spoken to."""

from __future__ import annotations

from collections.abc import Iterable

from errors import ClusterUnreachable


class Pool:
    """Addresses in a fixed order; those that fail or leave are dropped and never come back."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self._addresses = list(dict.fromkeys(addresses))
        self._reasons: list[str] = []

    def current(self) -> str:
        """The address to speak to; raises ClusterUnreachable when none is left, with the last reasons."""
        if not self._addresses:
            reasons = "; ".join(self._reasons[-3:]) or "the group has no running member with an address"
            raise ClusterUnreachable(f"No address of the cluster can be used any more: {reasons}")
        return self._addresses[0]

    def drop(self, address: str, reason: str) -> None:
        """Never offer the address again."""
        if address in self._addresses:
            self._addresses.remove(address)
            self._reasons.append(reason)
