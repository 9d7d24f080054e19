"""Import and destroy while AWS throttles, fails, loses answers and is slow to know new things."""

from __future__ import annotations

import os
from typing import Any

import pytest

from local_cloud.account import fingerprint, leftovers
from local_cloud.client import Cloud
from tests.integration.conftest import Playbooks

IMPORT = {"cluster": "demo"}
DESTROY = {"cluster": "demo", "confirm": "demo"}
STORM = {"throttle": 0.1, "error_5xx": 0.05, "drop_reply_after_write": 0.05, "delay_ms": 2, "propagation_s": 1}


def check_the_way_through_a_storm(playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any], seed: int) -> None:
    """Import and destroy while AWS throttles, fails, loses answers and is slow to know new things."""
    cloud.control("faults", {"seed": seed, **STORM})
    try:
        playbooks("import", **IMPORT)
        cloud.control("faults", method="DELETE")
        assert fingerprint(cloud, "demo") == calls["fingerprint"], f"seed {seed}"
        cloud.control("faults", {"seed": seed, **STORM})
        playbooks("destroy", **DESTROY)
    finally:
        cloud.control("faults", method="DELETE")
    assert leftovers(cloud, "demo") == [], f"seed {seed}"


@pytest.mark.parametrize("seed", [1])
def test_import_and_destroy_get_through_a_storm(
    playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any], seed: int
) -> None:
    check_the_way_through_a_storm(playbooks, cloud, calls, seed)


@pytest.mark.soak
def test_many_storms(playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any]) -> None:
    for seed in range(10, 10 + int(os.environ.get("STATEFUL_STORMS", "20"))):
        check_the_way_through_a_storm(playbooks, cloud, calls, seed)
