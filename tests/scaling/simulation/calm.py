"""After the trouble: what must come about, or be told, when nothing stands in the way any more."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .oracle import Broken
from .truth import Host
from .world import USABLE, World

if TYPE_CHECKING:
    from .simulation import Run

MOST_PASSES = 30
LONG = 4 * 3600


def settle(run: Run) -> None:
    """Let passes go on without faults until nothing changes any more; raises Broken when a promise about that breaks."""
    _clear(run)
    quiet, long_ago = 0, False
    for _ in range(MOST_PASSES):
        before = run.oracle.mutations
        execution = run.start()
        run.advance(execution)
        if execution.held:
            raise Broken("L3", "nobody is at work, and the lease is still held")
        quiet = 0 if run.oracle.mutations > before or run.world.moving else quiet + 1
        if quiet == 2 and long_ago:
            _settled(run.world)
            return
        if quiet == 1 and not long_ago:
            quiet, long_ago = 0, True
            run.wait(LONG)
        elif quiet == 0:
            long_ago = False
        run.wait(420)
    raise Broken("L5", f"after {MOST_PASSES} passes without any event something is still changed")


def _clear(run: Run) -> None:
    """Nobody does anything any more, and the gates are open; what people have held stays so."""
    run.oracle.event("calm")
    run.storm.calm = True
    for execution in list(run.pending):
        run.advance(execution)
    world = run.world
    for gate in list(world.closed):
        if gate != "paused":
            world.open(gate)
    world.pause(None)
    for host in world.hosts.values():
        host.lag = 0
        if host.boxes and host.boxes[0].state == "RECONFIGURING":
            host.boxes[0].state = "ACTIVE"
        for thing in (*host.boxes, *host.disks):
            thing.stuck = False
        world.touch(host)
    run.wait(600)


def _settled(world: World) -> None:
    members = [h for h in world.hosts.values() if h.alive]
    for host in members:
        if not host.api and not host.removed and not host.back:
            raise Broken("S7", f"{host.iid} works in the end and is not protected")
        if host.removed and _untouched(host) and _identified(host, world):
            raise Broken("L1", f"{host.iid} was removed from the cluster and still runs")
        if host.going and _untouched(host) and _identified(host, world) and not _told(world):
            raise Broken("L2", f"{host.iid} never got out, and the report does not say why")
        if host.back and not host.inactive and host.shown == host.iid and not _told(world, host.iid):
            raise Broken("S13", f"{host.iid} was removed and is at work again, and the report does not say so")
    dead = [h for h in members if h.down and not h.back and all(box.status != "UP" for box in h.boxes)]
    for host in dead:
        if _can_be_replaced(host, members, world):
            raise Broken("L1", f"{host.iid} is dead and could be replaced")
    surplus = [h for h in members if h.shown == h.iid and h.boxes and not h.leaving and not h.inactive and not h.back]
    # Who is down goes first, so that no other leaves in the place of one that somebody keeps.
    if len(surplus) - sum(h.down and not _untouched(h) for h in surplus) <= world.desired:
        return
    able = [h for h in surplus if _can_go(h, surplus, world)]
    if able:
        raise Broken("L1", f"{len(surplus)} members, {world.desired} desired, and {able[0].iid} could go")
    if not _told(world):
        raise Broken("L2", f"{len(surplus)} members, {world.desired} desired, and the report does not say why")


def _told(world: World, iid: str | None = None) -> bool:
    """Whether the last report gives a reason for anything, or for that machine."""
    report = json.loads(world.table.get("report", {}).get("Document", {}).get("S", "{}"))
    if iid:
        return any(held["machine"] == iid for held in report.get("held_back", ()))
    return bool(report.get("held_back") or report.get("gate") or report.get("errors"))


def _untouched(host: Host) -> bool:
    return host.owned and not host.held and host.lifecycle == "InService"


def _identified(host: Host, world: World) -> bool:
    shared = [
        h
        for h in world.hosts.values()
        if h is not host and h.boxes and (h.address == host.address or h.shown == host.shown)
    ]
    clients = [c for c in world.clients if c.address == host.address]
    return bool(host.identifier) and host.shown == host.iid and not shared and not clients


def _can_go(host: Host, members: list[Host], world: World) -> bool:
    """Whether every promise allows this one to begin to leave, now that nothing moves."""
    hosts, policy = world.hosts.values(), world.policy
    going = sum(h.leaving or h.down for h in hosts)
    if (
        not host.sound
        or (going or _on_the_way_out(hosts))
        and policy.strict
        or going + 1 > min(policy.max_leaving, world.stripe[1])
    ):
        return False
    needed = max(sum(world.stripe), policy.min_members, (world.original or 0) if policy.strict else 0)
    return _can_be_spared(host, members, world, needed)


def _can_be_replaced(host: Host, members: list[Host], world: World) -> bool:
    """Whether every promise allows this one, which does not serve any more, to begin to leave."""
    hosts, policy = world.hosts.values(), world.policy
    if (
        any(h.leaving for h in hosts)
        or (policy.strict and _on_the_way_out(hosts))
        or not min(policy.max_leaving, policy.max_replacing)
    ):
        return False
    if sum(h.leaving or h.down for h in hosts) > world.stripe[1]:
        return False
    return _can_be_spared(host, members, world, world.stripe[0] + world.stripe[1])


def _on_the_way_out(hosts: Iterable[Host]) -> bool:
    """Somebody keeps a machine that has left the cluster, or took it back; with strict the next one waits for it."""
    return any(host.alive and (host.back or host.inactive and (host.boxes or host.removed)) for host in hosts)


def _can_be_spared(host: Host, members: list[Host], world: World, needed: int) -> bool:
    if not (_untouched(host) and _identified(host, world)) or world.moving:
        return False
    stay = [h for h in members if h is not host and h.sound and h.shown == h.iid]
    sizes = [d.size for h in world.hosts.values() for d in h.disks]
    room = sum(d.size or 0 for h in stay for d in h.disks if d.status == "ACTIVE") * USABLE
    return (
        len(stay) >= max(needed, world.required[1])
        and len({h.domain for h in stay}) >= world.required[0]
        and None not in sizes
        and world.provisioned < room * world.policy.capacity_threshold
    )
