"""What time does to a cluster, and what the life and death of a machine does to it.

Nothing runs in the background: whoever looks at a cluster lets the time since the last look pass first, and a step
that ended between two looks is dated at the moment it ended.
"""

from __future__ import annotations

import math

from .model import Cluster, Container, Drive, Machine

LOST = ("FAILED", "DOWN")


def advance(cluster: Cluster) -> None:
    """Let time pass up to the cluster's clock."""
    now = cluster.clock()
    for drive in cluster.drives.values():
        _advance_drive(cluster, drive, now)
    leaving = [c for c in cluster.containers.values() if c.state != "ACTIVE" or c.status in ("SYNCING", "DOWN")]
    for container in leaving:
        while _advance_container(cluster, container, now):
            pass
    for domain, began in list(cluster.rebuilding.items()):
        if now >= began + cluster.timing.rebuild_s:
            del cluster.rebuilding[domain]
            cluster.touch()


def _advance_drive(cluster: Cluster, drive: Drive, now: float) -> None:
    if drive.uuid in cluster.faults.stuck:
        return
    lasts = {"PHASING_OUT": cluster.timing.phase_out_s, "PHASING_IN": cluster.timing.phase_in_s}.get(drive.status)
    if lasts is not None and drive.removed is None and now >= drive.changed + lasts:
        set_drive(cluster, drive, "INACTIVE" if drive.status == "PHASING_OUT" else "ACTIVE", drive.changed + lasts)


def _advance_container(cluster: Cluster, container: Container, now: float) -> bool:
    """Take the next step of a container if it is due; tells whether it was and another may follow."""
    if f"HostId<{container.host_id}>" in cluster.faults.stuck:
        return False
    timing, changed = cluster.timing, container.changed or container.added
    if container.status == "SYNCING" and now >= changed + timing.join_s:
        set_container(cluster, container, status="UP", at=changed + timing.join_s)
    elif container.state == "DEACTIVATING":
        drives = cluster.drives_of([container.host_id])
        ends = max([changed, *(d.changed for d in drives)]) + timing.deactivate_s
        drained = all(not d.should_be_active and d.status in ("INACTIVE", "FAILED") for d in drives)
        if not drained or now < ends:
            return False
        set_container(cluster, container, state="INACTIVE", status="INACTIVE", at=ends)
    elif container.state == "INACTIVE" and container.remove_when_inactive:
        set_container(cluster, container, state="REMOVING", at=changed)
    elif now >= changed + _removal_after(cluster, container):
        forget(cluster, container)
        return False
    else:
        return False
    return True


def _removal_after(cluster: Cluster, container: Container) -> float:
    """Seconds after which a container in its present state and status leaves by itself; most never do."""
    if container.state == "REMOVING":
        return cluster.timing.remove_s
    if container.status == "DOWN" and container.auto_remove_timeout:
        return container.auto_remove_timeout
    return math.inf


def set_drive(cluster: Cluster, drive: Drive, status: str, at: float | None = None) -> None:
    """Give a drive another status; losing one that held data starts a rebuild of its failure domain."""
    at = cluster.clock() if at is None else at
    if status in LOST and drive.holds_data:
        cluster.rebuilding.setdefault(drive.failure_domain, at)
    drive.status, drive.changed = status, at
    cluster.touch()


def set_container(
    cluster: Cluster,
    container: Container,
    *,
    state: str | None = None,
    status: str | None = None,
    at: float | None = None,
) -> None:
    """Give a container another state or status; its nodes are UP or DOWN with it."""
    at = cluster.clock() if at is None else at
    container.state, container.status = state or container.state, status or container.status
    container.changed = at
    down = container.status in ("DOWN", "INACTIVE")
    for node in container.nodes:
        if down and node.status == "UP":
            node.last_fencing = at
        elif not down and node.status != "UP":
            node.up_since = at
        node.status = "DOWN" if down else "UP"
    cluster.touch()


def forget(cluster: Cluster, container: Container) -> None:
    """A container leaves the cluster for good: its drives stay, detached, until they are removed themselves."""
    del cluster.containers[container.host_id]
    for drive in cluster.drives_of([container.host_id]):
        drive.host_id = None
    local = container.machine.local
    if container.name in local:
        local[container.name] = None
    cluster.record("ContainerRemoved", f"Container {container.name} on {container.machine.hostname} was removed")
    cluster.touch()


def container_down(cluster: Cluster, container: Container) -> None:
    """The container stops answering; the disks it serves are DOWN until it is back.

    Disks that still held data are told in a critical event: nobody should have ended this container yet.
    """
    if container.status == "INACTIVE":
        return
    set_container(cluster, container, status="DOWN")
    with_data = [d for d in cluster.drives_of([container.host_id]) if d.holds_data or d.status == "PHASING_OUT"]
    for drive in with_data:
        cluster.rebuilding.setdefault(drive.failure_domain, cluster.clock())
        if drive.holds_data:
            set_drive(cluster, drive, "DOWN")
    if with_data:
        where = f"{container.name} on {container.machine.hostname}"
        cluster.record("DrivesLostWithData", f"{where}: {len(with_data)} drives with data", "CRITICAL", "Drive")


def container_up(cluster: Cluster, container: Container) -> None:
    """The container answers again; its disks are phased in."""
    if container.status != "DOWN":
        return
    set_container(cluster, container, status="UP" if container.state == "ACTIVE" else container.state)
    cluster.rebuilding.pop(container.failure_domain, None)
    for drive in cluster.drives_of([container.host_id]):
        if drive.status == "DOWN":
            set_drive(cluster, drive, "PHASING_IN")


def machine_down(cluster: Cluster, machine: Machine) -> None:
    """The machine is gone: it does not listen and its containers are DOWN."""
    machine.up = False
    for container in cluster.containers_of(machine):
        container_down(cluster, container)
    cluster.touch()
    cluster.on_power(machine)


def machine_up(cluster: Cluster, machine: Machine) -> None:
    """The machine is back."""
    machine.up = True
    for container in cluster.containers_of(machine):
        container_up(cluster, container)
    cluster.touch()
    cluster.on_power(machine)
