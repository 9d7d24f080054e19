"""The even slices of 10,000 seeded runs; the other module has the others, so that two workers share them."""

from __future__ import annotations

import pytest

from simulation.slices import SLICES, run_slice


@pytest.mark.parametrize("number", range(0, SLICES, 2))
def test_no_run_breaks_a_promise(number):
    stories = run_slice(number)
    assert not stories, "\n".join(stories)
