"""Whole passes: the functions' tasks against moto and the simulated cluster over its real sockets."""

from __future__ import annotations

import json

import pytest
from adapters.weka.cluster import WekaCluster
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
    assert first["counts"]["terminated"] == 0
    assert "transient_errors" not in first
    eight_of_six.ticker.seconds += 60
    results = eight_of_six.settle(3)
    assert sum(result["counts"]["terminated"] for result in results) == 2
    assert all("transient_errors" not in result for result in results)
    gone = [i for i in eight_of_six.ids if eight_of_six.ec2_state(i) == "terminated"]
    assert len(gone) == 2
    assert eight_of_six.in_cluster() == set(eight_of_six.ids) - set(gone)
    assert not [d for d in eight_of_six.weka.present_drives() if d.host_id is None]


def test_each_pass_writes_its_actions_into_the_clusters_events_and_no_secret_anywhere(eight_of_six, caplog):
    caplog.set_level("INFO")
    eight_of_six.run_pass()
    words = [event["description"] for event in eight_of_six.weka.events]
    assert sum("stateful: drain" in word for word in words) == 2
    decisions = [json.loads(r.message) for r in caplog.records if '"decision"' in r.message]
    assert len(decisions) == 8
    assert all(decision["reason"] for decision in decisions)
    assert PASSWORD not in caplog.text


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


def test_defect_27_nothing_is_terminated_when_the_second_look_fails(eight_of_six, monkeypatch):
    eight_of_six.run_pass()
    eight_of_six.ticker.seconds += 60
    event = eight_of_six.fetch("two")
    looks = []
    view = WekaCluster.view

    def second_look_fails(cluster):
        looks.append(cluster)
        if len(looks) == 2:
            raise ClusterUnreachable("the second look")
        return view(cluster)

    monkeypatch.setattr(WekaCluster, "view", second_look_fails)
    answer = eight_of_six.scale(event)
    assert answer["counts"]["remove"] == 2
    assert answer["terminate"] == []
    assert any("read the cluster again" in error for error in answer["transient_errors"])


@pytest.mark.parametrize("fault", [{"empty": True}, {"partial": 0.5}])
def test_f3_f4_an_empty_or_partial_host_list_ends_the_pass_without_a_change(eight_of_six, fault):
    event = eight_of_six.fetch()
    eight_of_six.weka.faults.add("hosts_list", fault)
    with pytest.raises(ClusterError):
        eight_of_six.scale(event)
    assert all(c.state == "ACTIVE" for c in eight_of_six.weka.backends())


def test_defect_9_a_refusal_by_the_cluster_is_reported_and_the_pass_goes_on(eight_of_six):
    eight_of_six.weka.faults.add("cluster_deactivate_drives", {"error": "no room", "times": 1})
    result = eight_of_six.run_pass()
    assert any("no room" in error for error in result["transient_errors"])
    assert {c.machine.spec.instance_id for c in eight_of_six.weka.backends() if c.state != "ACTIVE"}


def test_f27_an_upgrade_that_begins_before_the_act_stops_it(eight_of_six):
    event = eight_of_six.fetch()
    eight_of_six.weka.faults.add("status", {"skip": 1, "merge": {"upgrade": "running"}})
    answer = eight_of_six.scale(event)
    assert any("upgrade" in error for error in answer["transient_errors"])
    assert all(c.state == "ACTIVE" for c in eight_of_six.weka.backends())


def test_f39_a_dead_first_address_does_not_stop_the_pass(eight_of_six):
    eight_of_six.registry._listeners.close(sorted(eight_of_six.addresses)[0])
    assert eight_of_six.run_pass()["counts"]["drain"] == 2


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
    eight_of_six.settings(policy={"paused": True})
    result = eight_of_six.run_pass()
    assert "paused" in result["gate"]
    assert "transient_errors" not in result
    assert all(c.state == "ACTIVE" for c in eight_of_six.weka.backends())


def test_f45_an_answer_of_another_cluster_stops_the_pass(eight_of_six):
    eight_of_six.run_pass()
    eight_of_six.weka.faults.guids.update(dict.fromkeys(eight_of_six.addresses, "another"))
    with pytest.raises(ClusterError, match="belongs to the WEKA cluster another"):
        eight_of_six.scale(eight_of_six.fetch("two"))


def test_l1_a_large_scale_in_reaches_desired_over_several_passes():
    with cloud(10, desired=6) as made:
        results = made.settle(6)
        assert len(made.in_cluster()) == 6
        assert sum(result["counts"]["terminated"] for result in results) == 4
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


def test_s7_a_refused_termination_leaves_the_instance_protected_again(eight_of_six, monkeypatch):
    eight_of_six.run_pass()
    eight_of_six.ticker.seconds += 60
    event = eight_of_six.scale(eight_of_six.fetch("two"))
    made = eight_of_six.as_function("terminate")
    ec2 = made.compute._ec2

    def refused(**_):
        raise ec2.exceptions.ClientError(
            {"Error": {"Code": "OperationNotPermitted", "Message": "no"}}, "TerminateInstances"
        )

    monkeypatch.setattr(ec2, "terminate_instances", refused)
    from terminate.effects import act

    terminated, _, errors = act(made, Grant("two", event["lease"]["fence"]), event["terminate"], [])
    assert terminated == []
    assert all("protection is on again" in error for error in errors)
    assert len(errors) == 2
    for instance_id in event["terminate"]:
        assert eight_of_six.members()[instance_id]["ProtectedFromScaleIn"] is True
        flag = eight_of_six.client("ec2").describe_instance_attribute(
            InstanceId=instance_id, Attribute="disableApiTermination"
        )
        assert flag["DisableApiTermination"]["Value"] is True


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
        assert sum(result["counts"]["terminated"] for result in results) == 0
