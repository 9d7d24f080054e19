"""Clusters and groups made of a few words, for the tests of the core."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from scaling.model import (
    Client,
    ClusterView,
    Container,
    Control,
    Drive,
    Gates,
    GroupView,
    Journal,
    Machine,
    Member,
    Removal,
    Snapshot,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TB = 10**12
CALM = Gates("STARTED", "OK", False, (), False, True, frozenset({"4.4.2"}))


def instance(number: int) -> str:
    return f"i-{number:017x}"


def address(number: int) -> str:
    return f"10.0.{number // 250}.{number % 250 + 1}"


def container(number: int, role: int, name: str, **change: Any) -> Container:
    drives = tuple(Drive(f"drive-{number}-{k}", "ACTIVE", True, TB) for k in range(2)) if name == "drives0" else ()
    values: dict[str, Any] = {
        "id": number * 3 + role,
        "name": name,
        "address": address(number),
        "state": "ACTIVE",
        "status": "UP",
        "instance_id": instance(number),
        "machine_identifier": f"machine-{number}",
        "added": NOW - timedelta(days=30) + timedelta(minutes=number),
        "management_down": False,
        "drives": drives,
        "uid": f"uid-{number}-{role}",
        "failure_domain": f"domain-{number}",
        "can_lead": True,
    }
    return Container(**{**values, **change})


def machine(number: int, **change: Any) -> Machine:
    """A healthy machine; `change` applies to each of its containers."""
    names = ("drives0", "compute0", "frontend0")
    containers = tuple(container(number, role, name, **change) for role, name in enumerate(names))
    first = containers[0]
    return Machine(first.address, first.instance_id, first.machine_identifier, containers)


def with_drives(one: Machine, **change: Any) -> Machine:
    """The machine with every drive changed."""
    return replace(
        one,
        containers=tuple(replace(c, drives=tuple(replace(d, **change) for d in c.drives)) for c in one.containers),
    )


def down(number: int, minutes: float) -> Machine:
    return machine(number, status="DOWN", management_down=True, down_since=NOW - timedelta(minutes=minutes))


def draining(number: int) -> Machine:
    return with_drives(machine(number, state="DEACTIVATING"), status="PHASING_OUT", should_be_active=False)


def inactive(number: int) -> Machine:
    return with_drives(machine(number, state="INACTIVE", status="INACTIVE"), status="INACTIVE", should_be_active=False)


def member(number: int, **change: Any) -> Member:
    values: dict[str, Any] = {
        "instance_id": instance(number),
        "lifecycle": "InService",
        "protected": True,
        "address": address(number),
        "state": "running",
        "launched": NOW - timedelta(days=30),
        "owned": True,
    }
    return Member(**{**values, **change})


def cluster(*machines: Machine, **change: Any) -> ClusterView:
    values: dict[str, Any] = {
        "guid": "guid-1",
        "gates": CALM,
        "machines": machines,
        "stripe_data": 3,
        "stripe_protection": 2,
        "hot_spare": 0,
        "source": address(0),
        "total_bytes": 100 * TB,
        "unprovisioned_bytes": 90 * TB,
    }
    return ClusterView(**{**values, **change})


def world(
    machines: list[Machine],
    desired: int,
    members: list[Member] | None = None,
    removed: dict | None = None,
    starts: tuple[int, ...] = (),
    begun: int = 0,
    paused: str | None = None,
    original_size: int | None = None,
    **of_cluster: Any,
) -> Snapshot:
    """A snapshot whose group has a member for each machine, unless members are given."""
    group = [member(int(m.instance_id[2:], 16)) for m in machines] if members is None else members
    return Snapshot(
        GroupView("stateful-demo", desired, tuple(group)),
        cluster(*machines, **of_cluster),
        Journal("guid-1", starts, removed or {}, begun=begun),
        Control(paused),
        original_size,
    )


def removal(number: int, **change: Any) -> Removal:
    return Removal(**{"address": address(number), "machine_identifier": f"machine-{number}", "since": 1, **change})


def client(number: int, status: str = "UP", stateless: bool = False) -> Client:
    return Client(address(number), status, stateless)
