"""The clusters of a process by stack name, and the machines under them: they form, join, die and come back."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from .backend import INSTALLER, respond
from .certificate import self_signed, server_context
from .model import Cluster, Machine, MachineSpec, usable_bytes
from .server import Listeners
from .sizes import GB, size_of
from .transitions import advance, machine_down, machine_up
from .web import Response

PORT = 14000
CONTAINERS = (("drives0", "DRIVES", 14000), ("compute0", "COMPUTE", 15000), ("frontend0", "FRONTEND", 16000))
DRIVES_MEMORY = 1570 * 10**6
CLIENT_MEMORY = 5920 * 10**6
CLIENT_CORES = 4
AUTO_REMOVE_S = 86400  # WEKA's default for a stateless client
PROVISIONED_SHARE = 0.4
MIN_BACKENDS = 5


class Registry:
    """All simulated clusters of this process. Without `listen` they exist, but no socket does."""

    def __init__(self, port: int = PORT, *, listen: bool = True, clock: Callable[[], float] = time.time) -> None:
        self.port = port
        self.installer = INSTALLER
        self.clusters: dict[str, Cluster] = {}
        self._clock = clock
        self._listeners = Listeners(port) if listen else None
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.RLock()

    def get(self, stack: str) -> Cluster:
        """The cluster of a stack. KeyError when there is none."""
        return self.clusters[stack]

    def form(
        self,
        stack: str,
        machines: Sequence[MachineSpec],
        *,
        username: str = "admin",
        password: str,
        clients: Sequence[MachineSpec] = (),
        guid: str | None = None,
        release: str = "5.1.27",
        stripe: tuple[int, int] | None = None,
        hot_spare: int = 1,
        alternatives: Sequence[str] = (),
        filesystem: str = "default",
    ) -> Cluster:
        """A cluster over running machines: containers alternate by machine, disks are ACTIVE, a filesystem takes 40 %.

        The stripe is WEKA's default unless given: parity 2, data = failure domains - parity - 1, from 3 to 16.
        ValueError for fewer than 5 machines, an unknown instance type or a stack that has a cluster already.
        """
        if len(machines) < MIN_BACKENDS:
            raise ValueError(f"a WEKA cluster needs at least {MIN_BACKENDS} backends, {stack} has {len(machines)}")
        with self._lock:
            if stack in self.clusters:
                raise ValueError(f"stack {stack} has a cluster already")
            width = stripe or (min(16, max(3, len(machines) - 3)), 2)
            cluster = Cluster(stack, guid=guid, release=release, stripe=width, hot_spare=hot_spare, clock=self._clock)
            cluster.users.set_password(username, password)
            cluster.certificate, cluster.private_key = self_signed(stack, alternatives)
            cluster.expect_hosts(2 * len(CONTAINERS) * len(machines))
            for spec in machines:
                self._set_up(cluster, spec, "ACTIVE")
            cluster.filesystems[filesystem] = int(usable_bytes(cluster, cluster.drives.values())[0] * PROVISIONED_SHARE)
            cluster.record("IOStarted", "IO services started")
            cluster.on_power = partial(self._powered, cluster)
            self.clusters[stack] = cluster
            for machine in cluster.machines.values():
                self._listen(cluster, machine)
        for spec in clients:
            self.connect_client(stack, spec)
        return cluster

    def grow(self, stack: str, spec: MachineSpec) -> None:
        """A machine becomes a whole backend at once, without commands of its own; its disks are phased in."""
        cluster = self.get(stack)
        with cluster.lock:
            self._set_up(cluster, spec, "PHASING_IN")
            self._listen(cluster, cluster.machines[spec.instance_id])

    def _set_up(self, cluster: Cluster, spec: MachineSpec, drive_status: str) -> None:
        size = size_of(spec.instance_type)
        machine = cluster.machines[spec.instance_id] = Machine(spec, installed=cluster.release)
        shares = {
            "DRIVES": (size.drives, DRIVES_MEMORY),
            "COMPUTE": (size.compute, size.memory),
            "FRONTEND": (size.frontend, int(1.47 * GB)),
        }
        for name, role, port in CONTAINERS:
            cores, memory = shares[role]
            container = cluster.add_container(machine, name, role, cores=cores, memory=memory, port=port)
            machine.local[name] = container.host_id
            for device in disk_paths(spec) if role == "DRIVES" else ():
                machine.signed.add(device)
                cluster.add_drive(container, device, size.disk_bytes, drive_status)

    def join(self, stack: str, spec: MachineSpec) -> Machine:
        """Make a new running instance known: empty, in STEM mode, until its agent sets up containers."""
        cluster = self.get(stack)
        with cluster.lock:
            known = cluster.machines.get(spec.instance_id)
            if known is None:
                known = cluster.machines[spec.instance_id] = Machine(spec)
                cluster.touch()
            return known

    def connect_client(
        self, stack: str, spec: MachineSpec, cores: int = CLIENT_CORES, auto_remove_timeout: int = AUTO_REMOVE_S
    ) -> None:
        """A stateless client connects."""
        cluster, machine = self.get(stack), self.join(stack, spec)
        with cluster.lock:
            if any(c.mode == "client" for c in cluster.containers_of(machine)):
                return
            client = cluster.add_container(machine, "client", "CLIENT", cores=cores, memory=CLIENT_MEMORY, port=PORT)
            client.auto_remove_timeout = auto_remove_timeout
            machine.installed = machine.installed or cluster.release
            machine.local["client"] = client.host_id
            cluster.record("ClientConnected", f"Client {machine.hostname} connected")

    def listen(self, stack: str, instance_id: str) -> None:
        """The machine runs WEKA now and answers on its address."""
        cluster = self.get(stack)
        self._listen(cluster, cluster.machines[instance_id])

    def _listen(self, cluster: Cluster, machine: Machine) -> None:
        if self._listeners is None or not machine.up:
            return

        def answer(verb: str, target: str, body: bytes, authorization: str) -> Response:
            return respond(cluster, machine.address, verb, target, body, authorization, self.installer)

        if cluster.certificate not in self._contexts:
            self._contexts[cluster.certificate] = server_context(cluster.certificate, cluster.private_key)
        self._listeners.open(machine.address, self._contexts[cluster.certificate], answer)

    def machine_gone(self, instance_id: str) -> None:
        """An instance was terminated, stopped or died: its containers are DOWN and it does not listen."""
        self._power(instance_id, up=False)

    def machine_back(self, instance_id: str) -> None:
        """A machine that was gone runs again."""
        self._power(instance_id, up=True)

    def _power(self, instance_id: str, up: bool) -> None:
        for cluster in list(self.clusters.values()):
            with cluster.lock:
                machine = cluster.machines.get(instance_id)
                if machine is not None and machine.up != up:
                    advance(cluster)
                    (machine_up if up else machine_down)(cluster, machine)

    def _powered(self, cluster: Cluster, machine: Machine) -> None:
        if all(name == "client" for name in machine.local) or self._listeners is None:
            return
        if machine.up:
            self._listen(cluster, machine)
        else:
            self._listeners.close(machine.address)

    def drop(self, stack: str) -> None:
        """The cluster of a stack ends."""
        cluster = self.clusters.pop(stack, None)
        if cluster is None:
            return
        cluster.faults.ended.set()
        if self._listeners is not None:
            for machine in cluster.machines.values():
                self._listeners.close(machine.address)

    def close(self) -> None:
        """All clusters end."""
        for stack in list(self.clusters):
            self.drop(stack)
        if self._listeners is not None:
            self._listeners.stop()


def disk_paths(spec: MachineSpec) -> list[str]:
    """Device paths of an instance's instance-store disks; nvme0 is the root volume and nvme1 WEKA's own."""
    return [f"/dev/nvme{number + 2}n1" for number in range(size_of(spec.instance_type).disks)]
