"""The agent's own side: WEKA's release on the machine and the machine's local containers."""

from __future__ import annotations

from typing import Any

from .agent_verbs import Call, backend_at, verb
from .errors import InvalidParams, Refusal
from .methods import need
from .registry import DRIVES_MEMORY
from .sizes import size_of
from .transitions import container_down

ROLES = {"drives": "DRIVES", "compute": "COMPUTE", "frontend": "FRONTEND"}
LOCAL_STATES = {"UP": "READY", "SYNCING": "CLUSTERIZING", "DOWN": "STOPPED"}


@verb("release")
def _release(call: Call) -> dict[str, Any]:
    return {"release": call.machine.installed}


@verb("install")
def _install(call: Call) -> dict[str, Any]:
    backend_at(call, need(call.params, "from"))
    return _set_release(call)


@verb("version-get")
def _version_get(call: Call) -> dict[str, Any]:
    if call.machine.installed is None:
        raise Refusal("WEKA is not installed on this machine")
    return _install(call)


def _set_release(call: Call) -> dict[str, Any]:
    release = call.params.get("release") or call.cluster.release
    if release != call.cluster.release:
        raise Refusal(
            f"Version {release} is not available from cluster {call.cluster.name}, which runs {call.cluster.release}"
        )
    if call.machine.installed is None:
        call.machine.local.setdefault("default", None)
    call.machine.installed = release
    return {"release": release}


@verb("version-prepare")
def _version_prepare(call: Call) -> dict[str, Any]:
    if call.machine.installed != call.params.get("release", call.machine.installed) or call.machine.installed is None:
        raise Refusal(f"Version {call.params.get('release')} was not downloaded to this machine")
    return {"release": call.machine.installed}


@verb("login")
def _login(call: Call) -> dict[str, Any]:
    return call.cluster.users.login(need(call.params, "username"), need(call.params, "password"))


def _role(params: dict[str, Any]) -> str:
    for word, role in ROLES.items():
        if int(params.get(f"{word}_dedicated_cores") or 0) > 0 or str(params["name"]).startswith(word):
            return role
    raise InvalidParams(f"Container {params['name']}: neither drives, compute nor frontend cores are asked for")


@verb("local-setup-container", user=True)
def _setup_container(call: Call) -> dict[str, Any]:
    params, machine, cluster = call.params, call.machine, call.cluster
    name, port, cores = need(params, "name"), int(params.get("base_port") or 14000), int(params.get("cores") or 1)
    if machine.installed is None:
        raise Refusal("WEKA is not installed on this machine")
    if name in machine.local:
        raise Refusal(f"Container {name} already exists on this machine")
    if any(c.port == port for c in call.joined()):
        raise Refusal(f"Port {port} is already in use by another container of this machine")
    join_ips = params.get("join_ips") or []
    addresses = join_ips.split(",") if isinstance(join_ips, str) else join_ips
    errors = []
    for address in addresses:
        try:
            backend_at(call, address)
            break
        except Refusal as error:
            errors.append(str(error))
    else:
        raise Refusal("; ".join(errors) or "No addresses to join were given")
    role = _role(params)
    memory = int(
        params.get("memory") or (size_of(machine.spec.instance_type).memory if role == "COMPUTE" else DRIVES_MEMORY)
    )
    container = cluster.add_container(
        machine,
        name,
        role,
        cores=cores,
        memory=memory,
        port=port,
        status="SYNCING",
        failure_domain=params.get("failure_domain"),
    )
    machine.local[name] = container.host_id
    cluster.record("ContainerAdded", f"Container {name} on {machine.hostname} joined")
    call.registry.listen(call.stack, machine.spec.instance_id)
    return {"host_id": container.host_id}


@verb("local-ps")
def _ps(call: Call) -> dict[str, Any]:
    listed = []
    for name, host_id in call.machine.local.items():
        container = call.cluster.containers.get(-1 if host_id is None else host_id)
        state = LOCAL_STATES.get(container.status, "READY") if container else "STEM"
        listed.append(
            {
                "name": name,
                "state": state,
                "host_id": host_id if container else None,
                "port": container.port if container else 14000,
            }
        )
    return {"containers": listed}


def _named(call: Call) -> list[str]:
    name = call.params.get("name")
    if name is not None and name not in call.machine.local:
        raise Refusal(f"Container {name} does not exist on this machine")
    return [name] if name else list(call.machine.local)


@verb("local-stop")
def _stop(call: Call) -> dict[str, Any]:
    names = _named(call)
    for container in call.joined():
        if container.name in names:
            container_down(call.cluster, container)
    return {"containers": names}


@verb("local-rm")
def _rm(call: Call) -> dict[str, Any]:
    names = _named(call)
    running = [c.name for c in call.joined() if c.name in names and c.status != "DOWN"]
    if running and not call.params.get("force"):
        raise Refusal(f"Container {running[0]} is running, stop it first")
    _stop(call)
    for name in names:
        del call.machine.local[name]
    return {"containers": names}


@verb("ready", user=True)
def _ready(call: Call) -> dict[str, Any]:
    joined = call.joined()
    complete = bool(joined) and len(joined) == len(call.machine.local)
    return {"is_ready": complete and all(c.status == "UP" for c in joined)}
