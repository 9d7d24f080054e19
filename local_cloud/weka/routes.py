"""The simulator under /_local/weka/: see `control` for what can be read and set, `agent` for what instances ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..control import ControlError, ControlRequest, route
from . import control
from .agent import agent_call
from .errors import WekaError
from .hooks import registry
from .model import Cluster


def _cluster(request: ControlRequest) -> Cluster:
    stack = request.params["stack"]
    if stack not in registry.clusters:
        raise ControlError(
            404,
            f"There is no simulated WEKA cluster of a stack {stack}; "
            f"there are: {', '.join(sorted(registry.clusters)) or 'none'}.",
        )
    return registry.clusters[stack]


def _apply(request: ControlRequest, change: Callable[[Cluster, dict[str, Any]], None]) -> Any:
    cluster = _cluster(request)
    try:
        change(cluster, request.fields())
    except (ValueError, TypeError) as error:
        raise ControlError(400, f"{request.method} {request.path}: {error}") from None
    return {"stack": request.params["stack"], "revision": cluster.revision}


@route("GET", "weka/<stack>")
def _state(request: ControlRequest) -> Any:
    return control.state(_cluster(request))


@route("POST", "weka/<stack>/set")
def _set(request: ControlRequest) -> Any:
    return _apply(request, control.set_)


@route("POST", "weka/<stack>/faults")
def _faults(request: ControlRequest) -> Any:
    return _apply(request, control.faults)


@route("POST", "weka/<stack>/agent/<instance_id>/<verb>")
def _agent(request: ControlRequest) -> Any:
    params = request.fields()
    token = params.pop("token", None)
    instance_id = request.params["instance_id"]
    if instance_id not in _cluster(request).machines:
        raise ControlError(404, f"Instance {instance_id} is not known to the cluster of {request.params['stack']}.")
    try:
        return agent_call(registry, request.params["stack"], instance_id, request.params["verb"], params, token)
    except WekaError as error:
        raise ControlError(error.http_status, str(error)) from None
    except (ValueError, TypeError) as error:
        raise ControlError(400, f"{request.params['verb']}: {error}") from None
