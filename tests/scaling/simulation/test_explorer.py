"""Every state that a few machines can come to, with a crash at each effect, a lost answer and a view stale by one."""

from __future__ import annotations

import pytest
from scaling.policy import Policy

from simulation.explorer import Explorer
from simulation.functions import cold
from simulation.made import world_of
from simulation.oracle import Broken

MOST_STATES = 2000


def small(machines, desired, stripe, leaving=1):
    """Machines of one container and one drive, under the engine's least of two failure domains and leaders."""
    policy = Policy(min_members=2, max_leaving=leaving)
    return world_of(machines, desired, policy, stripe=stripe, required=(2, 2), roles=("drives0",))


@pytest.fixture(scope="module")
def explored():
    explorer = Explorer(MOST_STATES)
    with cold(whole=False):
        explorer.explore(
            small(5, 4, (1, 1, 0)),
            small(4, 3, (1, 1, 0)),
            small(5, 3, (2, 1, 0)),
            small(5, 3, (1, 2, 0), leaving=2),
        )
    return explorer


def test_no_path_breaks_a_promise_and_the_paths_are_many(explored):
    assert explored.states == MOST_STATES
    assert explored.transitions > 20 * explored.states
    assert explored.effects > 40 * explored.states


def test_passes_were_cut_at_effects_of_every_kind_and_instances_did_end(explored):
    assert explored.cuts > 5 * explored.states
    assert explored.ended > explored.states / 3
    assert explored.cut_at >= {
        "autoscaling:DetachInstances",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "ec2:ModifyInstanceAttribute",
        "ec2:TerminateInstances",
        "weka:deactivate_containers",
        "weka:deactivate_drive",
        "weka:remove_container",
        "weka:remove_drive",
    }


def test_a_path_that_breaks_a_promise_is_told(monkeypatch):
    from scaling import invariants

    monkeypatch.setattr(invariants, "s2_floor", lambda *_: (True, ""))
    explorer = Explorer(300)
    with cold(whole=False), pytest.raises(Broken, match="S2") as told:
        explorer.explore(small(4, 3, (1, 1, 0)), small(4, 3, (3, 1, 0)))
    assert "pass" in told.value.__notes__[0]
