"""A machine and its member side by side, and decisions made about them."""

from __future__ import annotations

from dataclasses import dataclass

from scaling.health import Health
from scaling.invariants import OK, Verdict
from scaling.model import Action, Decision, Machine, Member


@dataclass(frozen=True, slots=True)
class Candidate:
    """A machine of the cluster with its member of the group, if it has one that lives."""

    machine: Machine
    member: Member | None
    health: Health


def identity(machine: Machine) -> tuple[str, str, str, int]:
    return machine.address, machine.instance_id or "", machine.machine_identifier or "", machine.containers[0].id


def stable(decision: Decision) -> tuple[str, str, str]:
    return decision.instance_id or "", decision.address or "", decision.reason


def checked(candidate: Candidate, action: Action, reason: str, *checks: tuple[str, Verdict]) -> Decision:
    for name, (allowed, words) in checks:
        if not allowed:
            return decision_of(candidate, Action.WAIT, f"{reason}; but {words}", name)
    return decision_of(candidate, action, reason)


def not_held(candidate: Candidate) -> Verdict:
    held = candidate.member is not None and candidate.member.held
    return (False, "somebody put a hold on it") if held else OK


def decision_of(candidate: Candidate, action: Action, reason: str, blocked_by: str | None = None) -> Decision:
    machine = candidate.machine
    return Decision(machine.address, machine.instance_id, action, reason, blocked_by, machine)


def member_decision(member: Member, action: Action, reason: str, blocked_by: str | None = None) -> Decision:
    return Decision(member.address, member.instance_id, action, reason, blocked_by)
