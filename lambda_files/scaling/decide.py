"""The decision: snapshot, policy and time in, plan out. No I/O, no clock, no environment.

First who should leave, then for each of them which invariant, if any, holds it back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from math import inf

from . import invariants as must
from .candidates import Candidate, Check, candidates, checked, decision_of
from .health import Kind, drive_is_bad, leaving
from .model import Action, Decision, Plan, Policy, Snapshot, Verdict
from .strangers import outsider, without_machine
from .totals import Totals, counts, in_group

# Who is held by one of these is held for what it is itself; by any other, for what the cluster is.
OF_THE_MACHINE = frozenset({"S5 ownership", "S14 human wins"})


def decide(snapshot: Snapshot, policy: Policy, now: datetime) -> Plan:
    """A plan with one decision and reason for every machine and every instance without a machine.

    The order of the snapshot's lists does not matter. Nothing is ever decided from the absence of something, except
    to wait, to report, or to let the group replace an instance that EC2 itself says is gone.
    """
    found = candidates(snapshot, policy, now)
    ours = [candidate for candidate in found if candidate.member]
    totals = Totals.of(snapshot, ours, now)
    able = [candidate for candidate in ours if _one_way(candidate, snapshot)[0]]
    put_out, totals = _outsiders([c for c in found if not c.member], snapshot, policy, now, totals)
    members = sorted(snapshot.group.members, key=lambda member: member.instance_id)
    decisions = [
        *put_out,
        *_inactive(ours, snapshot, policy, totals),
        *_returned(ours, snapshot),
        *_leaving(able, snapshot, totals),
        *_chosen(able, snapshot, policy, totals),
        *(decision_of(c, Action.WAIT, c.health.reason, "S5 ownership") for c in ours if c.kind is Kind.UNKNOWN),
        *without_machine(members, found, snapshot, policy, now),
    ]
    gate = _gate(snapshot)
    decisions = _gated(decisions, gate) if gate else _capped(decisions, policy)
    decisions.sort(key=lambda decision: (decision.name, decision.address or "", decision.reason))
    return Plan(
        decisions=tuple(decisions),
        orphan_drives=() if gate else tuple(sorted(snapshot.cluster.orphan_drives)),
        errors=tuple(_errors(decisions, gate)),
        gate=gate[1] if gate else None,
    )


def agreed(first: Plan, second: Plan) -> Plan:
    """The second plan, in which only those begin to leave, or are removed, that the first one meant too."""
    decisions = []
    for decision in second.decisions:
        allowed, reason = must.s1_agreed(decision, first)
        if decision.action in (Action.DRAIN, Action.REMOVE) and not allowed:
            words = f"{decision.reason}; but {reason}"
            decision = replace(decision, action=Action.WAIT, reason=words, blocked_by="S1 agreement")
        decisions.append(decision)
    orphans = tuple(uuid for uuid in second.orphan_drives if uuid in first.orphan_drives)
    return replace(second, decisions=tuple(decisions), orphan_drives=orphans)


def _gate(snapshot: Snapshot) -> tuple[str, str] | None:
    """The invariant that forbids every change, and why."""
    gates = snapshot.cluster.gates
    checks: tuple[Check, ...] = (
        ("S14 human wins", must.s14_human_wins(snapshot.control, gates)),
        ("S1 evidence", must.s1_fresh(snapshot.cluster, snapshot.journal)),
        ("S9 gates", must.s9_gates(gates)),
    )
    return next(((name, reason) for name, (allowed, reason) in checks if not allowed), None)


def _gated(decisions: Iterable[Decision], gate: tuple[str, str]) -> list[Decision]:
    name, reason = gate
    return [
        decision
        if decision.action in (Action.KEEP, Action.WAIT)
        else replace(decision, action=Action.WAIT, reason=f"{decision.reason}; but {reason}", blocked_by=name)
        for decision in decisions
    ]


def _outsiders(
    outsiders: list[Candidate], snapshot: Snapshot, policy: Policy, now: datetime, totals: Totals
) -> tuple[list[Decision], Totals]:
    """Machines that are not in the group, and the totals after those that are put out."""
    decisions = []
    for candidate in outsiders:
        decision = outsider(candidate, snapshot, policy, now, totals)
        if decision.action is Action.DRAIN:
            totals = totals.without(candidate)
        decisions.append(decision)
    return decisions, totals


def _inactive(ours: list[Candidate], snapshot: Snapshot, policy: Policy, totals: Totals) -> Iterable[Decision]:
    """Members that are inactive: remove them from the cluster, and then their instance."""
    gates = snapshot.cluster.gates
    for candidate in ours:
        if candidate.kind is Kind.INACTIVE:
            yield checked(
                candidate,
                Action.REMOVE,
                candidate.health.reason,
                ("S14 human wins", must.s14_hands_off(candidate.member)),
                ("S1 evidence", must.s1_evidence(candidate.machine, gates)),
                ("S5 ownership", _owned(candidate, snapshot, totals)),
                ("S9 calm", must.s9_settled(gates, policy)),
            )


def _returned(ours: list[Candidate], snapshot: Snapshot) -> Iterable[Decision]:
    """Members that are at work although they were removed: told in every pass, since only people can end that."""
    for candidate in ours:
        one_way, words = _one_way(candidate, snapshot)
        if candidate.kind <= Kind.HEALTHY and not one_way:
            free, held = must.s14_hands_off(candidate.member)
            name, why = ("S11 one way", words) if free else ("S14 human wins", held)
            yield decision_of(candidate, Action.WAIT, f"{candidate.health.reason}; but {why}", name, leaves=True)


def _leaving(able: list[Candidate], snapshot: Snapshot, totals: Totals) -> Iterable[Decision]:
    """Members whose drain has begun go on."""
    for candidate in able:
        if candidate.kind is Kind.DEACTIVATING:
            yield checked(
                candidate,
                Action.DRAIN,
                f"goes on leaving: {candidate.health.reason}",
                *_its_own(candidate, snapshot, totals),
            )


def _chosen(able: list[Candidate], snapshot: Snapshot, policy: Policy, totals: Totals) -> Iterable[Decision]:
    """Members that begin to leave, are held back from it, or stay.

    The next in order goes where one is held back. Who is held for what it is itself stays named, as many as should leave.
    """
    working = sorted((c for c in able if c.kind <= Kind.HEALTHY), key=_order)
    quota = _quota([c for c in working if in_group(c)], snapshot.group.desired, policy)
    should = dict(quota)
    held: dict[Kind, list[tuple[Candidate, Decision]]] = {kind: [] for kind in Kind}
    for candidate in (c for c in working if c.kind is not Kind.DEACTIVATING):
        if quota[candidate.kind] <= 0:
            yield decision_of(candidate, Action.KEEP, candidate.health.reason)
            continue
        decision, after = _begin(candidate, snapshot, policy, totals)
        if decision.action is Action.DRAIN:
            quota[candidate.kind] -= 1
            totals = after
            yield decision
        else:
            held[candidate.kind].append((candidate, decision))
    for kind, those in held.items():
        for number, (candidate, decision) in enumerate(those):
            if decision.blocked_by in OF_THE_MACHINE and number < should[kind]:
                yield decision
            elif decision.blocked_by not in OF_THE_MACHINE and quota[kind] > 0:
                quota[kind] -= 1
                yield decision
            else:
                yield decision_of(candidate, Action.KEEP, candidate.health.reason)


def _quota(working: list[Candidate], desired: int, policy: Policy) -> dict[Kind, int]:
    """How many of each kind may begin to leave: leaving ones are counted first, then unhealthy, then healthy."""
    count = {kind: sum(c.kind is kind for c in working) for kind in Kind}
    leaving_now, unhealthy = count[Kind.DEACTIVATING], count[Kind.UNHEALTHY]
    replacing = min(policy.max_replacing - leaving_now, unhealthy)
    target = max(len(working) - desired, replacing)
    return {
        Kind.UNHEALTHY: min(unhealthy, target - leaving_now),
        Kind.HEALTHY: max(0, target - leaving_now - unhealthy),
    }


def _order(candidate: Candidate) -> tuple[int, int, float, tuple[str, str, str, int]]:
    machine = candidate.machine
    bad = sum(drive_is_bad(drive) for drive in machine.drives)
    added = machine.added.timestamp() if machine.added else inf
    return candidate.kind, -bad, added, candidate.identity


def _begin(candidate: Candidate, snapshot: Snapshot, policy: Policy, totals: Totals) -> tuple[Decision, Totals]:
    """Whether it may begin to leave, and the totals after that."""
    machine, cluster = candidate.machine, snapshot.cluster
    unhealthy, begun = candidate.kind is Kind.UNHEALTHY, leaving(machine)
    after = totals.without(candidate)
    surplus = f"surplus: {totals.alive} members, {totals.desired} desired"
    decision = checked(
        candidate,
        Action.DRAIN,
        f"unhealthy: {candidate.health.reason}" if unhealthy else surplus,
        *_its_own(candidate, snapshot, totals),
        ("S9 calm", must.OK if begun else must.s9_calm(cluster.gates, machine.all_down, policy)),
        ("S6 no overshoot", must.s6_no_overshoot(after, replaced=unhealthy)),
        ("S2 floor", must.s2_floor(after, counts(candidate), snapshot, policy)),
        ("S4 budget", must.s4_budget(totals, after, cluster, policy)),
        ("S3 fits", must.s3_fits(after, cluster, policy)),
    )
    return decision, after


def _its_own(candidate: Candidate, snapshot: Snapshot, totals: Totals) -> tuple[Check, ...]:
    """What must hold of the machine itself before any drain."""
    return (
        ("S14 human wins", must.s14_hands_off(candidate.member)),
        ("S5 ownership", _owned(candidate, snapshot, totals)),
    )


def _one_way(candidate: Candidate, snapshot: Snapshot) -> Verdict:
    removal = snapshot.journal.removed.get(candidate.machine.instance_id or "")
    return must.s11_one_way(candidate.machine, removal)


def _owned(candidate: Candidate, snapshot: Snapshot, totals: Totals) -> Verdict:
    return must.s5_ownership(candidate.machine, candidate.member, totals, snapshot.cluster.clients)


def _capped(decisions: list[Decision], policy: Policy) -> list[Decision]:
    """The same decisions, with those beyond a pass's limits of terminations and detachments put off."""
    left = {
        Action.TERMINATE: policy.max_terminations_per_pass,
        Action.DETACH: policy.max_detachments_per_pass,
    }
    result = []
    for decision in sorted(decisions, key=lambda each: each.name):
        kind = Action.TERMINATE if decision.action is Action.REMOVE else decision.action
        if kind in left:
            left[kind] -= 1
            if left[kind] < 0:
                words = f"put off, the limit of this pass is reached: {decision.reason}"
                decision = replace(decision, action=Action.WAIT, reason=words, blocked_by="S4 budget")
        result.append(decision)
    return result


def _errors(decisions: list[Decision], gate: tuple[str, str] | None) -> Iterable[str]:
    """What people must be told: one sentence for a closed gate, one for each machine that needs somebody.

    Nothing while people themselves stopped everything: they know, and the report still lists each machine.
    """
    if gate and must.s13_honest_result(gate[0])[0]:
        return
    if gate:
        yield f"{gate[0]}: nothing is changed: {gate[1]}"
    for decision in decisions:
        if not must.s13_honest_result(decision.blocked_by)[0] and not (gate and decision.blocked_by == gate[0]):
            yield f"{decision.name}: {decision.reason} ({decision.blocked_by})"
