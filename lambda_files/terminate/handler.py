"""Third task: act on the instances, and give the lease back."""

from __future__ import annotations

from typing import Any

from adapters.wiring import ports
from ports import Grant
from ports.bundle import Ports
from tasks import grant_of, hand_on, ids_of, measure, text_of
from terminate.effects import act


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Input: what scale returned. Output: execution, counts, gate, and transient_errors when either task had any.

    Raises LeaseLost, GroupMissing, a ClusterError or an AWS error of the whole pass; the lease is then released by
    transient.
    """
    ids, gone = ids_of(event, "terminate"), ids_of(event, "detach")
    return terminate(text_of(event, "execution"), grant_of(event), ids, gone, event, ports())


def terminate(
    execution: str, grant: Grant, ids: list[str], gone: list[str], earlier: dict[str, Any], with_ports: Ports
) -> dict[str, Any]:
    """The task itself, on any ports; `earlier` is scale's answer."""
    result = act(with_ports, grant, ids, gone, earlier.get("source", ""))
    with_ports.lease.release(grant.owner)
    measure(
        with_ports.environment.cluster,
        with_ports.clock.now().timestamp(),
        Terminated=len(result.terminated),
        Detached=len(result.detached),
        Errors=len(result.errors),
    )
    counts = {"terminated": len(result.terminated), "detached": len(result.detached)}
    answer = {
        "execution": execution,
        "counts": {**earlier.get("counts", {}), **counts},
        "gate": earlier.get("gate", "open"),
    }
    errors = [*earlier.get("transient_errors", []), *result.errors]
    return hand_on(answer, errors, with_ports.store.secrets())
