"""What the core looks at (a snapshot) and what it answers (a plan). Values only: nothing here does anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .policy import Policy, policy_from_settings

__all__ = [
    "Action",
    "Client",
    "ClusterView",
    "Container",
    "Control",
    "Decision",
    "Drive",
    "Gates",
    "GroupView",
    "Held",
    "Journal",
    "Machine",
    "Member",
    "Plan",
    "Policy",
    "Removal",
    "Snapshot",
    "Verdict",
    "policy_from_settings",
]

# Whether something is allowed, and if not the reason in words.
Verdict = tuple[bool, str]

CONTAINER_STATES = frozenset({"ACTIVE", "DEACTIVATING", "INACTIVE", "REMOVING"})
LEAVING_STATES = CONTAINER_STATES - {"ACTIVE"}
DRIVE_STATUSES = frozenset({"ACTIVE", "PHASING_IN", "PHASING_OUT", "INACTIVE", "FAILED", "DOWN"})
GONE_STATES = frozenset({"terminated", "shutting-down"})


@dataclass(frozen=True, slots=True)
class Drive:
    """One drive of a container."""

    uuid: str
    status: str
    should_be_active: bool
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """One storage process group of a machine, with what identifies the machine that it runs on."""

    id: int
    name: str
    address: str
    state: str
    status: str
    instance_id: str | None
    machine_identifier: str | None
    added: datetime | None = None
    down_since: datetime | None = None
    management_down: bool | None = None
    drives: tuple[Drive, ...] = ()
    uid: str | None = None
    failure_domain: str | None = None
    can_lead: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """All backend containers with the same address, instance id and machine identifier."""

    address: str
    instance_id: str | None
    machine_identifier: str | None
    containers: tuple[Container, ...]

    @property
    def identity(self) -> tuple[str, str | None, str | None]:
        """What must agree everywhere: address, instance id and machine identifier."""
        return self.address, self.instance_id, self.machine_identifier

    @property
    def drives(self) -> tuple[Drive, ...]:
        """Drives of all containers."""
        return tuple(drive for container in self.containers for drive in container.drives)

    @property
    def known(self) -> bool:
        """False when the cluster reports a state that this code has never heard of."""
        return all(c.state in CONTAINER_STATES for c in self.containers) and all(
            d.status in DRIVE_STATUSES for d in self.drives
        )

    @property
    def inactive(self) -> bool:
        """Every container is INACTIVE or being removed: nothing of the cluster runs here any more."""
        return all(c.state in ("INACTIVE", "REMOVING") for c in self.containers)

    @property
    def all_down(self) -> bool:
        """Every container is reported DOWN."""
        return all(c.status == "DOWN" for c in self.containers)

    @property
    def sound(self) -> bool:
        """Serves data right now: every container active and up, and a drive in use."""
        return all(c.state == "ACTIVE" and c.status == "UP" for c in self.containers) and any(
            d.status == "ACTIVE" and d.should_be_active for d in self.drives
        )

    @property
    def added(self) -> datetime | None:
        """When the first of its containers came to the cluster; None when one of them has no date."""
        dates = [c.added for c in self.containers]
        return None if None in dates else min(date for date in dates if date)


@dataclass(frozen=True, slots=True)
class Client:
    """A client container: never counted, only looked at when its address is a member's."""

    address: str
    status: str
    stateless: bool


@dataclass(frozen=True, slots=True)
class Gates:
    """What must be right before anything is changed. None means that it could not be read."""

    io_status: str | None
    status: str | None
    upgrading: bool | None
    overrides: tuple[str, ...] | None
    moving_data: bool | None
    fully_protected: bool | None
    versions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ClusterView:
    """One complete, successful read of the storage cluster, from the member `source`, at `time` by its own clock.

    `required_domains` and `required_leaders` are the least failure domains, and containers that can lead, with which
    the engine works.
    """

    guid: str
    gates: Gates
    machines: tuple[Machine, ...]
    clients: tuple[Client, ...] = ()
    orphan_drives: tuple[str, ...] = ()
    stripe_data: int | None = None
    stripe_protection: int | None = None
    hot_spare: int | None = None
    total_bytes: int | None = None
    unprovisioned_bytes: int | None = None
    source: str = ""
    time: datetime | None = None
    required_domains: int = 5
    required_leaders: int = 5


@dataclass(frozen=True, slots=True)
class Member:
    """An instance of the group. Without `state` the instance is unknown to EC2."""

    instance_id: str
    lifecycle: str
    protected: bool
    address: str | None
    state: str | None
    launched: datetime | None
    owned: bool
    held: bool = False

    @property
    def gone(self) -> bool:
        """EC2 has ended the instance, or no longer knows one that was in service."""
        return self.state in GONE_STATES or (self.state is None and self.lifecycle == "InService")


@dataclass(frozen=True, slots=True)
class GroupView:
    """One complete, successful read of the Auto Scaling group and its instances."""

    name: str
    desired: int
    members: tuple[Member, ...]

    def addresses(self, journal: Journal) -> list[str]:
        """Where the cluster may be asked: running members that were not removed from it."""
        return sorted(
            member.address
            for member in self.members
            if member.address and member.state == "running" and member.instance_id not in journal.removed
        )


@dataclass(frozen=True, slots=True)
class Removal:
    """A machine that was seen inactive and that this cluster was told to forget, since `since` (epoch seconds).

    `acknowledged` when the cluster answered that it does.
    """

    address: str
    machine_identifier: str
    since: int
    acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class Journal:
    """What must survive a crash: the cluster's identity and newest clock, when drains began, which machines left.

    `fence` is that of the lease under which it was written, and `begun` counts the drains that began under it.
    """

    guid: str | None = None
    starts: tuple[int, ...] = ()
    removed: Mapping[str, Removal] = field(default_factory=dict)
    cluster_time: datetime | None = None
    begun: int = 0
    fence: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Control:
    """What people asked for: `paused` is their reason, None when scaling may go on."""

    paused: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a decision depends on, beside policy and time."""

    group: GroupView
    cluster: ClusterView
    journal: Journal = field(default_factory=Journal)
    control: Control = field(default_factory=Control)
    original_size: int | None = None


class Action(StrEnum):
    """What a pass does with a machine."""

    KEEP = "keep"
    WAIT = "wait"
    DRAIN = "drain"
    REMOVE = "remove"
    TERMINATE = "terminate"
    DETACH = "detach"


@dataclass(frozen=True, slots=True)
class Decision:
    """One machine or instance, what is done with it and why.

    `leaves` when it should leave; `blocked_by` names the invariant that holds it back.
    """

    address: str | None
    instance_id: str | None
    action: Action
    reason: str
    blocked_by: str | None = None
    leaves: bool = False
    machine: Machine | None = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The instance's id, or the address of a machine that has none."""
        return self.instance_id or self.address or ""


@dataclass(frozen=True, slots=True)
class Held:
    """A machine that should leave and may not."""

    machine: str
    invariant: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Decisions in a stable order, drives without a container to remove, and what people must be told."""

    decisions: tuple[Decision, ...] = ()
    orphan_drives: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    gate: str | None = None

    def of(self, action: Action) -> tuple[Decision, ...]:
        """The decisions with that action."""
        return tuple(decision for decision in self.decisions if decision.action is action)

    @property
    def should_leave(self) -> tuple[str, ...]:
        """Machines that should leave: those that may, and those that are held back."""
        return tuple(decision.name for decision in self.decisions if decision.leaves)

    @property
    def may_leave(self) -> tuple[str, ...]:
        """Machines that should leave and are allowed to."""
        return tuple(decision.name for decision in self.decisions if decision.leaves and decision.action in LEAVING)

    @property
    def held_back(self) -> tuple[Held, ...]:
        """Machines that should leave, and the invariant that holds each of them."""
        return tuple(
            Held(decision.name, decision.blocked_by, decision.reason)
            for decision in self.decisions
            if decision.leaves and decision.blocked_by
        )


LEAVING = frozenset({Action.DRAIN, Action.REMOVE, Action.TERMINATE})
