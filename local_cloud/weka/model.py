"""A WEKA cluster. Nothing here changes by itself: `transitions.advance` lets time pass."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from .auth import Users
from .faults import Faults
from .parts import Container, Drive, Machine, MachineSpec, Node, Timing

__all__ = ["Cluster", "Container", "Drive", "Machine", "MachineSpec", "Node", "Timing", "usable_bytes"]

NODES_PER_HOST = 20  # a backend's node id is 20 * host id + slot
FIRST_CLIENT_NODE = 15000  # seen on a real 5.1.27 cluster: a client's nodes do not follow its host id


class Cluster:
    """One cluster. Every reader and writer holds `lock`; every change goes through `touch`."""

    def __init__(
        self,
        name: str,
        *,
        guid: str | None = None,
        release: str = "5.1.27",
        stripe: tuple[int, int] = (3, 2),
        hot_spare: int = 1,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.guid = guid or str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
        self.release = release
        self.stripe = stripe
        self.hot_spare = hot_spare
        self.clock = clock
        self.skew_s = 0.0
        self.lock = threading.RLock()
        self.revision = 0
        self.timing = Timing()
        self.users = Users(clock)
        self.faults = Faults()
        self.io_status = "STARTED"
        self.upgrade = ""
        self.leadership_required = 5
        self.leader: int | None = None  # the host id that leads while it is reliable; else the first one
        self.formed = clock()
        self.machines: dict[str, Machine] = {}
        self.containers: dict[int, Container] = {}
        self.drives: dict[int, Drive] = {}
        self.filesystems: dict[str, int] = {}
        self.overrides: dict[int, dict[str, Any]] = {}
        self.interface_groups: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.rebuilding: dict[str, float] = {}  # failure domain -> when its rebuild began
        self.certificate = ""
        self.private_key = ""
        self.on_power: Callable[[Machine], None] = lambda machine: None  # told when a machine goes down or comes up
        self._next = {"host": 0, "disk": 0, "client_node": FIRST_CLIENT_NODE, "override": 0}

    def touch(self) -> None:
        """Note that the state is another one than before."""
        self.revision += 1

    def next_id(self, kind: str, step: int = 1) -> int:
        """A number never given before; `kind` is host, disk, client_node or override."""
        value = self._next[kind]
        self._next[kind] += step
        return value

    def record(self, kind: str, description: str, severity: str = "INFO", category: str = "Events") -> None:
        """Append an event."""
        self.events.append(
            {"at": self.clock(), "type": kind, "description": description, "severity": severity, "category": category}
        )

    def expect_hosts(self, count: int) -> None:
        """Keep the node ids of so many containers free of clients'."""
        self._next["client_node"] = max(FIRST_CLIENT_NODE, count * NODES_PER_HOST)

    def add_container(
        self,
        machine: Machine,
        name: str,
        role: str,
        *,
        cores: int,
        memory: int,
        port: int,
        failure_domain: str | None = None,
        status: str = "UP",
    ) -> Container:
        """A new container of a machine; role is DRIVES, COMPUTE, FRONTEND, or CLIENT for a stateless client."""
        now, client = self.clock(), role == "CLIENT"
        host_id = self.next_id("host")
        domain = "" if client else failure_domain or machine.failure_domain
        container = Container(
            host_id,
            name,
            machine,
            "client" if client else "backend",
            role,
            cores,
            memory,
            port,
            domain,
            now,
            status=status,
            changed=None if status == "UP" else now,
        )
        first = self.next_id("client_node", cores + 1) if client else host_id * NODES_PER_HOST
        work = "FRONTEND" if client else role
        container.nodes = [
            Node(first + slot, slot, "MANAGEMENT" if slot == 0 else work, now) for slot in range(cores + 1)
        ]
        self.containers[host_id] = container
        self.touch()
        return container

    def add_drive(self, container: Container, device: str, size_bytes: int, status: str = "PHASING_IN") -> Drive:
        """A new disk of a drive container, spread over its DRIVES nodes."""
        now, disk_id = self.clock(), self.next_id("disk")
        node = container.nodes[1 + disk_id % container.cores]
        drive = Drive(
            disk_id,
            container.host_id,
            node.node_id,
            container.failure_domain,
            container.machine.hostname,
            device,
            size_bytes,
            now,
            now,
            status,
        )
        self.drives[disk_id] = drive
        self.touch()
        return drive

    def backends(self) -> list[Container]:
        return [c for c in self.containers.values() if c.mode == "backend"]

    def present_drives(self) -> list[Drive]:
        """The disks that are not removed."""
        return [d for d in self.drives.values() if d.removed is None]

    def drives_of(self, host_ids: Iterable[int]) -> list[Drive]:
        wanted = set(host_ids)
        return [d for d in self.present_drives() if d.host_id in wanted]

    def machine_at(self, address: str) -> Machine | None:
        """The machine at an address: the running one when the address was used before by one that died."""
        found = [m for m in self.machines.values() if m.address == address]
        return next((m for m in found if m.up), found[0] if found else None)

    def containers_of(self, machine: Machine) -> list[Container]:
        return [c for c in self.containers.values() if c.machine is machine]

    @property
    def provisioned_bytes(self) -> int:
        return sum(self.filesystems.values())


def usable_bytes(cluster: Cluster, drives: Iterable[Drive]) -> tuple[int, int]:
    """Net capacity and hot spare in bytes of some disks: raw * (N-HS)/N * D/(D+P) * 0.9 over N failure domains.

    (Checked against a real cluster: 16 disks of 2.5 TB on 8 machines with 5+2 and one hot spare show 20.45 TiB.)
    """
    kept = list(drives)
    domains = len({d.failure_domain for d in kept})
    if domains <= cluster.hot_spare:
        return 0, 0
    data, protection = cluster.stripe
    share = sum(d.size_bytes for d in kept) / domains * data / (data + protection) * 0.9
    return int(share * (domains - cluster.hot_spare)), int(share * cluster.hot_spare)
