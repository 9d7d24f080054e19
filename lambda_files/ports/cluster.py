"""The storage cluster."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from scaling.model import ClusterView, Container, Gates, Verdict


class Cluster(Protocol):
    """Reads are complete or raise; every method may raise a ClusterError."""

    def view(self, not_before: datetime | None = None) -> ClusterView:
        """The whole cluster, from one member that is not leaving.

        An answer that by the cluster's own clock is older than `not_before` is refused.
        """

    def gates(self) -> Gates:
        """Only what must be right before anything is changed."""

    def avoid(self, addresses: Iterable[str]) -> None:
        """Never speak to these addresses again: their machines leave."""

    def deactivation_check(self, containers: Sequence[Container]) -> Verdict | None:
        """The engine's own word on deactivating these containers; None when this release cannot be asked."""

    def deactivate_drives(self, uuids: Sequence[str]) -> None:
        """Start to move the drives' data elsewhere."""

    def deactivate_containers(self, containers: Sequence[Container]) -> None:
        """Start to take the containers out of service, after what depends on them."""

    def remove_drives(self, uuids: Sequence[str]) -> None:
        """Forget inactive drives."""

    def remove_container(self, container: Container) -> None:
        """Forget an inactive container, without waiting."""

    def emit(self, message: str) -> None:
        """Write a line into the cluster's own event log."""
