"""What state a machine is in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from scaling.health import Kind, health
from scaling.model import Policy
from worlds import NOW, down, draining, inactive, machine, with_drives

ONE = machine(1)


def first_container(**change):
    return replace(ONE, containers=(replace(ONE.containers[0], **change), *ONE.containers[1:]))


ONE_DRIVE_LEAVES = first_container(
    drives=(replace(ONE.drives[0], should_be_active=False, status="PHASING_OUT"), ONE.drives[1])
)


@pytest.mark.parametrize(
    ("one", "kind", "words"),
    [
        (ONE, Kind.HEALTHY, "healthy"),
        (draining(1), Kind.DEACTIVATING, "drives0 is DEACTIVATING"),
        (first_container(state="DEACTIVATING"), Kind.DEACTIVATING, "drives0 is DEACTIVATING"),
        (first_container(state="INACTIVE"), Kind.DEACTIVATING, "drives0 is INACTIVE"),
        (with_drives(ONE, should_be_active=False), Kind.DEACTIVATING, "all drives of drives0 are leaving"),
        (ONE_DRIVE_LEAVES, Kind.UNHEALTHY, "a drive of drives0 is leaving"),
        (down(1, 121), Kind.UNHEALTHY, "DOWN for more than"),
        (down(1, 119), Kind.HEALTHY, "healthy"),
        (with_drives(ONE, status="INACTIVE"), Kind.UNHEALTHY, "INACTIVE although"),
        (machine(1, status="DEGRADED", management_down=False, down_since=NOW - timedelta(days=1)), Kind.HEALTHY, ""),
        (inactive(1), Kind.INACTIVE, "all its containers"),
        (machine(1, state="NEW"), Kind.UNKNOWN, "not known"),
        (with_drives(ONE, status="NEW"), Kind.UNKNOWN, "not known"),
    ],
)
def test_a_machine_is_what_its_containers_and_drives_say(one, kind, words):
    found = health(one, Policy(), NOW)
    assert found.kind is kind
    assert words in found.reason


def test_an_unhealthy_container_outweighs_a_deactivating_one():
    mixed = replace(down(1, 500), containers=(ONE.containers[0], *down(1, 500).containers[1:]))
    mixed = replace(mixed, containers=(replace(mixed.containers[0], state="DEACTIVATING"), *mixed.containers[1:]))
    assert health(mixed, Policy(), NOW).kind is Kind.UNHEALTHY
