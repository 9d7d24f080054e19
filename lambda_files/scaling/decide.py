"""The decision: snapshot, policy and time in, plan out. No I/O, no clock, no environment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from scaling import invariants as must
from scaling.candidates import Candidate, checked, decision_of, identity, not_held, stable
from scaling.health import Kind, drive_is_bad, health, leaving
from scaling.model import Action, Decision, Plan, Policy, Snapshot
from scaling.strangers import outsider, without_machine

# Blocks that end by themselves are waited for; the others need a human and are reported.
NEEDS_HUMAN = frozenset({"S2 floor", "S3 fits", "S5 ownership"})


def decide(snapshot: Snapshot, policy: Policy, now: datetime) -> Plan:
    """A plan with one decision and reason for every machine and every instance without a machine.

    The order of the snapshot's lists does not matter. Nothing is ever decided from the absence of something, except
    to wait, to report, or to let the group replace an instance that EC2 itself says is gone.
    """
    snapshot = _ordered(snapshot)
    allowed, reason = must.s9_gates(snapshot.cluster.gates, policy)
    candidates = _candidates(snapshot, policy, now)
    if not allowed:
        return _closed(snapshot, candidates, policy, reason)
    ours = [candidate for candidate in candidates if candidate.member]
    decisions = [
        *_finish(ours, snapshot, policy),
        *_drains(ours, [c for c in candidates if not c.member], snapshot, policy, now),
        *without_machine(snapshot, candidates, policy, now),
    ]
    decisions = _capped(decisions, policy)
    return Plan(
        decisions=tuple(sorted(decisions, key=stable)),
        orphan_drives=tuple(sorted(snapshot.cluster.orphan_drives)),
        errors=tuple(_errors(sorted(decisions, key=stable))),
    )


def _ordered(snapshot: Snapshot) -> Snapshot:
    machines = sorted(snapshot.cluster.machines, key=identity)
    members = sorted(snapshot.group.members, key=lambda member: member.instance_id)
    return replace(
        snapshot,
        cluster=replace(snapshot.cluster, machines=tuple(machines)),
        group=replace(snapshot.group, members=tuple(members)),
    )


def _candidates(snapshot: Snapshot, policy: Policy, now: datetime) -> list[Candidate]:
    alive = {m.instance_id: m for m in snapshot.group.members if not m.gone}
    return [
        Candidate(machine, alive.get(machine.instance_id or ""), health(machine, policy, now))
        for machine in snapshot.cluster.machines
    ]


def _closed(snapshot: Snapshot, candidates: list[Candidate], policy: Policy, reason: str) -> Plan:
    seen = {candidate.machine.instance_id for candidate in candidates}
    wait = [decision_of(c, Action.WAIT, f"nothing is changed: {reason}", "S9 gates") for c in candidates]
    wait += [
        Decision(m.address, m.instance_id, Action.WAIT, f"nothing is changed: {reason}", "S9 gates")
        for m in snapshot.group.members
        if m.instance_id not in seen
    ]
    wanted = policy.paused or must.STOP_OVERRIDE in (snapshot.cluster.gates.overrides or ())
    return Plan(
        decisions=tuple(sorted(wait, key=stable)),
        errors=() if wanted else (f"S9 gates: nothing is changed: {reason}",),
        gate=reason,
    )


def _finish(ours: list[Candidate], snapshot: Snapshot, policy: Policy) -> Iterable[Decision]:
    """Members that are inactive: remove them from the cluster, and then their instance, once S1 and S5 hold."""
    for candidate in ours:
        if candidate.health.kind is Kind.INACTIVE:
            yield checked(
                candidate,
                Action.REMOVE,
                candidate.health.reason,
                ("S1 evidence", must.s1_evidence(candidate.machine, snapshot.cluster.gates)),
                ("S5 ownership", must.s5_ownership(candidate.machine, candidate.member, snapshot.cluster)),
                ("S14 hold", not_held(candidate)),
            )


def _drains(
    ours: list[Candidate], outsiders: list[Candidate], snapshot: Snapshot, policy: Policy, now: datetime
) -> Iterable[Decision]:
    """Machines that go on leaving, begin to leave, or stay; what one takes from the budget the next one sees."""
    totals = _totals(ours, snapshot, now)
    for candidate in outsiders:
        decision = outsider(candidate, snapshot, policy, now, totals)
        if decision.action is Action.DRAIN:
            totals = replace(totals, taken=(*totals.taken, candidate.machine))
        yield decision
    working = sorted((c for c in ours if c.health.kind <= Kind.HEALTHY), key=_order)
    quota = _quota([c for c in working if _alive(c)], snapshot.group.desired, policy)
    for candidate in working:
        if candidate.health.kind is Kind.DEACTIVATING:
            yield checked(
                candidate,
                Action.DRAIN,
                f"goes on leaving: {candidate.health.reason}",
                ("S5 ownership", must.s5_ownership(candidate.machine, candidate.member, snapshot.cluster)),
                ("S14 hold", not_held(candidate)),
            )
    for candidate in (c for c in working if c.health.kind is not Kind.DEACTIVATING):
        kind = candidate.health.kind
        if quota[kind] <= 0:
            yield decision_of(candidate, Action.KEEP, candidate.health.reason)
            continue
        decision = _start(candidate, snapshot, policy, totals)
        if decision.action is Action.DRAIN:
            quota[kind] -= 1
            totals = replace(
                totals,
                taken=(*totals.taken, candidate.machine),
                taken_sound=totals.taken_sound + _counts(candidate),
            )
        yield decision
    for candidate in ours:
        if candidate.health.kind is Kind.UNKNOWN:
            yield decision_of(candidate, Action.WAIT, candidate.health.reason, "S5 ownership")


def _alive(candidate: Candidate) -> bool:
    return candidate.member is not None and candidate.member.lifecycle.startswith(must.ALIVE)


def _counts(candidate: Candidate) -> bool:
    """It is one of the healthy members that the floor is about."""
    return _alive(candidate) and candidate.health.kind is Kind.HEALTHY and candidate.machine.sound


def _quota(working: list[Candidate], desired: int, policy: Policy) -> dict[Kind, int]:
    """How many of each kind may begin to leave: leaving ones are counted first, then unhealthy, then healthy."""
    count = {kind: sum(c.health.kind is kind for c in working) for kind in Kind}
    leaving_now, unhealthy = count[Kind.DEACTIVATING], count[Kind.UNHEALTHY]
    replacing = min(policy.max_replacing - leaving_now, unhealthy)
    target = max(leaving_now, len(working) - desired, replacing)
    return {
        Kind.UNHEALTHY: min(unhealthy, target - leaving_now),
        Kind.HEALTHY: max(0, target - leaving_now - unhealthy),
    }


def _order(candidate: Candidate) -> tuple[int, int, float, tuple[str, str, str, int]]:
    machine = candidate.machine
    bad = sum(drive_is_bad(drive) for drive in machine.drives)
    added = machine.added.timestamp() if machine.added else float("inf")
    return candidate.health.kind, -bad, added, identity(machine)


def _totals(ours: list[Candidate], snapshot: Snapshot, now: datetime) -> must.Totals:
    alive = [m for m in snapshot.group.members if not m.gone and m.lifecycle.startswith(must.ALIVE)]
    out = {c.machine.instance_id for c in ours if c.machine.inactive or leaving(c.machine)}
    out |= {m.instance_id for m in alive if m.instance_id in snapshot.journal.removed}
    return must.Totals(
        alive=len(alive),
        desired=snapshot.group.desired,
        sound=sum(_counts(c) for c in ours),
        on_the_way_out=len(out),
        starts_last_hour=sum(now.timestamp() - start < must.HOUR for start in snapshot.journal.starts),
    )


def _start(candidate: Candidate, snapshot: Snapshot, policy: Policy, totals: must.Totals) -> Decision:
    machine, cluster = candidate.machine, snapshot.cluster
    unhealthy = candidate.health.kind is Kind.UNHEALTHY
    begun = leaving(machine)
    why = (
        f"unhealthy: {candidate.health.reason}"
        if unhealthy
        else (f"surplus: {totals.alive} members, {totals.desired} desired")
    )
    return checked(
        candidate,
        Action.DRAIN,
        why,
        ("S5 ownership", must.s5_ownership(machine, candidate.member, cluster)),
        ("S14 hold", not_held(candidate)),
        ("S9 calm", must.OK if begun else must.s9_calm(cluster.gates, involuntary=machine.all_down)),
        ("S6 no overshoot", must.s6_no_overshoot(totals, machine, replaced=unhealthy)),
        ("S2 floor", must.s2_floor(totals, _counts(candidate), cluster, policy)),
        ("S4 budget", must.s4_budget(totals, machine, cluster, policy)),
        ("S3 fits", must.s3_fits(totals, machine, cluster, policy)),
    )


def _capped(decisions: list[Decision], policy: Policy) -> list[Decision]:
    """The same decisions, with those beyond a pass's limits of terminations and detachments put off."""
    left = {
        Action.TERMINATE: policy.max_terminations_per_pass,
        Action.DETACH: policy.max_detachments_per_pass,
    }
    result = []
    for decision in sorted(decisions, key=stable):
        kind = Action.TERMINATE if decision.action is Action.REMOVE else decision.action
        if kind in left:
            left[kind] -= 1
            if left[kind] < 0:
                words = f"put off, the limit of this pass is reached: {decision.reason}"
                decision = replace(decision, action=Action.WAIT, reason=words, blocked_by="S4 budget")
        result.append(decision)
    return result


def _errors(decisions: list[Decision]) -> Iterable[str]:
    for decision in decisions:
        needs_human = decision.blocked_by in NEEDS_HUMAN or decision.blocked_by == "S1 evidence"
        if needs_human:
            yield f"{decision.instance_id or decision.address}: {decision.reason} ({decision.blocked_by})"
