"""Import and destroy, killed at an AWS call and run again or in a storm, end like an undisturbed run with nothing
orphaned.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from local_cloud.account import fingerprint, leftovers
from local_cloud.client import Cloud
from tests.integration.conftest import Playbooks
from tests.integration.interrupting import killed_at

pytestmark = pytest.mark.long

IMPORT = {"cluster": "demo"}
DESTROY = {"cluster": "demo", "confirm": "demo"}
STORM = {"throttle": 0.1, "error_5xx": 0.05, "drop_reply_after_write": 0.05, "delay_ms": 2, "propagation_s": 1}


def sample(total: int, number: int) -> list[int]:
    """``number`` calls spread over ``total``."""
    return [1 + (2 * part + 1) * total // (2 * number) for part in range(number)]


def interrupted_import(playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any], call: int, when: str) -> None:
    """Kill an import, run it again, and compare."""
    killed_at(playbooks, "import", call, when, **IMPORT)
    playbooks("import", **IMPORT)
    assert fingerprint(cloud, "demo") == calls["fingerprint"], f"import killed {when} call {call}"


def interrupted_destroy(playbooks: Playbooks, cloud: Cloud, call: int, when: str) -> None:
    """Kill a destroy of what is imported, run it again, and look what is left."""
    killed_at(playbooks, "destroy", call, when, **DESTROY)
    playbooks("destroy", **DESTROY)
    assert leftovers(cloud, "demo") == [], f"destroy killed {when} call {call}"


@pytest.mark.parametrize(("part", "when"), [(0, "after"), (1, "before"), (2, "after")])
def test_a_killed_import_and_a_killed_destroy_are_completed_by_the_next(
    playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any], part: int, when: str
) -> None:
    interrupted_import(playbooks, cloud, calls, sample(calls["import"], 3)[part], when)
    interrupted_destroy(playbooks, cloud, sample(calls["destroy"], 3)[part], when)


def test_a_half_made_import_is_destroyed(playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any]) -> None:
    killed_at(playbooks, "import", calls["import"] * 2 // 3, "after", **IMPORT)
    playbooks("destroy", **DESTROY)
    assert leftovers(cloud, "demo") == []


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
def test_every_call_of_import(playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any]) -> None:
    for call in range(1, calls["import"] + 1):
        for when in ("before", "after"):
            interrupted_import(playbooks, cloud, calls, call, when)
            playbooks("destroy", **DESTROY)
            assert leftovers(cloud, "demo") == [], f"import killed {when} call {call}"


@pytest.mark.soak
def test_every_call_of_destroy(playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any]) -> None:
    for call in range(1, calls["destroy"] + 1):
        for when in ("before", "after"):
            playbooks("import", **IMPORT)
            interrupted_destroy(playbooks, cloud, call, when)


@pytest.mark.soak
def test_many_storms(playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any]) -> None:
    for seed in range(10, 10 + int(os.environ.get("STATEFUL_STORMS", "20"))):
        check_the_way_through_a_storm(playbooks, cloud, calls, seed)
