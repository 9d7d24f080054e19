"""How containers, nodes, drives and the rest are told: the fields of WEKA's own answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from .model import Cluster, Container, Drive, Machine, Node

OS_INFO = {
    "kernel_name": "Linux",
    "platform": "x86_64",
    "kernel_version": "#1 SMP",
    "os_name": "GNU/Linux",
    "kernel_release": "6.1.0",
    "drivers": {"ixgbe": "", "ixgbevf": "", "mlx5_core": "", "ib_uverbs": "", "uio_pci_generic": ""},
}


def stamp(cluster: Cluster, at: float | None) -> str | None:
    """A moment as WEKA writes it, by the cluster's own (perhaps skewed) clock."""
    if at is None:
        return None
    return datetime.fromtimestamp(at + cluster.skew_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def leaders(cluster: Cluster) -> list[int]:
    """Host ids of the leadership: the first reliable drive containers."""
    reliable = sorted(c.host_id for c in cluster.backends() if c.role == "DRIVES" and c.serving)
    reliable.sort(key=lambda host_id: host_id != cluster.leader)
    return reliable[: cluster.leadership_required]


def _cloud(machine: Machine) -> dict[str, Any]:
    spec = machine.spec
    return {
        "instance_type": spec.instance_type,
        "availability_zone": spec.availability_zone,
        "instance_id": spec.instance_id,
    }


def host(cluster: Cluster, container: Container, leadership: list[int], domains: dict[str, int]) -> dict[str, Any]:
    """A container as `hosts_list` tells it."""
    machine, address, cores = container.machine, container.machine.address, container.cores
    failing = container.status == "DOWN"
    return {
        "uid": container.uid,
        "hostname": machine.hostname,
        "host_ip": address,
        "ips": [address],
        "mode": container.mode,
        "state": container.state,
        "status": container.status,
        "container_name": container.name,
        "machine_identifier": machine.identifier,
        "server_identifier": machine.identifier,
        "mgmt_port": container.port,
        "aws": _cloud(machine),
        "cloud": {"provider": "AWS", **_cloud(machine)},
        "added_time": stamp(cluster, container.added),
        "start_time": stamp(cluster, container.added),
        "state_changed_time": stamp(cluster, container.changed),
        "failure_domain": container.failure_domain or None,
        "failure_domain_id": f"FailureDomainId<{domains.get(container.failure_domain, 'INVALID')}>",
        "failure_domain_type": "USER" if container.failure_domain else "AUTO",
        "cores": cores,
        "cores_ids": list(range(1, cores + 1)),
        "memory": container.memory,
        "bandwidth": 0,
        "drives_dedicated_cores": cores if container.role == "DRIVES" else 0,
        "frontend_dedicated_cores": cores if container.role in ("FRONTEND", "CLIENT") else 0,
        "io_nodes": cores,
        "is_dedicated": container.mode == "backend",
        "os_info": OS_INFO,
        "sw_version": cluster.release,
        "sw_release_string": cluster.release,
        "member_of_leadership": container.host_id in leadership,
        "leadership_role": ("leader" if container.host_id == leadership[0] else "member")
        if container.host_id in leadership
        else None,
        "auto_remove_timeout": container.auto_remove_timeout,
        "last_failure": "Not reachable by the cluster" if failing else "",
        "last_failure_code": "NotReachable" if failing else "",
        "last_failure_time": stamp(cluster, container.changed) if failing else None,
        "requested_action": "NONE",
        "requested_action_failure": "",
        "requested_action_status": "",
        "requested_action_failure_time": None,
    }


def hosts(cluster: Cluster) -> dict[str, dict[str, Any]]:
    """All containers, keyed HostId<n>."""
    leadership, domains = leaders(cluster), domain_numbers(cluster)
    return {f"HostId<{c.host_id}>": host(cluster, c, leadership, domains) for c in cluster.containers.values()}


def domain_numbers(cluster: Cluster) -> dict[str, int]:
    """A number for each failure domain, in the order of their containers."""
    names = dict.fromkeys(c.failure_domain for c in cluster.backends())
    return {name: number for number, name in enumerate(names)}


def node(cluster: Cluster, container: Container, process: Node) -> dict[str, Any]:
    """A process as `nodes_list` tells it."""
    management = process.slot == 0
    address = container.machine.address
    up = {"missing": 0, "synced": 0, "required": 0}
    return {
        "host_id": f"HostId<{container.host_id}>",
        "hostname": container.machine.hostname,
        "container_name": container.name,
        "mode": container.mode,
        "slot": process.slot,
        "roles": [process.role],
        "status": process.status,
        "ips": [address],
        "mgmt_ips": [address],
        "mgmt_port": container.port,
        "uid": f"{container.uid[:24]}{process.node_id:012x}",
        "up_since": stamp(cluster, process.up_since),
        "last_fencing_time": stamp(cluster, process.last_fencing),
        "last_fencing_reason": "INVALID" if process.last_fencing is None else "NotReachable",
        "last_join_reject_reason": "NONE",
        "is_blacklisted": False,
        "leadership_role": None,
        "network_mode": "UDP" if management else "DPDK",
        "is_dpdk": not management,
        "is_ucx": False,
        "dpdk_ip": None if management else address,
        "dpdk_port_info": [],
        "dpdk_socket_info": [],
        "cpu_id": process.slot,
        "cpu_core_id": process.slot,
        "cpu_numa_node": 0,
        "cpu_socket_id": 0,
        "cpu_is_dedicated": not management,
        "cpu_model": "",
        "gds_mode": "",
        "rdma_mode": "",
        "ucx_mode": "",
        "memory": 0 if management else container.memory // container.cores,
        "sw_version": cluster.release,
        "trace_history_in_seconds": 0,
        "lowest_node_path_issue": "NodeId<INVALID>",
        "missing_links": {
            "missing": 0,
            "self_report": {"up": up, "joining": up, "syncing": up, "total": 0},
            "others_report": {
                "reporters": [],
                "up_reporters": [],
                "joining_reporters": [],
                "syncing_reporters": [],
                "missing": 0,
                "up_missing": 0,
                "joining_missing": 0,
                "syncing_missing": 0,
            },
        },
    }


def nodes(cluster: Cluster) -> dict[str, dict[str, Any]]:
    """All processes, keyed NodeId<n>."""
    return {f"NodeId<{n.node_id}>": node(cluster, c, n) for c in cluster.containers.values() for n in c.nodes}


def drive(cluster: Cluster, disk: Drive, domains: dict[str, int]) -> dict[str, Any]:
    """A disk as `disks_list` tells it."""
    return {
        "uuid": disk.uuid,
        "uid": disk.uuid,
        "status": disk.status,
        "should_be_active": disk.should_be_active,
        "host_id": f"HostId<{'INVALID' if disk.host_id is None else disk.host_id}>",
        "node_id": f"NodeId<{'INVALID' if disk.host_id is None else disk.node_id}>",
        "hostname": disk.hostname,
        "failure_domain": f"FailureDomainId<{domains.get(disk.failure_domain, 'INVALID')}>",
        "failure_domain_name": disk.failure_domain,
        "size_bytes": disk.size_bytes,
        "block_size": 512,
        "added_time": stamp(cluster, disk.added),
        "removed_time": stamp(cluster, disk.removed),
        "state_change_time": stamp(cluster, disk.changed),
        "attachment": "OK",
        "device_path": disk.device,
        "serial_number": "AWS" + disk.uuid.replace("-", "").upper()[:17],
        "firmware": "0",
        "vendor": "AMAZON",
        "model": "Amazon EC2 NVMe Instance Storage",
        "location": f"Slot {disk.disk_id}",
        "percentage_used": 0,
        "spares_remaining": 100,
        "spares_threshold": 0,
    }


def drives(cluster: Cluster, show_removed: bool = False) -> dict[str, dict[str, Any]]:
    """The disks, keyed DiskId<n>."""
    domains = domain_numbers(cluster)
    return {
        f"DiskId<{d.disk_id}>": drive(cluster, d, domains)
        for d in cluster.drives.values()
        if show_removed or d.removed is None
    }


def filesystems(cluster: Cluster) -> dict[str, dict[str, Any]]:
    """The filesystems, keyed FSId<n>."""
    return {
        f"FSId<{n}>": {
            "name": name,
            "uid": str(n),
            "group_id": "FSGroupId<0>",
            "group_name": "default",
            "status": "READY",
            "is_ready": True,
            "is_creating": False,
            "is_removing": False,
            "auth_required": False,
            "is_encrypted": False,
            "total_budget": size,
            "ssd_budget": size,
            "available_total": size,
            "available_ssd": size,
            "used_total": 4096,
            "used_ssd": 4096,
            "used_total_data": 0,
            "used_ssd_data": 0,
            "free_total": size - 4096,
            "free_ssd": size - 4096,
            "object_storages": [],
            "obs_buckets": [],
            "data_reduction": False,
            "auto_max_files": False,
        }
        for n, (name, size) in enumerate(cluster.filesystems.items())
    }


def events(cluster: Cluster) -> list[dict[str, Any]]:
    """The events, newest first."""
    return [
        {
            "type": e["type"],
            "category": e["category"],
            "severity": e["severity"],
            "description": e["description"],
            "timestamp": stamp(cluster, e["at"]),
            "cloud_digested_ts": stamp(cluster, e["at"]),
            "entity": "Cluster",
            "is_backend": True,
            "org_id": "OrgId<0>",
            "permission": "USER",
            "guid": cluster.guid,
            "params": {"message": e["description"]},
            "hash": 0,
        }
        for e in reversed(cluster.events)
    ]
