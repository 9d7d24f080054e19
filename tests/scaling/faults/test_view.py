"""F1 to F11: what is seen is old, partial, wrong or contradicts itself."""

from __future__ import annotations

import copy
import json

import pytest
from judge import (
    assert_at_rest,
    assert_no_data_lost,
    assert_none_ended,
    assert_untouched,
    in_order,
    leaving,
    protections,
    reach,
    running,
)

from local_cloud.weka import control
from local_cloud.weka.model import MachineSpec


def old_desired(call):
    call.answer["AutoScalingGroups"][0]["DesiredCapacity"] = 6


def test_f01_a_stale_first_look_at_the_group_drains_nothing_that_the_second_look_wants_back(surplus):
    """Must not: drain by the stale desired. Must: look again right before acting, and go on later."""
    event = surplus.fetch()
    surplus.desire(8)
    surplus.wire.when("autoscaling:DescribeAutoScalingGroups", old_desired, after=True)
    answer = surplus.scale(event)
    assert "drain" not in answer["counts"]
    assert "transient_errors" not in answer
    assert_untouched(surplus)
    surplus.desire(6)
    reach(surplus, 6)


def test_f01_when_fetch_saw_a_greater_desired_than_scale_the_greater_one_counts(steady):
    """Must not: drain because later reads are older. Must: keep all eight."""
    event = steady.fetch()
    steady.wire.when("autoscaling:DescribeAutoScalingGroups", old_desired, after=True, times=None)
    answer = steady.scale(event)
    assert "drain" not in answer["counts"]
    assert_untouched(steady)


def test_f02_an_answer_older_than_an_earlier_pass_has_seen_stops_the_pass(surplus):
    """Must not: drain two more because the leaving ones seem to stay. Must: fail, say why, go on when it is fresh."""
    answers = {}

    def note(call):
        answers.setdefault(call.names[0], copy.deepcopy(call.answer))

    def replay(call):
        old = copy.deepcopy(answers[call.names[0]])
        call.answer.clear()
        call.answer.extend(old) if isinstance(old, list) else call.answer.update(old)

    reads = ("weka:*_list", "weka:status")
    for name in reads:
        surplus.wire.when(name, note, after=True, times=None)
    surplus.run_pass("drains")
    surplus.wire.quiet()
    surplus.ticker.seconds += 1200
    surplus.run_pass("ends")
    alive = running(surplus)
    for name in reads:
        surplus.wire.when(name, replay, after=True, times=None)
    surplus.ticker.seconds += 60
    result = surplus.run_pass("stale")
    assert "which is before" in result["failed"]
    assert leaving(surplus) == []
    assert running(surplus) == alive
    surplus.wire.quiet()
    reach(surplus, 6)


@pytest.mark.parametrize("method", ["hosts_list", "disks_list"])
def test_f03_a_partial_list_is_not_taken_for_the_whole(drained, method):
    """Must not: conclude anything from what is missing. Must: terminate none, keep protections, go on afterwards."""
    drained.weka.faults.add(method, {"partial": 0.5})
    result = drained.run_pass("partial")
    assert_none_ended(drained)
    assert len(leaving(drained)) == 2
    assert "disagree" in result["failed"] or "incomplete" in result["failed"] or "does not name" in result["failed"]
    drained.weka.faults.clear()
    reach(drained, 6)


def test_f03_a_process_that_a_partial_list_lacks_is_not_taken_for_down(steady):
    """Must not: replace the machine on half of the evidence. Must: replace it once the list is whole."""
    victim = in_order(steady)[-1]
    control.faults(steady.weka, {"instances": {victim: {"seconds": 3 * 3600}}})
    steady.weka.events.clear()
    steady.ticker.seconds += 60
    steady.weka.faults.add("nodes_list", {"partial": 0.1})
    result = steady.run_pass("partial")
    assert "drain" not in result["counts"]
    assert_none_ended(steady)
    steady.weka.faults.clear()
    reach(steady, 8)
    assert victim not in running(steady)


def test_f03_a_page_of_instances_that_lacks_some_does_not_detach_them(steady):
    """Must not: take an instance that EC2 left out for gone. Must: leave group and cluster as they are."""

    def first_half(call):
        for reservation in call.answer["Reservations"]:
            del reservation["Instances"][4:]

    steady.wire.when("ec2:DescribeInstances", first_half, after=True, times=None)
    steady.run_pass("partial")
    assert set(steady.members()) == set(steady.ids)
    assert_untouched(steady)


@pytest.mark.parametrize("read", ["the first", "that before the termination"])
def test_f04_an_empty_host_list_inside_a_200_proves_nothing(drained, read):
    """Must not: terminate or deactivate. Must: fail with a sentence, protections on, and go on when it is over."""
    event = drained.fetch("empty")
    if read != "the first":
        event = drained.scale(event)
        assert len(event["terminate"]) == 2
    before = leaving(drained)
    drained.weka.faults.add("hosts_list", {"empty": True})
    task = drained.scale if read == "the first" else drained.terminate
    with pytest.raises(Exception, match="prove nothing|does not name"):
        task(event)
    assert leaving(drained) == before
    assert_none_ended(drained)
    drained.weka.faults.clear()
    drained.transient("empty", {})
    reach(drained, 6)


def test_f05_one_inactive_container_of_three_does_not_make_its_machine_empty(steady):
    """Must not: remove or terminate while another container holds data. Must: drain the rest, then end it."""
    control.set_(steady.weka, {"phase_out_s": 100_000})
    steady.desire(7)
    victim = in_order(steady)[3]
    control.faults(steady.weka, {"containers": {f"{victim}/compute0": {"state": "INACTIVE", "status": "INACTIVE"}}})
    for _ in range(3):
        result = steady.run_pass(f"one of three {_}")
        assert "remove" not in result["counts"]
        steady.ticker.seconds += 60
    assert_none_ended(steady)
    assert leaving(steady) == [victim]
    control.set_(steady.weka, {"phase_out_s": 1})
    reach(steady, 7)
    assert victim not in running(steady)


def test_f06_an_instance_without_an_address_is_left_alone_and_told(surplus):
    """Must not: act on it, or fail for the others. Must: say that it does not fit, and let others leave."""
    victim = in_order(surplus)[0]

    def no_address(call):
        for reservation in call.answer["Reservations"]:
            for instance in reservation["Instances"]:
                if instance["InstanceId"] == victim:
                    instance.pop("PrivateIpAddress")

    surplus.wire.when("ec2:DescribeInstances", no_address, after=True, times=None)
    result = surplus.run_pass("no address")
    assert victim in result["failed"] and "S5 ownership" in result["failed"]
    assert len(leaving(surplus)) == 2
    assert_untouched(surplus, but=tuple(leaving(surplus)))
    assert victim not in leaving(surplus)
    surplus.wire.quiet()
    reach(surplus, 6)


def test_f07_an_address_that_another_machine_took_between_two_reads_stops_the_termination(drained):
    """Must not: end either machine. Must: say that the address is shared, and end the other proven one."""
    event = drained.scale(drained.fetch("recycled"))
    victim, other = event["terminate"]
    drained.ticker.seconds += 30
    stranger = MachineSpec("i-0000000000000beef", drained.weka.machines[victim].address)
    drained.registry.grow("demo", stranger)
    answer = drained.terminate(event)
    assert any(victim in error and "shares an address" in error for error in answer["transient_errors"])
    assert drained.ec2_state(victim) == "running"
    assert protections(drained, victim) == (True, True)
    assert drained.ec2_state(other) == "terminated"
    assert_no_data_lost(drained)


def test_f08_a_client_with_a_backends_address_keeps_that_backend(surplus):
    """Must not: let the backend leave. Must: say so, let the next one leave instead, and reach the target."""
    victim = in_order(surplus)[0]
    surplus.registry.connect_client("demo", MachineSpec("i-0000000000000c11e", surplus.weka.machines[victim].address))
    result = surplus.run_pass("client")
    assert f"{victim}: " in result["failed"] and "client" in result["failed"]
    assert victim not in leaving(surplus)
    assert len(leaving(surplus)) == 2
    reach(surplus, 6)
    assert victim in running(surplus)


def test_f09_a_member_that_sees_a_machine_inactive_is_not_believed_alone(steady):
    """Must not: end what another member sees at work. Must: ask another member, wait until both agree, and say so."""
    steady.desire(7)
    victim = in_order(steady)[-1]
    first = min(steady.addresses)
    hosts = {
        f"HostId<{c.host_id}>": {"state": "INACTIVE", "status": "INACTIVE"}
        for c in steady.weka.backends()
        if c.machine.spec.instance_id == victim
    }
    disks = {
        f"DiskId<{d.disk_id}>": {"status": "INACTIVE", "should_be_active": False}
        for d in steady.weka.present_drives()
        if steady.weka.containers[d.host_id].machine.spec.instance_id == victim
    }
    steady.weka.faults.add("hosts_list", {"merge": hosts, "address": first})
    steady.weka.faults.add("disks_list", {"merge": disks, "address": first})
    result = steady.run_pass("two views")
    assert "remove" not in result["counts"]
    (held,) = json.loads(steady.item("report")["Document"]["S"])["held_back"]
    assert held["invariant"] == "S1 agreement"
    assert_untouched(steady)
    forged = {**steady.fetch("forged"), "terminate": [victim], "detach": [], "source": first}
    answer = steady.terminate(forged)
    assert any(f"{victim}: not terminated" in error for error in answer["transient_errors"])
    assert_untouched(steady)
    steady.weka.faults.clear()
    reach(steady, 7)


@pytest.mark.parametrize("skew", [-6 * 3600, 6 * 3600], ids=["behind", "ahead"])
def test_f10_a_clusters_clock_that_is_wrong_makes_nobody_down_for_long(steady, skew):
    """Must not: replace a machine that is down for a minute. Must: count by the cluster's own clock, and replace it
    after two hours."""
    victim = in_order(steady)[0]
    control.faults(steady.weka, {"clock_skew_s": skew, "instances": {victim: "down"}})
    steady.weka.events.clear()
    steady.ticker.seconds += 60
    result = steady.run_pass("skewed")
    assert "drain" not in result["counts"]
    assert leaving(steady) == []
    steady.ticker.seconds += 2 * 3600
    reach(steady, 8)
    assert victim not in running(steady)


def test_f10_a_machine_of_which_no_time_is_known_is_not_down_for_long(steady):
    """Must not: take no date for a very old one. Must: leave the machine alone, and act once there is a date."""
    victim = in_order(steady)[0]
    nothing = {"seconds": 9 * 3600, "fenced": False, "state_changed": False}
    control.faults(steady.weka, {"instances": {victim: nothing}})
    steady.weka.events.clear()
    for number in range(3):
        steady.ticker.seconds += 3600
        assert "drain" not in steady.run_pass(f"undated-{number}")["counts"]
    assert leaving(steady) == []
    assert_none_ended(steady)
    control.faults(steady.weka, {"instances": {victim: "up"}})
    steady.ticker.seconds += 60
    assert_at_rest(steady, 8)


def test_f11_ec2_says_running_and_the_cluster_says_down(steady):
    """Must not: end the instance, or detach it, because it is down. Must: replace it after two hours, data first."""
    victim = in_order(steady)[0]
    control.faults(steady.weka, {"instances": {victim: "down"}})
    steady.weka.events.clear()
    for number in range(2):
        steady.ticker.seconds += 3500
        steady.run_pass(f"down-{number}")
        assert_none_ended(steady)
        assert leaving(steady) == []
    steady.ticker.seconds += 300
    steady.run_pass("down for more than two hours")
    assert leaving(steady) == [victim]
    assert_none_ended(steady)
    reach(steady, 8)
    assert victim not in running(steady)


@pytest.mark.parametrize("state", ["stopped", "terminated"])
def test_f11_ec2_says_that_it_is_gone_and_the_cluster_says_up(steady, state):
    """Must not: take its containers out of the cluster, or end a stopped one. Must: let the group replace what EC2
    has ended, and nothing else."""
    victim = in_order(steady)[0]
    ec2 = steady.client("ec2")
    ec2.modify_instance_attribute(InstanceId=victim, DisableApiTermination={"Value": False})
    if state == "stopped":
        ec2.stop_instances(InstanceIds=[victim])
    else:
        ec2.terminate_instances(InstanceIds=[victim])
    steady.run_pass("gone")
    assert (victim in steady.members()) is (state == "stopped")
    assert steady.ec2_state(victim) == state
    assert leaving(steady) == []
    assert victim in steady.in_cluster()
    assert_untouched(steady, but=(victim,))
