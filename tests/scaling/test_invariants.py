"""One table for each invariant of the safety contract; the test's name is the sentence that it shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from scaling import invariants as must
from scaling.candidates import candidates
from scaling.model import Control, Journal, Policy
from scaling.totals import Totals
from worlds import (
    CALM,
    NOW,
    TB,
    address,
    client,
    cluster,
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
STRICT = Policy(strict=True, max_leaving=1, max_removals_per_pass=1)


def totals(snapshot, leave=()):
    """Totals of the snapshot, and those after the machines of these numbers left one after the other."""
    found = {c.machine.instance_id: c for c in candidates(snapshot, POLICY, NOW)}
    before = Totals.of(snapshot, [c for c in found.values() if c.member], NOW)
    for number in leave:
        before = before.without(found[instance(number)])
    return before


@pytest.mark.parametrize(
    ("view", "journal", "allowed"),
    [
        (cluster(machine(1)), Journal("guid-1"), True),
        (cluster(machine(1)), Journal(), True),
        (cluster(), Journal("guid-1"), False),
        (cluster(machine(1)), Journal("guid-2"), False),
        (cluster(machine(1), time=NOW), Journal("guid-1", cluster_time=NOW), True),
        (cluster(machine(1), time=NOW - timedelta(seconds=60)), Journal("guid-1", cluster_time=NOW), True),
        (cluster(machine(1), time=NOW - timedelta(seconds=61)), Journal("guid-1", cluster_time=NOW), False),
        (cluster(machine(1), time=None), Journal("guid-1", cluster_time=NOW), True),
        (cluster(machine(1), time=NOW), Journal("guid-1"), True),
    ],
)
def test_s1_an_empty_a_foreign_and_an_older_answer_are_not_believed(view, journal, allowed):
    assert must.s1_fresh(view, journal)[0] is allowed


@pytest.mark.parametrize(
    ("one", "gates", "allowed"),
    [
        (inactive(1), CALM, True),
        (machine(1), CALM, False),
        (draining(1), CALM, False),
        (replace(inactive(1), containers=()), CALM, False),
        (replace(inactive(1), containers=(*inactive(1).containers[:2], machine(1).containers[2])), CALM, False),
        (with_drives(inactive(1), status="PHASING_OUT"), CALM, False),
        (with_drives(inactive(1), status="ACTIVE", should_be_active=True), CALM, False),
        (with_drives(inactive(1), status="FAILED"), CALM, True),
        (with_drives(inactive(1), status="FAILED"), replace(CALM, fully_protected=False), False),
        (with_drives(inactive(1), status="FAILED"), replace(CALM, fully_protected=None), False),
        (machine(1, state="INACTIVE", status="UP", drives=()), CALM, False),
        (machine(1, state="REMOVING", status="UP", drives=()), CALM, True),
        (machine(1, state="INACTIVE", status="DOWN", drives=()), CALM, True),
        (with_drives(inactive(1), status="DOWN"), CALM, True),
        (with_drives(inactive(1), status="FAILED", should_be_active=True), CALM, False),
    ],
)
def test_s1_only_containers_and_drives_seen_inactive_are_evidence(one, gates, allowed):
    assert must.s1_evidence(one, gates)[0] is allowed


@pytest.mark.parametrize(
    ("machines", "clients", "allowed"),
    [
        ([machine(2)], (), True),
        ([inactive(1)], (), True),
        ([machine(1)], (), False),
        ([draining(1)], (), False),
        ([with_drives(inactive(1), status="PHASING_OUT")], (), False),
        ([replace(inactive(2), address=address(1))], (), False),
        ([replace(inactive(2), instance_id=instance(1))], (), False),
        ([replace(machine(2), machine_identifier="machine-1")], (), False),
        ([replace(inactive(1), machine_identifier=None)], (), False),
        ([machine(2)], (client(1),), False),
        ([machine(2)], (client(1, "DOWN"),), False),
        ([machine(2)], (client(1, "DOWN", stateless=True),), True),
    ],
)
def test_s1_of_a_removed_machine_nothing_may_be_left_but_what_is_inactive(machines, clients, allowed):
    view = cluster(*machines, clients=clients)
    assert must.s1_nothing_left(instance(1), removal(1), view)[0] is allowed


def of_size(count, **change):
    return world([machine(n) for n in range(count)], count, **change)


@pytest.mark.parametrize(
    ("count", "leave", "change", "policy", "allowed"),
    [
        (6, 1, {}, POLICY, True),
        (5, 1, {}, POLICY, False),
        (6, 2, {}, POLICY, False),
        (6, 1, {"hot_spare": 1}, POLICY, False),
        (7, 1, {"hot_spare": 1}, POLICY, True),
        (9, 1, {"stripe_data": 7}, POLICY, False),
        (10, 1, {"stripe_data": 7}, POLICY, True),
        (9, 1, {}, Policy(min_members=9), False),
        (10, 1, {}, Policy(min_members=9), True),
        (20, 1, {"stripe_data": None}, POLICY, False),
        (20, 1, {"stripe_protection": None}, POLICY, False),
        (20, 1, {"hot_spare": None}, POLICY, False),
        (9, 1, {"original_size": 9}, POLICY, True),
        (9, 1, {"original_size": 9}, STRICT, False),
        (10, 1, {"original_size": 9}, STRICT, True),
        (20, 1, {"original_size": None}, STRICT, False),
    ],
)
def test_s2_healthy_members_never_fall_below_policy_stripe_spare_or_in_strict_the_imports_size(
    count, leave, change, policy, allowed
):
    snapshot = of_size(count, **change)
    assert must.s2_floor(totals(snapshot, range(leave)), True, snapshot, policy)[0] is allowed


@pytest.mark.parametrize(("healthy", "allowed"), [(5, True), (4, False)])
def test_s2_a_machine_that_serves_no_more_takes_nothing_but_the_stripe_must_stand(healthy, allowed):
    snapshot = world([*(machine(n) for n in range(healthy)), down(9, 500)], 6, hot_spare=1, original_size=6)
    assert must.s2_floor(totals(snapshot, [9]), False, snapshot, Policy(strict=True, min_members=6))[0] is allowed


@pytest.mark.parametrize(("domains", "allowed"), [(5, True), (4, False)])
def test_s2_five_failure_domains_stay(domains, allowed):
    machines = [machine(n, failure_domain=f"domain-{n % domains}") for n in range(12)]
    snapshot = world(machines, 11)
    allowed_now, reason = must.s2_floor(totals(snapshot, [11]), True, snapshot, POLICY)
    assert allowed_now is allowed
    assert allowed or "failure domains" in reason


def test_s2_an_unknown_failure_domain_is_refused():
    snapshot = world([machine(0, failure_domain=None), *(machine(n) for n in range(1, 9))], 6)
    assert must.s2_floor(totals(snapshot, [8]), True, snapshot, POLICY)[0] is False


@pytest.mark.parametrize(("leaders", "allowed"), [(5, True), (4, False)])
def test_s2_five_containers_that_can_lead_stay(leaders, allowed):
    one_each = [replace(m, containers=m.containers[:1]) for m in map(machine, range(9))]
    cannot = [replace(m, containers=(replace(m.containers[0], can_lead=False),)) for m in one_each[leaders:]]
    snapshot = world([*one_each[:leaders], *cannot], 8)
    allowed_now, reason = must.s2_floor(totals(snapshot, [8]), True, snapshot, POLICY)
    assert allowed_now is allowed
    assert allowed or "can lead" in reason


@pytest.mark.parametrize(
    ("free", "leave", "allowed"),
    [(90 * TB, 1, True), (30 * TB, 1, True), (20 * TB, 1, False), (40 * TB, 2, False), (45 * TB, 2, True)],
)
def test_s3_what_is_provisioned_must_fit_on_the_drives_that_stay(free, leave, allowed):
    snapshot = of_size(5, unprovisioned_bytes=free)
    assert must.s3_fits(totals(snapshot, range(leave)), snapshot.cluster, POLICY)[0] is allowed


def test_s3_drives_that_already_leave_do_not_count_as_room():
    machines = [machine(0), machine(1), machine(2), machine(3), draining(4)]
    for free, allowed in ((40 * TB, False), (45 * TB, True)):
        snapshot = world(machines, 5, unprovisioned_bytes=free)
        assert must.s3_fits(totals(snapshot, [0]), snapshot.cluster, POLICY)[0] is allowed


@pytest.mark.parametrize(
    ("others", "change"),
    [
        ([], {"total_bytes": None}),
        ([], {"unprovisioned_bytes": None}),
        ([with_drives(machine(1), size_bytes=None)], {}),
        ([], {"machines": ()}),
    ],
)
def test_s3_an_unknown_size_is_refused(others, change):
    snapshot = world([machine(0), *others], 1)
    snapshot = replace(snapshot, cluster=replace(snapshot.cluster, **change))
    assert must.s3_fits(totals(snapshot), snapshot.cluster, POLICY)[0] is False


@pytest.mark.parametrize(
    ("others", "leave", "hour", "policy", "allowed"),
    [
        ([machine(1)], [9], 0, POLICY, True),
        ([draining(1)], [9], 0, POLICY, True),
        ([draining(1), draining(2)], [9], 0, POLICY, False),
        ([draining(1), down(2, 1)], [9], 0, POLICY, False),
        ([down(1, 1), machine(2)], [2, 9], 0, POLICY, False),
        ([machine(1), machine(2)], [1, 2, 9], 0, Policy(max_leaving=4), False),
        ([machine(1)], [1, 9], 0, Policy(max_removals_per_pass=1), False),
        ([machine(1)], [9], 20, POLICY, False),
        ([machine(1)], [9], 19, POLICY, True),
        ([draining(1)], [9], 0, Policy(max_leaving=1), False),
        ([down(1, 1), down(2, 1)], [1], 0, Policy(max_leaving=1), True),
        ([down(1, 1), down(2, 1)], [1, 2], 0, Policy(max_leaving=1), False),
        ([down(1, 1), down(2, 1), down(3, 1)], [1], 0, POLICY, False),
        ([down(1, 1), draining(2)], [1], 0, Policy(max_leaving=1), False),
        ([down(1, 1)], [1], 0, Policy(max_leaving=0), False),
        ([down(1, 1), down(2, 1)], [1], 0, STRICT, True),
        ([down(1, 1), draining(2)], [1], 0, STRICT, False),
        ([inactive(1)], [9], 0, POLICY, True),
        ([inactive(1)], [9], 0, STRICT, False),
        ([machine(1)], [9], 0, STRICT, True),
        ([draining(1)], [1], 0, STRICT, True),
        ([draining(1), inactive(2)], [1], 0, STRICT, False),
    ],
)
def test_s4_leaving_and_down_machines_together_stay_within_tolerance(others, leave, hour, policy, allowed):
    starts = (int(NOW.timestamp()) - 60,) * hour
    snapshot = world([*others, machine(9)], 1, starts=starts)
    before = totals(snapshot, leave[:-1])
    assert must.s4_budget(before, totals(snapshot, leave), snapshot.cluster, policy)[0] is allowed


@pytest.mark.parametrize("protection", [1, None])
def test_s4_tolerance_is_never_more_than_the_protection_level(protection):
    snapshot = world([draining(1), machine(9)], 1, stripe_protection=protection)
    policy = Policy(max_leaving=4)
    assert must.s4_budget(totals(snapshot), totals(snapshot, [9]), snapshot.cluster, policy)[0] is False


@pytest.mark.parametrize(("leaves", "allowed"), [(9, False), (1, True)])
def test_s4_one_that_works_waits_while_as_many_as_may_leave_are_down(leaves, allowed):
    snapshot = world([down(1, 500), down(2, 500), machine(9)], 1, stripe_protection=4)
    assert must.s4_budget(totals(snapshot), totals(snapshot, [leaves]), snapshot.cluster, POLICY)[0] is allowed


def test_s4_a_machine_that_is_down_counts_once_when_it_is_drained():
    snapshot = world([down(1, 500), draining(2)], 1)
    assert must.s4_budget(totals(snapshot), totals(snapshot, [1]), snapshot.cluster, POLICY)[0] is True


ONE = machine(1)


@pytest.mark.parametrize(
    ("one", "of_group", "others", "clients", "allowed"),
    [
        (ONE, member(1), (), (), True),
        (ONE, None, (), (), False),
        (ONE, member(1, owned=False), (), (), False),
        (ONE, member(1, lifecycle="Standby"), (), (), False),
        (ONE, member(1, lifecycle="Terminating:Wait"), (), (), False),
        (ONE, member(1, lifecycle="Pending"), (), (), False),
        (ONE, member(1, address="10.9.9.9"), (), (), False),
        (ONE, member(1, address=None), (), (), False),
        (ONE, member(2, address=ONE.address), (), (), False),
        (replace(ONE, machine_identifier=None), member(1), (), (), False),
        (ONE, member(1), (replace(machine(2), address=ONE.address),), (), False),
        (ONE, member(1), (replace(machine(2), machine_identifier="machine-1"),), (), False),
        (ONE, member(1), (replace(machine(2), instance_id=ONE.instance_id),), (), False),
        (ONE, member(1), (machine(2),), (client(1),), False),
        (ONE, member(1), (), (client(1, "DOWN"),), False),
        (ONE, member(1), (), (client(1, "DOWN", stateless=True),), True),
        (ONE, member(1), (), (client(2),), True),
    ],
)
def test_s5_group_instance_address_and_machine_identifier_must_all_agree(one, of_group, others, clients, allowed):
    all_of_them = totals(world([one, *others], 1, members=[of_group] if of_group else []))
    assert must.s5_ownership(one, of_group, all_of_them, clients)[0] is allowed


@pytest.mark.parametrize(
    ("alive", "desired", "others", "leave", "replaced", "allowed"),
    [
        (8, 6, [], [1], False, True),
        (8, 6, [draining(7)], [1], False, True),
        (8, 6, [draining(6), draining(7)], [1], False, False),
        (8, 6, [draining(7)], [1, 2], False, False),
        (8, 8, [], [1], False, False),
        (6, 8, [], [1], False, False),
        (8, 8, [draining(6), draining(7)], [1], True, True),
        (8, 6, [inactive(6), inactive(7)], [1], False, False),
    ],
)
def test_s6_no_more_leave_than_the_group_has_too_many(alive, desired, others, leave, replaced, allowed):
    machines = [*(machine(n) for n in range(alive - len(others))), *others]
    assert must.s6_no_overshoot(totals(world(machines, desired), leave), replaced)[0] is allowed


def test_s6_a_machine_that_already_leaves_counts_once():
    snapshot = world([*(machine(n) for n in range(6)), draining(6)], 6)
    assert must.s6_no_overshoot(totals(snapshot, [6]), replaced=False)[0] is True


@pytest.mark.parametrize("lifecycle", ["Standby", "Terminating:Wait"])
def test_s6_a_member_that_the_group_does_not_count_is_neither_alive_nor_leaving(lifecycle):
    members = [*(member(n) for n in range(7)), *(member(n, lifecycle=lifecycle) for n in (7, 8, 9))]
    machines = [*(machine(n) for n in range(7)), draining(7), inactive(8), machine(9)]
    snapshot = world(machines, 6, members=members)
    assert must.s6_no_overshoot(totals(snapshot, [0]), replaced=False)[0] is True
    assert must.s6_no_overshoot(totals(snapshot, [9, 0]), replaced=False)[0] is True


def test_s6_a_removed_member_that_still_runs_counts_as_leaving():
    snapshot = world(
        [machine(n) for n in range(6)], 6, members=[member(n) for n in range(7)], removed={instance(6): removal(6)}
    )
    assert must.s6_no_overshoot(totals(snapshot, [0]), replaced=False)[0] is False


@pytest.mark.parametrize(
    ("of_group", "journaled", "allowed"),
    [
        (member(1), removal(1), True),
        (None, removal(1), False),
        (member(1), None, False),
        (member(1, owned=False), removal(1), False),
        (member(1, lifecycle="Standby"), removal(1), False),
        (member(1, address="10.9.9.9"), removal(1), False),
    ],
)
def test_s7_protection_goes_off_only_for_a_member_that_was_removed_from_the_cluster(of_group, journaled, allowed):
    assert must.s7_protection_window(of_group, journaled)[0] is allowed


def test_s8_a_journal_of_a_later_lease_is_not_acted_upon():
    assert must.s8_single_writer(Journal(fence=7), 7)[0] is True
    assert must.s8_single_writer(Journal(fence=6), 7)[0] is True
    assert must.s8_single_writer(Journal(fence=8), 7)[0] is False


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"io_status": "STOPPED"}, "IO is STOPPED"),
        ({"io_status": None}, "IO is unknown"),
        ({"status": "UNAVAILABLE"}, "UNAVAILABLE"),
        ({"status": "SOMETHING_NEW"}, "SOMETHING_NEW"),
        ({"status": None}, "status is unknown"),
        ({"upgrading": True}, "upgrade runs"),
        ({"upgrading": None}, "whether an upgrade runs"),
        ({"overrides": None}, "overrides could not be read"),
        ({"versions": frozenset({"4.4.1", "4.4.2"})}, "different versions"),
        ({"versions": frozenset()}, "none is known"),
    ],
)
def test_s9_a_closed_or_unreadable_gate_stops_everything_and_says_why(change, words):
    allowed, reason = must.s9_gates(replace(CALM, **change))
    assert allowed is False
    assert words in reason


@pytest.mark.parametrize("status", ["OK", "REDISTRIBUTING", "REBUILDING", "PARTIALLY_PROTECTED"])
def test_s9_open_gates_let_through(status):
    assert must.s9_gates(replace(CALM, status=status)) == must.OK


@pytest.mark.parametrize(
    ("change", "involuntary", "policy", "allowed"),
    [
        ({}, False, POLICY, True),
        ({"moving_data": True}, False, POLICY, False),
        ({"moving_data": True}, True, POLICY, False),
        ({"moving_data": None}, True, POLICY, False),
        ({"fully_protected": False}, False, POLICY, False),
        ({"fully_protected": None}, False, POLICY, False),
        ({"status": "PARTIALLY_PROTECTED"}, False, POLICY, False),
        ({"status": "PARTIALLY_PROTECTED"}, True, POLICY, True),
        ({"fully_protected": False}, True, POLICY, True),
        ({"status": "PARTIALLY_PROTECTED"}, True, STRICT, False),
        ({}, True, STRICT, True),
    ],
)
def test_s9_a_drain_starts_only_when_the_cluster_is_calm(change, involuntary, policy, allowed):
    assert must.s9_calm(replace(CALM, **change), involuntary, policy)[0] is allowed


def test_s10_what_leaves_already_is_not_told_again():
    at_work, leaves = machine(1).containers[0], draining(1).containers[0]
    assert must.s10_once(at_work)[0] is True
    assert must.s10_once(leaves)[0] is False
    assert must.s10_once(at_work.drives[0])[0] is True
    assert must.s10_once(leaves.drives[0])[0] is False


def test_s11_a_removed_machine_that_is_at_work_again_is_refused():
    assert must.s11_one_way(machine(1), None)[0] is True
    assert must.s11_one_way(machine(1), removal(1))[0] is False
    assert must.s11_one_way(draining(1), removal(1))[0] is False
    assert must.s11_one_way(inactive(1), removal(1))[0] is True


def test_s12_a_text_with_a_secret_is_not_handed_on():
    assert must.s12_no_secret("it is hunter2", ["hunter2"])[0] is False
    assert must.s12_no_secret("it is hunter2", ["hunter3", ""])[0] is True
    assert must.s12_no_secret("it is", [])[0] is True


@pytest.mark.parametrize(
    ("blocked_by", "honest"),
    [
        (None, True),
        ("S4 budget", True),
        ("S6 no overshoot", True),
        ("S9 calm", True),
        ("S14 human wins", True),
        ("S1 evidence", False),
        ("S2 floor", False),
        ("S3 fits", False),
        ("S5 ownership", False),
        ("S7 protection window", False),
        ("S9 gates", False),
        ("S11 one way", False),
    ],
)
def test_s13_only_waiting_for_what_ends_by_itself_or_was_asked_for_is_a_success(blocked_by, honest):
    assert must.s13_honest_result(blocked_by)[0] is honest


@pytest.mark.parametrize(
    ("control", "overrides", "words"),
    [
        (Control("maintenance"), (), "maintenance"),
        (Control(""), (), "no reason"),
        (Control(), ("other", "skip_scale_down"), "override skip_scale_down"),
    ],
)
def test_s14_a_pause_and_the_override_are_obeyed(control, overrides, words):
    allowed, reason = must.s14_human_wins(control, replace(CALM, overrides=overrides))
    assert allowed is False
    assert words in reason


@pytest.mark.parametrize("overrides", [(), None, ("other",)])
def test_s14_without_a_word_of_anybody_scaling_goes_on(overrides):
    assert must.s14_human_wins(Control(), replace(CALM, overrides=overrides)) == must.OK


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"held": True}, "hold"),
        ({"lifecycle": "Standby"}, "Standby"),
        ({"lifecycle": "EnteringStandby"}, "EnteringStandby"),
        ({"lifecycle": "Detaching"}, "Detaching"),
    ],
)
def test_s14_a_hold_standby_and_a_detach_are_obeyed(change, words):
    allowed, reason = must.s14_hands_off(member(1, **change))
    assert allowed is False
    assert words in reason


@pytest.mark.parametrize("of_group", [None, member(1), member(1, lifecycle="Pending")])
def test_s14_a_machine_that_nobody_touched_is_not_held(of_group):
    assert must.s14_hands_off(of_group) == must.OK


@pytest.mark.parametrize(
    ("rule", "running", "lease", "allowed"),
    [(False, 0, False, True), (True, 0, False, False), (False, 1, False, False), (False, 0, True, False)],
)
def test_s15_nothing_is_deleted_while_a_pass_runs_or_can_begin(rule, running, lease, allowed):
    assert must.s15_quiesced(rule, running, lease)[0] is allowed


@pytest.mark.parametrize(("size", "allowed"), [(0, True), (32 * 1024, True), (32 * 1024 + 1, False)])
def test_s16_at_most_32_kib_are_handed_on(size, allowed):
    assert must.s16_bounded(size)[0] is allowed


def test_s3_what_fits_exactly_fits():
    snapshot = of_size(5, unprovisioned_bytes=50 * TB)
    assert must.s3_fits(totals(snapshot, [0]), snapshot.cluster, Policy(capacity_threshold=0.625))[0] is True
    assert must.s3_fits(totals(snapshot, [0]), snapshot.cluster, Policy(capacity_threshold=0.624))[0] is False


def test_a_container_without_a_name_is_called_by_its_number():
    nameless = replace(machine(1), containers=(replace(machine(1).containers[0], name="", id=77),))
    assert must.s1_evidence(nameless, CALM)[1].startswith("77 is ACTIVE")
    up = replace(nameless, containers=(replace(nameless.containers[0], state="INACTIVE"),))
    assert must.s1_evidence(up, CALM)[1].startswith("77 is inactive")
    assert must.s1_evidence(machine(1), CALM)[1].startswith("drives0 is ACTIVE")
    assert must.s1_evidence(machine(1, state="INACTIVE"), CALM)[1].startswith("drives0 is inactive")


def test_an_instance_without_id_is_called_so():
    nobody = replace(machine(2), address=address(1), instance_id=None)
    assert "an instance without id at" in must.s1_nothing_left(instance(1), removal(1), cluster(nobody))[1]
    assert (
        instance(3)
        in must.s1_nothing_left(instance(1), removal(1), cluster(replace(machine(3), address=address(1))))[1]
    )


def test_s1_a_drive_that_failed_on_the_way_out_leaves_nothing_at_full_protection():
    gone = with_drives(inactive(1), status="FAILED")
    assert must.s1_nothing_left(instance(1), removal(1), cluster(gone))[0] is True
    risky = cluster(gone, gates=replace(CALM, fully_protected=False))
    assert must.s1_nothing_left(instance(1), removal(1), risky)[0] is False


@pytest.mark.parametrize(
    ("change", "policy", "allowed"),
    [
        ({}, STRICT, True),
        ({"fully_protected": False}, POLICY, True),
        ({"fully_protected": False}, STRICT, False),
        ({"status": "REBUILDING"}, STRICT, False),
        ({"moving_data": True}, STRICT, False),
        ({"moving_data": None}, STRICT, False),
    ],
)
def test_s9_strict_wants_full_protection_after_each_step_too(change, policy, allowed):
    assert must.s9_settled(replace(CALM, **change), policy)[0] is allowed


def test_s9_what_moves_and_what_is_unknown_are_told_apart():
    assert must.s9_calm(replace(CALM, moving_data=True), True, POLICY)[1] == "data is being moved or rebuilt"
    assert "does not say" in must.s9_calm(replace(CALM, moving_data=None), True, POLICY)[1]


@pytest.mark.parametrize(("leave", "allowed"), [([0], True), ([0, 1], False), ([5], True), ([5, 6], True)])
def test_s2_domains_and_leaders_are_those_that_stay(leave, allowed):
    """Six domains, of which the last has two machines; and one container that can lead in each of six machines."""
    machines = [machine(n, failure_domain=f"domain-{min(n, 5)}") for n in range(7)]
    snapshot = world(machines, 7, stripe_data=2, stripe_protection=1, required_leaders=0)
    policy = Policy(min_members=1)
    assert must.s2_floor(totals(snapshot, leave), True, snapshot, policy)[0] is allowed
    leaders = [
        replace(m, containers=(replace(m.containers[0], can_lead=n < 6),)) for n, m in enumerate(map(machine, range(7)))
    ]
    snapshot = world(leaders, 7, stripe_data=2, stripe_protection=1, required_domains=0)
    assert must.s2_floor(totals(snapshot, leave), True, snapshot, policy)[0] is (leave != [0, 1])


def test_s2_a_machine_that_serves_no_more_takes_no_domain_and_no_leader_with_it():
    dead = replace(down(9, 500), containers=machine(9, status="DOWN", failure_domain="domain-0").containers)
    snapshot = world([*(machine(n) for n in range(5)), dead], 6, stripe_data=2)
    before, after = totals(snapshot), totals(snapshot, [9])
    assert (before.domains, before.leaders, before.sound) == (after.domains, after.leaders, after.sound)


@pytest.mark.parametrize("change", [{"lifecycle": "Standby"}, {"lifecycle": "Terminating:Wait"}])
def test_s2_only_healthy_machines_in_service_count(change):
    idle = with_drives(machine(2), status="INACTIVE")
    members = [member(0, **change), *(member(n) for n in range(1, 4))]
    assert totals(world([machine(0), machine(1), idle, machine(3)], 4, members=members)).sound == 2


def test_s3_a_machine_that_already_leaves_takes_no_room_with_it():
    half = draining(3)
    snapshot = world([machine(0), machine(1), machine(2), half], 4)
    assert totals(snapshot).staying_bytes == totals(snapshot, [3]).staying_bytes == 6 * TB


@pytest.mark.parametrize("change", [{"state": "terminated"}, {"lifecycle": "Standby"}, {"lifecycle": "Terminating"}])
def test_s6_who_is_gone_or_out_of_service_is_no_surplus(change):
    members = [*(member(n) for n in range(6)), member(6, **change)]
    snapshot = world([machine(n) for n in range(6)], 6, members=members)
    assert totals(snapshot).alive == 6
    assert must.s6_no_overshoot(totals(snapshot, [0]), replaced=False)[0] is False


@pytest.mark.parametrize("place", [address(8), address(2)])
def test_s2_a_member_counts_once_whatever_the_clusters_records_say(place):
    def sound(*machines, **change):
        members = [*(member(n) for n in range(5)), member(5, **change)]
        snapshot = world(list(machines), 6, members=members)
        found = candidates(snapshot, POLICY, NOW)
        return Totals.of(snapshot, [c for c in found if c.member], NOW).sound

    six = [machine(n) for n in range(6)]
    assert sound(*six, replace(machine(8), instance_id=instance(2), address=place)) == 6
    assert sound(*six[:5], replace(six[5], address=address(9))) == 5
    assert sound(*six, address=None) == 6
