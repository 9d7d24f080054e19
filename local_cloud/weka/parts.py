"""The parts of a cluster: machines, containers, their nodes, drives, and how long things take."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field


@dataclass(frozen=True)
class MachineSpec:
    """An EC2 instance as the cluster comes to know it."""

    instance_id: str
    address: str
    availability_zone: str = "us-east-1a"
    instance_type: str = "i3en.2xlarge"


@dataclass
class Machine:
    """One server: `up` means that it runs and is reachable; `local` are the containers its own agent knows."""

    spec: MachineSpec
    identifier: str = field(default_factory=lambda: uuid.uuid4().hex)
    up: bool = True
    installed: str | None = None
    signed: set[str] = field(default_factory=set)
    local: dict[str, int | None] = field(default_factory=dict)  # name -> host id, None: in STEM mode
    mounts: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return self.spec.address

    @property
    def hostname(self) -> str:
        return "ip-" + self.address.replace(".", "-") + ".ec2.internal"

    @property
    def failure_domain(self) -> str:
        return hashlib.sha256(self.address.encode()).hexdigest()[:16]


@dataclass
class Node:
    """One process of a container; slot 0 is the management node."""

    node_id: int
    slot: int
    role: str
    up_since: float
    status: str = "UP"
    last_fencing: float | None = None


@dataclass
class Container:
    """One container, WEKA's `host`. `changed` is when its state or status last changed (None: never)."""

    host_id: int
    name: str
    machine: Machine
    mode: str
    role: str
    cores: int
    memory: int
    port: int
    failure_domain: str
    added: float
    uid: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "ACTIVE"
    status: str = "UP"
    changed: float | None = None
    auto_remove_timeout: int | None = None
    remove_when_inactive: bool = False
    nodes: list[Node] = field(default_factory=list)

    @property
    def serving(self) -> bool:
        """Whether the cluster counts on it: a member that is not leaving and not down."""
        return self.state == "ACTIVE" and self.status in ("UP", "SYNCING", "DEGRADED")


@dataclass
class Drive:
    """One disk. `host_id` is None once its container was removed; `removed` is set once it was removed itself."""

    disk_id: int
    host_id: int | None
    node_id: int
    failure_domain: str
    hostname: str
    device: str
    size_bytes: int
    added: float
    changed: float
    status: str = "PHASING_IN"
    should_be_active: bool = True
    removed: float | None = None
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def holds_data(self) -> bool:
        """Whether protection counts on it."""
        return self.should_be_active and self.status in ("ACTIVE", "PHASING_IN")


@dataclass
class Timing:
    """Seconds that transitions take; read at every look, so a change also moves what is under way."""

    phase_out_s: float = 1.0
    phase_in_s: float = 0.5
    join_s: float = 0.3
    deactivate_s: float = 0.3
    remove_s: float = 0.3
    rebuild_s: float = 2.0
