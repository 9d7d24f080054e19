"""One empty cloud for all tests of the local cloud's core; each test uses names of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local_cloud.client import Cloud, start


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """A running cloud without a stack, schedules stepped."""
    with start(stack=None, mode="stepped") as running:
        yield running


@pytest.fixture
def faultless(cloud: Cloud) -> Iterator[Cloud]:
    """The cloud, with whatever faults a test set taken away again."""
    yield cloud
    cloud.control("faults", method="DELETE")
