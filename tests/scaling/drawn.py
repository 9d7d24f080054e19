"""Clusters, groups and policies by chance, for Hypothesis."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from scaling.model import Policy
from worlds import (
    CALM,
    NOW,
    TB,
    client,
    down,
    draining,
    inactive,
    instance,
    machine,
    member,
    removal,
    with_drives,
    world,
)

KINDS = {
    "healthy": machine,
    "draining": draining,
    "inactive": inactive,
    "down briefly": lambda n: down(n, 10),
    "down long": lambda n: down(n, 600),
    "bad drive": lambda n: with_drives(machine(n), status="INACTIVE"),
    "half drained": lambda n: with_drives(machine(n), should_be_active=False),
    "unknown": lambda n: machine(n, state="NEW_STATE"),
    "no domain": lambda n: machine(n, failure_domain=None),
    "another's domain": lambda n: machine(n, failure_domain="domain-0"),
    "cannot lead": lambda n: machine(n, can_lead=False),
    "no identifier": lambda n: replace(machine(n), machine_identifier=None),
}
MEMBERS = [{}] * 6 + [
    {"owned": False},
    {"held": True},
    {"state": "terminated"},
    {"state": None},
    {"lifecycle": "Standby"},
    {"lifecycle": "Terminating:Wait"},
    {"address": "10.99.0.1"},
    {"lifecycle": "Pending", "launched": NOW - timedelta(minutes=1)},
]
GATES = [CALM] * 8 + [
    replace(CALM, moving_data=True),
    replace(CALM, fully_protected=False, status="REBUILDING"),
    replace(CALM, io_status="STOPPED"),
    replace(CALM, upgrading=None),
    replace(CALM, overrides=("skip_scale_down",)),
    replace(CALM, versions=frozenset({"a", "b"})),
]


@st.composite
def snapshots(draw):
    count = draw(st.integers(0, 14))
    kinds = [draw(st.sampled_from(["healthy"] * 8 + list(KINDS))) for _ in range(count)]
    machines = [KINDS[kind](n) for n, kind in enumerate(kinds)]
    in_group = [n for n in range(count) if draw(st.integers(0, 9))]
    members = [member(n, **draw(st.sampled_from(MEMBERS))) for n in in_group]
    strangers = draw(st.lists(st.integers(100, 104), unique=True, max_size=3))
    members += [member(n, **draw(st.sampled_from(MEMBERS))) for n in strangers]
    journaled = {instance(n): removal(n) for n in strangers if draw(st.booleans())}
    return world(
        machines,
        draw(st.integers(0, 16)),
        members=members,
        removed=journaled,
        starts=(int(NOW.timestamp()) - 5,) * draw(st.integers(0, 22)),
        begun=draw(st.sampled_from([0, 0, 0, 1, 2])),
        gates=draw(st.sampled_from(GATES)),
        paused=draw(st.sampled_from([None] * 9 + ["maintenance"])),
        original_size=draw(st.sampled_from([5, 7, 9])),
        hot_spare=draw(st.sampled_from([0, 0, 1])),
        stripe_data=draw(st.sampled_from([3, 3, 3, 5, None])),
        stripe_protection=draw(st.sampled_from([2, 2, 4, None])),
        unprovisioned_bytes=draw(st.sampled_from([95 * TB, 95 * TB, 40 * TB, 0, None])),
        clients=tuple(client(n, "UP") for n in draw(st.lists(st.integers(0, 14), max_size=2))),
    )


policies = st.builds(
    Policy,
    strict=st.booleans(),
    min_members=st.integers(1, 8),
    max_leaving=st.integers(0, 4),
    max_replacing=st.integers(0, 3),
    max_removals_per_pass=st.integers(0, 5),
    max_removals_per_hour=st.integers(0, 30),
)
quick = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
