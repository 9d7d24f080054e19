"""What people, machines and AWS do of their own accord, in any moment."""

from __future__ import annotations

import random
from collections.abc import Callable

from scaling.model import Client

from .truth import Host
from .world import World

MOST_DOWN = 2


class Fortune:
    """Draws events. Only `active` ones happen; `tell` writes each into the history."""

    def __init__(self, chance: random.Random, world: World, active: set[str], tell: Callable[[str], None]) -> None:
        self._chance = chance
        self._world = world
        self._tell = tell
        self._events = [name for name in EVENTS if name in active]

    def strike(self) -> None:
        """One event, if one can happen."""
        if not self._events:
            return
        name = self._chance.choice(self._events)
        told = EVENTS[name](self)
        if told:
            self._tell(f"{name}: {told}")

    def _any(self, *which: Callable[[Host], bool]) -> Host | None:
        found = [host for host in self._world.hosts.values() if all(test(host) for test in which)]
        # The first ones are those that passes take first.
        return self._chance.choice(found[:2] if self._chance.random() < 0.4 else found) if found else None

    def _desire(self) -> str:
        members = sum(1 for host in self._world.hosts.values() if host.lifecycle in ("Pending", "InService"))
        count = max(0, members + self._chance.choice((-3, -2, -2, -1, -1, -1, 0, 1, 1, 2)))
        self._world.desire(min(count, self._world.maximum))
        return str(count)

    def _fall(self, ec2: str | None = None) -> str:
        host = self._any(lambda h: h.up and bool(h.boxes))
        if host is None or sum(not h.up for h in self._world.hosts.values() if h.boxes) >= MOST_DOWN:
            return ""
        self._world.fall(host, ec2)
        return host.iid

    def _rise(self) -> str:
        host = self._any(lambda h: h.hung and h.ec2 == "running")
        if host:
            self._world.rise(host)
        return host.iid if host else ""

    def _break(self) -> str:
        host = self._any(lambda h: any(d.data for d in h.disks))
        if host:
            self._world.break_disk(host, self._chance.choice([d for d in host.disks if d.data]))
        return host.iid if host else ""

    def _stick(self) -> str:
        host = self._any(lambda h: h.leaving)
        for thing in [*host.boxes, *host.disks] if host else ():
            thing.stuck = True
        return host.iid if host else ""

    def _gate(self, gate: str) -> str:
        (self._world.open if gate in self._world.closed else self._world.close)(gate)
        return "closed" if gate in self._world.closed else "open"

    def _pause(self) -> str:
        self._world.pause(None if "paused" in self._world.closed else "maintenance")
        return str("paused" in self._world.closed)

    def _hold(self) -> str:
        return self._human(lambda h: setattr(h, "held", not h.held), lambda h: h.lifecycle is not None)

    def _standby(self) -> str:
        def turn(host: Host) -> None:
            host.lifecycle = "InService" if host.lifecycle == "Standby" else "Standby"

        return self._human(turn, lambda h: h.lifecycle in ("InService", "Standby") and h.ec2 == "running")

    def _detach(self) -> str:
        return self._human(lambda h: setattr(h, "lifecycle", None), lambda h: h.lifecycle == "InService")

    def _disown(self) -> str:
        return self._human(lambda h: setattr(h, "owned", not h.owned), lambda h: h.lifecycle is not None)

    def _warm(self) -> str:
        return self._human(
            lambda h: setattr(h, "lifecycle", "Terminating:Wait"), lambda h: h.alive, lambda h: h.leaving
        )

    def _human(self, change: Callable[[Host], None], *which: Callable[[Host], bool]) -> str:
        host = self._any(*which)
        if host is None:
            return ""
        change(host)
        host.human = self._world.touch(host)
        return host.iid

    def _identity(self) -> str:
        host = self._any(lambda h: bool(h.boxes))
        other = self._any(lambda h: h is not host)
        if host is None or other is None:
            return ""
        what = self._chance.choice(("identifier", "shown", "size", "domain", "client"))
        if what == "identifier":
            host.identifier = None
        elif what == "shown":
            host.shown = self._chance.choice((None, other.iid))
        elif what == "domain":
            host.domain = other.domain
            host.worse = self._world.tick + 1
        elif what == "size":
            for disk in host.disks:
                disk.size = None
            host.worse = self._world.tick + 1
        else:
            self._world.clients.append(Client(host.address, "UP", False))
        self._world.touch(host)
        return f"{what} of {host.iid}"

    def _recycle(self) -> str:
        """A new instance has the address of one that is gone, whose record the cluster still has."""
        dead = self._any(lambda h: h.ec2 == "terminated" and bool(h.boxes))
        young = self._any(lambda h: not h.boxes and h.joins is not None)
        if dead is None or young is None:
            return ""
        young.address = dead.address
        self._world.touch(young)
        return f"{young.iid} has {dead.address}"

    def _lag(self) -> str:
        host = self._any(lambda h: h.up)
        if host:
            host.lag = self._chance.choice((0, 1, 2))
        return f"{host.iid} is {host.lag} behind" if host else ""

    def _rejoin(self) -> str:
        host = self._any(lambda h: h.removed and h.alive and not h.boxes)
        if host:
            self._world.join(host)
            host.removed, host.back, host.begun = False, True, None
            host.human = host.worse = self._world.touch(host)
        return host.iid if host else ""

    def _state(self) -> str:
        host = self._any(lambda h: h.sound)
        if host:
            host.boxes[0].state = "RECONFIGURING"
            host.worse = self._world.touch(host)
        return host.iid if host else ""

    def _barren(self) -> str:
        self._world.barren = not self._world.barren
        return str(self._world.barren)


EVENTS: dict[str, Callable[[Fortune], str]] = {
    "desired": Fortune._desire,
    "hangs": Fortune._fall,
    "dies": lambda self: self._fall("terminated"),
    "comes back": Fortune._rise,
    "drive fails": Fortune._break,
    "gets stuck": Fortune._stick,
    "upgrade": lambda self: self._gate("upgrade"),
    "io": lambda self: self._gate("io"),
    "override": lambda self: self._gate("override"),
    "versions": lambda self: self._gate("versions"),
    "unknown gates": lambda self: self._gate("unknown"),
    "pause": Fortune._pause,
    "hold": Fortune._hold,
    "standby": Fortune._standby,
    "detached by hand": Fortune._detach,
    "tag lost": Fortune._disown,
    "terminating by hand": Fortune._warm,
    "identity": Fortune._identity,
    "address recycled": Fortune._recycle,
    "member lags": Fortune._lag,
    "unknown state": Fortune._state,
    "never joins": Fortune._barren,
    "joins again by hand": Fortune._rejoin,
}
