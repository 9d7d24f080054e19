"""What the cluster does when it is asked to and does not refuse. The caller holds the lock and has let time pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import rules
from .errors import NotFound, Refusal
from .model import Cluster, Container, Drive
from .transitions import forget, set_container, set_drive


def deactivate_drives(cluster: Cluster, uuids: Sequence[str], skip_validation: bool = False) -> None:
    """Phase drives out; those that are leaving or INACTIVE already are left as they are."""
    drives = [rules.find_drive(cluster, uuid) for uuid in uuids]
    rules.check_io(cluster)
    rules.check_drives_leave(cluster, drives, skip_validation)
    _phase_out(cluster, drives)


def _phase_out(cluster: Cluster, drives: Iterable[Drive]) -> None:
    for drive in drives:
        if drive.should_be_active:
            drive.should_be_active = False
            set_drive(cluster, drive, "PHASING_OUT")


def remove_drives(cluster: Cluster, uuids: Sequence[str]) -> None:
    """Take INACTIVE drives out of the cluster."""
    drives = [rules.find_drive(cluster, uuid) for uuid in uuids]
    for drive in drives:
        rules.check_drive_removable(drive)
    for drive in drives:
        drive.removed = cluster.clock()
        cluster.touch()


def deactivate_containers(
    cluster: Cluster, host_ids: Sequence[int], skip_validation: bool = False, check_only: bool = False
) -> None:
    """Start to deactivate containers, with the drives they still hold; `check_only` refuses or does nothing."""
    containers = [rules.find_container(cluster, host_id) for host_id in host_ids]
    rules.check_io(cluster)
    rules.check_containers_leave(cluster, containers, skip_validation)
    if check_only:
        return
    _phase_out(cluster, cluster.drives_of(host_ids))
    for container in containers:
        if container.state == "ACTIVE":
            status = container.status if container.status == "DOWN" else "DEACTIVATING"
            set_container(cluster, container, state="DEACTIVATING", status=status)


def remove_container(cluster: Cluster, host_id: int, no_wait: bool = False) -> None:
    """Remove an INACTIVE container: REMOVING for a while with no_wait, else gone when this returns."""
    container = rules.find_container(cluster, host_id)
    rules.check_container_removable(container)
    if not no_wait:
        forget(cluster, container)
    elif container.state == "INACTIVE":
        set_container(cluster, container, state="REMOVING")


def deactivate_and_remove(cluster: Cluster, container: Container) -> None:
    """What REST's DELETE of a container does: deactivates it, and removes it once it is INACTIVE."""
    if container.state == "ACTIVE":
        deactivate_containers(cluster, [container.host_id])
    container.remove_when_inactive = True
    cluster.touch()


def delete_interface_group_port(cluster: Cluster, name: str, host_id: int, port: str) -> None:
    """Take one port out of an interface group. NotFound when there is no such group or port."""
    for group in cluster.interface_groups:
        if group["name"] == name:
            kept = [p for p in group["ports"] if (p["host_id"], p["port"]) != (f"HostId<{host_id}>", port)]
            if len(kept) == len(group["ports"]):
                raise NotFound(f"Interface group {name} has no port {port} on HostId<{host_id}>")
            group["ports"] = kept
            cluster.touch()
            return
    raise NotFound(f"Interface group {name} not found")


def trigger_event(cluster: Cluster, message: str) -> None:
    """Record a custom event. Refused without a message or with one over WEKA's 256 characters."""
    if not message or len(message) > 256:
        raise Refusal("A custom event needs a message of 1 to 256 characters")
    cluster.record("CustomEvent", message, category="Custom")
