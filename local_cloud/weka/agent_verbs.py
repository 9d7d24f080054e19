"""What a verb of an instance's agent is: the call it gets, and the table it stands in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import Refusal
from .model import Cluster, Container, Machine
from .registry import Registry


@dataclass
class Call:
    registry: Registry
    stack: str
    cluster: Cluster
    machine: Machine
    params: dict[str, Any]
    token: str | None

    def authenticate(self) -> None:
        """A user of the cluster asks. Unauthorized or LockedOut otherwise."""
        if self.token:
            self.cluster.users.check(self.token)
        else:
            self.cluster.users.login(str(self.params.get("username", "")), str(self.params.get("password", "")))

    def joined(self) -> list[Container]:
        """The machine's own containers that the cluster knows, local containers first set up first."""
        ids = self.machine.local.values()
        return [self.cluster.containers[i] for i in ids if i is not None and i in self.cluster.containers]


Verb = Callable[[Call], dict[str, Any]]
VERBS: dict[str, tuple[Verb, bool]] = {}


def verb(name: str, *, user: bool = False) -> Callable[[Verb], Verb]:
    """Register a verb; `user` means that it needs a user of the cluster."""

    def register(handler: Verb) -> Verb:
        VERBS[name] = (handler, user)
        return handler

    return register


def backend_at(call: Call, source: str) -> None:
    """The address (perhaps with a port) is a running backend. Refusal otherwise."""
    address = source.rsplit(":", 1)[0] if ":" in source else source
    machine = call.cluster.machine_at(address)
    if (
        machine is None
        or not machine.up
        or not any(c.machine is machine and c.serving for c in call.cluster.backends())
    ):
        raise Refusal(f"{source} is no running backend of cluster {call.cluster.name}")
