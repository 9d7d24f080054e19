"""REST v2 under /api/v2, each route under the name of its JSON-RPC equivalent so that faults hit both."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from . import actions, views
from .errors import DropConnection, HttpFault, InvalidParams, LockedOut, NotFound, Unauthorized, WekaError
from .methods import METHODS, Handler, call, need
from .model import Cluster, Container
from .web import Response, json_response, parse_json

Route = tuple[str, re.Pattern[str], str, Handler]
ROUTES: list[Route] = []


def handle(
    cluster: Cluster, address: str, verb: str, path: str, query: str, body: bytes, token: str | None
) -> Response:
    """Answer one request to a path below /api/v2. DropConnection passes through to the server."""
    try:
        given = parse_json(body)
        params: dict[str, Any] = {k: v[-1] for k, v in parse_qs(query).items()}
        params.update(given if isinstance(given, dict) else {})
        return _dispatch(cluster, address, verb, path.rstrip("/"), params, token)
    except DropConnection:
        raise
    except ValueError:
        return json_response({"message": "The body is not JSON", "data": None}, 400)
    except (Unauthorized, LockedOut) as error:
        return json_response({"data": str(error)}, error.http_status)
    except HttpFault as error:
        return Response(error.http_status, str(error).encode(), "text/plain")
    except WekaError as error:
        return json_response({"message": str(error), "data": {"error": type(error).__name__}}, error.http_status)


def _dispatch(
    cluster: Cluster, address: str, verb: str, path: str, params: dict[str, Any], token: str | None
) -> Response:
    if path == "/healthcheck":
        return healthcheck(cluster, address)
    for route_verb, pattern, name, handler in ROUTES:
        match = pattern.fullmatch(path)
        if match and verb == route_verb:
            answer = call(cluster, address, name, {**params, **match.groupdict()}, token, handler)
            return json_response({"data": answer})
    raise NotFound(f"No such resource: {verb} /api/v2{path}")


def healthcheck(cluster: Cluster, address: str) -> Response:
    """What a load balancer asks, without a token: 200 while a container of this backend is UP."""
    with cluster.lock:
        machine = cluster.machine_at(address)
        healthy = machine is not None and any(c.status == "UP" for c in cluster.containers_of(machine))
    return json_response("ok") if healthy else json_response("not ready", 503)


def route(verb: str, path: str, name: str) -> Callable[[Handler], Handler]:
    """Register a handler; {word} in the path becomes a parameter."""
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))

    def register(handler: Handler) -> Handler:
        ROUTES.append((verb, pattern, name, handler))
        return handler

    return register


def _listed(entries: dict[str, dict[str, Any]], params: dict[str, Any], *filters: str) -> list[dict[str, Any]]:
    wanted = {name: params[name] for name in filters if name in params}
    return [
        {"id": key, **entry}
        for key, entry in entries.items()
        if all(str(entry.get(name)) == value for name, value in wanted.items())
    ]


for path_, method_ in (("/login", "user_login"), ("/login/refresh", "user_refresh_token")):
    route("POST", path_, method_)(METHODS[method_])
route("GET", "/cluster", "status")(METHODS["status"])
route("POST", "/drives/deactivate", "cluster_deactivate_drives")(METHODS["cluster_deactivate_drives"])
route("POST", "/events/custom", "events_trigger_custom")(METHODS["events_trigger_custom"])
route("GET", "/events", "events_list")(METHODS["events_list"])
route("GET", "/interfaceGroups", "interface_group_list")(METHODS["interface_group_list"])


@route("GET", "/hosts", "hosts_list")
def _hosts(cluster: Cluster, params: dict[str, Any]) -> Any:
    found = _listed(views.hosts(cluster), params, "hostname", "container_name", "status", "mode")
    kind = str(params.get("filter_type", "")).rstrip("s").lower()
    return [entry for entry in found if not kind or entry["mode"] == kind]


@route("GET", "/containers", "hosts_list")
def _containers(cluster: Cluster, params: dict[str, Any]) -> Any:
    names = {"host_ip": "container_ip", "io_nodes": "io_processes"}
    return [{names.get(key, key): value for key, value in entry.items()} for entry in _hosts(cluster, params)]


@route("GET", "/nodes", "nodes_list")
def _nodes(cluster: Cluster, params: dict[str, Any]) -> Any:
    return _listed(views.nodes(cluster), params, "hostname", "container_name", "status")


@route("GET", "/processes", "nodes_list")
def _processes(cluster: Cluster, params: dict[str, Any]) -> Any:
    return [
        {"container_id" if key == "host_id" else key: value for key, value in entry.items()}
        for entry in _nodes(cluster, params)
    ]


@route("GET", "/drives", "disks_list")
def _drives(cluster: Cluster, params: dict[str, Any]) -> Any:
    return _listed(views.drives(cluster, str(params.get("show_removed")).lower() == "true"), params, "status")


@route("GET", "/fileSystems", "filesystems_list")
def _filesystems(cluster: Cluster, params: dict[str, Any]) -> Any:
    return _listed(views.filesystems(cluster), params, "name")


@route("GET", "/security/defaultTokensExpiry", "security_get_tokens_expiry")
def _expiry(cluster: Cluster, _params: dict[str, Any]) -> Any:
    users = cluster.users
    return {
        "access_token_expiry": users.access_token_expiry,
        "refresh_token_expiry": users.refresh_token_expiry,
        "max_access_token_expiry": 3600,
        "max_refresh_token_expiry": 365 * 86400,
    }


def _container(cluster: Cluster, uid: str) -> Container:
    for container in cluster.containers.values():
        if container.uid == uid:
            return container
    raise NotFound(f"Container {uid} not found")


def _deactivate(cluster: Cluster, params: dict[str, Any], key: str, check_only: bool = False) -> None:
    uids = need(params, key, list)
    if not uids:
        raise InvalidParams(f"Invalid params: {key} is empty")
    actions.deactivate_containers(
        cluster,
        [_container(cluster, uid).host_id for uid in uids],
        bool(params.get("skip_resource_validation")),
        check_only,
    )


route("POST", "/containers/deactivate", "cluster_deactivate_hosts")(
    lambda cluster, params: _deactivate(cluster, params, "container_uids")
)
route("POST", "/hosts/deactivate", "cluster_deactivate_hosts")(
    lambda cluster, params: _deactivate(cluster, params, "host_uids")
)


@route("POST", "/containers/deactivation-check", "cluster_deactivation_check")
def _deactivation_check(cluster: Cluster, params: dict[str, Any]) -> None:
    numbers = re.findall(r"\d+", cluster.release)[:3]
    if [int(number) for number in numbers] < [5, 0, 1]:
        raise NotFound("No such resource: POST /api/v2/containers/deactivation-check")
    _deactivate(cluster, params, "container_uids", check_only=True)


route("POST", "/containers/{uid}/deactivate", "cluster_deactivate_hosts")(
    lambda cluster, params: _deactivate(cluster, {**params, "container_uids": [params["uid"]]}, "container_uids")
)
route("DELETE", "/(?:containers|hosts)/{uid}", "cluster_remove_host")(
    lambda cluster, params: actions.deactivate_and_remove(cluster, _container(cluster, params["uid"]))
)
route("DELETE", "/drives/{uid}", "cluster_remove_drives")(
    lambda cluster, params: actions.remove_drives(cluster, [params["uid"]])
)


@route("DELETE", "/interfaceGroups/{group}/ports/{container}/{port}", "interface_group_delete_port")
def _delete_port(cluster: Cluster, params: dict[str, Any]) -> None:
    names = {g.get("uid"): g["name"] for g in cluster.interface_groups}
    host_id = _container(cluster, params["container"]).host_id
    actions.delete_interface_group_port(cluster, names.get(params["group"], params["group"]), host_id, params["port"])
