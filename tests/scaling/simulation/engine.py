"""The Cluster port on the world: which member answers, how old its answer is, and what the engine refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from errors import ClusterAnswerUnknown, ClusterRefused, ClusterUnreachable, WrongCluster
from scaling.health import leaving
from scaling.model import ClusterView, Container, Gates, Verdict

from .process import Process
from .told import look
from .truth import Box, Disk, Host
from .world import GUID

Answer = TypeVar("Answer")
ATTEMPTS = 3


class Engine:
    """The cluster as one process reaches it through the addresses that it was given."""

    def __init__(self, process: Process, addresses: Sequence[str], guid: str | None, fence: Callable[[], None]) -> None:
        self._process = process
        self._world = process.world
        self._addresses = list(dict.fromkeys(addresses))
        self._guid = guid
        self._fence = fence

    # Reads

    def view(self, not_before: datetime | None = None) -> ClusterView:
        """The whole cluster, from one member that is not leaving."""
        problem: Exception = ClusterAnswerUnknown("The cluster was not read.")
        for _ in range(ATTEMPTS):
            tick, view = self._read("weka:view", self._told)
            if not_before and view.time and view.time < not_before:
                problem = ClusterAnswerUnknown(f"{view.source} tells of {view.time}")
                self.avoid([view.source])
                continue
            going = [machine.address for machine in view.machines if machine.inactive or leaving(machine)]
            self.avoid(going)
            if view.source not in going:
                self._process.served["cluster"] = self._process.served["gates"] = tick
                return view
            problem = ClusterUnreachable(f"{view.source} leaves the cluster")
        raise problem

    def gates(self) -> Gates:
        """Only the gates."""
        tick, view = self._read("weka:gates", self._told)
        self._process.served["gates"] = tick
        return view.gates

    def avoid(self, addresses: Iterable[str]) -> None:
        """Never speak to these again."""
        gone = set(addresses)
        self._addresses = [address for address in self._addresses if address not in gone]

    def deactivation_check(self, containers: Sequence[Container]) -> Verdict | None:
        """This release cannot be asked."""
        return None

    def _told(self, host: Host) -> tuple[int, ClusterView]:
        look(self._world)
        views = self._world.views
        behind = host.lag + self._process.fate.age(self._process, "cluster")
        tick, view = views[max(0, len(views) - 1 - behind)]
        return tick, replace(view, source=host.address)

    def _read(self, call: str, read: Callable[[Host], Answer]) -> Answer:
        while True:
            host = self._member()
            try:
                return self._process.call(call, lambda host=host: read(host), host.address, others=True)
            except ClusterUnreachable:
                self.avoid([host.address])

    def _member(self) -> Host:
        """The host that answers at the first address; each that does not takes its time to be dropped."""
        while self._addresses:
            address = self._addresses[0]
            host = next((h for h in self._world.hosts.values() if h.address == address and h.up and h.boxes), None)
            if host is None:
                self._world.now += 1
                self.avoid([address])
            elif self._guid not in (None, GUID) or self._process.fate.foreign(self._process, address):
                raise WrongCluster(f"{address} belongs to another cluster")
            else:
                return host
        raise ClusterUnreachable("No address of the cluster can be used any more.")

    # Changes

    def deactivate_drives(self, uuids: Sequence[str]) -> None:
        """One call each."""
        for uuid in uuids:
            self._change("weka:deactivate_drive", uuid, lambda uuid=uuid: self._deactivate_drive(uuid))

    def deactivate_containers(self, containers: Sequence[Container]) -> None:
        """All in one call."""
        ids = {container.id for container in containers}
        self._change("weka:deactivate_containers", str(sorted(ids)), lambda: self._deactivate(ids))

    def remove_drives(self, uuids: Sequence[str]) -> None:
        """One call each; what is gone is fine."""
        for uuid in uuids:
            self._change("weka:remove_drive", uuid, lambda uuid=uuid: self._remove_drive(uuid))

    def remove_container(self, container: Container) -> None:
        """What is gone is fine."""
        self._change("weka:remove_container", str(container.id), lambda: self._remove(container.id))

    def emit(self, message: str) -> None:
        """An event."""
        self._process.call("weka:emit", lambda: self._process.oracle.tells(message), self._member().address)

    def _change(self, call: str, target: str, apply: Callable[[], None]) -> None:
        self._fence()
        self._member()
        try:
            self._process.call(call, apply, target)
        except (ClusterUnreachable, ClusterRefused):
            self._process.trouble.append(f"{call} {target}")
            raise

    def _deactivate_drive(self, uuid: str) -> None:
        host, _, disk = self._disk(uuid)
        self._process.oracle.begins(self._process, host, disk.wanted)
        if disk.wanted:
            disk.wanted, disk.since = False, self._world.now
            if disk.status == "ACTIVE":
                disk.status = "PHASING_OUT"
        self._begun(host)

    def _deactivate(self, ids: set[int]) -> None:
        found = [(host, box) for host in self._world.hosts.values() for box in host.boxes if box.id in ids]
        if len(found) != len(ids):
            raise ClusterRefused("A host does not exist")
        for host, box in found:
            self._process.oracle.begins(self._process, host, box.state == "ACTIVE")
            if box.state == "ACTIVE":
                box.state, box.since = "DEACTIVATING", self._world.now
                for disk in box.disks:
                    if disk.wanted:
                        disk.wanted, disk.since = False, self._world.now
                        disk.status = "PHASING_OUT" if disk.status == "ACTIVE" else disk.status
            self._begun(host)

    def _begun(self, host: Host) -> None:
        tick = self._world.touch(host)
        host.told = self._process.execution
        if host.begun is None:
            host.begun, host.begun_at = self._process.execution, tick

    def _remove_drive(self, uuid: str) -> None:
        try:
            host, box, disk = self._disk(uuid)
        except ClusterRefused:
            return
        if disk.status != "INACTIVE":
            raise ClusterRefused(f"Drive {uuid} is {disk.status}")
        self._process.oracle.forgets(self._process, host)
        box.disks.remove(disk)
        self._world.touch(host)

    def _remove(self, container_id: int) -> None:
        for host in self._world.hosts.values():
            for box in host.boxes:
                if box.id == container_id:
                    if box.state not in ("INACTIVE", "REMOVING"):
                        raise ClusterRefused(f"Host {container_id} is {box.state}")
                    self._process.oracle.forgets(self._process, host)
                    box.state, host.removed = "REMOVING", True
                    self._world.touch(host)

    def _disk(self, uuid: str) -> tuple[Host, Box, Disk]:
        for host in self._world.hosts.values():
            for box in host.boxes:
                for disk in box.disks:
                    if disk.uuid == uuid:
                        return host, box, disk
        raise ClusterRefused(f"Drive {uuid} does not exist")
