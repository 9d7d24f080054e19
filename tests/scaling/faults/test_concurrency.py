"""F20 to F29: two executions at once, and people, the group and the cluster that act in the middle of a pass."""

from __future__ import annotations

import json

import pytest
from cloud import BASE, PASSWORD
from errors import CredentialsRejected, GroupMissing, LeaseHeld, LeaseLost
from judge import assert_no_data_lost, assert_none_ended, assert_untouched, in_order, leaving, reach, running

from local_cloud.weka import control


def test_f20_of_two_executions_that_overlap_the_older_one_stops_before_it_changes_anything(surplus):
    """Must not: let both act. Must: turn B away while A holds the lease, and A once B has taken over."""
    a = surplus.fetch("A")
    with pytest.raises(LeaseHeld, match="A"):
        surplus.fetch("B")
    surplus.ticker.seconds += 121
    b = surplus.fetch("B")
    with pytest.raises(LeaseLost):
        surplus.scale(a)
    assert_untouched(surplus)
    with pytest.raises(LeaseLost):
        surplus.terminate({**a, "terminate": [surplus.ids[0]], "detach": []})
    assert_untouched(surplus)
    assert surplus.scale(b)["counts"]["drain"] == 2
    reach(surplus, 6)


@pytest.mark.parametrize("step", ["weka:cluster_deactivate_drives", "weka:cluster_deactivate_hosts"])
def test_f20_an_execution_that_loses_its_lease_in_the_middle_of_a_drain_stops_there(surplus, step):
    """Must not: send another change under the lost lease. Must: leave the rest to the execution that took over."""
    others = []

    def taken_over(_call):
        surplus.ticker.seconds += 121
        others.append(surplus.ports().lease.acquire("B"))
        surplus.wire.function = "scale"

    surplus.wire.when(step, taken_over, after=True)
    with pytest.raises(LeaseLost):
        surplus.scale(surplus.fetch("A"))
    sent = surplus.wire.names("scale")
    assert [name for name in sent[sent.index(step) + 1 :] if name.startswith("weka:cluster_")] == [
        name for name in sent if name.startswith(f"{step} ")
    ]
    assert len(leaving(surplus)) == 1
    surplus.ticker.seconds += 121
    reach(surplus, 6)


def test_f20_a_termination_under_a_lost_lease_ends_nothing(drained):
    """Must not: terminate or unprotect. Must: leave it to the execution that took over, which does it once."""
    a = drained.scale(drained.fetch("A"))
    drained.ticker.seconds += 121
    b = drained.scale(drained.fetch("B"))
    with pytest.raises(LeaseLost):
        drained.terminate(a)
    assert_none_ended(drained)
    assert drained.terminate(b)["counts"]["terminated"] == 2
    with pytest.raises(LeaseLost):
        drained.terminate(a)
    reach(drained, 6)


def test_f21_every_task_delivered_twice_does_everything_once(surplus):
    """Must not: begin two more drains, or end more, because a task ran again. Must: answer, and reach the target."""
    surplus.fetch("drains")
    event = surplus.fetch("drains")
    surplus.scale(event)
    begun = leaving(surplus)
    assert len(begun) == 2
    assert "transient_errors" not in surplus.scale(event)
    assert leaving(surplus) == begun
    surplus.ticker.seconds += 60
    surplus.fetch("ends")
    event = surplus.fetch("ends")
    first, again = surplus.scale(event), surplus.scale(event)
    assert first["terminate"] == again["terminate"] == sorted(begun)
    assert surplus.terminate(again)["counts"]["terminated"] == 2
    with pytest.raises(LeaseLost):
        surplus.terminate(first)
    names = surplus.wire.names()
    assert names.count("weka:cluster_deactivate_drives") == names.count("weka:cluster_deactivate_hosts") == 2
    assert names.count("ec2:TerminateInstances") == 1
    assert len(json.loads(surplus.item("journal")["Document"]["S"])["starts"]) == 2
    reach(surplus, 6)
    assert set(surplus.ids) - running(surplus) == set(begun)


def test_f22_a_scale_out_during_a_deactivation_takes_nothing_back_and_drains_no_more(surplus):
    """Must not: re-activate, or count the leaving ones as staying. Must: end them and let new machines take over."""
    control.set_(surplus.weka, {"phase_out_s": 300})
    surplus.run_pass("drains")
    begun = leaving(surplus)
    surplus.desire(9)
    for number in range(3):
        surplus.ticker.seconds += 60
        surplus.run_pass(f"waits-{number}")
        surplus.let_join()
        assert set(leaving(surplus)) <= set(begun)
    control.set_(surplus.weka, {"phase_out_s": 1})
    reach(surplus, 9)
    assert set(surplus.ids) - running(surplus) == set(begun)


@pytest.mark.parametrize("moment", ["between fetch and scale", "between the first look and the change"])
def test_f23_desired_raised_again_during_the_pass_drains_nothing(surplus, moment):
    """Must not: drain what is wanted again. Must: end the pass well with nothing to do."""
    event = surplus.fetch()
    if moment == "between fetch and scale":
        surplus.desire(8)
    else:
        surplus.wire.when("weka:disks_list", lambda _: surplus.desire(8), after=True)
    answer = surplus.scale(event)
    assert "drain" not in answer["counts"]
    assert "transient_errors" not in answer
    assert_untouched(surplus)
    surplus.desire(6)
    reach(surplus, 6)


def test_f24_what_a_human_terminates_in_the_middle_is_replaced_and_not_counted_as_surplus(surplus):
    """Must not: let two more leave beside it. Must: detach it, and end with as many as desired."""
    victim = in_order(surplus)[5]
    ec2 = surplus.client("ec2")
    ec2.modify_instance_attribute(InstanceId=victim, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=[victim])
    surplus.registry.machine_gone(victim)
    surplus.settings(policy={"kick_out_after_minutes": 0})
    control.set_(surplus.weka, {"rebuild_s": 90})
    result = surplus.run_pass("while data is rebuilt")
    assert "drain" not in result["counts"]
    reach(surplus, 6, passes=12)


def test_f24_a_machine_that_a_human_detaches_is_left_alone(surplus):
    """Must not: drain, end or attach it. Must: let one other machine leave to meet desired among the members."""
    victim = in_order(surplus)[0]
    surplus.client("autoscaling").detach_instances(
        AutoScalingGroupName=BASE, InstanceIds=[victim], ShouldDecrementDesiredCapacity=True
    )
    surplus.desire(6)
    for number in range(5):
        surplus.ticker.seconds += 60
        surplus.run_pass(f"detached-{number}")
    assert surplus.ec2_state(victim) == "running"
    assert victim in surplus.in_cluster() and victim not in leaving(surplus)
    assert victim not in surplus.members()
    assert len(running(surplus)) == 6
    assert_no_data_lost(surplus)


def test_f24_a_machine_that_a_human_protects_by_a_hold_stays_until_it_is_released(surplus):
    """Must not: let it leave, not even when its drain has begun. Must: let others go, and it when it is released."""
    ec2, victim = surplus.client("ec2"), in_order(surplus)[0]
    hold = {"Key": "stateful:hold", "Value": "a user's test runs there"}
    ec2.create_tags(Resources=[victim], Tags=[hold])
    surplus.run_pass("held")
    assert victim not in leaving(surplus)
    reach(surplus, 6)
    assert victim in running(surplus)
    surplus.desire(6)
    ec2.delete_tags(Resources=[victim], Tags=[{"Key": "stateful:hold"}])
    reach(surplus, 6, passes=2)


def test_f24_a_hold_between_scale_and_terminate_keeps_the_instance(drained):
    """Must not: end or unprotect the held one. Must: end the other one, say so, and end it when it is released."""
    event = drained.scale(drained.fetch("held late"))
    victim, other = event["terminate"]
    ec2 = drained.client("ec2")
    ec2.create_tags(Resources=[victim], Tags=[{"Key": "stateful:hold", "Value": "wait"}])
    answer = drained.terminate(event)
    assert any(victim in error and "hold" in error for error in answer["transient_errors"])
    assert drained.ec2_state(victim) == "running"
    assert drained.ec2_state(other) == "terminated"
    ec2.delete_tags(Resources=[victim], Tags=[{"Key": "stateful:hold"}])
    reach(drained, 6)


def test_f25_a_rebalance_that_launches_first_makes_no_old_machine_surplus(steady):
    """Must not: drain before the new machine serves. Must: meet desired once it does."""
    steady.desire(9)
    steady.group().desired_capacity = 8
    result = steady.run_pass("rebalance")
    assert "drain" not in result["counts"]
    assert_untouched(steady)
    steady.let_join()
    steady.ticker.seconds += 60
    reach(steady, 8)


@pytest.mark.parametrize("lifecycle", ["Terminating", "Terminating:Wait", "Terminating:Proceed"])
def test_f25_what_the_group_replaces_itself_is_neither_drained_nor_replaced_twice(surplus, lifecycle):
    """Must not: drain, end or detach it. Must: count it as no member, so that only one more may leave."""
    victim = in_order(surplus)[0]
    surplus.group_says(victim, lifecycle)
    result = surplus.run_pass("health check")
    assert victim not in leaving(surplus)
    assert victim in surplus.members()
    assert len(leaving(surplus)) <= 1
    assert result["counts"].get("drain", 0) <= 1
    assert_untouched(surplus, but=tuple(leaving(surplus)))


def test_f26_while_an_instance_refresh_ends_a_machine_no_other_one_begins_to_leave(surplus):
    """Must not: drain while data of the refreshed machine is rebuilt. Must: go on when it is whole again."""
    victim = in_order(surplus)[5]
    control.set_(surplus.weka, {"rebuild_s": 100})
    surplus.group_says(victim, "Terminating")
    ec2 = surplus.client("ec2")
    ec2.modify_instance_attribute(InstanceId=victim, DisableApiTermination={"Value": False})
    ec2.terminate_instances(InstanceIds=[victim])
    surplus.registry.machine_gone(victim)
    result = surplus.run_pass("refresh")
    assert "drain" not in result["counts"] and "terminated" not in result["counts"]
    assert leaving(surplus) == []
    surplus.client("autoscaling").detach_instances(
        AutoScalingGroupName=BASE, InstanceIds=[victim], ShouldDecrementDesiredCapacity=False
    )
    surplus.settings(policy={"kick_out_after_minutes": 5})
    surplus.ticker.seconds += 400
    reach(surplus, 6)


def test_f27_an_upgrade_that_begins_between_the_gate_and_the_act_stops_the_act(surplus):
    """Must not: drain during an upgrade. Must: say that an upgrade runs, and go on after it."""
    begins = lambda _: control.set_(surplus.weka, {"upgrade": "running"})  # noqa: E731
    surplus.wire.when("weka:disks_list", begins, after=True)
    result = surplus.run_pass("upgrade")
    assert "an upgrade runs" in result["failed"]
    assert_untouched(surplus)
    control.set_(surplus.weka, {"upgrade": ""})
    reach(surplus, 6)


def test_f27_an_upgrade_that_begins_between_scale_and_terminate_stops_the_termination(drained):
    """Must not: end or unprotect an instance. Must: say that an upgrade runs, and end it after the upgrade."""
    event = drained.scale(drained.fetch("upgrade"))
    control.set_(drained.weka, {"upgrade": "running"})
    answer = drained.terminate(event)
    assert all("an upgrade runs" in error for error in answer["transient_errors"])
    assert answer["counts"]["terminated"] == 0
    assert_none_ended(drained)
    control.set_(drained.weka, {"upgrade": ""})
    reach(drained, 6)


@pytest.mark.parametrize("moment", ["between decide and act", "between scale and terminate"])
def test_f28_a_machine_that_joins_in_the_middle_is_counted_and_not_touched(drained, moment):
    """Must not: end the new machine, or more than the surplus. Must: end the proven ones and keep the new one."""
    empty = leaving(drained)

    def joins(_call):
        drained.desire(9)
        drained.let_join()

    event = drained.fetch("joins")
    if moment == "between decide and act":
        drained.wire.when("weka:disks_list", joins, after=True)
        event = drained.scale(event)
    else:
        event = drained.scale(event)
        joins(None)
    drained.terminate(event)
    assert set(drained.ids) - running(drained) == set(empty)
    reach(drained, 9)
    assert set(drained.ids) - running(drained) == set(empty)


@pytest.mark.parametrize("moment", ["before scale", "before the change", "before terminate"])
def test_f29_a_destroy_that_pauses_the_cluster_stops_the_execution(drained, moment):
    """Must not: change anything after the pause. Must: end well, tell that it is paused, go on when resumed."""
    paused = {"paused": {"since": 1, "by": "arn:aws:iam::123456789012:user/a", "reason": "destroy.yml"}}

    def pause(_call=None):
        drained.put("control", Document={"S": json.dumps(paused)})

    event = drained.fetch("destroyed")
    if moment == "before scale":
        pause()
    if moment == "before the change":
        drained.wire.when("weka:disks_list", pause, after=True)
    event = drained.scale(event)
    if moment == "before terminate":
        pause()
        event = drained.terminate(event)
        assert all("paused" in error for error in event["transient_errors"])
    else:
        assert "destroy.yml" in event["gate"] and "transient_errors" not in event
        assert len(drained.in_cluster()) == 8
    assert_none_ended(drained)
    drained.client("dynamodb").delete_item(TableName=BASE, Key={"Key": {"S": "control"}})
    drained.transient("destroyed", {})
    reach(drained, 6)


def test_f29_a_group_or_a_table_that_is_gone_in_the_middle_ends_the_pass(surplus):
    """Must not: take a missing group for an empty one. Must: fail and leave every instance as it is."""
    event = surplus.fetch("destroyed")
    surplus.wire.when(
        "autoscaling:DescribeAutoScalingGroups", lambda call: call.answer["AutoScalingGroups"].clear(), True, times=None
    )
    with pytest.raises(GroupMissing, match="run the import again"):
        surplus.scale(event)
    assert_untouched(surplus)
    surplus.wire.quiet()
    surplus.client("dynamodb").delete_table(TableName=BASE)
    for task in (lambda: surplus.fetch("again"), lambda: surplus.scale(event)):
        with pytest.raises(Exception, match="(?i)not found|ResourceNotFound"):
            task()
    assert_untouched(surplus)


def test_f29_credentials_changed_between_scale_and_terminate_are_used_at_once(drained):
    """Must not: try the old password, or end an instance without the second look. Must: log in with the new one."""
    event = drained.scale(drained.fetch("changed"))
    control.set_(drained.weka, {"users": {"admin": "a-new-one"}})
    drained.credentials("a-new-one")
    assert drained.terminate(event)["counts"]["terminated"] == 2
    reach(drained, 6)


def test_f29_a_password_changed_in_the_cluster_alone_ends_nothing_and_is_tried_once(drained):
    """Must not: end anything, or lock the account. Must: say what to do, and go on with the right password."""
    event = drained.scale(drained.fetch("changed"))
    control.set_(drained.weka, {"users": {"admin": "a-new-one"}})
    with pytest.raises(CredentialsRejected, match="Run import.yml again"):
        drained.terminate(event)
    assert_none_ended(drained)
    for number in range(4):
        drained.ticker.seconds += 121
        assert "CredentialsRejected" in drained.run_pass(f"wrong-{number}")["failed"]
    assert drained.wire.names().count("weka:user_login") <= 4
    assert drained.weka.users.locked() == {}
    control.set_(drained.weka, {"users": {"admin": PASSWORD}})
    drained.credentials()
    reach(drained, 6)
