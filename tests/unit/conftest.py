"""An empty local cloud for the unit tests: real HTTP, no WEKA stack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local_cloud.client import Cloud, start
from tests.unit.harness import Runner


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """A local cloud that this worker's tests share; each test uses names of its own."""
    with start(stack=None) as running:
        yield running


@pytest.fixture
def runner(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Runs a module's code as a task would, with the environment of the local cloud."""
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    return Runner(cloud)
