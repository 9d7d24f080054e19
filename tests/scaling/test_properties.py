"""Properties that hold for any cluster, group and policy."""

from __future__ import annotations

import random
from dataclasses import replace

from drawn import policies, quick, snapshots
from hypothesis import given
from hypothesis import strategies as st
from scaling.decide import decide
from scaling.health import Kind, health, leaving
from scaling.journal import pruned
from scaling.model import Action
from worlds import NOW, instance, removal, with_drives


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


LEAVING = (Action.DRAIN, Action.REMOVE, Action.TERMINATE)


def facts(snapshot, policy):
    """The plan, and what the promises are about: members and machines by id, and the drains that begin."""
    plan = decide(snapshot, policy, NOW)
    members = {m.instance_id: m for m in snapshot.group.members}
    machines = {m.instance_id: m for m in snapshot.cluster.machines}
    begun = [d for d in plan.of(Action.DRAIN) if not leaving(d.machine)]
    return plan, members, machines, begun


@given(snapshots(), policies)
@quick
def test_s1_s7_only_what_is_empty_is_removed_and_only_what_was_removed_is_terminated(snapshot, policy):
    plan, members, machines, _ = facts(snapshot, policy)
    for decision in plan.of(Action.REMOVE):
        assert decision.machine.inactive and all(d.status == "INACTIVE" for d in decision.machine.drives)
    for decision in plan.of(Action.TERMINATE):
        known = snapshot.journal.removed[decision.instance_id]
        assert decision.instance_id not in machines and known.address == members[decision.instance_id].address
    for decision in plan.of(Action.DETACH):
        assert members[decision.instance_id].gone


@given(snapshots(), policies)
@quick
def test_s5_s14_only_ours_is_touched_and_nothing_that_people_hold(snapshot, policy):
    plan, members, _, _ = facts(snapshot, policy)
    for decision in plan.decisions:
        member_ = members.get(decision.instance_id)
        if decision.action in LEAVING and member_ and not member_.gone:
            assert member_.owned and not member_.held and member_.lifecycle == "InService"
            assert member_.address == decision.address or decision.action is Action.TERMINATE
            assert not [c for c in snapshot.cluster.clients if c.address == decision.address and not c.stateless]
        if decision.action is Action.DRAIN and not (member_ and not member_.gone):
            assert all(c.status == "DOWN" for c in decision.machine.containers), "outsiders that work are left alone"


@given(snapshots(), policies)
@quick
def test_s9_s14_nothing_changes_behind_a_closed_gate_or_during_a_pause(snapshot, policy):
    plan, _, _, begun = facts(snapshot, policy)
    gates = snapshot.cluster.gates
    open_ = gates.io_status == "STARTED" and gates.upgrading is False and gates.overrides == ()
    if snapshot.control.paused is not None or not open_ or len(gates.versions) != 1 or gates.status == "DEGRADED":
        assert all(d.action in (Action.KEEP, Action.WAIT) for d in plan.decisions) and not plan.orphan_drives
        assert plan.gate
    if begun:
        assert gates.moving_data is False
    if policy.strict and any(d.action in (Action.REMOVE, Action.TERMINATE) for d in plan.decisions):
        assert gates.moving_data is False and gates.fully_protected and gates.status == "OK"


@given(snapshots(), policies)
@quick
def test_s4_what_leaves_or_is_down_stays_within_tolerance_and_the_limits(snapshot, policy):
    _, _, _, begun = facts(snapshot, policy)
    if not begun:
        return
    cluster = snapshot.cluster
    missing = {m for m in cluster.machines if not m.inactive and (leaving(m) or not sound_containers(m))}
    more = {d.machine for d in begun} - missing
    limit = min(policy.max_leaving, cluster.stripe_protection) if more else cluster.stripe_protection
    assert len(missing | more) <= limit
    assert len({m for m in missing if leaving(m)} | {d.machine for d in begun}) <= policy.max_leaving
    assert len(begun) + snapshot.journal.begun <= policy.max_removals_per_pass
    assert len(begun) + len(snapshot.journal.starts) <= policy.max_removals_per_hour
    if policy.strict:
        assert len(begun) == 1 and not [m for m in cluster.machines if leaving(m) and m is not begun[0].machine]


def sound_containers(one):
    return one.known and all(c.status == "UP" for c in one.containers)


@given(snapshots(), policies)
@quick
def test_s2_s3_s6_what_stays_is_enough_and_nobody_leaves_whom_the_group_wants(snapshot, policy):
    _, members, _, begun = facts(snapshot, policy)
    cluster, desired = snapshot.cluster, snapshot.group.desired
    alive = {i for i, m in members.items() if not m.gone and m.lifecycle.startswith(("Pending", "InService"))}
    ours = [d.machine for d in begun if d.instance_id in alive]
    if not ours:
        return
    healthy = [m for m in cluster.machines if m.instance_id in alive and m.sound and not leaving(m)]
    healthy = [m for m in healthy if health(m, policy, NOW).kind is Kind.HEALTHY]
    stay = [m for m in healthy if m not in ours]
    floor = cluster.stripe_data + cluster.stripe_protection
    if any(m in healthy for m in ours):
        floor = max(floor + cluster.hot_spare, policy.min_members, snapshot.original_size if policy.strict else 0)
    assert len(stay) >= floor, "S2"
    assert len({c.failure_domain for m in stay for c in m.containers}) >= cluster.required_domains, "S2"
    assert sum(c.can_lead for m in stay for c in m.containers) >= cluster.required_leaders, "S2"
    voluntary = [m for m in ours if health(m, policy, NOW).kind is Kind.HEALTHY]
    going = {m.instance_id for m in cluster.machines if m.inactive or leaving(m)} | set(snapshot.journal.removed)
    if voluntary:
        assert len(going & alive) + len(ours) <= max(0, len(alive) - desired), "S6"
    kept = [m for m in cluster.machines if not leaving(m) and m not in ours]
    share = data(kept) / data(cluster.machines)
    used = cluster.total_bytes - cluster.unprovisioned_bytes
    assert used <= cluster.total_bytes * share * policy.capacity_threshold + 1, "S3"


def data(machines):
    in_use = ("ACTIVE", "PHASING_IN", "PHASING_OUT")
    return sum(d.size_bytes for m in machines for d in m.drives if d.status in in_use)


@given(snapshots(), policies)
@quick
def test_whoever_should_leave_may_or_is_held_back_by_an_invariant_never_both(snapshot, policy):
    plan = decide(snapshot, policy, NOW)
    for decision in plan.decisions:
        may, held = decision.action in LEAVING, decision.blocked_by is not None
        assert decision.leaves == may or (decision.leaves and held), decision
        assert not (may and held), decision
    assert len(plan.should_leave) == len(plan.may_leave) + len(plan.held_back)
    assert all(held.invariant.split()[0][1:].isdigit() and held.reason for held in plan.held_back)


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
def test_a_removal_is_forgotten_when_its_instance_is_out_of_the_group_and_only_then(snapshot):
    everything = {instance(n): removal(n) for n in (*range(15), *range(100, 105))}
    journal = replace(snapshot.journal, removed=everything)
    kept = set(pruned(journal, snapshot.group, snapshot.cluster, NOW).removed)
    assert kept == set(everything) & {m.instance_id for m in snapshot.group.members if not m.gone}
