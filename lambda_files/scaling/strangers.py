"""Machines that are not in the group, and members that are not in the cluster."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from . import invariants as must
from .candidates import Candidate, checked, decision_of, member_decision
from .health import down_for, leaving
from .model import Action, Decision, Machine, Member, Policy, Snapshot
from .totals import Totals


def outsider(candidate: Candidate, snapshot: Snapshot, policy: Policy, now: datetime, totals: Totals) -> Decision:
    """A machine of the cluster that is not in the group: forgotten when inactive, put out when long down."""
    machine, cluster = candidate.machine, snapshot.cluster
    clock = cluster.time or now
    at_its_address = next((m for m in snapshot.group.members if m.address == machine.address and not m.gone), None)
    allowed, words = must.s14_hands_off(at_its_address)
    if not allowed:
        return decision_of(candidate, Action.WAIT, f"at the address of a member: {words}", "S14 human wins")
    if at_its_address and not _was_there_before(machine, at_its_address, clock, now):
        words = f"the cluster says {machine.instance_id or 'no instance'} of {at_its_address.instance_id}'s address"
        return decision_of(candidate, Action.WAIT, words, "S5 ownership")
    if not machine.known:
        return decision_of(candidate, Action.WAIT, candidate.health.reason, "S5 ownership")
    if machine.inactive:
        evidence = ("S1 evidence", must.s1_evidence(machine, cluster.gates))
        settled = ("S9 calm", must.s9_settled(cluster.gates, policy))
        return checked(candidate, Action.REMOVE, "inactive, and no instance of the group", evidence, settled)
    if any(c.status != "DOWN" for c in machine.containers):
        if leaving(machine):
            return decision_of(candidate, Action.WAIT, "not in the group, and leaving")
        if any(c.status == "DOWN" for c in machine.containers):
            return decision_of(candidate, Action.WAIT, "not in the group, and only partly down", "S1 evidence")
        return decision_of(candidate, Action.KEEP, "not in the group, and running: left alone")
    if any(down_for(c, clock) <= policy.kick_out_after for c in machine.containers):
        return decision_of(candidate, Action.WAIT, f"not in the group, and down for less than {policy.kick_out_after}")
    begun = leaving(machine)
    return checked(
        candidate,
        Action.DRAIN,
        f"not in the group, and down for more than {policy.kick_out_after}",
        ("S9 calm", must.OK if begun else must.s9_calm(cluster.gates, True, policy)),
        ("S4 budget", must.OK if begun else must.s4_budget(totals, totals.without(candidate), cluster, policy)),
    )


def _was_there_before(machine: Machine, member: Member, clock: datetime, now: datetime) -> bool:
    """The record is of a machine that was down before the address was given to this member.

    Ages are compared, since the cluster's clock and that of AWS need not agree.
    """
    downs = [container.down_since for container in machine.containers]
    launched = member.launched
    return launched is not None and all(down is not None and clock - down > now - launched for down in downs)


def without_machine(
    members: Iterable[Member], candidates: list[Candidate], snapshot: Snapshot, policy: Policy, now: datetime
) -> Iterable[Decision]:
    """Members of which the cluster shows no container. Only a journaled removal lets one be terminated."""
    in_cluster = {c.machine.instance_id for c in candidates if c.member}
    for member in members:
        if member.gone:
            detachable = member.lifecycle == "InService"
            words = f"EC2 says {member.state or 'that it does not exist'}: the group replaces it"
            yield member_decision(member, Action.DETACH if detachable else Action.WAIT, words)
        elif member.instance_id not in in_cluster:
            yield _unknown_member(member, snapshot, policy, now)


def _unknown_member(member: Member, snapshot: Snapshot, policy: Policy, now: datetime) -> Decision:
    removal = snapshot.journal.removed.get(member.instance_id)
    if removal is not None:
        gates = snapshot.cluster.gates
        checks = (
            ("S14 human wins", must.s14_hands_off(member)),
            ("S7 protection window", must.s7_protection_window(member, removal)),
            ("S1 evidence", must.s1_nothing_left(member.instance_id, removal, snapshot.cluster)),
            ("S9 calm", must.s9_settled(gates, policy)),
        )
        why = "its containers were inactive and have been removed"
        for name, (allowed, reason) in checks:
            if not allowed:
                return member_decision(member, Action.WAIT, f"{why}; but {reason}", name, leaves=True)
        return member_decision(member, Action.TERMINATE, why, leaves=True)
    if member.launched is None or now - member.launched <= policy.join_grace:
        return member_decision(member, Action.WAIT, "joining: the cluster does not know it yet")
    return member_decision(
        member,
        Action.WAIT,
        f"unknown to the cluster for more than {policy.join_grace}; it is never terminated for that. "
        "See its log, then terminate it by hand or let it join",
        "S1 evidence",
    )
