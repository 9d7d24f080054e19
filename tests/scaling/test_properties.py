"""Properties that hold for any cluster, group and policy."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scaling.decide import decide
from scaling.health import Kind, health, leaving
from scaling.journal import pruned
from scaling.model import Action, Policy
from worlds import (
    CALM,
    NOW,
    TB,
    client,
    down,
    draining,
    inactive,
    instance,
    machine,
    member,
    removal,
    with_drives,
    world,
)

KINDS = {
    "healthy": machine,
    "draining": draining,
    "inactive": inactive,
    "down briefly": lambda n: down(n, 10),
    "down long": lambda n: down(n, 600),
    "bad drive": lambda n: with_drives(machine(n), status="INACTIVE"),
    "half drained": lambda n: with_drives(machine(n), should_be_active=False),
    "unknown": lambda n: machine(n, state="NEW_STATE"),
    "no identifier": lambda n: replace(machine(n), machine_identifier=None),
}
MEMBERS = [{}] * 6 + [
    {"owned": False},
    {"held": True},
    {"state": "terminated"},
    {"state": None},
    {"lifecycle": "Standby"},
    {"lifecycle": "Terminating:Wait"},
    {"address": "10.99.0.1"},
    {"lifecycle": "Pending", "launched": NOW - timedelta(minutes=1)},
]
GATES = [CALM] * 8 + [
    replace(CALM, moving_data=True),
    replace(CALM, fully_protected=False, status="REBUILDING"),
    replace(CALM, io_status="STOPPED"),
    replace(CALM, upgrading=None),
    replace(CALM, overrides=("skip_scale_down",)),
    replace(CALM, versions=frozenset({"a", "b"})),
]


@st.composite
def snapshots(draw):
    count = draw(st.integers(0, 14))
    kinds = [draw(st.sampled_from(["healthy"] * 8 + list(KINDS))) for _ in range(count)]
    machines = [KINDS[kind](n) for n, kind in enumerate(kinds)]
    in_group = [n for n in range(count) if draw(st.integers(0, 9))]
    members = [member(n, **draw(st.sampled_from(MEMBERS))) for n in in_group]
    strangers = draw(st.lists(st.integers(100, 104), unique=True, max_size=3))
    members += [member(n, **draw(st.sampled_from(MEMBERS))) for n in strangers]
    journaled = {instance(n): removal(n) for n in strangers if draw(st.booleans())}
    return world(
        machines,
        draw(st.integers(0, 16)),
        members=members,
        removed=journaled,
        starts=(int(NOW.timestamp()) - 5,) * draw(st.integers(0, 22)),
        gates=draw(st.sampled_from(GATES)),
        stripe_data=draw(st.sampled_from([3, 3, 3, 5, None])),
        stripe_protection=draw(st.sampled_from([2, 2, 4, None])),
        unprovisioned_bytes=draw(st.sampled_from([95 * TB, 95 * TB, 40 * TB, 0, None])),
        clients=tuple(client(n, "UP") for n in draw(st.lists(st.integers(0, 14), max_size=2))),
    )


policies = st.builds(
    Policy,
    min_members=st.integers(1, 8),
    max_leaving=st.integers(0, 4),
    max_replacing=st.integers(0, 3),
    max_removals_per_pass=st.integers(0, 5),
    max_removals_per_hour=st.integers(0, 30),
)
quick = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def drains(plan):
    return {d.instance_id for d in plan.of(Action.DRAIN)}


def started(snapshot, policy):
    plan = decide(snapshot, policy, NOW)
    return [d for d in plan.of(Action.DRAIN) if not leaving(d.machine)]


@given(snapshots(), policies, st.randoms(use_true_random=False))
@quick
def test_the_order_of_the_input_never_changes_the_plan(snapshot, policy, shuffle: random.Random):
    def mixed(items):
        items = list(items)
        shuffle.shuffle(items)
        return tuple(items)

    other = replace(
        snapshot,
        cluster=replace(snapshot.cluster, machines=mixed(snapshot.cluster.machines)),
        group=replace(snapshot.group, members=mixed(snapshot.group.members)),
    )
    assert decide(other, policy, NOW) == decide(snapshot, policy, NOW)


@given(snapshots(), policies, st.integers(1, 10))
@quick
def test_raising_desired_never_adds_a_removal(snapshot, policy, more):
    raised = replace(snapshot, group=replace(snapshot.group, desired=snapshot.group.desired + more))
    assert drains(decide(raised, policy, NOW)) <= drains(decide(snapshot, policy, NOW))


@given(snapshots(), policies, st.data())
@quick
def test_one_more_unhealthy_machine_never_adds_a_healthy_removal(snapshot, policy, data):
    healthy = [m for m in snapshot.cluster.machines if m.sound]
    if not healthy:
        return
    victim = data.draw(st.sampled_from(healthy))
    sick = with_drives(victim, status="INACTIVE")
    machines = tuple(sick if m is victim else m for m in snapshot.cluster.machines)
    worse = replace(snapshot, cluster=replace(snapshot.cluster, machines=machines))
    before = {d.instance_id for d in started(snapshot, policy) if health(d.machine, policy, NOW).kind is Kind.HEALTHY}
    after = {d.instance_id for d in started(worse, policy) if health(d.machine, policy, NOW).kind is Kind.HEALTHY}
    assert len(after) <= len(before) or not after - before


@given(snapshots(), policies)
@quick
def test_every_plan_obeys_the_invariants(snapshot, policy):
    plan = decide(snapshot, policy, NOW)
    members = {m.instance_id: m for m in snapshot.group.members}
    in_cluster = {m.instance_id: m for m in snapshot.cluster.machines}
    gates = snapshot.cluster.gates
    changes = [d for d in plan.decisions if d.action not in (Action.KEEP, Action.WAIT)]
    if gates.io_status != "STARTED" or gates.upgrading is not False or gates.overrides or len(gates.versions) != 1:
        assert not changes, "S9"
    for decision in changes:
        one, of_group = in_cluster.get(decision.instance_id), members.get(decision.instance_id)
        if decision.action is Action.REMOVE:
            assert one.inactive and all(d.status == "INACTIVE" for d in one.drives), "S1"
        if decision.action is Action.TERMINATE:
            assert one is None and decision.instance_id in snapshot.journal.removed, "S1"
        if decision.action in (Action.TERMINATE, Action.REMOVE, Action.DRAIN) and of_group and not of_group.gone:
            assert of_group.owned and not of_group.held and of_group.lifecycle == "InService", "S5, S14"
            assert of_group.address == decision.address, "S5"
        if decision.action is Action.DETACH:
            assert of_group.gone
    _check_starts(snapshot, policy)


def _check_starts(snapshot, policy):
    begun = started(snapshot, policy)
    cluster, group = snapshot.cluster, snapshot.group
    if not begun:
        return
    ours = [d for d in begun if d.instance_id in {m.instance_id for m in group.members if not m.gone}]
    voluntary = [d for d in ours if health(d.machine, policy, NOW).kind is Kind.HEALTHY]
    going = [m for m in cluster.machines if leaving(m)]
    unavailable = {
        m
        for m in cluster.machines
        if not m.inactive and (leaving(m) or not all(c.status == "UP" for c in m.containers) or not m.known)
    }
    tolerance = min(policy.max_leaving, cluster.stripe_protection)
    assert len(unavailable | {d.machine for d in begun}) <= tolerance, "S4"
    assert len(begun) <= policy.max_removals_per_pass, "S4"
    assert len(begun) + len(snapshot.journal.starts) <= policy.max_removals_per_hour, "S4"
    assert cluster.gates.moving_data is False, "S9"
    alive = [m for m in group.members if not m.gone and m.lifecycle.startswith(("Pending", "InService"))]
    if voluntary:
        out = len([m for m in going if m.instance_id in {a.instance_id for a in alive}])
        assert out + len(voluntary) <= len(alive) - group.desired, "S6"
        used = cluster.total_bytes - cluster.unprovisioned_bytes
        assert used <= cluster.total_bytes, "S3"
    if ours:
        ids = {m.instance_id for m in alive}
        sound = [
            m
            for m in cluster.machines
            if m.instance_id in ids and m.sound and not leaving(m) and health(m, policy, NOW).kind is Kind.HEALTHY
        ]
        floor = max(policy.min_members, cluster.stripe_data + cluster.stripe_protection)
        assert len(sound) - len(voluntary) >= floor, "S2"


@given(snapshots(), policies)
@quick
def test_every_machine_and_every_member_gets_a_decision_with_a_reason(snapshot, policy):
    plan = decide(snapshot, policy, NOW)
    decided = {d.instance_id for d in plan.decisions}
    assert {m.instance_id for m in snapshot.group.members} <= decided
    assert {m.instance_id for m in snapshot.cluster.machines} <= decided
    assert all(d.reason for d in plan.decisions)
    assert all(d.action is not Action.DRAIN for d in plan.decisions if d.blocked_by)


@given(snapshots())
@quick
def test_a_removal_is_forgotten_when_its_machine_is_at_work_or_out_of_the_group(snapshot):
    everything = {instance(n): removal(n) for n in (*range(15), *range(100, 105))}
    journal = replace(snapshot.journal, removed=everything)
    kept = set(pruned(journal, snapshot.group, snapshot.cluster, NOW).removed)
    alive = {m.instance_id for m in snapshot.group.members if not m.gone}
    at_work = {m.instance_id for m in snapshot.cluster.machines if not m.inactive}
    assert kept == (set(everything) & alive) - at_work
