"""What a pass decides, in whole situations."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from scaling import decide as core
from scaling.model import Action, Policy
from worlds import (
    CALM,
    NOW,
    TB,
    address,
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

POLICY = Policy()
NAMES = {
    *("S1 evidence", "S2 floor", "S3 fits", "S4 budget", "S5 ownership", "S6 no overshoot", "S7 protection window"),
    *("S1 agreement", "S9 gates", "S9 calm", "S11 one way", "S14 human wins"),
}


def decide(snapshot, policy, now):
    """The plan, of which every decision is one that people can read."""
    plan = core.decide(snapshot, policy, now)
    for decision in plan.decisions:
        assert isinstance(decision.action, Action)
        assert isinstance(decision.reason, str) and decision.reason
        assert decision.blocked_by is None or decision.blocked_by in NAMES
        assert not (decision.blocked_by and decision.action is not Action.WAIT)
    return plan


def of(plan, action):
    return [decision.instance_id for decision in plan.of(action)]


def reason(plan, number):
    return next(d for d in plan.decisions if d.instance_id == instance(number))


def test_a_cluster_at_its_desired_size_is_left_alone_and_every_machine_has_a_reason():
    plan = decide(world([machine(n) for n in range(6)], 6), POLICY, NOW)
    assert {d.action for d in plan.decisions} == {Action.KEEP}
    assert len(plan.decisions) == 6
    assert all(d.reason for d in plan.decisions)
    assert plan.errors == ()


def test_a_surplus_drains_the_oldest_healthy_machines():
    plan = decide(world([machine(n) for n in range(8)], 6), POLICY, NOW)
    assert of(plan, Action.DRAIN) == [instance(0), instance(1)]
    assert "8 members, 6 desired" in reason(plan, 0).reason


def test_defect_28_a_large_scale_in_starts_only_as_many_drains_as_protection_tolerates():
    plan = decide(world([machine(n) for n in range(20)], 5), POLICY, NOW)
    assert len(of(plan, Action.DRAIN)) == 2
    assert reason(plan, 5).blocked_by == "S4 budget"
    assert plan.errors == ()


def test_two_that_leave_already_are_continued_and_no_third_one_starts():
    plan = decide(world([draining(0), draining(1), *(machine(n) for n in range(2, 9))], 6), POLICY, NOW)
    assert of(plan, Action.DRAIN) == [instance(0), instance(1)]


def test_a_drain_that_was_cut_short_is_taken_up_again():
    half = with_drives(machine(0), should_be_active=False, status="PHASING_OUT")
    plan = decide(world([half, *(machine(n) for n in range(1, 8))], 7), POLICY, NOW)
    assert of(plan, Action.DRAIN) == [instance(0)]


def test_the_floor_blocks_and_is_reported_with_its_name():
    plan = decide(world([machine(n) for n in range(6)], 2), POLICY, NOW)
    assert len(of(plan, Action.DRAIN)) == 1
    assert reason(plan, 1).blocked_by == "S2 floor"
    assert "S2 floor" in plan.errors[0]


def test_a_wide_stripe_raises_the_floor():
    plan = decide(world([machine(n) for n in range(8)], 6, stripe_data=6), POLICY, NOW)
    assert of(plan, Action.DRAIN) == []


def test_capacity_that_would_not_fit_blocks_and_is_reported():
    plan = decide(world([machine(n) for n in range(8)], 6, unprovisioned_bytes=1), POLICY, NOW)
    assert of(plan, Action.DRAIN) == []
    assert any("S3 fits" in error for error in plan.errors)


def test_an_inactive_member_is_removed_and_an_inactive_stranger_too():
    snapshot = world(
        [inactive(0), inactive(9), *(machine(n) for n in range(1, 7))], 6, members=[member(n) for n in range(7)]
    )
    assert of(decide(snapshot, POLICY, NOW), Action.REMOVE) == [instance(0), instance(9)]


def test_f5_three_containers_of_which_one_is_inactive_are_not_an_inactive_machine():
    one = machine(0)
    mixed = replace(
        one, containers=(replace(one.containers[0], state="INACTIVE", status="INACTIVE"), *one.containers[1:])
    )
    plan = decide(world([mixed, *(machine(n) for n in range(1, 6))], 6), POLICY, NOW)
    assert of(plan, Action.REMOVE) == []


@pytest.mark.parametrize("age", [1, 31, 10_000])
def test_an_instance_unknown_to_the_cluster_is_never_terminated(age):
    newcomer = member(9, launched=NOW - timedelta(minutes=age))
    snapshot = world([machine(n) for n in range(6)], 6, members=[*(member(n) for n in range(6)), newcomer])
    plan = decide(snapshot, POLICY, NOW)
    assert of(plan, Action.TERMINATE) == []
    assert reason(plan, 9).action is Action.WAIT
    assert bool(plan.errors) is (age > 30)


def test_an_empty_cluster_never_leads_to_a_termination():
    snapshot = world([], 0, members=[member(n) for n in range(6)])
    plan = decide(snapshot, POLICY, NOW)
    assert {d.action for d in plan.decisions} == {Action.WAIT}


def test_a_journaled_removal_is_completed_after_a_crash():
    snapshot = world(
        [machine(n) for n in range(6)], 6, members=[member(n) for n in range(7)], removed={instance(6): removal(6)}
    )
    assert of(decide(snapshot, POLICY, NOW), Action.TERMINATE) == [instance(6)]


@pytest.mark.parametrize(
    ("changed", "journaled"),
    [
        (member(6, held=True), removal(6)),
        (member(6, address="10.9.9.9"), removal(6)),
        (member(6, lifecycle="Standby"), removal(6)),
        (member(6, owned=False), removal(6)),
        (member(6, address=address(0)), removal(6, address=address(0))),
    ],
)
def test_a_journaled_removal_is_not_completed_on_an_instance_that_does_not_match(changed, journaled):
    snapshot = world(
        [machine(n) for n in range(6)],
        6,
        members=[*(member(n) for n in range(6)), changed],
        removed={instance(6): journaled},
    )
    assert of(decide(snapshot, POLICY, NOW), Action.TERMINATE) == []


@pytest.mark.parametrize("state", ["terminated", "shutting-down", None])
def test_a_member_that_ec2_says_is_gone_is_detached(state):
    snapshot = world(
        [machine(n) for n in range(5)] + [down(5, 1)],
        6,
        members=[*(member(n) for n in range(5)), member(5, state=state, address=None)],
    )
    plan = decide(snapshot, POLICY, NOW)
    assert of(plan, Action.DETACH) == [instance(5)]
    assert of(plan, Action.DRAIN) == []


def test_a_pending_instance_that_ec2_does_not_show_yet_is_joining():
    snapshot = world(
        [machine(n) for n in range(6)],
        7,
        members=[*(member(n) for n in range(6)), member(6, state=None, lifecycle="Pending", address=None)],
    )
    assert reason(decide(snapshot, POLICY, NOW), 6).action is Action.WAIT


def test_joining_instances_do_not_make_a_surplus():
    joining = [member(n, launched=NOW - timedelta(minutes=2)) for n in (6, 7)]
    snapshot = world([machine(n) for n in range(6)], 6, members=[*(member(n) for n in range(6)), *joining])
    assert of(decide(snapshot, POLICY, NOW), Action.DRAIN) == []


@pytest.mark.parametrize(("minutes", "drained"), [(119, False), (121, True)])
def test_a_member_down_for_two_hours_is_replaced(minutes, drained):
    plan = decide(world([*(machine(n) for n in range(5)), down(5, minutes)], 6), POLICY, NOW)
    assert (instance(5) in of(plan, Action.DRAIN)) is drained


def test_a_member_down_since_nobody_knows_when_is_not_replaced():
    unknown = machine(5, status="DOWN", management_down=True, down_since=None)
    assert of(decide(world([*(machine(n) for n in range(5)), unknown], 6), POLICY, NOW), Action.DRAIN) == []


def test_a_failed_drive_is_no_reason_to_replace_but_an_inactive_one_is():
    failed = with_drives(machine(5), status="FAILED")
    idle = with_drives(machine(5), status="INACTIVE")
    young = with_drives(machine(5, added=NOW - timedelta(minutes=4)), status="INACTIVE")
    others = [machine(n) for n in range(5)] + [machine(6)]
    assert of(decide(world([*others, failed], 7), POLICY, NOW), Action.DRAIN) == []
    assert of(decide(world([*others, idle], 7), POLICY, NOW), Action.DRAIN) == [instance(5)]
    assert of(decide(world([*others, young], 7), POLICY, NOW), Action.DRAIN) == []


def test_unhealthy_machines_leave_before_healthy_ones():
    idle = with_drives(machine(7), status="INACTIVE")
    plan = decide(world([*(machine(n) for n in range(7)), idle], 7), POLICY, NOW)
    assert of(plan, Action.DRAIN) == [instance(7)]


@pytest.mark.parametrize(("minutes", "drained"), [(170, False), (190, True)])
def test_a_stranger_down_for_three_hours_is_put_out(minutes, drained):
    snapshot = world([*(machine(n) for n in range(6)), down(9, minutes)], 6, members=[member(n) for n in range(6)])
    assert (of(decide(snapshot, POLICY, NOW), Action.DRAIN) == [instance(9)]) is drained


def test_a_stranger_that_is_only_partly_down_is_reported_and_left_alone():
    one = down(9, 500)
    partly = replace(one, containers=(*one.containers[:2], replace(one.containers[2], status="UP")))
    plan = decide(
        world([*(machine(n) for n in range(6)), partly], 6, members=[member(n) for n in range(6)]), POLICY, NOW
    )
    assert of(plan, Action.DRAIN) == []
    assert "partly down" in plan.errors[0]


def test_a_backend_that_a_human_detached_is_left_running():
    plan = decide(world([machine(n) for n in range(7)], 6, members=[member(n) for n in range(6)]), POLICY, NOW)
    assert reason(plan, 6).action is Action.KEEP
    assert of(plan, Action.DRAIN) == []


def test_l4_one_machine_in_a_state_nobody_knows_blocks_only_itself():
    odd = machine(0, state="HIBERNATING")
    plan = decide(world([odd, *(machine(n) for n in range(1, 9))], 6), POLICY, NOW)
    assert instance(0) not in of(plan, Action.DRAIN)
    assert of(plan, Action.DRAIN) == [instance(1)]
    assert "not known" in plan.errors[0]


def test_s5_a_recycled_address_blocks_only_that_machine():
    members = [member(0, address="10.9.9.9"), *(member(n) for n in range(1, 8))]
    plan = decide(world([machine(n) for n in range(8)], 6, members=members), POLICY, NOW)
    assert of(plan, Action.DRAIN) == [instance(1), instance(2)]
    assert "S5 ownership" in plan.errors[0]


def test_s5_a_client_with_a_members_address_blocks_that_member():
    plan = decide(world([machine(n) for n in range(8)], 6, clients=(client(0),)), POLICY, NOW)
    assert instance(0) not in of(plan, Action.DRAIN)


def test_s14_a_hold_is_obeyed():
    members = [member(0, held=True), *(member(n) for n in range(1, 8))]
    plan = decide(world([machine(n) for n in range(8)], 7, members=members), POLICY, NOW)
    assert of(plan, Action.DRAIN) == [instance(1)]
    assert reason(plan, 0).blocked_by == "S14 human wins"


def test_s9_a_closed_gate_turns_every_decision_into_waiting():
    machines = [inactive(0), *(machine(n) for n in range(1, 9))]
    closed = replace(CALM, io_status="STOPPED")
    snapshot = world(
        machines,
        6,
        members=[*(member(n) for n in range(9)), member(10, state="terminated")],
        gates=closed,
        orphan_drives=("d",),
    )
    plan = decide(snapshot, POLICY, NOW)
    assert {d.action for d in plan.decisions} == {Action.WAIT, Action.KEEP}
    assert plan.orphan_drives == ()
    assert "STOPPED" in plan.gate
    assert plan.errors == (f"S9 gates: nothing is changed: {plan.gate}",)
    assert {held.invariant for held in plan.held_back} == {"S9 gates"}
    assert plan.may_leave == ()


def test_a_pause_is_a_wish_and_no_error():
    odd = member(9, launched=NOW - timedelta(days=1))
    snapshot = world(
        [machine(n) for n in range(8)], 6, members=[*(member(n) for n in range(8)), odd], paused="maintenance"
    )
    plan = decide(snapshot, POLICY, NOW)
    assert {d.action for d in plan.decisions} == {Action.WAIT, Action.KEEP}
    assert plan.errors == ()
    assert plan.gate == "scaling is paused: maintenance"
    assert {(h.machine, h.invariant) for h in plan.held_back} == {(instance(n), "S14 human wins") for n in (0, 1)}


def test_drives_without_a_container_are_removed():
    assert decide(world([machine(n) for n in range(6)], 6, orphan_drives=("b", "a")), POLICY, NOW).orphan_drives == (
        "a",
        "b",
    )


def test_terminations_of_a_pass_are_capped_and_the_rest_is_put_off():
    ids = range(6, 66)
    snapshot = world(
        [machine(n) for n in range(6)],
        6,
        members=[member(n) for n in range(66)],
        removed={instance(n): removal(n) for n in ids},
    )
    plan = decide(snapshot, POLICY, NOW)
    assert len(of(plan, Action.TERMINATE)) == 50
    assert sum("put off" in d.reason for d in plan.decisions) == 10


def test_the_hourly_cap_counts_drains_of_earlier_passes():
    machines = [machine(n) for n in range(30)]
    recent = tuple(int(NOW.timestamp()) - 60 for _ in range(20))
    old = tuple(int(NOW.timestamp()) - 4000 for _ in range(20))
    roomy = {"total_bytes": 1000 * TB, "unprovisioned_bytes": 990 * TB}
    assert of(decide(world(machines, 6, starts=recent, **roomy), POLICY, NOW), Action.DRAIN) == []
    assert len(of(decide(world(machines, 6, starts=old, **roomy), POLICY, NOW), Action.DRAIN)) == 2


def stranger(one):
    plan = decide(world([*(machine(n) for n in range(6)), one], 6, members=[member(n) for n in range(6)]), POLICY, NOW)
    return next(d for d in plan.decisions if d.machine == one), plan


def test_a_machine_without_an_instance_at_a_members_address_is_refused_and_reported():
    nobody = replace(down(9, 500), address=address(0), instance_id=None)
    decision, plan = stranger(nobody)
    assert decision.action is Action.WAIT
    assert decision.blocked_by == "S5 ownership"
    assert any("says no instance of" in error for error in plan.errors)


def test_a_stranger_in_an_unknown_state_is_refused():
    decision, plan = stranger(machine(9, state="NEW", status="DOWN", down_since=NOW - timedelta(days=1)))
    assert decision.action is Action.WAIT
    assert plan.errors


def test_a_stranger_that_leaves_is_waited_for():
    decision, plan = stranger(draining(9))
    assert decision.action is Action.WAIT
    assert "leaving" in decision.reason
    assert plan.errors == ()


def test_of_several_strangers_long_down_only_as_many_as_tolerated_are_put_out():
    machines = [*(machine(n) for n in range(8)), down(9, 500), down(10, 500)]
    snapshot = world(machines, 6, members=[member(n) for n in range(8)])
    assert of(decide(snapshot, POLICY, NOW), Action.DRAIN) == [instance(9), instance(10)]
    one_a_pass = Policy(max_removals_per_pass=1)
    assert of(decide(snapshot, one_a_pass, NOW), Action.DRAIN) == [instance(9)]


def test_the_plan_names_who_should_leave_who_may_and_what_holds_each_of_the_others():
    plan = decide(world([machine(n) for n in range(20)], 16), POLICY, NOW)
    assert plan.should_leave == tuple(instance(n) for n in range(4))
    assert plan.may_leave == (instance(0), instance(1))
    assert [(held.machine, held.invariant) for held in plan.held_back] == [
        (instance(2), "S4 budget"),
        (instance(3), "S4 budget"),
    ]
    assert all("4 machines would be leaving" in held.reason or "3 machines" in held.reason for held in plan.held_back)


def test_who_is_held_for_what_he_is_himself_stays_named_when_the_next_one_goes():
    members = [member(0, held=True), *(member(n) for n in range(1, 8))]
    plan = decide(world([machine(n) for n in range(8)], 7, members=members), POLICY, NOW)
    assert plan.should_leave == (instance(0), instance(1))
    assert plan.may_leave == (instance(1),)


def test_l4_a_machine_whose_drives_do_not_fit_lets_a_smaller_one_go():
    large = with_drives(machine(0), size_bytes=30 * TB)
    snapshot = world([large, *(machine(n) for n in range(1, 8))], 7, unprovisioned_bytes=40 * TB)
    plan = decide(snapshot, POLICY, NOW)
    assert of(plan, Action.DRAIN) == [instance(1)]
    assert plan.held_back == ()


@pytest.mark.parametrize("state", ["ACTIVE", "DEACTIVATING"])
def test_s11_a_removed_machine_that_is_at_work_again_is_reported_and_left_alone(state):
    back = draining(0) if state == "DEACTIVATING" else machine(0)
    machines = [back, *(machine(n) for n in range(1, 8))]
    plan = decide(world(machines, 6, removed={instance(0): removal(0)}), POLICY, NOW)
    assert instance(0) not in of(plan, Action.DRAIN)
    assert reason(plan, 0).blocked_by == "S11 one way"
    assert any("by hand" in error for error in plan.errors)


@pytest.mark.parametrize(("begun", "more"), [(0, 2), (1, 1), (2, 0)])
def test_s4_what_began_before_a_task_was_repeated_is_of_the_same_pass(begun, more):
    plan = decide(world([machine(n) for n in range(9)], 5, begun=begun), replace(POLICY, max_removals_per_pass=2), NOW)
    assert of(plan, Action.DRAIN) == [instance(n) for n in range(more)]


def test_s6_two_records_of_one_member_are_no_surplus():
    machines = [*(machine(n) for n in range(7)), replace(machine(6), address=address(99))]
    plan = decide(world(machines, 7, members=[member(n) for n in range(7)]), POLICY, NOW)
    assert of(plan, Action.DRAIN) == []
    assert reason(plan, 0).blocked_by == "S6 no overshoot"
    assert "1 would be leaving, the group has 0 more than the desired 7" in reason(plan, 0).reason


@pytest.mark.parametrize("change", [{"min_members": 5}, {"strict": True}])
def test_s11_a_removed_machine_that_is_at_work_again_is_told_although_others_would_go_first(change):
    machines = [machine(n) for n in range(8)]
    policy = replace(POLICY, **change)
    for desired, more in ((8, 0), (7, 0), (6, 1)):
        plan = decide(world(machines, desired, removed={instance(7): removal(7)}, original_size=6), policy, NOW)
        assert reason(plan, 7).blocked_by == "S11 one way"
        assert [error for error in plan.errors if "by hand" in error] and instance(7) in plan.should_leave
        assert of(plan, Action.DRAIN) == ([] if policy.strict else [instance(n) for n in range(more)])
        assert sum(d.leaves for d in plan.decisions) == 1 + more
    held = [*(member(n) for n in range(7)), member(7, held=True)]
    plan = decide(world(machines, 8, members=held, removed={instance(7): removal(7)}, original_size=6), policy, NOW)
    assert reason(plan, 7).blocked_by == "S14 human wins" and plan.errors == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [({"guid": "guid-2"}, "guid-2"), ({"machines": ()}, "absence"), ({"time": NOW - timedelta(hours=1)}, "earlier")],
)
def test_s1_a_foreign_an_empty_and_an_older_answer_stop_the_pass(change, words):
    snapshot = world([inactive(0), *(machine(n) for n in range(1, 8))], 6, time=NOW)
    snapshot = replace(
        snapshot,
        cluster=replace(snapshot.cluster, **change),
        journal=replace(snapshot.journal, cluster_time=NOW, removed={instance(7): removal(7)}),
    )
    plan = decide(snapshot, POLICY, NOW)
    assert {d.action for d in plan.decisions} <= {Action.WAIT, Action.KEEP}
    assert words in plan.gate
    assert plan.errors[0].startswith("S1 evidence")


STRICT = Policy(strict=True, max_leaving=1, max_replacing=1, max_removals_per_pass=1)


def test_strict_lets_one_machine_go_at_a_time():
    machines = [machine(n) for n in range(9)]
    assert of(decide(world(machines, 6, original_size=6), STRICT, NOW), Action.DRAIN) == [instance(0)]
    after = world([inactive(0), *machines[1:]], 6, original_size=6)
    assert of(decide(after, STRICT, NOW), Action.DRAIN) == []
    assert of(decide(after, STRICT, NOW), Action.REMOVE) == [instance(0)]


def test_in_strict_dead_machines_are_replaced_one_after_the_other():
    machines = [down(0, 500), down(1, 500), *(machine(n) for n in range(2, 9))]
    plan = decide(world(machines, 9, original_size=6), STRICT, NOW)
    assert (of(plan, Action.DRAIN), held(plan)) == ([instance(0)], {})
    plan = decide(world([draining(0), *machines[1:]], 9, original_size=6), STRICT, NOW)
    assert of(plan, Action.DRAIN) == [instance(0)]
    plan = decide(world([inactive(0), *machines[1:]], 9, original_size=6), STRICT, NOW)
    assert (of(plan, Action.REMOVE), of(plan, Action.DRAIN)) == ([instance(0)], [])
    plan = decide(world(machines[1:], 9, original_size=6), STRICT, NOW)
    assert of(plan, Action.DRAIN) == [instance(1)]


def test_strict_never_goes_below_the_size_at_import():
    plan = decide(world([machine(n) for n in range(9)], 6, original_size=9), STRICT, NOW)
    assert plan.may_leave == ()
    assert {held.invariant for held in plan.held_back} == {"S2 floor"}


def test_strict_removes_and_terminates_only_at_full_protection():
    partly = replace(CALM, status="REBUILDING", fully_protected=False)
    machines = [inactive(0), *(machine(n) for n in range(1, 9))]
    snapshot = world(
        machines, 6, members=[member(n) for n in range(10)], removed={instance(9): removal(9)}, gates=partly
    )
    plan = decide(replace(snapshot, original_size=6), STRICT, NOW)
    assert plan.may_leave == ()
    assert {(h.machine, h.invariant) for h in plan.held_back} >= {(instance(0), "S9 calm"), (instance(9), "S9 calm")}
    relaxed = decide(snapshot, POLICY, NOW)
    assert of(relaxed, Action.REMOVE) == [instance(0)]
    assert of(relaxed, Action.TERMINATE) == [instance(9)]


def test_f10_how_long_a_machine_is_down_is_told_by_the_clusters_own_clock():
    behind = NOW - timedelta(hours=3)
    dead = machine(5, status="DOWN", management_down=True, down_since=behind - timedelta(minutes=1))
    snapshot = world([*(machine(n) for n in range(5)), dead], 6, time=behind)
    assert of(decide(snapshot, POLICY, NOW), Action.DRAIN) == []


def held(plan):
    return {h.machine: h.invariant for h in plan.held_back}


def six_and(one, **change):
    """Six healthy members and one more machine with its member."""
    return world([*(machine(n) for n in range(6)), one], 6, **change)


@pytest.mark.parametrize(
    ("one", "of_group", "invariant"),
    [
        (inactive(6), {"held": True}, "S14 human wins"),
        (inactive(6), {"lifecycle": "Standby"}, "S14 human wins"),
        (with_drives(inactive(6), status="PHASING_OUT"), {}, "S1 evidence"),
        (inactive(6), {"address": "10.9.9.9"}, "S5 ownership"),
        (inactive(6), {"owned": False}, "S5 ownership"),
    ],
)
def test_an_inactive_member_is_removed_only_when_it_is_empty_ours_and_not_held(one, of_group, invariant):
    members = [*(member(n) for n in range(6)), member(6, **of_group)]
    plan = decide(six_and(one, members=members), POLICY, NOW)
    assert of(plan, Action.REMOVE) == []
    assert held(plan) == {instance(6): invariant}
    assert bool(plan.errors) is (invariant != "S14 human wins")
    assert "all its containers are inactive; but " in reason(plan, 6).reason


def test_an_inactive_machine_whose_drive_failed_on_the_way_is_removed_at_full_protection():
    lost = with_drives(inactive(6), status="FAILED")
    assert of(decide(six_and(lost), POLICY, NOW), Action.REMOVE) == [instance(6)]
    gates = replace(CALM, fully_protected=False)
    assert held(decide(six_and(lost, gates=gates), POLICY, NOW)) == {instance(6): "S1 evidence"}


def test_who_goes_on_leaving_says_of_which_container():
    assert reason(decide(six_and(draining(6)), POLICY, NOW), 6).reason == "goes on leaving: drives0 is DEACTIVATING"


@pytest.mark.parametrize("of_group", [{"held": True}, {"owned": False}])
def test_a_drain_that_has_begun_stops_for_a_hold_and_for_a_foreign_instance(of_group):
    members = [*(member(n) for n in range(6)), member(6, **of_group)]
    assert of(decide(six_and(draining(6), members=members), POLICY, NOW), Action.DRAIN) == []


@pytest.mark.parametrize(
    ("gates", "names"),
    [
        ({"moving_data": True, "status": "REDISTRIBUTING"}, {"S9 calm"}),
        ({"moving_data": None}, {"S9 calm"}),
        ({"fully_protected": False, "status": "PARTIALLY_PROTECTED"}, {"S9 calm"}),
    ],
)
def test_a_voluntary_drain_waits_for_calm_and_is_named(gates, names):
    snapshot = world([machine(n) for n in range(8)], 7, gates=replace(CALM, **gates))
    plan = decide(snapshot, POLICY, NOW)
    assert set(held(plan).values()) == names
    assert plan.should_leave == (instance(0),)
    assert plan.errors == ()


def test_a_dead_machine_is_replaced_although_protection_is_not_full_but_not_while_data_moves():
    machines = [*(machine(n) for n in range(6)), down(6, 121)]
    partly = replace(CALM, status="PARTIALLY_PROTECTED", fully_protected=False)
    plan = decide(world(machines, 7, gates=partly), POLICY, NOW)
    assert of(plan, Action.DRAIN) == [instance(6)]
    assert reason(plan, 6).reason.startswith("unhealthy: drives0 is DOWN")
    assert held(decide(world(machines, 7, gates=replace(partly, moving_data=True)), POLICY, NOW)) == {
        instance(6): "S9 calm"
    }


def test_a_drain_cut_short_is_taken_up_again_while_its_own_data_moves():
    half = with_drives(machine(6), should_be_active=False, status="PHASING_OUT")
    one_left = replace(half, containers=(half.containers[0], machine(6).containers[1]))
    moving = replace(CALM, moving_data=True, status="REDISTRIBUTING")
    assert of(decide(six_and(one_left, gates=moving), POLICY, NOW), Action.DRAIN) == [instance(6)]


def partly_leaving(number):
    """One of its drives leaves, which makes it unhealthy, and so its drain has begun."""
    one = machine(number)
    first, *others = one.containers[0].drives
    drives = (replace(first, should_be_active=False, status="PHASING_OUT"), *others)
    return replace(one, containers=(replace(one.containers[0], drives=drives), *one.containers[1:]))


def test_an_unhealthy_machine_of_which_a_drive_leaves_goes_on_while_data_moves():
    moving = replace(CALM, moving_data=True, status="REDISTRIBUTING")
    plan = decide(six_and(partly_leaving(6), gates=moving), POLICY, NOW)
    assert of(plan, Action.DRAIN) == [instance(6)]


def test_a_standby_member_that_leaves_holds_nobody_back_since_the_group_does_not_count_it():
    members = [*(member(n) for n in range(8)), member(8, lifecycle="Standby")]
    snapshot = world([*(machine(n) for n in range(8)), draining(8)], 7, members=members)
    plan = decide(snapshot, POLICY, NOW)
    assert held(plan) == {instance(8): "S14 human wins"}
    assert of(plan, Action.DRAIN) == [instance(0)]


def test_in_strict_an_inactive_machine_outside_the_group_is_forgotten_only_when_no_data_moves():
    moving = replace(CALM, moving_data=True, status="REDISTRIBUTING")
    machines = [*(machine(n) for n in range(7)), inactive(7)]
    members = [member(n) for n in range(7)]
    strict = Policy(strict=True, max_leaving=1, max_replacing=1, max_removals_per_pass=1)
    for gates, expected in ((CALM, [instance(7)]), (moving, [])):
        snapshot = world(machines, 7, members=members, gates=gates)
        assert of(decide(snapshot, strict, NOW), Action.REMOVE) == expected
    assert of(decide(snapshot, POLICY, NOW), Action.REMOVE) == [instance(7)]


def test_while_one_leaves_no_other_unhealthy_one_begins():
    idle = [with_drives(machine(n), status="INACTIVE") for n in (6, 7)]
    machines = [*(machine(n) for n in range(6)), *idle, draining(8)]
    roomy = Policy(max_leaving=2, max_replacing=2)
    assert decide(world(machines, 9), roomy, NOW).should_leave == (instance(8),)
    assert decide(world(machines, 8), roomy, NOW).should_leave == (instance(8),)


def test_leaving_and_unhealthy_ones_are_counted_before_a_healthy_one_must_go():
    idle = with_drives(machine(7), status="INACTIVE")
    assert decide(world([*(machine(n) for n in range(7)), idle], 7), POLICY, NOW).should_leave == (instance(7),)
    machines = [*(machine(n) for n in range(8)), draining(8)]
    assert decide(world(machines, 9), POLICY, NOW).should_leave == (instance(8),)
    assert decide(world(machines, 8), POLICY, NOW).should_leave == (instance(8),)
    assert decide(world(machines, 7), POLICY, NOW).should_leave == (instance(0), instance(8))


def test_who_came_when_nobody_knows_leaves_last():
    machines = [machine(0, added=None), *(machine(n) for n in range(1, 7))]
    assert of(decide(world(machines, 6), POLICY, NOW), Action.DRAIN) == [instance(1)]


def test_of_the_unhealthy_those_with_more_bad_drives_leave_first():
    one_bad = machine(0)
    first, *others = one_bad.containers[0].drives
    drives = (replace(first, status="INACTIVE"), *others)
    one_bad = replace(one_bad, containers=(replace(one_bad.containers[0], drives=drives), *one_bad.containers[1:]))
    two_bad = with_drives(machine(6), status="INACTIVE")
    plan = decide(
        world([one_bad, *(machine(n) for n in range(1, 6)), two_bad, machine(7), machine(8)], 9),
        Policy(max_replacing=1),
        NOW,
    )
    assert of(plan, Action.DRAIN) == [instance(6)]


def test_removals_count_as_terminations_of_the_pass():
    snapshot = world(
        [*(machine(n) for n in range(6)), inactive(6), inactive(7)],
        6,
        members=[member(n) for n in range(9)],
        removed={instance(8): removal(8)},
    )
    plan = decide(snapshot, Policy(max_terminations_per_pass=2), NOW)
    assert of(plan, Action.REMOVE) == [instance(6), instance(7)]
    assert held(plan) == {instance(8): "S4 budget"}
    assert reason(plan, 8).reason.startswith("put off, the limit of this pass is reached: its containers")


def test_detachments_of_a_pass_are_capped():
    members = [*(member(n) for n in range(6)), *(member(n, state="terminated") for n in range(6, 9))]
    plan = decide(world([machine(n) for n in range(6)], 6, members=members), Policy(max_detachments_per_pass=2), NOW)
    assert of(plan, Action.DETACH) == [instance(6), instance(7)]
    assert reason(plan, 8).action is Action.WAIT


def test_a_machine_in_an_unknown_state_waits_and_is_told():
    odd = machine(6, state="HIBERNATING")
    plan = decide(six_and(odd), POLICY, NOW)
    assert reason(plan, 6).action is Action.WAIT
    assert plan.errors == (f"{instance(6)}: the cluster reports a state that is not known here (S5 ownership)",)


def test_a_closed_gate_names_what_each_machine_waits_for():
    snapshot = world([inactive(0), *(machine(n) for n in range(1, 8))], 8, gates=replace(CALM, upgrading=True))
    assert reason(decide(snapshot, POLICY, NOW), 0).reason == "all its containers are inactive; but an upgrade runs"


def test_a_mistaken_identity_is_told_beside_a_closed_gate():
    odd = member(6, launched=NOW - timedelta(days=1))
    snapshot = world(
        [machine(n) for n in range(6)],
        6,
        members=[*(member(n) for n in range(6)), odd],
        gates=replace(CALM, io_status="STOPPED"),
    )
    errors = decide(snapshot, POLICY, NOW).errors
    assert errors[0].startswith("S9 gates")
    assert instance(6) in errors[1]


def test_of_strangers_only_those_long_enough_down_and_at_a_calm_moment_are_put_out():
    machines = [*(machine(n) for n in range(7)), down(9, 500)]
    members = [member(n) for n in range(7)]
    busy = world(machines, 7, members=members, gates=replace(CALM, moving_data=True))
    assert held(decide(busy, POLICY, NOW)) == {instance(9): "S9 calm"}
    begun = world(
        [*machines[:7], draining(9)], 7, members=members, gates=replace(CALM, moving_data=True, status="REDISTRIBUTING")
    )
    assert of(decide(begun, POLICY, NOW), Action.DRAIN) == []
    half = machine(9, status="DOWN", management_down=True, down_since=NOW - timedelta(days=1), state="DEACTIVATING")
    taken_up = decide(replace(begun, cluster=replace(begun.cluster, machines=(*machines[:7], half))), POLICY, NOW)
    assert of(taken_up, Action.DRAIN) == [instance(9)]


def test_a_stranger_put_out_takes_from_the_budget_of_the_members():
    machines = [*(machine(n) for n in range(8)), down(9, 500)]
    snapshot = world(machines, 6, members=[member(n) for n in range(8)])
    plan = decide(snapshot, POLICY, NOW)
    assert of(plan, Action.DRAIN) == [instance(0), instance(9)]
    assert held(plan) == {instance(1): "S4 budget"}


def test_an_inactive_stranger_with_data_is_not_forgotten():
    still = with_drives(inactive(9), status="ACTIVE")
    plan = decide(
        world([*(machine(n) for n in range(6)), still], 6, members=[member(n) for n in range(6)]), POLICY, NOW
    )
    assert held(plan) == {instance(9): "S1 evidence"}


@pytest.mark.parametrize(
    ("change", "removed", "invariant"),
    [
        ({"held": True}, {}, "S14 human wins"),
        ({"owned": False}, {}, "S7 protection window"),
        ({"address": "10.9.9.9"}, {}, "S7 protection window"),
        ({}, {"machine_identifier": "machine-0"}, "S1 evidence"),
    ],
)
def test_a_removed_instance_is_kept_when_anything_of_it_does_not_agree(change, removed, invariant):
    members = [*(member(n) for n in range(6)), member(6, **change)]
    snapshot = world([machine(n) for n in range(6)], 6, members=members, removed={instance(6): removal(6, **removed)})
    assert held(decide(snapshot, POLICY, NOW)) == {instance(6): invariant}


def test_a_member_that_ends_without_being_in_service_is_waited_for():
    ending = member(6, state="shutting-down", lifecycle="Terminating:Wait")
    plan = decide(
        world([machine(n) for n in range(6)], 6, members=[*(member(n) for n in range(6)), ending]), POLICY, NOW
    )
    assert reason(plan, 6).action is Action.WAIT
    assert "shutting-down" in reason(plan, 6).reason


def test_a_new_instance_is_given_its_time_to_join():
    for minutes, reported in ((30, False), (31, True)):
        late = member(6, launched=NOW - timedelta(minutes=minutes))
        snapshot = world([machine(n) for n in range(6)], 7, members=[*(member(n) for n in range(6)), late])
        assert bool(decide(snapshot, POLICY, NOW).errors) is reported
    never = member(6, launched=None)
    snapshot = world([machine(n) for n in range(6)], 7, members=[*(member(n) for n in range(6)), never])
    assert decide(snapshot, POLICY, NOW).errors == ()


def test_every_decision_says_where_the_machine_is():
    snapshot = world(
        [*(machine(n) for n in range(6)), machine(9)],
        6,
        members=[*(member(n) for n in range(6)), member(7, state="terminated"), member(8)],
    )
    plan = decide(snapshot, POLICY, NOW)
    assert {d.instance_id: d.address for d in plan.decisions} == {instance(n): address(n) for n in range(10) if n != 6}


def test_a_stranger_without_instance_id_is_judged_by_how_long_it_is_down():
    nobody = replace(down(9, 500), instance_id=None)
    assert stranger(nobody)[0].action is Action.DRAIN


@pytest.mark.parametrize(
    ("launched", "acted"),
    [(NOW - timedelta(minutes=499), True), (NOW - timedelta(minutes=500), False), (None, False)],
)
@pytest.mark.parametrize("known_as", [instance(9), None])
def test_a_record_at_a_members_address_is_a_former_machines_only_if_it_was_down_before(launched, acted, known_as):
    former = replace(down(9, 500), address=address(5), instance_id=known_as)
    members = [*(member(n) for n in range(5)), member(5, launched=launched)]
    plan = decide(world([*(machine(n) for n in range(5)), former], 6, members=members), POLICY, NOW)
    decision = next(d for d in plan.decisions if d.machine == former)
    assert (decision.action is Action.DRAIN) is acted
    assert acted or decision.blocked_by == "S5 ownership"


@pytest.mark.parametrize("hours", [-25, 25])
def test_a_cluster_whose_clock_is_wrong_makes_no_member_of_today_a_former_machine(hours):
    wrong = timedelta(hours=hours)
    one = down(5, 500)
    since = tuple(replace(c, down_since=c.down_since + wrong) for c in one.containers)
    nameless = replace(one, instance_id=None, containers=since)
    for launched, acted in ((timedelta(hours=9), False), (timedelta(hours=8), True)):
        members = [*(member(n) for n in range(5)), member(5, launched=NOW - launched)]
        snapshot = world([*(machine(n) for n in range(5)), nameless], 6, members=members, time=NOW + wrong)
        decision = next(d for d in decide(snapshot, POLICY, NOW).decisions if d.machine == nameless)
        assert (decision.action is Action.DRAIN) is acted
        assert acted or decision.blocked_by == "S5 ownership"


def test_a_stranger_down_for_exactly_three_hours_is_given_its_last_moment():
    assert stranger(down(9, 180))[0].action is Action.WAIT


def test_an_inactive_stranger_whose_drive_failed_is_forgotten_at_full_protection():
    assert stranger(with_drives(inactive(9), status="FAILED"))[0].action is Action.REMOVE


def test_a_stranger_long_down_is_put_out_although_protection_is_not_full():
    partly = replace(CALM, status="PARTIALLY_PROTECTED", fully_protected=False)
    members = [member(n) for n in range(6)]
    snapshot = world([*(machine(n) for n in range(6)), down(9, 500)], 6, members=members, gates=partly)
    assert of(decide(snapshot, POLICY, NOW), Action.DRAIN) == [instance(9)]


def test_a_stranger_that_is_being_put_out_goes_on_whatever_else_leaves():
    half = machine(9, status="DOWN", management_down=True, down_since=NOW - timedelta(days=1), state="DEACTIVATING")
    machines = [*(machine(n) for n in range(6)), draining(6), draining(7), half]
    snapshot = world(machines, 8, members=[member(n) for n in range(8)])
    assert instance(9) in of(decide(snapshot, POLICY, NOW), Action.DRAIN)


def test_a_drain_of_an_hour_ago_no_longer_counts():
    machines, at = [machine(n) for n in range(9)], int(NOW.timestamp())
    once_an_hour = Policy(max_removals_per_hour=1)
    assert (
        of(decide(world(machines, 8, starts=(at - 3599,)), once_an_hour, NOW.replace(microsecond=0)), Action.DRAIN)
        == []
    )
    assert of(decide(world(machines, 8, starts=(at - 3600,)), once_an_hour, NOW.replace(microsecond=0)), Action.DRAIN)


def test_when_all_are_held_as_many_are_named_as_should_leave():
    members = [member(n, held=True) for n in range(8)]
    plan = decide(world([machine(n) for n in range(8)], 6, members=members), POLICY, NOW)
    assert plan.should_leave == (instance(0), instance(1))
    assert plan.may_leave == ()


def test_only_what_both_looks_meant_begins():
    machines = [machine(n) for n in range(9)]
    first = decide(world([draining(0), *machines[1:]], 7, orphan_drives=("a", "b")), POLICY, NOW)
    second = decide(world(machines, 7, orphan_drives=("b", "c")), POLICY, NOW)
    assert of(first, Action.DRAIN) == [instance(0), instance(1)]
    assert of(second, Action.DRAIN) == [instance(0), instance(1)]
    other = decide(world([*machines[:2], draining(2), *machines[3:]], 7), POLICY, NOW)
    both = core.agreed(other, second)
    assert of(both, Action.DRAIN) == [instance(0)]
    assert held(both) == {instance(1): "S1 agreement"}
    assert reason(both, 1).action is Action.WAIT
    assert both.errors == ()
    assert "another member" in reason(both, 1).reason
    assert core.agreed(first, second).orphan_drives == ("b",)


def test_a_removal_needs_both_looks_and_an_end_is_looked_at_by_terminate_itself():
    members = [member(n) for n in range(8)]
    gone = {instance(7): removal(7)}
    sees = world([*(machine(n) for n in range(6)), inactive(6)], 6, members=members, removed=gone)
    not_yet = world([*(machine(n) for n in range(6)), draining(6)], 6, members=members)
    both = core.agreed(decide(not_yet, POLICY, NOW), decide(sees, POLICY, NOW))
    assert held(both) == {instance(6): "S1 agreement"}
    assert of(both, Action.TERMINATE) == [instance(7)]


@pytest.mark.parametrize("change", [{"held": True}, {"lifecycle": "Standby"}])
def test_s14_a_record_at_the_address_of_a_machine_that_people_hold_is_left_alone(change):
    one = machine(9, state="INACTIVE", status="INACTIVE", drives=(), down_since=NOW - timedelta(days=40))
    other = replace(one, address=address(5), instance_id=instance(99))
    members = [*(member(n) for n in range(5)), member(5, **change)]
    plan = decide(world([*(machine(n) for n in range(5)), other], 6, members=members), POLICY, NOW)
    decision = next(d for d in plan.decisions if d.machine == other)
    assert (decision.action, decision.blocked_by) == (Action.WAIT, "S14 human wins")
    assert decision.reason.startswith("at the address of a member: somebody")
    assert not any("S14" in error for error in plan.errors)
    free = [*members[:5], member(5)]
    plan = decide(world([*(machine(n) for n in range(5)), other], 6, members=free), POLICY, NOW)
    assert of(plan, Action.REMOVE) == [instance(99)]
    gone = [*members[:5], member(5, state="terminated", **change)]
    plan = decide(world([*(machine(n) for n in range(5)), other], 6, members=gone), POLICY, NOW)
    assert of(plan, Action.REMOVE) == [instance(99)]
