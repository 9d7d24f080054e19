"""What a member of the cluster says when it is asked."""

from __future__ import annotations

from scaling.model import ClusterView, Gates

from .truth import MOVING, moment
from .world import GUID, USABLE, World

KEPT_VIEWS = 4


def gates(world: World) -> Gates:
    """The gates now."""
    closed, moving = world.closed, world.moving
    status = "REBUILDING" if world.rebuilding else "REDISTRIBUTING" if moving else "OK"
    unknown = "unknown" in closed
    return Gates(
        io_status="STOPPED" if "io" in closed else "STARTED",
        status=status,
        upgrading=None if unknown else "upgrade" in closed,
        overrides=("skip_scale_down",) if "override" in closed else (),
        moving_data=moving,
        fully_protected=not world.rebuilding,
        versions=frozenset({"4.4.2", "4.4.3"} if "versions" in closed else {"4.4.2"}),
    )


def look(world: World) -> tuple[int, ClusterView]:
    """The cluster now, with the tick at which it was so."""
    if (
        world.views
        and world.views[-1][0] == world.tick
        and world.views[-1][1].time in (None, moment(world.now + world.skew))
    ):
        return world.views[-1]
    in_use = sum(d.size or 0 for host in world.hosts.values() for d in host.disks if d.status in ("ACTIVE", *MOVING))
    view = ClusterView(
        guid=GUID,
        gates=gates(world),
        machines=tuple(host.machine(world.skew) for host in world.hosts.values() if host.boxes),
        clients=tuple(world.clients),
        stripe_data=world.stripe[0],
        stripe_protection=world.stripe[1],
        hot_spare=world.stripe[2],
        total_bytes=int(in_use * USABLE),
        unprovisioned_bytes=max(0, int(in_use * USABLE) - world.provisioned),
        source="",
        time=moment(world.now + world.skew) if world.has_clock else None,
        required_domains=world.required[0],
        required_leaders=world.required[1],
    )
    world.views = [*world.views[1 - KEPT_VIEWS :], (world.tick, view)]
    return world.views[-1]
