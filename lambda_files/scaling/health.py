"""What state a machine is in, told from the cluster's own record of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from .model import LEAVING_STATES, Container, Drive, Machine, Policy


class Kind(IntEnum):
    """In the order in which machines are chosen to leave; INACTIVE and UNKNOWN ones are never chosen."""

    DEACTIVATING = 0
    UNHEALTHY = 1
    HEALTHY = 2
    INACTIVE = 3
    UNKNOWN = 4


@dataclass(frozen=True, slots=True)
class Health:
    """A machine's kind and the reason for it."""

    kind: Kind
    reason: str


def health(machine: Machine, policy: Policy, now: datetime) -> Health:
    """The machine's kind: unhealthy when a container is, else deactivating when one is, else healthy."""
    if not machine.known:
        return Health(Kind.UNKNOWN, "the cluster reports a state that is not known here")
    if machine.inactive:
        return Health(Kind.INACTIVE, "all its containers are inactive")
    found = [_container_health(container, policy, now) for container in machine.containers]
    for kind in (Kind.UNHEALTHY, Kind.DEACTIVATING):
        for one in found:
            if one.kind is kind:
                return one
    return found[0]


def _container_health(container: Container, policy: Policy, now: datetime) -> Health:
    name = container.name or f"container {container.id}"
    if container.state in LEAVING_STATES:
        return Health(Kind.DEACTIVATING, f"{name} is {container.state}")
    if container.drives and not any(drive.should_be_active for drive in container.drives):
        return Health(Kind.DEACTIVATING, f"all drives of {name} are leaving")
    if down_for(container, now) > policy.unhealthy_after and container.management_down:
        return Health(Kind.UNHEALTHY, f"{name} is {container.status} for more than {policy.unhealthy_after}")
    if any(not drive.should_be_active for drive in container.drives):
        return Health(Kind.UNHEALTHY, f"a drive of {name} is leaving")
    settled = container.added is not None and now - container.added > policy.drive_grace
    if settled and any(drive.status == "INACTIVE" for drive in container.drives):
        return Health(Kind.UNHEALTHY, f"a drive of {name} is INACTIVE although it should be active")
    return Health(Kind.HEALTHY, "healthy")


def down_for(container: Container, now: datetime) -> timedelta:
    """How long the container has been DOWN or DEGRADED; zero when it is not, or nobody knows since when."""
    if container.status not in ("DOWN", "DEGRADED") or container.down_since is None:
        return timedelta(0)
    return now - container.down_since


def drive_is_bad(drive: Drive) -> bool:
    """A drive that is not in use as it should be, whichever way."""
    return drive.status in ("INACTIVE", "FAILED", "DOWN") or not drive.should_be_active


def leaving(machine: Machine) -> bool:
    """Its drain has begun: a container or a drive is on its way out, but not all is inactive."""
    return not machine.inactive and (
        any(container.state in LEAVING_STATES for container in machine.containers)
        or any(not drive.should_be_active for drive in machine.drives)
    )


def down(machine: Machine) -> bool:
    """Part of it is missing from the cluster without having left."""
    return (
        not machine.inactive
        and not leaving(machine)
        and (not machine.known or any(container.status != "UP" for container in machine.containers))
    )
