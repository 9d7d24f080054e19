"""What really is: machines, their drives and what lies on them. Nobody in the simulation is told this directly."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from scaling.model import Container, Drive, Machine

TB = 10**12
MOVING = ("PHASING_IN", "PHASING_OUT")


def moment(seconds: float) -> datetime:
    """The time of so many epoch seconds."""
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(slots=True)
class Disk:
    """A drive. `data`: something is on it that exists nowhere else for sure."""

    uuid: str
    status: str = "ACTIVE"
    wanted: bool = True
    data: bool = True
    stuck: bool = False
    since: float = 0.0
    size: int | None = TB


@dataclass(slots=True)
class Box:
    """A container."""

    id: int
    name: str
    added: float
    disks: list[Disk]
    state: str = "ACTIVE"
    status: str = "UP"
    since: float = 0.0
    down_since: float | None = None
    stuck: bool = False


@dataclass(slots=True)
class Host:
    """A machine: what EC2 and the group know of it, and its containers in the cluster.

    `shown` is the instance id that the cluster reports; `lag` says how many changes its view of the cluster is behind.
    `worse`, `better` and `human` are the ticks at which fate, or somebody, last changed it. `begun` names the execution
    that began its drain, at the tick `begun_at`, and `told` the last one that told it to leave. `removed`: a pass
    removed something of it from the cluster; `back`: after that it joined again.
    """

    number: int
    iid: str
    address: str
    identifier: str | None
    domain: str | None
    launched: float
    shown: str | None
    boxes: list[Box] = field(default_factory=list)
    lifecycle: str | None = "InService"
    ec2: str | None = "running"
    api: bool = True
    owned: bool = True
    held: bool = False
    hung: bool = False
    joins: float | None = None
    removed: bool = False
    back: bool = False
    ended: float | None = None
    worse: int = 0
    better: int = 0
    human: int = 0
    lag: int = 0
    begun: str | None = None
    told: str | None = None
    begun_at: int = 0
    cached: Machine | None = None

    @property
    def alive(self) -> bool:
        """A member that the group and EC2 both count."""
        return self.lifecycle in ("Pending", "InService") and self.ec2 == "running"

    @property
    def up(self) -> bool:
        """Its containers can run."""
        return self.ec2 == "running" and not self.hung

    @property
    def inactive(self) -> bool:
        """Nothing of the cluster runs here, or ever did."""
        return all(box.state in ("INACTIVE", "REMOVING") for box in self.boxes)

    @property
    def leaving(self) -> bool:
        """It began to leave and is not done."""
        return not self.inactive and any(
            box.state != "ACTIVE" or any(not disk.wanted for disk in box.disks) for box in self.boxes
        )

    @property
    def odd(self) -> bool:
        """It is in a state that nobody knows, which may mean anything."""
        return any(box.state == "RECONFIGURING" for box in self.boxes)

    @property
    def going(self) -> bool:
        """A pass made it leave, and it is not done."""
        return self.begun is not None and self.leaving

    @property
    def down(self) -> bool:
        """It does not serve, without having left."""
        return not self.inactive and not self.leaving and any(box.status != "UP" for box in self.boxes)

    @property
    def sound(self) -> bool:
        """It serves: every container works, and a drive."""
        return all(box.state == "ACTIVE" and box.status == "UP" for box in self.boxes) and any(
            disk.status == "ACTIVE" and disk.wanted for disk in self.disks
        )

    @property
    def disks(self) -> list[Disk]:
        """All drives."""
        return [disk for box in self.boxes for disk in box.disks]

    @property
    def empty(self) -> bool:
        """It could be thrown away now: no container that works, no drive with data."""
        return self.inactive and not any(disk.data for disk in self.disks)

    def machine(self, skew: float) -> Machine:
        """The machine as the cluster's record shows it, by a clock that is off by `skew` seconds."""
        if self.cached is None:
            containers = tuple(self._container(box, skew) for box in self.boxes)
            self.cached = Machine(self.address, self.shown, self.identifier, containers)
        return self.cached

    def _container(self, box: Box, skew: float) -> Container:
        return Container(
            id=box.id,
            name=box.name,
            address=self.address,
            state=box.state,
            status=box.status,
            instance_id=self.shown,
            machine_identifier=self.identifier,
            added=moment(box.added + skew),
            down_since=None if box.down_since is None else moment(box.down_since + skew),
            management_down=box.status != "UP",
            drives=tuple(Drive(disk.uuid, disk.status, disk.wanted, disk.size) for disk in box.disks),
            failure_domain=self.domain,
            can_lead=bool(box.disks) and box.state == "ACTIVE" and box.status == "UP",
        )
