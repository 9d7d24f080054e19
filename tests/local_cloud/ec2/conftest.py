"""One cloud with one WEKA stack for these tests; each test has a group of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local_cloud import stack as stacks
from local_cloud.client import Cloud, start
from tests.local_cloud.ec2.world import World


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """A cloud whose instances are pending for a moment only."""
    with start(stack=None) as running:
        running.control("instances/timing", {"pending_s": 0.8, "attach_s": 0.1})
        yield running


@pytest.fixture(scope="session")
def made(cloud: Cloud) -> stacks.Stack:
    """The stack `weka`: six protected backends and a client, two security groups, gp2 volumes."""
    return stacks.create_stack(
        cloud.url, "weka", backends=6, clients=1, security_groups=2, volume_type="gp2", protected=True
    )


@pytest.fixture
def world(cloud: Cloud, made: stacks.Stack, request: pytest.FixtureRequest) -> World:
    """An empty group named after the test."""
    return World(cloud, made, request.node.name.replace("_", "-")[-32:].strip("-"))
