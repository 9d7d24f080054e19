"""What a machine's commands do in the cluster: its disks, lists, events and mounts."""

from __future__ import annotations

from typing import Any

from . import actions, status, views
from .agent_verbs import Call, backend_at, verb
from .errors import Refusal
from .methods import host_number, need
from .registry import AUTO_REMOVE_S, CLIENT_CORES, disk_paths
from .sizes import size_of
from .transitions import container_down


@verb("disks")
def _disks(call: Call) -> dict[str, Any]:
    volumes = [(path, "Amazon Elastic Block Store", True) for path in ("/dev/nvme0n1", "/dev/nvme1n1")]
    volumes += [(path, "Amazon EC2 NVMe Instance Storage", False) for path in disk_paths(call.machine.spec)]
    return {
        "disks": [
            {
                "devPath": path,
                "type": "DISK",
                "model": model,
                "isRotational": False,
                "isMounted": mounted,
                "isSigned": path in call.machine.signed,
            }
            for path, model, mounted in volumes
        ]
    }


@verb("sign-drive")
def _sign(call: Call) -> dict[str, Any]:
    device = need(call.params, "device")
    if device not in disk_paths(call.machine.spec):
        raise Refusal(f"{device} is no instance-store disk of this machine")
    if device in call.machine.signed:
        raise Refusal(f"{device}: Device is already in use")
    call.machine.signed.add(device)
    return {"device": device}


@verb("drive-scan", user=True)
def _scan(call: Call) -> dict[str, Any]:
    container = call.cluster.containers.get(host_number(call.params.get("host_id")))
    if container is None or container.machine is not call.machine:
        raise Refusal(f"Host HostId<{call.params.get('host_id')}> not found on this machine")
    if container.role != "DRIVES" or not container.serving:
        raise Refusal(f"Container {container.name} has no running drive nodes")
    present = {d.device for d in call.cluster.drives_of([container.host_id])}
    size = size_of(call.machine.spec.instance_type).disk_bytes
    new = [call.cluster.add_drive(container, path, size) for path in sorted(call.machine.signed - present)]
    return {"added": [d.uuid for d in new]}


@verb("container-deactivate", user=True)
def _deactivate(call: Call) -> dict[str, Any]:
    given = call.params.get("host_id")
    host_ids = [host_number(one) for one in (given if isinstance(given, list) else [given])]
    actions.deactivate_containers(call.cluster, host_ids, bool(call.params.get("skip_resource_validation")))
    return {}


@verb("container-list", user=True)
def _container_list(call: Call) -> dict[str, Any]:
    return {
        "containers": [
            {"id": key, **entry}
            for key, entry in views.hosts(call.cluster).items()
            if not call.params.get("backends") or entry["mode"] == "backend"
        ]
    }


@verb("drive-list", user=True)
def _drive_list(call: Call) -> dict[str, Any]:
    wanted = call.params.get("host_id")
    host_id = None if wanted is None else f"HostId<{host_number(wanted)}>"
    return {
        "drives": [
            {"id": key, **entry}
            for key, entry in views.drives(call.cluster).items()
            if host_id in (None, entry["host_id"])
        ]
    }


@verb("status", user=True)
def _status(call: Call) -> dict[str, Any]:
    return status.status(call.cluster)


@verb("trigger-event", user=True)
def _event(call: Call) -> dict[str, Any]:
    actions.trigger_event(call.cluster, need(call.params, "message"))
    return {}


@verb("mount")
def _mount(call: Call) -> dict[str, Any]:
    filesystem, point = need(call.params, "filesystem"), need(call.params, "mount_point")
    if call.machine.installed is None:
        raise Refusal("WEKA is not installed on this machine")
    if filesystem not in call.cluster.filesystems:
        raise Refusal(f"Filesystem {filesystem} not found in cluster {call.cluster.name}")
    source = call.params.get("from") or ""
    if call.cluster.machine_at(source) or not any(c.serving for c in call.cluster.backends()):
        backend_at(call, source)  # any other name is a load balancer's, in front of the backends
    call.registry.connect_client(
        call.stack, call.machine.spec, CLIENT_CORES, int(call.params.get("auto_remove_timeout") or AUTO_REMOVE_S)
    )
    call.machine.mounts[point] = filesystem
    return {"host_id": call.machine.local["client"]}


@verb("umount")
def _umount(call: Call) -> dict[str, Any]:
    if call.machine.mounts.pop(need(call.params, "mount_point"), None) is None:
        raise Refusal(f"{call.params['mount_point']} is not mounted")
    if not call.machine.mounts:
        for container in call.joined():
            if container.mode == "client":
                container_down(call.cluster, container)
    return {}
