"""What the simulation found, each as its smallest case."""

from __future__ import annotations

import pytest
from errors import ClusterRefused, ClusterUnreachable
from scaling.policy import Policy

from simulation.made import world_of
from simulation.scripted import scripted

STRICT = Policy(strict=True, max_leaving=1, max_replacing=1, max_removals_per_pass=1)


def hosts(world):
    return list(world.hosts.values())


def ended(world):
    return [host.number for host in hosts(world) if host.ec2 != "running"]


def test_l4_a_member_that_the_group_ends_itself_blocks_no_other_one():
    world = world_of(8, 7, Policy())
    run = scripted(world)
    run.passes(1, seconds=600)
    going = next(host for host in hosts(world) if host.begun)
    going.lifecycle, going.human = "Terminating:Wait", world.touch(going)
    world.desire(6)
    run.passes(4, seconds=600)
    assert len(ended(world)) == 1, "another one went"
    assert going.number not in ended(world)


def test_a_strict_drain_that_was_half_told_goes_on():
    world = world_of(8, 8, STRICT, disks_each=2)
    world.original = 7
    run = scripted(world)
    half = hosts(world)[0]
    half.disks[0].wanted, half.disks[0].status = False, "PHASING_OUT"
    half.begun = "an earlier pass"
    world.touch(half)
    run.wait(600)
    run.passes(3, seconds=600)
    assert ended(world) == [0]


def test_f28_no_second_drain_begins_when_a_machine_dies_after_the_first():
    world = world_of(9, 7, Policy(max_leaving=3, max_removals_per_pass=3))
    run = scripted(world)
    run.cues[("scale", "weka:gates", 2)] = lambda _: world.fall(hosts(world)[-1])
    run.passes(1)
    assert [host.number for host in hosts(world) if host.going] == [0]


@pytest.mark.parametrize("gate", ["upgrade", "io", "versions", "override"])
def test_f27_a_gate_that_closes_during_a_pass_also_stops_its_removals(gate):
    world = world_of(9, 8, Policy())
    run = scripted(world)
    run.passes(1, seconds=600)
    world.desire(7)
    run.cues[("scale", "weka:gates", 1)] = lambda _: world.close(gate)
    (outcome,) = run.passes(1)
    assert outcome.startswith("FAILED")
    assert not any(host.removed or (host.going and host.number) for host in hosts(world))


def test_f27_a_gate_that_closes_before_terminate_stops_its_detachments_too():
    world = world_of(9, 8, Policy())
    run = scripted(world)
    run.passes(1, seconds=600)
    world.fall(hosts(world)[5], "terminated")
    run.cues[("terminate", "weka:view", 1)] = lambda _: world.close("versions")
    (outcome,) = run.passes(1)
    assert "Nothing is detached" in outcome
    assert hosts(world)[5].lifecycle == "InService"
    world.open("versions")
    run.passes(2)
    assert hosts(world)[5].lifecycle is None


def test_f21_the_same_task_delivered_twice_forgets_no_removal():
    world = world_of(8, 7, Policy())
    run = scripted(world)
    run.passes(1, seconds=600)
    run.cues[("scale", "autoscaling:DescribeAutoScalingGroups", 1)] = run.twin
    (outcome,) = run.passes(1)
    assert outcome.startswith("FAILED TransientErrors: ")
    assert "LeaseLost" in outcome
    assert hosts(world)[0].removed
    run.passes(1)
    assert ended(world) == [0]


def test_f21_what_the_same_task_delivered_twice_took_back_the_other_one_does_not_rely_on(monkeypatch):
    world = world_of(8, 7, Policy())
    run = scripted(world)
    run.passes(1, seconds=600)
    errors = [ClusterUnreachable("no answer"), ClusterRefused("not enough capacity")]
    monkeypatch.setattr(
        run.storm, "refusal", lambda _, call, __: errors.pop(0) if errors and call == "weka:remove_drive" else None
    )
    run.passes(1)
    world.fall(hosts(world)[7], "terminated")
    run.cues[("scale", "autoscaling:DescribeAutoScalingGroups", 1)] = run.twin
    (outcome,) = run.passes(1)
    assert "LeaseLost" in outcome
    assert not errors and not hosts(world)[0].removed, "what is not in the journal is not removed"
    run.passes(2)
    assert ended(world) == [0, 7]


def test_f21_a_task_delivered_twice_begins_no_more_drains_than_one_pass_may():
    world = world_of(9, 7, Policy(max_removals_per_pass=1), disks_each=1)
    world.fall(hosts(world)[0])
    run = scripted(world)
    run.wait(600)
    run.cues[("scale", "dynamodb:UpdateItem", 3)] = run.twin
    run.passes(1)
    assert [host.number for host in hosts(world) if host.begun] == [0]
    run.passes(1)
    assert [host.number for host in hosts(world) if host.begun] == [0, 1], "the next pass begins the next one"


def test_f21_what_is_removed_while_the_same_task_delivered_twice_takes_it_back_stays_proven(monkeypatch):
    world = world_of(8, 7, Policy())
    run = scripted(world)
    run.passes(1, seconds=600)
    world.fall(hosts(world)[7], "terminated")
    errors = [ClusterRefused("not enough capacity")]
    monkeypatch.setattr(
        run.storm, "refusal", lambda _, call, __: errors.pop(0) if errors and call == "weka:remove_drive" else None
    )
    run.cues[("scale", "dynamodb:UpdateItem", 2)] = run.twin
    (outcome,) = run.passes(1)
    assert "LeaseLost" in outcome and not errors
    assert hosts(world)[0].removed
    run.passes(2)
    assert ended(world) == [0, 7]
