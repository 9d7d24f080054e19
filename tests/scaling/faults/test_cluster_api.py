"""F39 to F47: members of the cluster are dead, slow or wrong, and the cluster refuses or does not come to an end."""

from __future__ import annotations

import itertools
import time

import pytest
from errors import ClusterAnswerUnknown, ClusterRefused, WrongCluster
from judge import assert_none_ended, assert_untouched, leaving, reach, running

from local_cloud.weka import control, views


@pytest.mark.parametrize("task", ["scale", "terminate"])
def test_f39_a_dead_first_node_is_passed_over(drained, task):
    """Must not: fail, or end the dead node's machine. Must: ask the next member, and end the two that are proven."""
    event = drained.fetch("dead")
    if task == "terminate":
        event = drained.scale(event)
    going = {drained.weka.machines[i].address for i in leaving(drained)}
    first = min(set(drained.addresses) - going - {event.get("source")})
    drained.registry._listeners.close(first)
    event = event if task == "terminate" else drained.scale(event)
    answer = drained.terminate(event)
    assert answer["counts"]["terminated"] == 2 and "transient_errors" not in answer
    assert any(name.endswith(f" {first}") for name in drained.wire.names(task))


@pytest.mark.parametrize("method", ["status", "hosts_list", "disks_list", "manual_override_list"])
def test_f40_an_error_inside_a_200_is_not_taken_for_an_answer(surplus, method):
    """Must not: go on without what could not be read. Must: fail with the cluster's own words, and go on later."""
    surplus.weka.faults.add(method, {"error": "internal trouble"})
    event = surplus.fetch("error")
    with pytest.raises(ClusterRefused, match="internal trouble"):
        surplus.scale(event)
    assert_untouched(surplus)
    surplus.weka.faults.clear()
    surplus.transient("error", {})
    reach(surplus, 6)


@pytest.mark.parametrize("method", ["status", "hosts_list", "manual_override_list"])
def test_f40_an_error_inside_a_200_before_the_termination_ends_nothing(drained, method):
    """Must not: end an instance on the first look alone. Must: fail with every protection on, and end them later."""
    event = drained.scale(drained.fetch("error"))
    drained.weka.faults.add(method, {"error": "internal trouble"})
    with pytest.raises(ClusterRefused, match="internal trouble"):
        drained.terminate(event)
    assert_none_ended(drained)
    drained.weka.faults.clear()
    drained.transient("error", {})
    reach(drained, 6)


@pytest.fixture
def impatient(monkeypatch):
    """A member that does not answer is given up after a fifth of a second."""
    monkeypatch.setattr("adapters.weka.rpc.READ_SECONDS", 0.2)


@pytest.mark.usefixtures("impatient")
def test_f41_a_member_that_hangs_is_passed_over(surplus):
    """Must not: wait for it until the function's time is over. Must: read from the next one, and drain."""
    first = min(surplus.addresses)
    surplus.weka.faults.add("*", {"hang_s": 5, "address": first})
    result = surplus.run_pass("hangs")
    assert result["failed"] is None and result["counts"]["drain"] == 2
    surplus.weka.faults.ended.set()


@pytest.mark.usefixtures("impatient")
def test_f41_a_change_that_hangs_is_sent_once_and_told(surplus):
    """Must not: send it to a second member. Must: say that nobody knows, and find out by the next read."""
    surplus.weka.faults.add("cluster_deactivate_drives", {"hang_s": 0.5, "times": 1})
    result = surplus.run_pass("hangs")
    assert "It is not known whether the cluster did this" in result["failed"]
    assert surplus.wire.names("scale").count("weka:cluster_deactivate_drives") == 2
    assert_none_ended(surplus)
    reach(surplus, 6)


def test_f41_when_every_member_is_slow_the_pass_ends_within_its_time(surplus):
    """Must not: be killed by Lambda in the middle of a change. Must: stop by itself and say that the time is over."""
    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        # Each look at the clock takes two of the forty seconds that all calls of a pass have together.
        ticks = itertools.count(began, 2.0)
        patch.setattr("adapters.weka.rpc.Rpc.__init__.__defaults__", (40.0, lambda: next(ticks)))
        result = surplus.run_pass("slow")
    assert "The time for this pass was used up" in result["failed"]
    assert_none_ended(surplus)
    reach(surplus, 6)


def test_f42_what_does_not_fit_is_held_back_before_the_cluster_is_asked(surplus):
    """Must not: send a deactivation that must be refused. Must: name S3, and go on when there is room."""
    size = surplus.weka.provisioned_bytes
    control.set_(surplus.weka, {"provisioned_bytes": int(size * 2.3)})
    result = surplus.run_pass("full")
    assert "S3 fits" in result["failed"]
    assert "weka:cluster_deactivate_drives" not in surplus.wire.names()
    assert_untouched(surplus)
    control.set_(surplus.weka, {"provisioned_bytes": size})
    reach(surplus, 6)


@pytest.mark.parametrize("method", ["cluster_deactivate_drives", "cluster_deactivate_hosts"])
def test_f42_a_refusal_for_capacity_is_told_and_not_forced(surplus, method):
    """Must not: skip the cluster's validation, or end anything. Must: name the machine, and try again later."""
    words = "The remaining SSD capacity would be less than the bytes provisioned"
    surplus.weka.faults.add(method, {"error": words})
    sent = []
    surplus.wire.when(f"weka:{method}", lambda call: sent.append(call.params), times=None)
    result = surplus.run_pass("refused")
    assert words in result["failed"] and result["failed"].count("Could not drain") == 2
    assert sent and not any(params.get("skip_resource_validation") for params in sent)
    assert_none_ended(surplus)
    surplus.weka.faults.clear()
    reach(surplus, 6)


def test_f43_machines_that_stay_deactivating_for_hours_are_waited_for(surplus):
    """Must not: end them, tell them again, or begin others. Must: wait with success, and end them when they are empty."""
    control.set_(surplus.weka, {"phase_out_s": 1_000_000})
    surplus.run_pass("begins")
    begun = leaving(surplus)
    for number in range(8):
        surplus.ticker.seconds += 3600
        result = surplus.run_pass(f"hour-{number}")
        assert result["failed"] is None
        assert leaving(surplus) == begun
    assert_none_ended(surplus)
    assert surplus.wire.names().count("weka:cluster_deactivate_drives") == 2
    control.set_(surplus.weka, {"phase_out_s": 1})
    reach(surplus, 6)
    assert set(surplus.ids) - running(surplus) == set(begun)


def test_f44_a_drive_that_fails_on_the_way_holds_its_machine_until_its_data_is_whole(surplus):
    """Must not: end the machine while data is rebuilt. Must: end it when everything is fully protected again."""
    control.set_(surplus.weka, {"phase_out_s": 300, "rebuild_s": 600})
    surplus.run_pass("begins")
    victim = leaving(surplus)[0]
    mine = [
        d
        for d in surplus.weka.present_drives()
        if surplus.weka.containers[d.host_id].machine.spec.instance_id == victim
    ]
    control.faults(surplus.weka, {"drives": {mine[0].uuid: "FAILED"}})
    surplus.weka.rebuilding[mine[0].failure_domain] = surplus.ticker.seconds
    for number in range(3):
        surplus.ticker.seconds += 120
        surplus.run_pass(f"rebuilds-{number}")
        assert surplus.ec2_state(victim) == "running"
    control.set_(surplus.weka, {"phase_out_s": 1, "rebuild_s": 1})
    for number in range(5):
        surplus.ticker.seconds += 60
        surplus.run_pass(f"whole-{number}")
    assert len(running(surplus)) == 6 and victim not in running(surplus)
    assert surplus.in_cluster() == running(surplus)


@pytest.mark.parametrize("task", ["scale", "terminate"])
def test_f45_an_answer_of_another_cluster_stops_the_task(drained, task):
    """Must not: believe it, or send it a change. Must: say whose it is, and go on with our own cluster."""
    event = drained.fetch("foreign")
    if task == "terminate":
        event = drained.scale(event)
    drained.weka.faults.guids.update(dict.fromkeys(drained.addresses, "another"))
    sent = len([n for n in drained.wire.names() if n.startswith("weka:cluster_")])
    with pytest.raises(WrongCluster, match="belongs to the WEKA cluster another"):
        getattr(drained, task)(event)
    assert len([n for n in drained.wire.names() if n.startswith("weka:cluster_")]) == sent
    assert_none_ended(drained)
    drained.weka.faults.guids.clear()
    drained.transient("foreign", {})
    reach(drained, 6)


@pytest.mark.parametrize("call", ["weka:hosts_list", "weka:cluster_deactivate_drives", "weka:cluster_remove_host"])
def test_f46_a_token_that_expires_in_mid_pass_is_renewed_and_nothing_is_sent_twice(surplus, call):
    """Must not: fail, or repeat a change that was done. Must: renew the token, and reach the target."""
    expired = []
    surplus.wire.when(call, lambda _: expired.append(surplus.weka.users.expire_all()))
    results = reach(surplus, 6)
    assert [result["failed"] for result in results] == [None] * len(results)
    names = surplus.wire.names()
    assert len(expired) == 1
    assert names.count("weka:user_login") <= 2
    assert len(set(surplus.ids) - running(surplus)) == 2


def test_f47_the_leader_may_leave_and_another_one_takes_over(surplus):
    """Must not: leave the cluster without a leader, or talk to the leaving one. Must: end it like any other."""
    leader = surplus.weka.containers[views.leaders(surplus.weka)[0]].machine.spec.instance_id
    for container in surplus.weka.containers_of(surplus.weka.machines[leader]):
        container.added -= 9 * 24 * 3600  # the oldest leaves first
    surplus.run_pass("leader")
    assert leader in leaving(surplus)
    address = surplus.weka.machines[leader].address
    before = len(surplus.wire.seen)
    reach(surplus, 6)
    assert not [n for _, call in surplus.wire.seen[before:] for n in call.names if n.endswith(f" {address}")]
    assert leader not in running(surplus)
    assert len(views.leaders(surplus.weka)) == 5


def test_f47_where_too_few_leaders_would_stay_the_machine_stays(surplus):
    """Must not: force it past the cluster's word. Must: tell the refusal, let the others go, and try again."""
    control.set_(surplus.weka, {"leadership_required": 7})
    result = surplus.run_pass("leaders")
    assert "leadership" in result["failed"]
    assert len(leaving(surplus)) == 1
    assert_none_ended(surplus)
    control.set_(surplus.weka, {"leadership_required": 5})
    reach(surplus, 6)


def test_f45_a_member_that_does_not_say_whose_it_is_is_not_believed(surplus):
    """Must not: take it for ours. Must: fail with a sentence."""
    surplus.weka.faults.add("status", {"merge": {"guid": None}})
    event = surplus.fetch("nameless")
    with pytest.raises(ClusterAnswerUnknown, match="does not say which cluster"):
        surplus.scale(event)
    assert_untouched(surplus)
