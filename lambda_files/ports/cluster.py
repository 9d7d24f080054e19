"""The storage cluster."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from scaling.model import ClusterView, Container, Gates


class Cluster(Protocol):
    """Reads are complete or raise; every method may raise a ClusterError."""

    def view(self) -> ClusterView:
        """The whole cluster, from one member that is not leaving."""

    def gates(self) -> Gates:
        """Only what must be right before anything is changed."""

    def avoid(self, addresses: Iterable[str]) -> None:
        """Never speak to these addresses again: their machines leave."""

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
