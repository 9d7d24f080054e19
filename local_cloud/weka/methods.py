"""The management methods by their JSON-RPC names, and the one way in for both protocols: `call`.

| method | parameters (both the forms that clients use) |
|---|---|
| user_login, userlogin | [user, password] or {username, password, org} |
| user_refresh_token | [token] or {refresh_token} |
| client_query_backend | none, no token needed |
| status, hosts_list, nodes_list, manual_override_list, interface_group_list, filesystems_list, alerts_list | {} |
| system_get_rebuild_status, events_list | {} |
| disks_list | {show_removed} |
| cluster_deactivate_drives, cluster_remove_drives | {drive_uuids, skip_resource_validation} |
| cluster_deactivate_hosts | {host_ids: ["HostId<3>" or "3" or 3], skip_resource_validation} |
| cluster_remove_host | {host_id, no_wait} |
| events_trigger_custom | {message} |
| interface_group_delete_port | {name, host_id, port} |
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from . import actions, control, status, views
from .errors import DropConnection, HttpFault, InvalidParams, MethodNotFound, Refusal, WekaError
from .faults import bend
from .model import Cluster
from .transitions import advance

Handler = Callable[[Cluster, dict[str, Any]], Any]
OPEN = ("user_login", "userlogin", "user_refresh_token", "client_query_backend")
METHODS: dict[str, Handler] = {}
READING = (
    *("status", "system_get_rebuild_status", "hosts_list", "nodes_list", "disks_list", "filesystems_list"),
    *("alerts_list", "events_list", "interface_group_list", "manual_override_list"),
)


def call(
    cluster: Cluster, address: str, method: str, params: Any, token: str | None, handler: Handler | None = None
) -> Any:
    """Call a method at the backend of an address; `handler` answers in its stead in another shape (REST).

    Raises a WekaError of the kind that tells what went wrong.
    """
    faults = cluster.faults.take(method, address)
    for fault in faults:
        if fault.hang_s:
            cluster.faults.ended.wait(fault.hang_s)
        if fault.http:
            raise HttpFault(fault.http)
        if fault.drop_before:
            raise DropConnection(method)
        if fault.error is not None:
            refusal = Refusal(fault.error)
            refusal.code = fault.code
            raise refusal
    for fault in faults:
        if fault.set is not None:
            control.set_(cluster, fault.set)
    with cluster.lock:
        advance(cluster)
        try:
            answer = _answer(cluster, address, method, params, token, handler)
        except WekaError as error:
            if any(fault.drop_after for fault in faults):
                raise DropConnection(method) from error
            raise
        if method.endswith(("_list", "status")):
            earlier = cluster.faults.remember(f"{method} {params} {handler}", cluster.revision, answer)
            answer = earlier if any(fault.stale for fault in faults) else answer
        if handler is None:
            answer = cluster.faults.seen_from(address, method, answer)
    if any(fault.drop_after for fault in faults):
        raise DropConnection(method)
    if address in cluster.faults.guids and isinstance(answer, dict) and "guid" in answer:
        answer = {**answer, "guid": cluster.faults.guids[address]}
    return bend(answer, faults)


def all_answers(cluster: Cluster) -> dict[str, Any]:
    """What every reading JSON-RPC method without parameters answers at this moment, clock included."""
    return {name: copy.deepcopy(handler(cluster, {})) for name, handler in METHODS.items() if name in READING}


def _answer(
    cluster: Cluster, address: str, method: str, params: Any, token: str | None, handler: Handler | None
) -> Any:
    machine = cluster.machine_at(address)
    member = machine is not None and any(c.machine is machine for c in cluster.backends())
    if method != "client_query_backend" and not member:
        raise MethodNotFound("Method not found: this container is in STEM mode")
    chosen = handler or METHODS.get(method)
    if chosen is None:
        raise MethodNotFound(f"Method not found: {method}")
    if method not in OPEN:
        cluster.users.check(token)
    return chosen(cluster, _named(method, params))


POSITIONAL = {"user_login": ("username", "password", "org"), "user_refresh_token": ("refresh_token",)}


def _named(method: str, params: Any) -> dict[str, Any]:
    """Parameters by name, whichever form they came in."""
    if params is None:
        return {}
    if isinstance(params, list):
        names = POSITIONAL.get(method, ())
        if len(params) > len(names):
            raise InvalidParams(f"Invalid params: {method} takes {len(names)} positional parameters")
        return dict(zip(names, params, strict=False))
    if not isinstance(params, dict):
        raise InvalidParams("Invalid params: an object or an array is expected")
    return params


def need(params: dict[str, Any], name: str, kind: type | tuple[type, ...] = str) -> Any:
    """A parameter that must be there. InvalidParams when it is not, or is of another type."""
    value = params.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InvalidParams(f"Invalid params: {name} is missing or of a wrong type")
    return value


def host_number(value: Any) -> int:
    """3 from 3, "3" or "HostId<3>". InvalidParams for anything else."""
    match = re.fullmatch(r"(?:HostId<)?(\d+)>?", str(value))
    if not match:
        raise InvalidParams(f"Invalid params: {value!r} is no host id")
    return int(match.group(1))


def method(*names: str) -> Callable[[Handler], Handler]:
    """Register a handler under JSON-RPC names."""

    def register(handler: Handler) -> Handler:
        METHODS.update(dict.fromkeys(names, handler))
        return handler

    return register


@method("user_login", "userlogin")
def _login(cluster: Cluster, params: dict[str, Any]) -> Any:
    return cluster.users.login(need(params, "username"), need(params, "password"))


@method("user_refresh_token")
def _refresh(cluster: Cluster, params: dict[str, Any]) -> Any:
    return cluster.users.refresh(need(params, "refresh_token"))


@method("client_query_backend")
def _query_backend(cluster: Cluster, _params: dict[str, Any]) -> Any:
    return {"software_release": cluster.release, "is_cluster": True}


METHODS["status"] = lambda cluster, _params: status.status(cluster)
METHODS["system_get_rebuild_status"] = lambda cluster, _params: status.rebuild(cluster)
METHODS["hosts_list"] = lambda cluster, _params: views.hosts(cluster)
METHODS["nodes_list"] = lambda cluster, _params: views.nodes(cluster)
METHODS["disks_list"] = lambda cluster, params: views.drives(cluster, bool(params.get("show_removed")))
METHODS["filesystems_list"] = lambda cluster, _params: views.filesystems(cluster)
METHODS["alerts_list"] = lambda _cluster, _params: {}
METHODS["events_list"] = lambda cluster, _params: views.events(cluster)
METHODS["interface_group_list"] = lambda cluster, _params: cluster.interface_groups
METHODS["manual_override_list"] = lambda cluster, _params: {
    f"ManualOverrideId<{number}>": override for number, override in cluster.overrides.items()
}


@method("cluster_deactivate_drives")
def _deactivate_drives(cluster: Cluster, params: dict[str, Any]) -> None:
    actions.deactivate_drives(cluster, need(params, "drive_uuids", list), bool(params.get("skip_resource_validation")))


@method("cluster_remove_drives")
def _remove_drives(cluster: Cluster, params: dict[str, Any]) -> None:
    actions.remove_drives(cluster, need(params, "drive_uuids", list))


@method("cluster_deactivate_hosts")
def _deactivate_hosts(cluster: Cluster, params: dict[str, Any]) -> None:
    host_ids = [host_number(value) for value in need(params, "host_ids", list)]
    actions.deactivate_containers(cluster, host_ids, bool(params.get("skip_resource_validation")))


@method("cluster_remove_host")
def _remove_host(cluster: Cluster, params: dict[str, Any]) -> None:
    host_id = host_number(need(params, "host_id", (int, str)))
    actions.remove_container(cluster, host_id, bool(params.get("no_wait")))


@method("events_trigger_custom")
def _trigger_event(cluster: Cluster, params: dict[str, Any]) -> None:
    actions.trigger_event(cluster, need(params, "message"))


@method("interface_group_delete_port")
def _delete_port(cluster: Cluster, params: dict[str, Any]) -> None:
    actions.delete_interface_group_port(
        cluster, need(params, "name"), host_number(params.get("host_id")), need(params, "port")
    )
