"""Import and destroy, killed at an AWS call and run again, end like an undisturbed run with nothing orphaned."""

from __future__ import annotations

from typing import Any

import pytest

from local_cloud.account import fingerprint, leftovers
from local_cloud.client import Cloud
from tests.integration.conftest import Playbooks
from tests.integration.interrupting import killed_at

IMPORT = {"cluster": "demo"}
DESTROY = {"cluster": "demo", "confirm": "demo"}


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
