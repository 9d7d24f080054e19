"""A machine and its member side by side, and decisions made about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .health import Health, Kind, health
from .model import Action, Decision, Machine, Member, Policy, Snapshot, Verdict

Check = tuple[str, Verdict]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A machine of the cluster with its member of the group, if it has one that lives."""

    machine: Machine
    member: Member | None
    health: Health

    @property
    def kind(self) -> Kind:
        """The kind of its health."""
        return self.health.kind

    @property
    def identity(self) -> tuple[str, str, str, int]:
        """A stable order among machines."""
        address, instance_id, identifier = self.machine.identity
        return address or "", instance_id or "", identifier or "", self.machine.containers[0].id


def candidates(snapshot: Snapshot, policy: Policy, now: datetime) -> list[Candidate]:
    """Every machine of the cluster, in a stable order; ages are told by the cluster's own clock where it has one."""
    alive = {m.instance_id: m for m in snapshot.group.members if not m.gone}
    clock = snapshot.cluster.time or now
    found = [
        Candidate(machine, alive.get(machine.instance_id or ""), health(machine, policy, clock))
        for machine in snapshot.cluster.machines
    ]
    return sorted(found, key=lambda candidate: candidate.identity)


def checked(candidate: Candidate, action: Action, reason: str, *checks: Check) -> Decision:
    """The action, or to wait with the first invariant that holds the machine back."""
    for name, (allowed, words) in checks:
        if not allowed:
            return decision_of(candidate, Action.WAIT, f"{reason}; but {words}", name, leaves=True)
    return decision_of(candidate, action, reason, leaves=True)


def decision_of(
    candidate: Candidate, action: Action, reason: str, blocked_by: str | None = None, leaves: bool = False
) -> Decision:
    """A decision about a machine."""
    machine = candidate.machine
    return Decision(machine.address, machine.instance_id, action, reason, blocked_by, leaves, machine)


def member_decision(
    member: Member, action: Action, reason: str, blocked_by: str | None = None, leaves: bool = False
) -> Decision:
    """A decision about a member of which the cluster shows no machine."""
    return Decision(member.address, member.instance_id, action, reason, blocked_by, leaves)
