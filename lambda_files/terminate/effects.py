"""Terminate what was proven to be empty, detach what is gone; one instance's failure stops no other."""

from __future__ import annotations

from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError
from ports import Grant
from ports.bundle import Ports
from scaling.invariants import s7_protection_window, s8_single_writer
from tasks import say


def act(ports: Ports, grant: Grant, terminate: list[str], detach: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Ids that were terminated, ids that were detached, and errors as sentences; raises LeaseLost.

    Everything is read again here: the group and its instances, and the journal in which scale left its proof.
    """

    def fence() -> None:
        ports.lease.renew(grant)

    fence()
    terminated: list[str] = []
    errors: list[str] = []
    if terminate:
        journal = ports.store.journal()
        members = {member.instance_id: member for member in ports.compute.view().members}
        for instance_id in sorted(set(terminate)):
            removal = journal.removed.get(instance_id)
            allowed, reason = s7_protection_window(members.get(instance_id), removal)
            if allowed and removal:
                allowed, reason = s8_single_writer(removal, grant.fence)
            if not allowed:
                errors.append(f"{instance_id}: not terminated, {reason}")
                continue
            try:
                ports.compute.terminate(instance_id, fence)
                terminated.append(instance_id)
                say("terminated", execution=grant.owner, instance_id=instance_id)
            except (ClientError, BotoCoreError) as error:
                errors.append(f"Could not terminate {instance_id}, its protection is on again: {error}")
    detached, refused = _detach(ports, fence, {*detach, *terminated})
    return terminated, detached, errors + refused


def _detach(ports: Ports, fence: Callable[[], None], ids: set[str]) -> tuple[list[str], list[str]]:
    """Detach those of the ids that EC2 itself says are gone, so that the group counts only what lives."""
    if not ids:
        return [], []
    members = ports.compute.view().members
    gone = sorted(m.instance_id for m in members if m.instance_id in ids and m.gone and m.lifecycle == "InService")
    detached, errors = ports.compute.detach(gone, fence)
    if detached:
        say("detached", instance_ids=detached)
    return detached, errors
