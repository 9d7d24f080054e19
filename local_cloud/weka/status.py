"""The cluster's status as `status` (JSON-RPC) and GET /cluster (REST) tell it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .model import Cluster, Container, usable_bytes
from .views import stamp

BUCKET_MIB = 403200


def protection(cluster: Cluster) -> str:
    """OK, or what keeps the cluster from being it. Clients of WEKA upgrade at OK and REDISTRIBUTING alike."""
    if len(cluster.rebuilding) > cluster.stripe[1]:
        return "UNAVAILABLE"
    if cluster.rebuilding:
        return "REBUILDING"
    return "REDISTRIBUTING" if _moving(cluster) else "OK"


def _moving(cluster: Cluster) -> bool:
    return any(d.status in ("PHASING_IN", "PHASING_OUT") for d in cluster.present_drives())


def rebuild(cluster: Cluster) -> dict[str, Any]:
    """The numbers of protection and rebuild."""
    data, parity = cluster.stripe
    active = len({d.failure_domain for d in cluster.present_drives() if d.holds_data})
    required = -(-(data + parity) // parity)
    lost, now = len(cluster.rebuilding), cluster.clock()
    done = min((100 * (now - began) / cluster.timing.rebuild_s for began in cluster.rebuilding.values()), default=0)
    progress = round(min(max(done, 0), 99.9), 1)
    percents = [0.0] * (parity + 1)
    percents[0], percents[min(lost, parity)] = (progress, round(100 - progress, 1)) if lost else (100.0, 100.0)
    states = [{"numFailures": n, "percent": p, "MiB": int(BUCKET_MIB * p / 100)} for n, p in enumerate(percents)]
    unavailable = BUCKET_MIB if lost > parity else 0
    return {
        "enoughActiveFDs": active >= required,
        "numActiveFDs": active,
        "requiredFDsForRebuild": required,
        "stripeDisks": data + parity,
        "numProtectionDisks": parity,
        "potentialResilience": parity,
        "isInited": True,
        "progressPercent": progress if lost else 0,
        "movingData": bool(lost) or _moving(cluster),
        "movingQuorums": False,
        "protectionState": states,
        "stickyProtectionState": states,
        "unavailableMiB": unavailable,
        "unavailablePercent": 100 if unavailable else 0,
        "stickyUnavailableMiB": 0,
        "stickyUnavailablePercent": 0,
        "totalCopiesMiB": BUCKET_MIB if lost else 0,
        "totalCopiesDoneMiB": int(BUCKET_MIB * progress / 100) if lost else 0,
        "numBucketsTotal": _buckets(cluster),
        "numBucketsInReport": _buckets(cluster),
        "scrubberBytesPerSec": 134217728,
    }


def _buckets(cluster: Cluster) -> int:
    return sum(c.cores for c in cluster.backends() if c.role == "COMPUTE") * 15


def _count(containers: Iterable[Container]) -> dict[str, int]:
    every = list(containers)
    return {"active": sum(c.status == "UP" for c in every), "total": len(every)}


def _containers(cluster: Cluster) -> dict[str, Any]:
    backends = cluster.backends()
    return {
        "backends": _count(backends),
        "clients": _count(c for c in cluster.containers.values() if c.mode == "client"),
        "computes": _count(c for c in backends if c.role == "COMPUTE"),
        "drives": _count(c for c in backends if c.role == "DRIVES"),
    }


def _servers(cluster: Cluster, mode: str) -> dict[str, int]:
    machines: dict[str, list[bool]] = {}
    for container in cluster.containers.values():
        if container.mode == mode:
            machines.setdefault(container.machine.identifier, []).append(container.status == "UP")
    return {
        "active": sum(all(up) for up in machines.values()),
        "total": len(machines),
        "degraded": sum(any(up) and not all(up) for up in machines.values()),
    }


def _license(cluster: Cluster, total: int) -> dict[str, Any]:
    raw = sum(d.size_bytes for d in cluster.present_drives())
    return {
        "mode": "Unlicensed",
        "io_start_eligibility": True,
        "license": "",
        "error": "",
        "check_interval_secs": 3600,
        "next_check": stamp(cluster, cluster.clock() + 3600),
        "limits": {
            "drive_capacity_gb": 0,
            "usable_capacity_gb": 0,
            "obs_capacity_gb": 0,
            "valid_from": "",
            "expires_at": "",
        },
        "usage": {
            "drive_capacity_gb": raw // 10**9,
            "usable_capacity_gb": total // 10**9,
            "obs_capacity_gb": 0,
            "data_reduction": False,
        },
    }


def status(cluster: Cluster, asked: int = 0) -> dict[str, Any]:
    """The whole answer; `asked` is the host id that gives it."""
    groups = _containers(cluster)
    backends, clients = _servers(cluster, "backend"), _servers(cluster, "client")
    both = {key: backends[key] + clients[key] for key in backends}
    total, spare = usable_bytes(
        cluster, (d for d in cluster.present_drives() if d.should_be_active and d.status != "FAILED")
    )
    drives = cluster.present_drives()
    nodes = [n for c in cluster.containers.values() for n in c.nodes]
    io_nodes = [n for c in cluster.backends() for n in c.nodes if n.slot]
    active = groups["backends"]["active"] + groups["clients"]["active"]
    formed, buckets, numbers = stamp(cluster, cluster.formed), _buckets(cluster), rebuild(cluster)
    lost = bool(numbers["unavailableMiB"])
    return {
        "name": cluster.name,
        "guid": cluster.guid,
        "release": cluster.release,
        "release_hash": "",
        "status": protection(cluster),
        "io_status": cluster.io_status,
        "io_status_changed_time": formed,
        "is_cluster": True,
        "init_stage": "INITIALIZED",
        "init_stage_changed_time": formed,
        "last_init_failure": "",
        "last_init_failure_code": "",
        "last_init_failure_time": "",
        "deployment_mode": "DEDICATED",
        "upgrade": cluster.upgrade,
        "upgrade_info": {"upgrade_paused": False, "upgrade_phase": cluster.upgrade, "upgrade_type": "agent-driven"},
        "compute_upgrade": {"source_version_sig": "0xffffffffffffffff"},
        "block_upgrade_task": {"type": "INVALID", "progress": 0, "taskId": "BlockTaskId<0>", "state": "IDLE"},
        "hot_spare": cluster.hot_spare,
        "stripe_data_drives": cluster.stripe[0],
        "stripe_protection_drives": cluster.stripe[1],
        "failure_domains_enabled": True,
        "capacity": {
            "total_bytes": total,
            "hot_spare_bytes": spare,
            "unavailable_bytes": total if lost else 0,
            "unprovisioned_bytes": max(0, total - cluster.provisioned_bytes),
        },
        "hosts": {**groups, "active_count": active, "total_count": len(cluster.containers)},
        "containers": {**groups, "active": active, "total": len(cluster.containers)},
        "servers": {**both, "backends": backends, "clients": clients},
        "drives": {"active": sum(d.status == "ACTIVE" for d in drives), "total": len(drives)},
        "nodes": {"total": len(nodes), "blacklisted": 0},
        "processes": {"total": len(nodes), "blacklisted": 0},
        "io_nodes": {"active": sum(n.status == "UP" for n in io_nodes), "total": len(io_nodes)},
        "buckets": {
            "active": 0 if lost else buckets,
            "total": buckets,
            "included_in_report": buckets,
            "global_flush_generation": 1,
            "global_flush_status": "NONE",
            "flush_finished": 0,
            "shutdown_finished": 0,
        },
        "buckets_info": {
            "averageFillLevelPPM": 0,
            "averageFillLevelPPMMinSinceLastEvent": 0,
            "capacityDiscrepancyGracePPM": 50000,
            "criticalRaidFillLevelPPM": 970000,
            "hysteresisPPM": 20000,
            "maxPrefetchRPCs": 256,
            "maxProvisionablePPM": 920000,
            "placementAllocationThresholdPPM": 450000,
            "reportedRaidFillLevelSeverity": "Normal",
            "shrunkAtGeneration": "ConfigGeneration<INVALID>",
            "ssdsFillLevelPPM": 0,
            "ssdsTrueFillLevelPPM": 0,
            "thinProvisionState": {
                "shrinkageFactor": {"val": 4096},
                "usableWritable": total // 4096,
                "totalSSDBudgets": cluster.provisioned_bytes // 4096,
            },
        },
        "rebuild": numbers,
        "licensing": _license(cluster, total),
        "net": {"link_layer": "ETH"},
        "overlay": {
            "max_supported_client_nodes": 5200,
            "branching_factor": 40,
            "clients_branching_factor": 200,
            "backend_nodes_safety_histogram": [0, 0, 0, 0],
            "client_nodes_safety_histogram": [0, 0, 0, 0],
            "client_nodes_at_risk": 0,
            "client_nodes_not_supported": 0,
            "format": 3,
        },
        "activity": dict.fromkeys(
            (
                "num_ops",
                "num_reads",
                "num_writes",
                "sum_bytes_read",
                "sum_bytes_written",
                "obs_upload_bytes_per_second",
                "obs_download_bytes_per_second",
            ),
            0,
        ),
        "hanging_ios": {
            "alerts_threshold_secs": 900,
            **{f"event_{part}_threshold_secs": 1800 for part in ("backend", "driver_frontend", "nfs_frontend")},
            **{
                f"last_emitted_{part}{end}event": ""
                for part in ("backend", "driver_frontend", "nfs_frontend")
                for end in ("_", "_no_longer_detected_")
            },
        },
        "grim_reaper": {"enabled": True, "is_cluster_fully_connected": True, "node_with_least_links": None},
        "cloud": {"enabled": True, "healthy": True, "proxy": "", "url": "https://api.home.weka.io"},
        "time": {
            "cluster_time": stamp(cluster, cluster.clock()),
            "allowed_clock_skew_secs": 60,
            "cluster_local_utc_offset": "+00:00",
            "cluster_local_utc_offset_seconds": 0,
        },
        "build_options": {"asserts_enabled": False, "fully_optimized_build": True, "release_enabled": True},
        "active_alerts_count": 0,
        "bucket_failure_grace_msecs": 14000,
        "scrubber_bytes_per_sec": 134217728,
        "short_drive_grace_on_failure_secs": 10,
        "long_drive_grace_on_failure_secs": 120,
        "start_io_starting_drives_grace_secs": 30,
        "start_io_starting_io_nodes_grace_secs": 30,
        "response_from_host_id": asked,
        "wide_range_nodes_allocation": True,
    }
