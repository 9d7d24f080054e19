"""Import and destroy, killed at an AWS call and run again, or run through a fault layer, end like an undisturbed run."""

from __future__ import annotations

import os
from typing import Any

import pytest

from local_cloud.account import fingerprint, leftovers
from local_cloud.client import Cloud
from tests.integration.conftest import Playbooks
from tests.integration.interrupting import killed_at

IMPORT = {"cluster": "demo"}
DESTROY = {"cluster": "demo", "confirm": "demo"}
STORM = {"throttle": 0.15, "error_5xx": 0.05, "drop_reply_after_write": 0.05, "delay_ms": 2, "propagation_s": 1}


@pytest.fixture(scope="module")
def calls(playbooks: Playbooks, cloud: Cloud) -> dict[str, Any]:
    """How many AWS calls an undisturbed import and destroy make, and what an import leaves."""
    cloud.control("calls/reset", method="POST")
    playbooks("import", **IMPORT)
    made = cloud.control("calls")["total"]
    found = fingerprint(cloud, "demo")
    cloud.control("calls/reset", method="POST")
    playbooks("destroy", **DESTROY)
    assert leftovers(cloud, "demo") == []
    return {"import": made, "destroy": cloud.control("calls")["total"], "fingerprint": found}


def sample(total: int, number: int) -> list[int]:
    """``number`` calls spread over ``total``."""
    return [1 + (2 * part + 1) * total // (2 * number) for part in range(number)]


def interrupted_import(playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any], call: int, when: str) -> None:
    """Kill an import, run it again, compare, and clean up."""
    killed_at(playbooks, "import", call, when, **IMPORT)
    playbooks("import", **IMPORT)
    assert fingerprint(cloud, "demo") == calls["fingerprint"], f"import killed {when} call {call}"
    playbooks("destroy", **DESTROY)
    assert leftovers(cloud, "demo") == [], f"import killed {when} call {call}"


def interrupted_destroy(playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any], call: int, when: str) -> None:
    """Import, kill a destroy, run it again, and look what is left."""
    playbooks("import", **IMPORT)
    killed_at(playbooks, "destroy", call, when, **DESTROY)
    playbooks("destroy", **DESTROY)
    assert leftovers(cloud, "demo") == [], f"destroy killed {when} call {call}"


@pytest.mark.parametrize(("part", "when"), [(0, "after"), (1, "before"), (2, "after"), (3, "after")])
def test_a_killed_import_is_completed_by_the_next(
    playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any], part: int, when: str
) -> None:
    interrupted_import(playbooks, cloud, calls, sample(calls["import"], 4)[part], when)


@pytest.mark.parametrize(("part", "when"), [(0, "after"), (1, "before"), (2, "after")])
def test_a_killed_destroy_is_completed_by_the_next(
    playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any], part: int, when: str
) -> None:
    interrupted_destroy(playbooks, cloud, calls, sample(calls["destroy"], 3)[part], when)


def test_a_half_made_import_is_destroyed(playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any]) -> None:
    killed_at(playbooks, "import", calls["import"] * 2 // 3, "after", **IMPORT)
    playbooks("destroy", **DESTROY)
    assert leftovers(cloud, "demo") == []


def through_the_storm(playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any], seed: int) -> None:
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


@pytest.mark.parametrize("seed", [1, 2])
def test_import_and_destroy_get_through_a_storm(
    playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any], seed: int
) -> None:
    through_the_storm(playbooks, cloud, calls, seed)


@pytest.mark.soak
def test_every_call_of_import(playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any]) -> None:
    for call in range(1, calls["import"] + 1):
        for when in ("before", "after"):
            interrupted_import(playbooks, cloud, calls, call, when)


@pytest.mark.soak
def test_every_call_of_destroy(playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any]) -> None:
    for call in range(1, calls["destroy"] + 1):
        for when in ("before", "after"):
            interrupted_destroy(playbooks, cloud, calls, call, when)


@pytest.mark.soak
def test_many_storms(playbooks: Playbooks, cloud: Cloud, calls: dict[str, Any]) -> None:
    for seed in range(10, 10 + int(os.environ.get("STATEFUL_STORMS", "20"))):
        through_the_storm(playbooks, cloud, calls, seed)
