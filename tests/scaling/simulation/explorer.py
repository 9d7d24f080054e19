"""Every world that a few machines can come to: each action, a crash at each effect, a lost answer, a view stale by one.

Breadth first from a few beginnings. States are told apart by everything but the names of machines and the hour.
"""

from __future__ import annotations

import json
import pickle
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import EndpointConnectionError
from errors import ClusterUnreachable

from .execution import Execution, Trips, invoke
from .oracle import Broken, Oracle
from .process import Fate, Process
from .told import look
from .world import World

EFFECTS = ("weka:dea", "weka:rem", "dynamodb:Up", "dynamodb:Pu", "autoscaling:S", "autoscaling:Det", "ec2:M", "ec2:T")
GONE, KILLED, LOST = "gone", "killed", "lost"


class Cut(Fate, Trips):
    """Something happens at one effect of an execution: the execution is gone, the task is killed, an answer is lost."""

    def __init__(self, at: int = 0, how: str = "", stale: str = "") -> None:
        self.effects = 0
        self._at = at
        self._how = how
        self._stale = stale
        self.over = False
        self.struck = ""

    def refusal(self, process: Process, call: str, target: str) -> Exception | None:
        if call.startswith(EFFECTS):
            self.effects += 1
            if self.effects == self._at:
                self.struck = call
            if self.effects == self._at and self._how != LOST:
                self.over = self._how == GONE
                process.die()
        return None

    def loss(self, process: Process, call: str, target: str) -> Exception | None:
        if self._how == LOST and self.effects == self._at and call.startswith(EFFECTS):
            self._at = 0
            return ClusterUnreachable(call) if call.startswith("weka") else EndpointConnectionError(endpoint_url=call)
        return None

    def age(self, process: Process, call: str) -> int:
        return int(call == self._stale)


def one_pass(world: World, cut: Cut) -> Oracle:
    """An execution with the cut; raises Broken."""
    oracle = Oracle(world)

    def run(name: str, function: str, event: dict[str, Any]) -> dict[str, Any]:
        return invoke(Process(world, oracle, cut, name, function), event)

    execution = Execution(f"execution-{world.tick}", run, cut)
    for _ in execution.steps:
        if cut.over:
            break
    world.wait(61)
    return oracle


def events(world: World) -> Iterator[tuple[str, Callable[[World], None]]]:
    """What fate, people and time may do next."""
    yield "desired less", lambda w: w.desire(max(0, w.desired - 1))
    yield "desired more", lambda w: w.desire(min(5, w.desired + 1))
    yield "ten minutes", lambda w: w.wait(601)
    yield "upgrade", lambda w: (w.open if "upgrade" in w.closed else w.close)("upgrade")
    yield "pause", lambda w: w.pause(None if "paused" in w.closed else "why")
    for iid, host in world.hosts.items():
        if host.up and host.boxes and all(other.up for other in world.hosts.values() if other.boxes):
            yield f"{iid} hangs", lambda w, iid=iid: w.fall(w.hosts[iid])
            yield f"{iid} dies", lambda w, iid=iid: w.fall(w.hosts[iid], "terminated")
        if host.hung and host.ec2 == "running":
            yield f"{iid} comes back", lambda w, iid=iid: w.rise(w.hosts[iid])
        if host.alive and (host.held or not any(other.held for other in world.hosts.values())):
            yield f"{iid} hold", lambda w, iid=iid: _hold(w, iid)


def _hold(world: World, iid: str) -> None:
    host = world.hosts[iid]
    host.held = not host.held
    host.human = world.touch(host)


def key(world: World) -> tuple[Any, ...]:
    """What tells one state from another."""
    journal = json.loads(world.table.get("journal", {}).get("Document", {}).get("S", "{}"))
    removed = journal.get("removed", {})
    lease = world.table.get("lease", {})
    hosts = sorted(
        (
            host.lifecycle or "",
            host.ec2 or "",
            host.api,
            host.held,
            host.removed,
            host.hung,
            host.iid in removed and removed[host.iid]["acknowledged"] + 1,
            tuple((box.state, box.status, box.down_since is not None) for box in host.boxes),
            tuple((disk.status, disk.wanted, disk.data) for disk in host.disks),
        )
        for host in world.hosts.values()
        if host.lifecycle or host.boxes
    )
    held = "Owner" in lease and int(lease["Expires"]["N"]) >= world.now
    kind = world.stripe, world.policy.max_leaving
    return kind, world.desired, tuple(sorted(world.closed)), held, world.rebuilding, tuple(hosts)


@dataclass(slots=True)
class Explorer:
    """Counts what it saw: states, transitions, effects of passes, crashes."""

    most_states: int
    states: int = 0
    transitions: int = 0
    effects: int = 0
    cuts: int = 0
    mutations: int = 0
    ended: int = 0
    cut_at: set[str] = field(default_factory=set)
    seen: set[tuple[Any, ...]] = field(default_factory=set)
    todo: deque[tuple[bytes, tuple[str, ...]]] = field(default_factory=deque)

    def explore(self, *beginnings: World) -> None:
        """Until there is nothing new, or enough was seen; raises Broken with the path that led there."""
        for world in beginnings:
            self._reached(world, ())
        while self.todo:
            blob, path = self.todo.popleft()
            self.states += 1
            self._passes(blob, path)
            for name, change in events(pickle.loads(blob)):
                world = pickle.loads(blob)
                look(world)
                change(world)
                self._reached(world, (*path, name))

    def _passes(self, blob: bytes, path: tuple[str, ...]) -> None:
        whole = self._pass(blob, path, Cut(), "pass")
        for stale in ("cluster", "group"):
            self._pass(blob, path, Cut(stale=stale), f"pass with a stale {stale}")
        if whole.mutations:
            for at in range(1, whole.effects + 1):
                for how in (GONE, KILLED, LOST):
                    self.cuts += 1
                    self._pass(blob, path, Cut(at, how), f"pass {how} at effect {at}")

    def _pass(self, blob: bytes, path: tuple[str, ...], cut: Cut, name: str) -> Seen:
        world = pickle.loads(blob)
        running = sum(host.ec2 == "running" for host in world.hosts.values())
        try:
            oracle = one_pass(world, cut)
        except Broken as broken:
            broken.add_note(" -> ".join((*path, name)))
            raise
        self.effects += cut.effects
        self.cut_at.add(cut.struck)
        self.mutations += oracle.mutations
        self.ended += sum(host.ec2 == "running" for host in world.hosts.values()) < running
        self._reached(world, (*path, name))
        return Seen(cut.effects, oracle.mutations)

    def _reached(self, world: World, path: tuple[str, ...]) -> None:
        self.transitions += 1
        name = key(world)
        if name not in self.seen and len(self.seen) < self.most_states:
            self.seen.add(name)
            world.views, world.groups = world.views[-1:], world.groups[-1:]
            self.todo.append((pickle.dumps(world), path))


@dataclass(frozen=True, slots=True)
class Seen:
    """Effects and mutations of one pass."""

    effects: int
    mutations: int
