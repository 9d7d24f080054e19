"""The settings' numbers."""

from __future__ import annotations

import pytest
from scaling.policy import Policy, PolicyInvalid, policy_from_settings


def test_without_numbers_the_defaults_hold():
    assert policy_from_settings({}) == Policy()
    assert policy_from_settings({"policy": {"max_leaving": 1, "join_grace_minutes": 0.5}}) == Policy(
        max_leaving=1, join_grace_minutes=0.5
    )


@pytest.mark.parametrize(
    "policy",
    [
        {"max_leeving": 1},
        {"max_leaving": "2"},
        {"max_leaving": 2.5},
        {"max_leaving": True},
        {"max_leaving": 99},
        {"min_members": 0},
        {"capacity_threshold": 1.5},
        {"max_terminations_per_pass": 51},
        {"paused": True},
        {"strict": "yes"},
        ["max_leaving"],
    ],
)
def test_a_number_that_would_not_protect_is_refused(policy):
    with pytest.raises(PolicyInvalid):
        policy_from_settings({"policy": policy})


def test_strict_is_one_at_a_time_and_a_stricter_number_stays():
    policy = policy_from_settings({"policy": {"strict": True, "max_leaving": 4, "max_replacing": 0}})
    assert (policy.max_leaving, policy.max_replacing, policy.max_removals_per_pass) == (1, 0, 1)
