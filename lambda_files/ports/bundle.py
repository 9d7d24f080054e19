"""All ports of a function together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from environment import Environment

from ports.cluster import Cluster
from ports.compute import Compute
from ports.lease import Clock, Lease
from ports.store import Store


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that a function may use; the cluster is reached only where its credentials may be read."""

    environment: Environment
    clock: Clock
    compute: Compute
    lease: Lease
    store: Store
    cluster: Callable[[Sequence[str], str | None, Callable[[], None]], Cluster]
