"""Worlds to begin with."""

from __future__ import annotations

import random
from dataclasses import asdict

from scaling.policy import Policy

from .table import first_items
from .truth import TB
from .world import USABLE, World


def world_of(
    members: int, desired: int, policy: Policy, stripe: tuple[int, int, int] = (3, 2, 0), **more: object
) -> World:
    """A healthy cluster with that many members, all of them old."""
    world = World(policy=policy, stripe=stripe, **{"phase_seconds": 120.0, "rebuild_seconds": 300.0, **more})  # type: ignore[arg-type]
    world.original = members
    for _ in range(members):
        host = world.launch("InService", joined=True)
        host.launched -= 86_400
        for box in host.boxes:
            box.added -= 86_400 - host.number
    world.table = first_items(
        {name: value for name, value in asdict(policy).items() if value is not None}, world.original
    )
    world.desire(desired)
    return world


def drawn(chance: random.Random) -> World:
    """A world by chance: mostly one with something to do."""
    members = chance.choice((6, 7, 7, 8, 8, 9))
    policy = Policy(
        strict=chance.random() < 0.15,
        max_leaving=chance.choice((1, 2, 2, 2, 3)),
        max_removals_per_pass=chance.choice((1, 2, 2, 3)),
        max_removals_per_hour=chance.choice((2, 4, 20)),
    )
    roles = chance.choice(
        (("drives0",), ("drives0", "compute0"), ("drives0", "compute0"), ("drives0", "compute0", "frontend0"))
    )
    disks = chance.choice((1, 1, 2))
    has_clock = chance.random() < 0.9
    return world_of(
        members,
        members - chance.choice((0, 0, 1, 1, 2, 2, 3)),
        policy,
        stripe=chance.choice(((3, 2, 0), (3, 2, 1), (4, 2, 0), (3, 4, 0))),
        roles=roles,
        disks_each=disks,
        provisioned=int(chance.choice((0.1, 0.4, 0.6, 0.85)) * members * disks * TB * USABLE),
        phase_seconds=chance.choice((20.0, 90.0, 400.0)),
        rebuild_seconds=chance.choice((60.0, 300.0, 1500.0)),
        skew=chance.choice((0.0, 0.0, 5.0, -45.0, 3000.0, -90_000.0)) if has_clock else 0.0,
        has_clock=has_clock,
        hasty=chance.random() < 0.2,
        dead_disks=chance.choice(("DOWN", "INACTIVE")),
    )
