"""Third task: act on the instances, and give the lease back."""

from __future__ import annotations

from typing import Any

from adapters.wiring import ports
from ports import Grant
from ports.bundle import Ports
from tasks import bounded, grant_of, ids_of, text_of
from terminate.effects import act


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: what scale returned. Output: execution, counts, gate, and transient_errors when either task had any.

    Raises LeaseLost, GroupMissing or an AWS error of the whole pass; the lease is then released by transient.
    """
    ids, gone = ids_of(event, "terminate"), ids_of(event, "detach")
    return terminate(text_of(event, "execution"), grant_of(event), ids, gone, event, ports())


def terminate(
    execution: str, grant: Grant, ids: list[str], gone: list[str], earlier: dict[str, Any], with_ports: Ports
) -> dict[str, Any]:
    """The task itself, on any ports; `earlier` is scale's answer."""
    terminated, detached, problems = act(with_ports, grant, ids, gone)
    with_ports.lease.release(grant.owner)
    errors = [*earlier.get("transient_errors", []), *problems]
    answer = {
        "execution": execution,
        "counts": {**earlier.get("counts", {}), "terminated": len(terminated), "detached": len(detached)},
        "gate": earlier.get("gate", "open"),
    }
    return {**answer, "transient_errors": bounded(errors)} if errors else answer
