"""Second task: decide, and act on the storage cluster."""

from __future__ import annotations

from typing import Any

from adapters.wiring import ports
from errors import EventInvalid
from ports import Grant
from ports.bundle import Ports
from scale.effects import Pass
from tasks import bounded, grant_of, text_of


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: what fetch returned. Output: execution, lease, terminate and detach (ids), counts, gate, and
    transient_errors when there are any. Raises LeaseLost, a ClusterError, or what the settings lack."""
    if not isinstance(event.get("desired"), int):
        raise EventInvalid("The task's input has no desired capacity.")
    return scale(text_of(event, "execution"), grant_of(event), event["desired"], ports())


def scale(execution: str, grant: Grant, desired: int, with_ports: Ports) -> dict[str, Any]:
    """The task itself, on any ports."""
    result = Pass(with_ports, grant, desired).run()
    answer = {
        "execution": execution,
        "lease": {"owner": grant.owner, "fence": grant.fence},
        "terminate": result.terminate,
        "detach": result.detach,
        "counts": result.counts,
        "gate": result.gate or "open",
    }
    return {**answer, "transient_errors": bounded(result.errors)} if result.errors else answer
