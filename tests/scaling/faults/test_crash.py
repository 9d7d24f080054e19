"""F12 to F19: the function's process ends, or an answer is lost, right after an effect; then passes run again.

Each case runs twice: with the desired capacity as it was, and raised again before the next pass.
"""

from __future__ import annotations

import pytest
from botocore.exceptions import ReadTimeoutError
from errors import LeaseHeld
from judge import assert_no_data_lost, assert_none_ended, leaving, protections, reach, running
from wire import Killed

both = pytest.mark.parametrize("desired", [6, 8], ids=["desired as before", "desired raised again"])


def dies(cloud, execution, name, after=True, nth=1):
    """A pass whose function dies at that call."""
    cloud.wire.kill(name, after, nth)
    with pytest.raises(Killed):
        cloud.run_pass(execution)
    cloud.wire.quiet()


def recovers(cloud, desired, gone=2):
    """Nobody acts before the dead holder's lease is over; then the target is reached, with `gone` of the first ones
    gone for good."""
    if desired != cloud.group().desired_capacity:
        cloud.desire(desired)
    with pytest.raises(LeaseHeld):
        cloud.fetch("too soon")
    cloud.ticker.seconds += 121
    results = reach(cloud, desired)
    assert [result["failed"] for result in results] == [None] * len(results)
    assert len(set(cloud.ids) - running(cloud)) == gone
    assert_no_data_lost(cloud)
    calm = cloud.run_pass("constant inputs, no more changes")
    assert set(calm["counts"]) == {"keep"}


@both
def test_f12_killed_after_the_lease_was_taken(surplus, desired):
    """Must not: change anything. Must: let the next pass in once the lease is over."""
    dies(surplus, "dies", "dynamodb:UpdateItem lease")
    assert leaving(surplus) == []
    assert_none_ended(surplus)
    recovers(surplus, desired, gone=8 - desired)


@both
@pytest.mark.parametrize(("machine", "drives"), [(1, 1), (2, 1)])
def test_f13_killed_after_some_of_the_drives_were_deactivated(surplus, desired, machine, drives):
    """Must not: count a half-drained machine as staying, or forget that it leaves. Must: drain its rest, then end it."""

    def only_some(call):
        del call.params["drive_uuids"][drives:]

    surplus.wire.when("weka:cluster_deactivate_drives", only_some, nth=machine)
    dies(surplus, "dies", "weka:cluster_deactivate_drives", nth=machine)
    begun = leaving(surplus)
    assert len(begun) == machine
    assert sum(not drive.should_be_active for drive in surplus.weka.present_drives()) == 2 * (machine - 1) + drives
    assert_none_ended(surplus)
    recovers(surplus, desired, gone=2 if desired == 6 else machine)
    assert not set(begun) & running(surplus)


@both
def test_f14_killed_after_the_host_was_deactivated(surplus, desired):
    """Must not: take it back or begin another one for it. Must: end exactly the machine that had begun."""
    dies(surplus, "dies", "weka:cluster_deactivate_hosts")
    begun = leaving(surplus)
    assert len(begun) == 1
    assert_none_ended(surplus)
    recovers(surplus, desired, gone=2 if desired == 6 else 1)
    assert not set(begun) & running(surplus)


@both
@pytest.mark.parametrize("method", ["cluster_deactivate_drives", "cluster_deactivate_hosts"])
def test_f15_the_reply_to_a_deactivation_is_lost(surplus, desired, method):
    """Must not: send it a second time, or think that nothing happened. Must: report it and read what is true."""
    surplus.weka.faults.add(method, {"drop_after": True, "times": 1})
    result = surplus.run_pass("reply lost")
    assert "It is not known whether the cluster did this" in result["failed"]
    begun = leaving(surplus)
    assert len(begun) == 2
    assert_none_ended(surplus)
    surplus.desire(desired)
    reach(surplus, desired)
    assert not set(begun) & running(surplus)


@both
def test_f16_killed_after_a_protection_was_taken_off(drained, desired):
    """Must not: leave any other machine unprotected. Must: end the proven ones in the next pass."""
    dies(drained, "dies", "ec2:ModifyInstanceAttribute")
    open_ = {i for i in drained.ids if protections(drained, i) != (True, True)}
    assert 1 <= len(open_) <= 2
    assert all(protections(drained, i)[0] for i in drained.ids), "from scale-in all of them stay protected"
    assert running(drained) == set(drained.ids)
    assert not open_ & drained.in_cluster() or set(leaving(drained)) >= open_ & drained.in_cluster()
    recovers(drained, desired)
    assert not open_ & running(drained)


@both
@pytest.mark.parametrize("after", [False, True], ids=["before it was sent", "after it was sent"])
def test_f17_killed_when_the_termination_is_sent(drained, desired, after):
    """Must not: end any other machine, or these twice. Must: bring the group to its target."""
    dies(drained, "dies", "ec2:TerminateInstances", after)
    ended = set(drained.ids) - running(drained)
    assert len(ended) == (2 if after else 0)
    recovers(drained, desired)
    assert ended <= set(drained.ids) - running(drained)


@both
def test_f18_the_reply_to_the_termination_is_lost(drained, desired):
    """Must not: put a protection on what has ended and wait for it, or end more. Must: see by a read that it ended."""

    def lost(_call):
        raise ReadTimeoutError(endpoint_url="https://ec2.us-east-1.amazonaws.com")

    drained.wire.when("ec2:TerminateInstances", lost, after=True)
    result = drained.run_pass("reply lost")
    ended = set(drained.ids) - running(drained)
    assert len(ended) == 2
    assert result["failed"] is None or "TerminateInstances" in result["failed"] or "timeout" in result["failed"]
    drained.wire.quiet()
    drained.desire(desired)
    reach(drained, desired)
    assert set(drained.ids) - running(drained) == ended


@both
@pytest.mark.parametrize("nth", [1, 6])
def test_f19_killed_after_a_host_was_removed(drained, desired, nth):
    """Must not: take a machine that is missing from the cluster for one that was never there, or end another one.
    Must: end those whose removal the journal has."""
    empty = leaving(drained)
    dies(drained, "dies", "weka:cluster_remove_host", nth=nth)
    assert_none_ended(drained)
    recovers(drained, desired)
    assert set(drained.ids) - running(drained) == set(empty)
