"""The oracle sees: with one guard taken away, runs that held before break a promise."""

from __future__ import annotations

import pytest

from simulation.unguarded import promises_broken, without

# The guard that is taken away, what breaks, and enough seeds to find it.
SEEN: list[tuple[str, str, int]] = [
    ("s1_evidence", "S1", 40),
    ("s2_floor", "S2", 20),
    ("s3_fits", "S3", 40),
    ("s4_budget", "S4", 40),
    ("s5_ownership", "S5", 60),
    ("s9_gates", "S9", 80),
    ("s9_calm", "S9", 300),
    ("s14_human_wins", "S14", 80),
    ("s14_hands_off", "S14", 400),
]


@pytest.mark.parametrize(("guard", "promise", "runs"), SEEN)
def test_without_the_guard_the_promise_breaks(guard, promise, runs):
    with without(guard):
        assert promise in promises_broken(range(runs), {promise})
