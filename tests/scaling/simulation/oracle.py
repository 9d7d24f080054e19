"""Watches every change in the world and says when a promise breaks. It shares no code with the invariants.

A promise is judged by what the actor could know: what fate or people did after the answer that it was given does not
count against it. What passes themselves did does, unless the member that answered did not know of it yet.
"""

from __future__ import annotations

import json

from .process import Process
from .truth import TB, Host
from .world import PASSWORD, USABLE, World

# Clocks of functions differ by this much in the simulation, so ages are judged with as much patience.
CLOCKS = 30
HOUR = 3600


class Broken(BaseException):
    """A promise broke. No code of the functions may catch it."""

    def __init__(self, promise: str, what: str) -> None:
        super().__init__(f"{promise}: {what}")
        self.promise = promise
        self.history: list[tuple[float, str, str, str, str]] = []


class Oracle:
    """The promises of one run, and the history that led to where it is."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.history: list[tuple[float, str, str, str, str]] = []
        self.mutations = 0
        self.effects = 0
        self._starts: list[tuple[float, str]] = []

    def note(self, process: Process, what: str, target: str = "") -> None:
        """A line of the history."""
        self.effects += 1
        self.history.append((self.world.now, process.execution, process.function, what, target))

    def event(self, what: str) -> None:
        """Something that no pass did."""
        self.history.append((self.world.now, "", "", what, ""))

    # What every change must respect

    def _acts(self, process: Process, host: Host | None) -> None:
        self.mutations += 1
        lease = self.world.table.get("lease", {})
        owner, fence = lease.get("Owner", {}).get("S"), int(lease.get("Fence", {"N": "0"})["N"])
        if owner != process.execution or fence != process.fence:
            raise Broken(
                "S8", f"{process.execution} acts with fence {process.fence}, the lease is {owner}'s with {fence}"
            )
        if int(lease["Expires"]["N"]) < self.world.now - CLOCKS:
            raise Broken("S8", f"{process.execution} acts on a lease that ended at {lease['Expires']['N']}")
        for gate, tick in self.world.closed.items():
            people = gate in ("paused", "override")
            if tick <= process.served.get("control" if gate == "paused" else "gates", -1):
                raise Broken("S14" if people else "S9", f"the gate {gate} is closed, and that was told")
        if host and host.ec2 == "running" and host.human <= process.served.get("group", -1):
            if host.held or "Standby" in (host.lifecycle or ""):
                raise Broken("S14", f"{host.iid} is held or {host.lifecycle}, and that was told")
            if host.lifecycle and not host.owned:
                raise Broken("S5", f"{host.iid} is not ours, and that was told")

    def writes(self, process: Process, key: str) -> None:
        """The journal or the report is replaced."""
        lease = self.world.table["lease"]
        if key == "journal" and int(lease["Fence"]["N"]) != process.fence:
            raise Broken("S8", f"{process.execution} writes the journal with an older fence")
        if key == "report" and int(self.world.table.get(key, {"Fence": {"N": "0"}})["Fence"]["N"]) > (
            process.fence or 0
        ):
            raise Broken("S8", f"{process.execution} replaces the report of a later pass")
        if PASSWORD in repr(self.world.table):
            raise Broken("S12", "the table holds the password")

    def tells(self, message: str) -> None:
        """The cluster's event log."""
        if PASSWORD in message:
            raise Broken("S12", "the cluster's events hold the password")

    # Drain

    def begins(self, process: Process, host: Host, is_new: bool) -> None:
        """A drive or container is told to leave."""
        self._acts(process, host)
        group, cluster = process.served.get("group", -1), process.served.get("cluster", -1)
        if not host.alive and "Standby" not in (host.lifecycle or "") and host.human <= group and host.worse <= cluster:
            down = [box.down_since for box in host.boxes if box.state == "ACTIVE"]
            least = self.world.policy.kick_out_after_minutes * 60 - CLOCKS
            if any(since is None or self.world.now - since < least for since in down):
                raise Broken("S5", f"{host.iid} is not in the group, and works or was down for a moment only")
        if is_new and not host.leaving:
            journal = json.loads(self.world.table["journal"]["Document"]["S"])
            if host.iid in journal["removed"] and host.worse <= cluster:
                raise Broken("S11", f"{host.iid} was removed, came back, and is drained as if nothing had been")
            self._starting(process, host)

    def _starting(self, process: Process, host: Host) -> None:
        world, policy = self.world, self.world.policy
        self._calm(process)
        self._starts.append((world.now, process.execution))
        if sum(world.now - at < HOUR - CLOCKS for at, _ in self._starts) > policy.max_removals_per_hour:
            raise Broken("S4", "too many drains began within an hour")
        if sum(execution == process.execution for _, execution in self._starts) > policy.max_removals_per_pass:
            raise Broken("S4", "too many drains began in one pass")
        seen = process.served.get("cluster", -1)
        missing = [
            h
            for h in world.hosts.values()
            if h is not host and (_shown(h, process) or ((h.leaving or h.down) and not h.begun and h.worse <= seen))
        ]
        fell = host.down or host.better > seen
        if len(missing) + 1 > (world.stripe[1] if fell else min(policy.max_leaving, world.stripe[1])):
            raise Broken("S4", f"{len(missing) + 1} machines leave or are down")
        going = [h for h in missing if h.leaving and not h.odd]
        if len(going) + 1 > policy.max_leaving:
            raise Broken("S4", f"{len(going) + 1} machines leave")
        if policy.strict and (going if fell else missing):
            raise Broken("S4", "strict lets one machine go at a time")
        if host.alive:
            self._voluntary(process, host)

    def _calm(self, process: Process) -> None:
        seen = process.served.get("gates", -1)
        if self.world.rebuilding and self.world.rebuild_tick <= seen:
            raise Broken("S9", "a drain begins during a rebuild")
        for host in self.world.hosts.values():
            if (
                _shown(host, process)
                and host.told != process.execution
                and any(d.status == "PHASING_OUT" for d in host.disks)
            ):
                raise Broken("S9", f"a drain begins while that of {host.iid} moves data")

    def _voluntary(self, process: Process, host: Host) -> None:
        world, policy = self.world, self.world.policy
        seen, told = process.served.get("cluster", -1), process.served.get("group", -1)
        sick = any(d.status != "ACTIVE" or not d.wanted for d in host.disks) or any(
            b.down_since is not None and world.now - b.down_since > policy.unhealthy_after_minutes * 60 - CLOCKS
            for b in host.boxes
        )
        if host.worse > seen or not (sick or host.better > seen):
            alive = [h for h in world.hosts.values() if h.alive or max(h.worse, h.human) > told]
            out = sum(
                h is host or ((h.going or h.removed or (bool(h.boxes) and h.inactive)) and not _hidden(h, process))
                for h in alive
            )
            if out > max(0, len(alive) - self._least_desired(told)):
                raise Broken("S6", f"{out} leave, {len(alive)} are alive and {world.desired} desired")
        left = [
            h
            for h in world.hosts.values()
            if h is not host and h.boxes and (_hidden(h, process) or not (h.inactive or h.going))
            if h.lifecycle in ("Pending", "InService") or h.human > told
            if h.sound or h.worse > seen or _hidden(h, process)
        ]
        needed = world.stripe[0] + world.stripe[1]
        if (host.sound and host.better <= seen) or (host.worse > seen and not sick):
            needed = max(needed + world.stripe[2], policy.min_members, self.original or 0)
        if len(left) < needed:
            raise Broken("S2", f"{len(left)} sound machines stay of {needed} needed")
        if (
            len({h.iid if h.worse > seen else h.domain for h in left}) < world.required[0]
            or len(left) < world.required[1]
        ):
            raise Broken("S2", "too few failure domains or leaders stay")
        stay = sum(
            TB if h.worse > seen else d.size or 0
            for h in world.hosts.values()
            for d in h.disks
            if h is not host and not _shown(h, process)
            if d.status == "ACTIVE" or h.worse > seen or _hidden(h, process)
        )
        if world.provisioned > stay * USABLE * policy.capacity_threshold + 1:
            raise Broken("S3", f"{world.provisioned} bytes do not fit on {stay} bytes of drives")

    @property
    def original(self) -> int | None:
        """The size at the import, when it counts."""
        return self.world.original if self.world.policy.strict else None

    def _least_desired(self, since: int) -> int:
        before = [count for tick, count in self.world.desires if tick <= since]
        return min([*before[-1:], *(count for tick, count in self.world.desires if tick > since)])

    # Removal, and the end

    def forgets(self, process: Process, host: Host) -> None:
        """A drive or container is removed from the cluster."""
        self._acts(process, host if host.lifecycle else None)
        self._settled(process)
        if not host.empty and host.worse <= process.served.get("cluster", -1):
            raise Broken("S1", f"a part of {host.iid} is removed although it is not empty")

    def _settled(self, process: Process) -> None:
        seen = process.served.get("gates", -1)
        if self.world.policy.strict and self.world.rebuilding and self.world.rebuild_tick <= seen:
            raise Broken("S9", "strict waits for a rebuild before anything is removed or terminated")

    def _proven(self, process: Process, host: Host, promise: str) -> None:
        self._acts(process, host)
        self._settled(process)
        if host.worse > process.served.get("cluster", -1):
            return
        if not host.empty:
            raise Broken(promise, f"{host.iid} still has containers at work or drives with data")
        if not host.removed:
            raise Broken(promise, f"{host.iid} was never removed from the cluster")
        if host.lifecycle != "InService" and host.human <= process.served.get("group", -1):
            raise Broken("S5", f"{host.iid} is {host.lifecycle} in the group, and that was told")

    def opens(self, process: Process, host: Host) -> None:
        """A protection goes off."""
        if host.ec2 == "running":
            self._proven(process, host, "S7")

    def ends(self, process: Process, host: Host) -> None:
        """The instance is terminated; one that ends already is not harmed."""
        if host.ec2 == "running":
            self._proven(process, host, "S1")

    def detaches(self, process: Process, host: Host) -> None:
        """The instance leaves the group without one less being wanted."""
        self._acts(process, host)
        if host.ec2 == "running":
            raise Broken("S1", f"{host.iid} runs and is detached")


def _hidden(host: Host, process: Process) -> bool:
    """An earlier pass began its drain, and the member that answered did not know of it yet."""
    earlier = host.begun is not None and host.begun != process.execution
    return earlier and host.begun_at > process.served.get("cluster", -1)


def _shown(host: Host, process: Process) -> bool:
    """It is on its way out, and the actor did that itself or was shown it."""
    return host.going and not _hidden(host, process)
