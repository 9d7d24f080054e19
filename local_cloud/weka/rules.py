"""What the cluster refuses, in WEKA's words where they are known. Every check looks and raises; none changes anything.

The numbers behind them: five failure domains with compute nodes and five reliable containers for leadership are what
WEKA's engine asks for; the stripe needs a failure domain for each of its members, and the hot spare comes on top
unless resource validation is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable

from .errors import NotFound, Refusal
from .model import Cluster, Container, Drive, usable_bytes

MIN_FAILURE_DOMAINS = 5


def find_container(cluster: Cluster, host_id: int) -> Container:
    """The container of a host id. NotFound in WEKA's words."""
    if host_id not in cluster.containers:
        raise NotFound(f"Host HostId<{host_id}> not found")
    return cluster.containers[host_id]


def find_drive(cluster: Cluster, uuid: str) -> Drive:
    """The drive of a uuid, removed ones excepted. NotFound in WEKA's words."""
    for drive in cluster.drives.values():
        if drive.uuid == uuid and drive.removed is None:
            return drive
    raise NotFound(f'The given drive "{uuid}" does not exist')


def check_io(cluster: Cluster) -> None:
    """IO runs."""
    if cluster.io_status != "STARTED":
        raise Refusal(f"IO not started. Current IO status is {cluster.io_status}")


def check_drives_leave(cluster: Cluster, leaving: Iterable[Drive], skip_validation: bool = False) -> None:
    """Protection, hot spare and provisioned capacity hold without these drives.

    A drive that holds no data any more (failed, down, leaving already) changes nothing and always may go.
    """
    ids = {d.disk_id for d in leaving}
    before = [d for d in cluster.present_drives() if d.holds_data]
    after = [d for d in before if d.disk_id not in ids]
    if len(after) == len(before):
        return
    domains = len({d.failure_domain for d in after})
    data, protection = cluster.stripe
    if domains < data + protection + (0 if skip_validation else cluster.hot_spare):
        raise Refusal(
            "Cannot start draining because there are not enough failure domains with active drives to "
            f"support {protection} protection."
        )
    usable, _ = usable_bytes(cluster, after)
    if usable < cluster.provisioned_bytes and not skip_validation:
        raise Refusal(
            f"The remaining SSD capacity of {usable} bytes would be less than the "
            f"{cluster.provisioned_bytes} bytes provisioned for filesystems"
        )


def check_containers_leave(cluster: Cluster, leaving: Iterable[Container], skip_validation: bool = False) -> None:
    """Enough failure domains, leadership and drives remain without these containers."""
    gone = {c.host_id for c in leaving}
    _check_compute(cluster, gone)
    _check_leadership(cluster, gone)
    check_drives_leave(cluster, cluster.drives_of(gone), skip_validation)


def _check_compute(cluster: Cluster, gone: set[int]) -> None:
    compute = [c for c in cluster.backends() if c.role == "COMPUTE" and c.serving]
    before = {c.failure_domain for c in compute}
    after = {c.failure_domain for c in compute if c.host_id not in gone}
    if len(after) < min(len(before), MIN_FAILURE_DOMAINS):
        raise Refusal(
            f"Completing this operation will leave {len(after)} failure domains with compute nodes but Weka "
            f"requires at least {MIN_FAILURE_DOMAINS}"
        )


def _check_leadership(cluster: Cluster, gone: set[int]) -> None:
    reliable = [c.host_id for c in cluster.backends() if c.role == "DRIVES" and c.serving]
    after = [host_id for host_id in reliable if host_id not in gone]
    if len(after) < min(len(reliable), cluster.leadership_required):
        raise Refusal(
            f"Upon completion of this operation, there are {len(after)} reliable containers available for "
            f"cluster leadership, while the requirement is for {cluster.leadership_required}."
        )


def check_container_removable(container: Container) -> None:
    """Only an INACTIVE container, or one that is being removed already, may be removed."""
    if container.state not in ("INACTIVE", "REMOVING"):
        raise Refusal(
            f"Host HostId<{container.host_id}> cannot be removed because it is {container.state}, deactivate it first"
        )


def check_drive_removable(drive: Drive) -> None:
    """Only an INACTIVE drive may be removed."""
    if drive.status != "INACTIVE":
        raise Refusal(f'The drive "{drive.uuid}" cannot be removed because it is {drive.status}, deactivate it first')
