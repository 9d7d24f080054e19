"""Second task: decide, and act on the storage cluster."""

from __future__ import annotations

from typing import Any

from adapters.wiring import ports
from ports import Grant
from ports.bundle import Ports
from scale.effects import Pass
from tasks import count_of, grant_of, hand_on, text_of


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: what fetch returned. Output: execution, lease, terminate and detach (ids), source (the member that was
    asked), counts, gate, and transient_errors when there are any.

    Raises LeaseLost, a ClusterError, or what the settings lack.
    """
    return scale(text_of(event, "execution"), grant_of(event), count_of(event, "desired"), ports())


def scale(execution: str, grant: Grant, desired: int, with_ports: Ports) -> dict[str, Any]:
    """The task itself, on any ports. When nothing is left for terminate, the lease is given back here."""
    result = Pass(with_ports, grant, desired).run()
    if not result.terminate and not result.detach:
        with_ports.lease.release(grant.owner)
    answer = {
        "execution": execution,
        "lease": {"owner": grant.owner, "fence": grant.fence},
        "terminate": result.terminate,
        "detach": result.detach,
        "source": result.source,
        "counts": result.counts,
        "gate": result.gate or "open",
    }
    return hand_on(answer, result.errors, with_ports.store.secrets())
