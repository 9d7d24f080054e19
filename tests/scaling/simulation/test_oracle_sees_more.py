"""Guards that chance alone seldom needs: each in the one moment that is about it, with and without it.

Not here: s1_fresh, since the cluster's adapter refuses an older or foreign answer before it; s10_once, since the engine
takes being told twice for once, so that without it passes are only longer; s12, s13, s15 and s16, which hold nobody back.
"""

from __future__ import annotations

from unittest.mock import patch

import pytest
import scaling.decide
from adapters.aws.lease import DynamoLease
from scaling.health import Kind
from scaling.policy import Policy

from simulation.functions import cold
from simulation.made import world_of
from simulation.oracle import Broken
from simulation.scripted import scripted
from simulation.table import Dynamo
from simulation.unguarded import never_stops, promises_broken, without

USUAL = Policy()
STRICT = Policy(strict=True, max_leaving=1, max_replacing=1, max_removals_per_pass=1)


def first(world):
    return next(iter(world.hosts.values()))


def drained(policy=USUAL, original=None):
    """Eight machines; the first is inactive, and the next pass removes and terminates it."""
    world = world_of(8, 7, policy)
    world.original = original
    if original:
        world.table["settings"]["Document"]["S"] = world.table["settings"]["Document"]["S"].replace(
            '"original_size": 8', f'"original_size": {original}'
        )
    run = scripted(world)
    run.passes(1, seconds=600)
    assert first(world).inactive
    return run


def loses_its_tag(run):
    host = first(run.world)
    host.owned, host.human = False, run.world.touch(host)


def comes_back(run):
    host = first(run.world)
    run.world.wait(1)
    run.world.join(host)
    host.removed, host.begun = False, None
    for box in host.boxes:
        box.added -= 100_000
    host.worse = run.world.touch(host)


def test_s7_an_instance_that_is_no_longer_ours_keeps_its_protection():
    moment = ("terminate", "autoscaling:DescribeAutoScalingGroups", 1)
    run = drained()
    run.cues[moment] = lambda _: loses_its_tag(run)
    run.passes(1)
    assert first(run.world).api and first(run.world).ec2 == "running"
    run = drained()
    run.cues[moment] = lambda _: loses_its_tag(run)
    with without("s7_protection_window"), pytest.raises(Broken, match="S5"):
        run.passes(1)


def test_s1_a_machine_that_came_back_is_not_terminated():
    moment = ("terminate", "weka:view", 1)
    run = drained()
    run.cues[moment] = lambda _: comes_back(run)
    (outcome,) = run.passes(1)
    assert "S1 evidence" in outcome and first(run.world).ec2 == "running"
    run = drained()
    run.cues[moment] = lambda _: comes_back(run)
    with without("s1_nothing_left"), pytest.raises(Broken, match="S7"):
        run.passes(1)


def came_back(run):
    run.cues[("terminate", "weka:view", 1)] = lambda _: comes_back(run)
    run.passes(1, seconds=600)
    run.world.desire(6)
    return run


def test_s11_a_machine_that_came_back_is_not_drained_again():
    run = came_back(drained())
    (outcome,) = run.passes(1)
    assert "S11 one way" in outcome and not first(run.world).begun
    run = came_back(drained())
    with without("s11_one_way"), pytest.raises(Broken, match="S11"):
        run.passes(1)


def a_drive_fails(run):
    host = list(run.world.hosts.values())[-1]
    run.world.break_disk(host, host.disks[0])
    return run


def test_s9_strict_removes_nothing_during_a_rebuild():
    run = a_drive_fails(drained(STRICT, original=7))
    run.passes(1)
    assert not first(run.world).removed
    run = a_drive_fails(drained(STRICT, original=7))
    with without("s9_settled"), pytest.raises(Broken, match="S9"):
        run.passes(1)


def everyone(*_):
    return dict.fromkeys(Kind, 99)


def test_s6_the_quota_and_the_invariant_each_prevent_an_overshoot():
    with without("s6_no_overshoot"):
        assert promises_broken(range(30), {"S6"}) == set()
    with patch.object(scaling.decide, "_quota", everyone):
        assert "S6" not in promises_broken(range(10), {"S6"})
    with without("s6_no_overshoot"), patch.object(scaling.decide, "_quota", everyone):
        assert "S6" in promises_broken(range(30), {"S6"})


def an_old_holder_goes_on(run):
    """One execution takes the lease and is late; another one takes it when it has ended; then the first goes on."""
    late = run.start()
    run.advance(late, whole=False)
    run.advance(late, whole=False)
    run.wait(131)
    newer = run.start()
    run.advance(newer, whole=False)
    run.advance(newer, whole=False)
    run.advance(late)
    return late


def test_s8_whoever_lost_the_lease_changes_nothing():
    run = scripted(world_of(8, 7, USUAL))
    with cold(whole=False):
        assert "LeaseLost" in an_old_holder_goes_on(run).error
        assert not any(host.begun for host in run.world.hosts.values())
        run = scripted(world_of(8, 7, USUAL))
        with patch.object(DynamoLease, "renew", never_stops), pytest.raises(Broken, match="S8"):
            an_old_holder_goes_on(run)


def test_s8_without_conditional_writes_two_act_at_once():
    with patch.object(Dynamo, "_require", never_stops):
        assert "S8" in promises_broken(range(60), {"S8"})


def test_the_journal_alone_tells_a_lease_that_was_lost():
    run = drained()
    world = run.world

    def another_pass_went_by(_):
        for key in ("journal", "lease"):
            item = world.table[key]
            world.table[key] = {**item, "Fence": {"N": str(int(item["Fence"]["N"]) + 5)}}

    moment = ("scale", "dynamodb:BatchGetItem", 1)
    with patch.object(DynamoLease, "renew", never_stops):
        run.cues[moment] = another_pass_went_by
        (outcome,) = run.passes(1)
        assert "LeaseLost" in outcome and not first(world).removed
