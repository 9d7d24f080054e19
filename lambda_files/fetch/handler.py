"""First task: take the lease and look at the group."""

from __future__ import annotations

from typing import Any

from adapters.wiring import ports
from ports.bundle import Ports
from tasks import hand_on, say, text_of


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: execution. Output: execution, lease, desired, members (a count).

    Raises LeaseHeld when another execution acts, and GroupMissing when there is nothing to work with.
    """
    return fetch(text_of(event, "execution"), ports())


def fetch(execution: str, with_ports: Ports) -> dict[str, Any]:
    """The task itself, on any ports."""
    grant = with_ports.lease.acquire(execution)
    group = with_ports.compute.group()
    say("fetched", execution=execution, fence=grant.fence, desired=group.desired, members=len(group.instances))
    answer = {
        "execution": execution,
        "lease": {"owner": grant.owner, "fence": grant.fence},
        "desired": group.desired,
        "members": len(group.instances),
    }
    return hand_on(answer)
