"""One table for each invariant of the safety contract; the test's name is the sentence that it shows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scaling import invariants as must
from scaling.model import Policy
from worlds import CALM, TB, client, cluster, down, draining, inactive, machine, member, removal, with_drives

POLICY = Policy()


def totals(**change):
    return must.Totals(**{"alive": 8, "desired": 6, "sound": 8, "on_the_way_out": 0, **change})


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
    ],
)
def test_s1_only_containers_and_drives_seen_inactive_are_evidence(one, gates, allowed):
    assert must.s1_evidence(one, gates)[0] is allowed


@pytest.mark.parametrize(
    ("sound", "taken", "candidate_is_sound", "view", "policy", "allowed"),
    [
        (6, 0, True, cluster(), POLICY, True),
        (5, 0, True, cluster(), POLICY, False),
        (5, 0, False, cluster(), POLICY, True),
        (6, 1, True, cluster(), POLICY, False),
        (9, 0, True, cluster(stripe_data=7), POLICY, False),
        (10, 0, True, cluster(stripe_data=7), POLICY, True),
        (9, 0, True, cluster(), Policy(min_members=9), False),
        (99, 0, True, cluster(stripe_data=None), POLICY, False),
        (99, 0, True, cluster(stripe_protection=None), POLICY, False),
    ],
)
def test_s2_healthy_members_never_fall_below_policy_or_stripe(sound, taken, candidate_is_sound, view, policy, allowed):
    assert must.s2_floor(totals(sound=sound, taken_sound=taken), candidate_is_sound, view, policy)[0] is allowed


@pytest.mark.parametrize(
    ("free", "taken", "allowed"),
    [(90 * TB, 0, True), (30 * TB, 0, True), (20 * TB, 0, False), (40 * TB, 1, False), (45 * TB, 1, True)],
)
def test_s3_what_is_provisioned_must_fit_on_the_drives_that_stay(free, taken, allowed):
    machines = [machine(n) for n in range(5)]
    view = cluster(*machines, unprovisioned_bytes=free)
    taken_machines = tuple(machines[1 : 1 + taken])
    assert must.s3_fits(totals(taken=taken_machines), machines[0], view, POLICY)[0] is allowed


def test_s3_drives_that_already_leave_do_not_count_as_room():
    machines = [machine(0), machine(1), machine(2), machine(3), draining(4)]
    assert must.s3_fits(totals(), machines[0], cluster(*machines, unprovisioned_bytes=40 * TB), POLICY)[0] is False
    assert must.s3_fits(totals(), machines[0], cluster(*machines, unprovisioned_bytes=45 * TB), POLICY)[0] is True


@pytest.mark.parametrize(
    "view",
    [
        cluster(machine(0), total_bytes=None),
        cluster(machine(0), unprovisioned_bytes=None),
        cluster(machine(0), with_drives(machine(1), size_bytes=None)),
        cluster(),
    ],
)
def test_s3_an_unknown_size_is_refused(view):
    assert must.s3_fits(totals(), machine(0), view, POLICY)[0] is False


@pytest.mark.parametrize(
    ("machines", "taken", "hour", "policy", "allowed"),
    [
        ([machine(1)], (), 0, POLICY, True),
        ([draining(1)], (), 0, POLICY, True),
        ([draining(1), draining(2)], (), 0, POLICY, False),
        ([draining(1), down(2, 1)], (), 0, POLICY, False),
        ([down(1, 1)], (machine(2),), 0, POLICY, False),
        ([machine(1), machine(2)], (machine(1), machine(2)), 0, Policy(max_leaving=4), False),
        ([machine(1)], (machine(1),), 0, Policy(max_removals_per_pass=1), False),
        ([machine(1)], (), 20, POLICY, False),
        ([machine(1)], (), 19, POLICY, True),
        ([draining(1)], (), 0, Policy(max_leaving=1), False),
    ],
)
def test_s4_leaving_and_down_machines_together_stay_within_tolerance(machines, taken, hour, policy, allowed):
    spent = totals(taken=taken, starts_last_hour=hour)
    assert must.s4_budget(spent, machine(9), cluster(*machines, machine(9)), policy)[0] is allowed


def test_s4_tolerance_is_never_more_than_the_protection_level():
    view = cluster(draining(1), machine(9), stripe_protection=1)
    assert must.s4_budget(totals(), machine(9), view, Policy(max_leaving=4))[0] is False
    assert must.s4_budget(totals(), machine(9), replace(view, stripe_protection=None), POLICY)[0] is False


def test_s4_a_machine_that_is_down_counts_once_when_it_is_drained():
    dead = down(1, 500)
    assert must.s4_budget(totals(), dead, cluster(dead, draining(2)), POLICY)[0] is True


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
    assert must.s5_ownership(one, of_group, cluster(one, *others, clients=clients))[0] is allowed


@pytest.mark.parametrize(
    ("alive", "desired", "out", "taken", "replaced", "allowed"),
    [
        (8, 6, 0, (), False, True),
        (8, 6, 1, (), False, True),
        (8, 6, 2, (), False, False),
        (8, 6, 1, (machine(2),), False, False),
        (8, 8, 0, (), False, False),
        (6, 8, 0, (), False, False),
        (8, 8, 2, (), True, True),
    ],
)
def test_s6_no_more_leave_than_the_group_has_too_many(alive, desired, out, taken, replaced, allowed):
    spent = totals(alive=alive, desired=desired, on_the_way_out=out, taken=taken)
    assert must.s6_no_overshoot(spent, machine(1), replaced)[0] is allowed


def test_s6_a_machine_that_already_leaves_counts_once():
    assert must.s6_no_overshoot(totals(alive=7, desired=6, on_the_way_out=1), draining(1), replaced=False)[0] is True


@pytest.mark.parametrize(
    ("of_group", "journaled", "allowed"),
    [
        (member(1), removal(1), True),
        (None, removal(1), False),
        (member(1), None, False),
        (member(1, owned=False), removal(1), False),
        (member(1, held=True), removal(1), False),
        (member(1, lifecycle="Standby"), removal(1), False),
        (member(1, address="10.9.9.9"), removal(1), False),
    ],
)
def test_s7_protection_goes_off_only_for_a_member_that_was_removed_from_the_cluster(of_group, journaled, allowed):
    assert must.s7_protection_window(of_group, journaled)[0] is allowed


def test_s8_evidence_of_an_earlier_lease_is_not_acted_upon():
    assert must.s8_single_writer(removal(1, confirmed=7), 7)[0] is True
    assert must.s8_single_writer(removal(1, confirmed=6), 7)[0] is False
    assert must.s8_single_writer(removal(1), 7)[0] is False


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"io_status": "STOPPED"}, "IO is STOPPED"),
        ({"io_status": None}, "IO is unknown"),
        ({"status": "UNAVAILABLE"}, "UNAVAILABLE"),
        ({"status": "SOMETHING_NEW"}, "SOMETHING_NEW"),
        ({"status": None}, "unknown"),
        ({"upgrading": True}, "upgrade runs"),
        ({"upgrading": None}, "whether an upgrade runs"),
        ({"overrides": ("skip_scale_down",)}, "override"),
        ({"overrides": None}, "override"),
        ({"versions": frozenset({"4.4.1", "4.4.2"})}, "different versions"),
        ({"versions": frozenset()}, "none is known"),
    ],
)
def test_s9_a_closed_or_unreadable_gate_stops_everything_and_says_why(change, words):
    allowed, reason = must.s9_gates(replace(CALM, **change), POLICY)
    assert allowed is False
    assert words in reason


def test_s9_open_gates_let_through_and_a_pause_does_not():
    assert must.s9_gates(CALM, POLICY)[0] is True
    assert must.s9_gates(CALM, Policy(paused=True))[0] is False


@pytest.mark.parametrize(
    ("change", "involuntary", "allowed"),
    [
        ({}, False, True),
        ({"moving_data": True}, False, False),
        ({"moving_data": None}, True, False),
        ({"fully_protected": False}, False, False),
        ({"fully_protected": None}, False, False),
        ({"status": "PARTIALLY_PROTECTED"}, False, False),
        ({"status": "PARTIALLY_PROTECTED"}, True, True),
    ],
)
def test_s9_a_drain_starts_only_when_the_cluster_is_calm(change, involuntary, allowed):
    assert must.s9_calm(replace(CALM, **change), involuntary)[0] is allowed
