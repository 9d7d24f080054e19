"""WEKA's answers turned into the core's model. A shape that is not known is refused, never guessed at."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from errors import ClusterAnswerUnknown
from scaling.model import LEAVING_STATES, Client, ClusterView, Container, Drive, Gates, Machine

# Backend node ids are 20 x host id + slot; slot 0 is the management process.
SLOTS = 20
# The fields that are looked at, of all answers together; the others are dropped while an answer is read.
FIELDS = frozenset(
    """
    jsonrpc id result error code message data exceptionText
    guid release status io_status upgrade upgrade_info upgrade_phase time cluster_time rebuild movingData
    protectionState numFailures percent capacity total_bytes unprovisioned_bytes hot_spare stripe_data_drives
    stripe_protection_drives containers hosts drives backends total key
    mode state sw_version host_ip container_ip ips hostname container_name machine_identifier server_identifier
    aws cloud instance_id added_time state_changed_time auto_remove_timeout uid failure_domain failure_domain_type
    host_id uuid should_be_active size_bytes name ports port
    """.split()  # noqa: SIM905
)

# Of processes, which are most of a large cluster.
NODE_FIELDS = frozenset({"host_id", "status", "last_fencing_time"})


def versions(hosts: Any) -> frozenset[str]:
    """The versions that the working backend containers run."""
    return frozenset(
        str(host.get("sw_version"))
        for host in _entries(hosts, "hosts_list")
        if host.get("mode") == "backend" and _is_up(host)
    )


def gates(status: Any, overrides: Any, running: frozenset[str]) -> Gates:
    """Gates from `status` and `manual_override_list`; what is missing or odd becomes None."""
    status = _object(status, "status")
    rebuild = status.get("rebuild")
    if not isinstance(rebuild, dict):
        rebuild = {}
    return Gates(
        io_status=_text(status.get("io_status")),
        status=_text(status.get("status")),
        upgrading=_upgrading(status),
        overrides=tuple(sorted(str(override.get("key")) for override in _entries(overrides, "manual_override_list"))),
        moving_data=rebuild["movingData"] if isinstance(rebuild.get("movingData"), bool) else None,
        fully_protected=_fully_protected(rebuild.get("protectionState")),
        versions=running,
    )


def release(status: Any) -> str | None:
    """The release that the status tells."""
    return _text(_object(status, "status").get("release"))


def at_least(release: str | None, since: tuple[int, ...]) -> bool:
    """Whether a release such as 5.0.1.100-beta is that one or a later one; False when it cannot be told."""
    match = re.match(r"(\d+)\.(\d+)\.(\d+)", release or "")
    return match is not None and tuple(map(int, match.groups())) >= since


def needs_processes(hosts: Any) -> bool:
    """Whether a backend container is not up that does not leave either: of it alone the processes tell more.

    Raises ClusterAnswerUnknown.
    """
    backends = (host for host in _entries(hosts, "hosts_list") if host.get("mode") == "backend")
    return any(not _is_up(host) and host.get("state") not in LEAVING_STATES for host in backends)


def ports_of(interface_groups: Any, host_ids: Collection[int]) -> list[tuple[str, str, str]]:
    """Name of the NFS interface group, HostId and port of each port of these containers."""
    return [
        (str(group.get("name")), str(port["host_id"]), str(port.get("port")))
        for group in _list(interface_groups, "interface_group_list")
        for port in _list(group.get("ports", []), "interface_group_list")
        if _number(port.get("host_id"), "HostId") in host_ids
    ]


def cluster_view(source: str, status: Any, overrides: Any, hosts: Any, disks: Any, nodes: Any) -> ClusterView:
    """The whole view of the member `source`; without nodes nothing is known of them.

    Raises ClusterAnswerUnknown when an answer is incomplete or has an unknown shape.
    """
    status = _object(status, "status")
    machines_of = _machines(hosts, nodes, disks)
    found = sum(len(machine.containers) for machine in machines_of)
    total = _backend_total(status)
    if not found or found != total:
        raise ClusterAnswerUnknown(
            f"hosts_list names {found} backend containers but status counts {total}: lists that disagree prove nothing."
        )
    _refuse_missing_drives(status, disks)
    capacity = status.get("capacity")
    capacity = capacity if isinstance(capacity, dict) else {}
    return ClusterView(
        guid=_required_text(status, "guid", "status"),
        gates=gates(status, overrides, versions(hosts)),
        machines=machines_of,
        clients=tuple(
            Client(_address(host), str(host.get("status")), (host.get("auto_remove_timeout") or 0) > 0)
            for host in _entries(hosts, "hosts_list")
            if host.get("mode") == "client"
        ),
        orphan_drives=tuple(
            sorted(
                _required_text(disk, "uuid", "disks_list")
                for disk in _entries(disks, "disks_list")
                if disk.get("host_id") == "HostId<INVALID>" and disk.get("status") == "INACTIVE"
            )
        ),
        hot_spare=_count(status.get("hot_spare")),
        source=source,
        time=_time((status.get("time") or {}).get("cluster_time")),
        stripe_data=_count(status.get("stripe_data_drives")),
        stripe_protection=_count(status.get("stripe_protection_drives")),
        total_bytes=_count(capacity.get("total_bytes")),
        unprovisioned_bytes=_count(capacity.get("unprovisioned_bytes")),
    )


def _machines(hosts: Any, nodes: Any, disks: Any) -> tuple[Machine, ...]:
    management = {
        _number(node.get("host_id"), "HostId"): node
        for key, node in _items(nodes, "nodes_list")
        if _number(key, "NodeId") % SLOTS == 0
    }
    drives: dict[int, list[Drive]] = defaultdict(list)
    for disk in _entries(disks, "disks_list"):
        if disk.get("host_id") != "HostId<INVALID>":
            drives[_number(disk.get("host_id"), "HostId")].append(_drive(disk))
    by_identity: dict[tuple[str, str | None, str | None], list[Container]] = defaultdict(list)
    ids = set()
    for key, host in _items(hosts, "hosts_list"):
        host_id = _number(key, "HostId")
        ids.add(host_id)
        if host.get("mode") not in ("backend", "client"):
            raise ClusterAnswerUnknown(f"hosts_list: {key} has the unknown mode {host.get('mode')!r}.")
        if host["mode"] == "backend":
            container = _container(host_id, host, management.get(host_id), drives[host_id], asked=bool(nodes))
            identity = (container.address, container.instance_id, container.machine_identifier)
            by_identity[identity].append(container)
    lost = sorted({host_id for host_id, of_host in drives.items() if of_host} - ids)
    if lost:
        raise ClusterAnswerUnknown(f"disks_list has drives of containers {lost} that hosts_list does not name.")
    return tuple(
        Machine(address, instance_id, identifier, tuple(sorted(containers, key=lambda c: c.id)))
        for (address, instance_id, identifier), containers in sorted(
            by_identity.items(), key=lambda item: tuple(part or "" for part in item[0])
        )
    )


def _container(
    host_id: int, host: dict[str, Any], node: dict[str, Any] | None, drives: list[Drive], asked: bool
) -> Container:
    """The container; `asked`: processes were listed, so that one without its management process cannot lead."""
    cloud = host.get("aws") or host.get("cloud") or {}
    fenced = _time(node.get("last_fencing_time")) if node else None
    return Container(
        id=host_id,
        name=str(host.get("container_name") or ""),
        address=_address(host),
        state=_required_text(host, "state", "hosts_list"),
        status=_required_text(host, "status", "hosts_list"),
        instance_id=_text(cloud.get("instance_id")),
        machine_identifier=_text(host.get("machine_identifier") or host.get("server_identifier")),
        added=_time(host.get("added_time")),
        down_since=fenced or _time(host.get("state_changed_time")),
        management_down=node.get("status") == "DOWN" if node else None,
        drives=tuple(sorted(drives, key=lambda drive: drive.uuid)),
        uid=_text(host.get("uid")),
        failure_domain=_failure_domain(host),
        can_lead=_is_up(host) and (node.get("status") == "UP" if node else not asked),
    )


def _is_up(host: dict[str, Any]) -> bool:
    return host.get("state") == "ACTIVE" and host.get("status") == "UP"


def _failure_domain(host: dict[str, Any]) -> str | None:
    """Its name; where WEKA makes the domains itself, each machine is one."""
    if host.get("failure_domain_type") == "AUTO" and not host.get("failure_domain"):
        return f"auto:{_address(host)}"
    return _text(host.get("failure_domain"))


def _drive(disk: dict[str, Any]) -> Drive:
    if not isinstance(disk.get("should_be_active"), bool):
        raise ClusterAnswerUnknown("disks_list: a drive does not say whether it should be active.")
    return Drive(
        uuid=_required_text(disk, "uuid", "disks_list"),
        status=_required_text(disk, "status", "disks_list"),
        should_be_active=disk["should_be_active"],
        size_bytes=_count(disk.get("size_bytes")),
    )


def _upgrading(status: dict[str, Any]) -> bool | None:
    """3.x to 4.3 name the running upgrade in `upgrade`; 4.4 has `upgrade_info` with a phase instead."""
    answers = []
    if isinstance(status.get("upgrade"), str):
        answers.append(bool(status["upgrade"]))
    info = status.get("upgrade_info")
    if isinstance(info, dict):
        answers.append(bool(info.get("upgrade_phase")))
    return any(answers) if answers else None


def _fully_protected(state: Any) -> bool | None:
    if not isinstance(state, list) or not state or not all(isinstance(level, dict) for level in state):
        return None
    return any(level.get("numFailures") == 0 and level.get("percent") == 100 for level in state)


def _refuse_missing_drives(status: dict[str, Any], disks: Any) -> None:
    """Status counts the drives that are in use; a list with fewer is incomplete."""
    drives = status.get("drives")
    total = _count(drives.get("total")) if isinstance(drives, dict) else None
    listed = len(_entries(disks, "disks_list"))
    if total is not None and listed < total:
        raise ClusterAnswerUnknown(
            f"disks_list names {listed} drives but status counts {total}: an incomplete list proves nothing."
        )


def _backend_total(status: dict[str, Any]) -> int:
    for name in ("containers", "hosts"):
        backends = (status.get(name) or {}).get("backends")
        if isinstance(backends, dict) and isinstance(backends.get("total"), int):
            return int(backends["total"])
    raise ClusterAnswerUnknown("status does not say how many backend containers the cluster has.")


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ClusterAnswerUnknown(f"{what} is not an object.")
    return value


def _list(value: Any, what: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ClusterAnswerUnknown(f"{what} is not a list of objects.")
    return value


def _items(value: Any, what: str) -> list[tuple[str, dict[str, Any]]]:
    return list(zip(_object(value, what), _entries(value, what), strict=True))


def _entries(value: Any, what: str) -> list[dict[str, Any]]:
    return [_object(entry, f"An entry of {what}") for entry in _object(value, what).values()]


def _number(value: Any, kind: str) -> int:
    match = re.fullmatch(rf"{kind}<(\d+)>", value) if isinstance(value, str) else None
    if not match:
        raise ClusterAnswerUnknown(f"{value!r} is not a {kind}.")
    return int(match[1])


def _address(host: dict[str, Any]) -> str:
    ips = host.get("ips") or [None]
    address = host.get("host_ip") or host.get("container_ip") or ips[0]
    if not isinstance(address, str) or not address:
        raise ClusterAnswerUnknown(f"hosts_list: {host.get('hostname')} has no address.")
    return address


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _required_text(entry: dict[str, Any], name: str, what: str) -> str:
    value = _text(entry.get(name))
    if value is None:
        raise ClusterAnswerUnknown(f"{what}: an entry has no {name}.")
    return value


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _time(value: Any) -> datetime | None:
    if value in (None, ""):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise ClusterAnswerUnknown(f"{value!r} is not a time.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
