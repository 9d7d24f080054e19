"""What a pass decides, in whole situations."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from scaling.decide import decide
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
    assert any("which instance" in error for error in plan.errors)


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
