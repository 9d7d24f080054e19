"""Whole passes: the functions' tasks against moto and the simulated cluster over its real sockets."""

from __future__ import annotations

import json

import pytest
from cloud import BASE, PASSWORD, cloud
from errors import ClusterError, ClusterUnreachable, LeaseHeld, LeaseLost, TransientErrors
from ports import Grant
from transient.handler import transient


@pytest.fixture
def eight_of_six():
    with cloud(8, desired=6) as made:
        yield made


def test_a_scale_in_drains_two_waits_for_their_drives_and_terminates_them(eight_of_six):
    first = eight_of_six.run_pass("one")
    assert first["counts"]["drain"] == 2
    assert first["terminate"] == []
    assert first["failed"] is None
    eight_of_six.ticker.seconds += 60
    results = eight_of_six.settle(3)
    assert sum(result["counts"].get("terminated", 0) for result in results) == 2
    assert all(result["failed"] is None for result in results)
    gone = [i for i in eight_of_six.ids if eight_of_six.ec2_state(i) == "terminated"]
    assert len(gone) == 2
    assert eight_of_six.in_cluster() == set(eight_of_six.ids) - set(gone)
    assert not [d for d in eight_of_six.weka.present_drives() if d.host_id is None]


def test_each_pass_writes_its_actions_into_the_clusters_events_and_no_secret_anywhere(eight_of_six, capsys):
    eight_of_six.run_pass()
    words = [event["description"] for event in eight_of_six.weka.events]
    assert sum("stateful: drain" in word for word in words) == 2
    out = capsys.readouterr().out
    told = [json.loads(line) for line in out.splitlines()]
    decisions = [line for line in told if line["event"] == "decision"]
    assert [decision["action"] for decision in decisions] == ["drain", "drain"]
    assert all(decision["reason"] and decision["evidence"]["containers"] for decision in decisions)
    assert PASSWORD not in out


def test_s10_the_same_scale_task_run_twice_changes_nothing_more(eight_of_six):
    event = eight_of_six.fetch()
    eight_of_six.scale(event)
    before = [(c.host_id, c.state) for c in eight_of_six.weka.backends()]
    again = eight_of_six.scale(event)
    assert [(c.host_id, c.state) for c in eight_of_six.weka.backends()] == before
    assert again["terminate"] == []


def test_a_crash_between_removal_and_termination_is_made_good_by_the_next_pass(eight_of_six):
    eight_of_six.run_pass()
    eight_of_six.ticker.seconds += 60
    lost = eight_of_six.scale(eight_of_six.fetch("crashes"))
    assert len(lost["terminate"]) == 2
    eight_of_six.ticker.seconds += 300
    assert eight_of_six.run_pass("next")["counts"]["terminated"] == 2


def test_s6_raising_desired_between_fetch_and_scale_stops_the_drain(eight_of_six):
    event = eight_of_six.fetch()
    eight_of_six.desire(8)
    assert "drain" not in eight_of_six.scale(event)["counts"]


def test_defect_27_nothing_is_terminated_when_the_second_look_fails(eight_of_six):
    eight_of_six.run_pass()
    eight_of_six.ticker.seconds += 60
    event = eight_of_six.scale(eight_of_six.fetch("two"))
    assert len(event["terminate"]) == 2
    for address in eight_of_six.addresses:
        eight_of_six.registry._listeners.close(address)
    with pytest.raises(ClusterUnreachable):
        eight_of_six.terminate(event)
    assert all(eight_of_six.ec2_state(i) == "running" for i in eight_of_six.ids)


def test_terminate_asks_another_member_than_scale_has_asked(eight_of_six):
    eight_of_six.run_pass()
    eight_of_six.ticker.seconds += 60
    event = eight_of_six.scale(eight_of_six.fetch("two"))
    eight_of_six.terminate(event)
    asked = {name.split()[1] for name in eight_of_six.wire.names("terminate") if name.startswith("weka:status ")}
    assert len(asked) == 1
    assert event["source"] not in asked


def test_an_idle_pass_ends_after_scale_with_the_lease_given_back(eight_of_six):
    eight_of_six.desire(8)
    assert eight_of_six.run_pass()["counts"] == {"keep": 8}
    assert eight_of_six.wire.names("terminate") == []
    assert "Owner" not in eight_of_six.item("lease")


def test_defect_9_a_refusal_by_the_cluster_is_reported_and_the_pass_goes_on(eight_of_six):
    eight_of_six.weka.faults.add("cluster_deactivate_drives", {"error": "no room", "times": 1})
    assert "no room" in eight_of_six.run_pass()["failed"]
    assert {c.machine.spec.instance_id for c in eight_of_six.weka.backends() if c.state != "ACTIVE"}


def test_defect_25_when_every_address_is_dead_the_pass_fails_and_says_so(eight_of_six):
    for address in eight_of_six.addresses:
        eight_of_six.registry._listeners.close(address)
    event = eight_of_six.fetch()
    with pytest.raises(ClusterError, match="No address"):
        eight_of_six.scale(event)


def test_defect_30_a_wrong_password_is_tried_once_and_not_every_minute(eight_of_six):
    eight_of_six.credentials("wrong")
    for number in range(4):
        event = eight_of_six.fetch(f"execution-{number}")
        with pytest.raises(ClusterError, match="Run import.yml again"):
            eight_of_six.scale(event)
        eight_of_six.ports().lease.release(f"execution-{number}")
        eight_of_six.ticker.seconds += 60
    assert eight_of_six.weka.users.locked() == {}
    attempts = eight_of_six.weka.users._attempts["admin"]
    assert attempts.failures == 1
    eight_of_six.credentials()
    assert eight_of_six.run_pass("right")["counts"]["drain"] == 2


def test_an_instance_that_died_is_detached_so_that_the_group_replaces_it():
    with cloud(6) as made:
        victim = made.ids[0]
        made.registry.machine_gone(victim)
        made.client("ec2").stop_instances(InstanceIds=[victim])
        made.run_pass("stopped")
        assert victim in made.members()
        made.client("ec2").modify_instance_attribute(InstanceId=victim, DisableApiTermination={"Value": False})
        made.client("ec2").terminate_instances(InstanceIds=[victim])
        result = made.run_pass("dead")
        assert result["counts"]["detached"] == 1
        assert victim not in made.members()
        assert made.in_cluster() == set(made.ids)


def test_s8_a_second_execution_is_turned_away_while_the_first_one_acts(eight_of_six):
    event = eight_of_six.fetch("one")
    with pytest.raises(LeaseHeld, match="one"):
        eight_of_six.fetch("two")
    eight_of_six.ticker.seconds += 121
    eight_of_six.fetch("two")
    with pytest.raises(LeaseLost):
        eight_of_six.scale(event)
    assert all(c.state == "ACTIVE" for c in eight_of_six.weka.backends())


def test_s8_terminate_ignores_ids_that_its_own_execution_did_not_prove(eight_of_six):
    event = eight_of_six.fetch()
    forged = {**event, "terminate": [eight_of_six.ids[3]], "detach": []}
    result = eight_of_six.terminate(forged)
    assert result["counts"]["terminated"] == 0
    assert "not terminated" in result["transient_errors"][0]
    assert eight_of_six.ec2_state(eight_of_six.ids[3]) == "running"


def test_s14_a_paused_cluster_is_left_alone_and_the_pass_succeeds(eight_of_six):
    word = {"paused": {"since": 1, "by": "arn:aws:iam::123456789012:user/ada", "reason": "a migration"}}
    eight_of_six.put("control", Document={"S": json.dumps(word)})
    result = eight_of_six.run_pass()
    assert "a migration (by arn:aws:iam::123456789012:user/ada)" in result["gate"]
    assert result["failed"] is None
    assert all(c.state == "ACTIVE" for c in eight_of_six.weka.backends())


def test_l1_a_large_scale_in_reaches_desired_over_several_passes():
    with cloud(10, desired=6) as made:
        results = made.settle(6)
        assert len(made.in_cluster()) == 6
        assert sum(result["counts"].get("terminated", 0) for result in results) == 4
        alive = [i for i in made.ids if made.ec2_state(i) == "running"]
        assert set(alive) == made.in_cluster()


def test_transient_gives_the_lease_back_and_fails_with_what_went_wrong(eight_of_six):
    eight_of_six.fetch("one")
    with pytest.raises(TransientErrors, match="a; ClusterRefused: b"):
        transient("one", ["a"], {"Error": "ClusterRefused", "Cause": "b"}, eight_of_six.as_function("transient"))
    assert "Owner" not in eight_of_six.item("lease")
    assert eight_of_six.fetch("two")["lease"]["fence"] == 2
    with pytest.raises(LeaseLost):
        eight_of_six.ports().lease.renew(Grant("one", 1))


def test_s12_state_and_table_hold_no_password(eight_of_six):
    eight_of_six.run_pass()
    table = eight_of_six.client("dynamodb").scan(TableName=BASE)["Items"]
    assert PASSWORD.encode() not in repr(table).encode()


def test_the_containers_of_a_dead_instance_leave_the_cluster_once_it_was_down_long_enough():
    with cloud(7) as made:
        made.settings(policy={"kick_out_after_minutes": 10})
        victim = made.ids[0]
        made.client("ec2").modify_instance_attribute(InstanceId=victim, DisableApiTermination={"Value": False})
        made.client("ec2").terminate_instances(InstanceIds=[victim])
        made.registry.machine_gone(victim)
        made.run_pass("soon")
        assert victim in made.in_cluster()
        assert victim not in made.members()
        made.ticker.seconds += 660
        results = made.settle(4)
        assert made.in_cluster() == set(made.ids) - {victim}
        assert sum(result["counts"].get("terminated", 0) for result in results) == 0
