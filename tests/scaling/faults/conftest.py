"""The two clusters that the cases begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cloud import Cloud, cloud


@pytest.fixture
def surplus() -> Iterator[Cloud]:
    """Eight machines, of which the group wants six: the first pass lets two begin to leave."""
    with cloud(8, desired=6) as made:
        yield made


@pytest.fixture
def drained(surplus: Cloud) -> Cloud:
    """Of the eight, two are inactive: the next pass removes them from the cluster and terminates their instances."""
    assert surplus.run_pass("drains")["counts"]["drain"] == 2
    surplus.ticker.seconds += 60
    return surplus


@pytest.fixture
def steady() -> Iterator[Cloud]:
    """Eight machines, and the group wants eight."""
    with cloud(8) as made:
        yield made
