"""The world: hosts, the group that keeps their number, the engine that moves data, and time that passes for all of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from scaling.model import Client, ClusterView
from scaling.policy import Policy

from .truth import MOVING, Box, Disk, Host

GUID = "guid-1"
NAME = "demo"
PASSWORD = "correct-horse-battery"
START = 1_800_000_000.0
USABLE = 0.6


@dataclass(slots=True)
class World:
    """Everything there is. `tick` grows with each change; `closed` says since which tick a gate is closed."""

    policy: Policy
    stripe: tuple[int, int, int]
    phase_seconds: float
    rebuild_seconds: float
    original: int | None = None
    required: tuple[int, int] = (5, 5)
    roles: tuple[str, ...] = ("drives0", "compute0")
    disks_each: int = 1
    provisioned: int = 0
    skew: float = 0.0
    has_clock: bool = True
    dead_disks: str = "DOWN"
    hasty: bool = False
    desired: int = 0
    maximum: int = 12
    now: float = START
    tick: int = 0
    counter: int = 0
    hosts: dict[str, Host] = field(default_factory=dict)
    table: dict[str, dict[str, Any]] = field(default_factory=dict)
    closed: dict[str, int] = field(default_factory=dict)
    desires: list[tuple[int, int]] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)
    rebuild_until: float = 0.0
    rebuild_tick: int = 0
    barren: bool = False
    views: list[tuple[int, ClusterView]] = field(default_factory=list)
    groups: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    # Change

    def touch(self, host: Host | None = None) -> int:
        """Something changed."""
        self.tick += 1
        if host:
            host.cached = None
        return self.tick

    def launch(self, lifecycle: str = "Pending", joins_after: float = 120.0, joined: bool = False) -> Host:
        """A new instance in the group."""
        n = self.counter
        self.counter += 1
        host = Host(
            n,
            f"i-{n:017x}",
            f"10.0.0.{n + 1}",
            f"machine-{n}",
            f"domain-{n}",
            self.now,
            f"i-{n:017x}",
            lifecycle=lifecycle,
        )
        self.hosts[host.iid] = host
        if joined:
            self.join(host)
        else:
            host.joins = self.now + joins_after
        self.touch(host)
        return host

    def join(self, host: Host) -> None:
        """Its containers come to the cluster."""
        host.joins = None
        for k, name in enumerate(self.roles):
            disks = [Disk(f"disk-{host.number}-{d}") for d in range(self.disks_each)] if name == "drives0" else []
            host.boxes.append(Box(host.number * 4 + k, name, self.now, disks))
        self.touch(host)

    def desire(self, count: int) -> None:
        """Somebody sets the desired capacity."""
        self.desired = count
        self.desires.append((self.touch(), count))

    def close(self, gate: str) -> None:
        """A gate closes."""
        self.closed.setdefault(gate, self.touch())

    def open(self, gate: str) -> None:
        """It opens again."""
        self.closed.pop(gate, None)
        self.touch()

    def pause(self, reason: str | None) -> None:
        """Somebody pauses scaling, or resumes it."""
        said = None if reason is None else {"since": int(self.now), "by": "arn:aws:iam::1:user/x", "reason": reason}
        self.table["control"] = {"Key": {"S": "control"}, "Document": {"S": json.dumps({"paused": said})}}
        (self.open if reason is None else self.close)("paused")

    def fall(self, host: Host, ec2: str | None = None) -> None:
        """A machine stops to serve: hung, or ended as EC2 says."""
        if ec2:
            host.ec2, host.ended = ec2, self.now
        else:
            host.hung = True
        for box in host.boxes:
            if box.state not in ("INACTIVE", "REMOVING") and box.status != "DOWN":
                box.status, box.down_since = "DOWN", self.now
            for disk in box.disks:
                if disk.data:
                    disk.status = "DOWN"
                    self._rebuild()
        host.worse = self.touch(host)

    def rise(self, host: Host) -> None:
        """A hung machine comes back."""
        host.hung = False
        for box in host.boxes:
            box.status = "UP" if box.state not in ("INACTIVE", "REMOVING") else box.status
            box.down_since = None
            for disk in box.disks:
                if disk.status == "DOWN" and disk.wanted:
                    disk.status, disk.data = "ACTIVE", True
                elif disk.status == "DOWN":
                    disk.status, disk.since = ("PHASING_OUT" if disk.data else "INACTIVE"), self.now
        host.better = self.touch(host)

    def break_disk(self, host: Host, disk: Disk) -> None:
        """A drive fails for good."""
        disk.status, disk.data = "FAILED", False
        self._rebuild()
        host.worse = self.touch(host)

    def _rebuild(self) -> None:
        if not self.rebuilding:
            self.rebuild_tick = self.tick + 1
        self.rebuild_until = self.now + self.rebuild_seconds

    # Time

    def wait(self, seconds: float) -> None:
        """Time passes, and what takes time goes on."""
        self.now += seconds
        rebuilt = not self.rebuilding
        for host in self.hosts.values():
            if host.ec2 == "shutting-down" and host.ended is not None and self.now - host.ended > 30:
                host.ec2 = "terminated"
                self.touch(host)
            if host.boxes:
                self._progress(host, rebuilt)
            elif host.joins is not None and self.now >= host.joins and host.up:
                self.join(host)
            if host.lifecycle == "Pending" and self.now - host.launched > 30:
                host.lifecycle = "InService"
                self.touch(host)
        self._scale()

    def _progress(self, host: Host, rebuilt: bool) -> None:
        for box in host.boxes:
            for disk in box.disks:
                if disk.status == "PHASING_OUT" and not disk.stuck and self.now - disk.since >= self.phase_seconds:
                    disk.status, disk.data = "INACTIVE", False
                    self.touch(host)
                elif disk.status == "DOWN" and rebuilt:
                    disk.data = False
                    if not disk.wanted and self.dead_disks == "INACTIVE":
                        disk.status = "INACTIVE"
                        self.touch(host)
            emptied = self.hasty or not any(disk.data for disk in box.disks)
            if box.state == "DEACTIVATING" and emptied and not box.stuck and self.now - box.since >= 10:
                box.state = "INACTIVE"
                box.status = "INACTIVE" if host.up else "DOWN"
                self.touch(host)
        if any(box.state == "REMOVING" for box in host.boxes):
            host.boxes = [box for box in host.boxes if box.state != "REMOVING"]
            self.touch(host)

    def _scale(self) -> None:
        """Auto Scaling launches what is missing; what is too much is protected from it."""
        alive = [host for host in self.hosts.values() if host.lifecycle in ("Pending", "InService")]
        for _ in range(min(2, min(self.desired, self.maximum) - len(alive))):
            self.launch(joins_after=10**9 if self.barren else 90)

    def end(self, host: Host) -> None:
        """EC2 ends an instance."""
        if host.ec2 == "running":
            self.fall(host, "shutting-down")

    # What the engine says of itself

    @property
    def rebuilding(self) -> bool:
        """Data is written anew because something failed."""
        return self.now < self.rebuild_until

    @property
    def moving(self) -> bool:
        """Data moves, whatever the reason."""
        return self.rebuilding or any(disk.status in MOVING for host in self.hosts.values() for disk in host.disks)
