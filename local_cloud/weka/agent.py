"""What the stand-in `weka` and `mount` commands of an instance ask: one function, `agent_call`.

    agent_call(registry, stack, instance_id, verb, params, token) -> dict

`token` is an access token from `login`; verbs marked with * change or read the cluster and need it, or `username` and
`password` in `params` (the commands pass WEKA_USERNAME and WEKA_PASSWORD). Raises a WekaError with WEKA's words, or
KeyError for a stack or instance that is not known.

| verb | params | answer |
|---|---|---|
| release | | {release: installed one or null} |
| install | from, release | {release}; makes the local container `default`, in STEM mode, as WEKA's installer does |
| version-get, version-prepare | from, release / release | {release} |
| login | username, password | access_token, refresh_token, expires_in, ... |
| local-setup-container* | name, base_port, cores, join_ips, failure_domain, memory, *_dedicated_cores | {host_id} |
| local-ps | | {containers: [{name, state READY, CLUSTERIZING, STOPPED or STEM, host_id, port}]} |
| local-stop, local-rm | name, or none for all; rm of a running one needs force | {containers: [names]} |
| ready* | | {is_ready}: every local container is UP in the cluster |
| disks | | {disks: [...]} as machine-query-info tells them |
| sign-drive | device | {device} |
| drive-scan* | host_id | {added: [uuids]}: signed disks of this machine that the cluster had not |
| container-deactivate* | host_id (or a list) | {} |
| container-list*, drive-list* | backends: bool / host_id | {containers: [...]}, {drives: [...]} as REST tells them |
| status* | | as `status` |
| trigger-event* | message | {} |
| mount | from, filesystem, mount_point, auto_remove_timeout | {host_id}: connects a stateless client |
| umount | mount_point | {}: the last one takes the client DOWN |
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import actions, status, views
from .errors import InvalidParams, MethodNotFound, Refusal
from .methods import host_number, need
from .model import Cluster, Container, Machine
from .registry import AUTO_REMOVE_S, CLIENT_CORES, DRIVES_MEMORY, Registry, disk_paths
from .sizes import size_of
from .transitions import advance, container_down

ROLES = {"drives": "DRIVES", "compute": "COMPUTE", "frontend": "FRONTEND"}
LOCAL_STATES = {"UP": "READY", "SYNCING": "CLUSTERIZING", "DOWN": "STOPPED"}


@dataclass
class _Call:
    registry: Registry
    stack: str
    cluster: Cluster
    machine: Machine
    params: dict[str, Any]
    token: str | None

    def authenticate(self) -> None:
        """A user of the cluster asks. Unauthorized or LockedOut otherwise."""
        if self.token:
            self.cluster.users.check(self.token)
        else:
            self.cluster.users.login(str(self.params.get("username", "")), str(self.params.get("password", "")))

    def joined(self) -> list[Container]:
        """The machine's own containers that the cluster knows, local containers first set up first."""
        ids = self.machine.local.values()
        return [self.cluster.containers[i] for i in ids if i is not None and i in self.cluster.containers]


Verb = Callable[[_Call], dict[str, Any]]
VERBS: dict[str, tuple[Verb, bool]] = {}


def agent_call(registry: Registry, stack: str, instance_id: str, verb: str, params: dict[str, Any],
               token: str | None = None) -> dict[str, Any]:
    """Do what a command on an instance asks; see the module's docstring."""
    cluster = registry.get(stack)
    if verb not in VERBS:
        raise MethodNotFound(f"No such verb: {verb}; known: {', '.join(sorted(VERBS))}")
    handler, needs_user = VERBS[verb]
    with cluster.lock:
        advance(cluster)
        call = _Call(registry, stack, cluster, cluster.machines[instance_id], params, token)
        if not call.machine.up:
            raise Refusal(f"{instance_id} does not run")
        if needs_user:
            call.authenticate()
        return handler(call)


def verb(name: str, *, user: bool = False) -> Callable[[Verb], Verb]:
    """Register a verb; `user` means that it needs a user of the cluster."""
    def register(handler: Verb) -> Verb:
        VERBS[name] = (handler, user)
        return handler
    return register


def _backend_at(call: _Call, source: str) -> None:
    """The address (perhaps with a port) is a running backend. Refusal otherwise."""
    address = source.rsplit(":", 1)[0] if ":" in source else source
    machine = call.cluster.machine_at(address)
    if machine is None or not machine.up or not any(
            c.machine is machine and c.serving for c in call.cluster.backends()):
        raise Refusal(f"{source} is no running backend of cluster {call.cluster.name}")


@verb("release")
def _release(call: _Call) -> dict[str, Any]:
    return {"release": call.machine.installed}


@verb("install")
def _install(call: _Call) -> dict[str, Any]:
    _backend_at(call, need(call.params, "from"))
    return _set_release(call)


@verb("version-get")
def _version_get(call: _Call) -> dict[str, Any]:
    if call.machine.installed is None:
        raise Refusal("WEKA is not installed on this machine")
    return _install(call)


def _set_release(call: _Call) -> dict[str, Any]:
    release = call.params.get("release") or call.cluster.release
    if release != call.cluster.release:
        raise Refusal(f"Version {release} is not available from cluster {call.cluster.name}, which runs "
                      f"{call.cluster.release}")
    if call.machine.installed is None:
        call.machine.local.setdefault("default", None)
    call.machine.installed = release
    return {"release": release}


@verb("version-prepare")
def _version_prepare(call: _Call) -> dict[str, Any]:
    if call.machine.installed != call.params.get("release", call.machine.installed) or call.machine.installed is None:
        raise Refusal(f"Version {call.params.get('release')} was not downloaded to this machine")
    return {"release": call.machine.installed}


@verb("login")
def _login(call: _Call) -> dict[str, Any]:
    return call.cluster.users.login(need(call.params, "username"), need(call.params, "password"))


def _role(params: dict[str, Any]) -> str:
    for word, role in ROLES.items():
        if int(params.get(f"{word}_dedicated_cores") or 0) > 0 or str(params["name"]).startswith(word):
            return role
    raise InvalidParams(f"Container {params['name']}: neither drives, compute nor frontend cores are asked for")


@verb("local-setup-container", user=True)
def _setup_container(call: _Call) -> dict[str, Any]:
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
            _backend_at(call, address)
            break
        except Refusal as error:
            errors.append(str(error))
    else:
        raise Refusal("; ".join(errors) or "No addresses to join were given")
    role = _role(params)
    memory = int(params.get("memory") or (size_of(machine.spec.instance_type).memory if role == "COMPUTE"
                                          else DRIVES_MEMORY))
    container = cluster.add_container(machine, name, role, cores=cores, memory=memory, port=port, status="SYNCING",
                                      failure_domain=params.get("failure_domain"))
    machine.local[name] = container.host_id
    cluster.record("ContainerAdded", f"Container {name} on {machine.hostname} joined")
    call.registry.listen(call.stack, machine.spec.instance_id)
    return {"host_id": container.host_id}


@verb("local-ps")
def _ps(call: _Call) -> dict[str, Any]:
    listed = []
    for name, host_id in call.machine.local.items():
        container = call.cluster.containers.get(-1 if host_id is None else host_id)
        state = LOCAL_STATES.get(container.status, "READY") if container else "STEM"
        listed.append({"name": name, "state": state, "host_id": host_id if container else None,
                       "port": container.port if container else 14000})
    return {"containers": listed}


def _named(call: _Call) -> list[str]:
    name = call.params.get("name")
    if name is not None and name not in call.machine.local:
        raise Refusal(f"Container {name} does not exist on this machine")
    return [name] if name else list(call.machine.local)


@verb("local-stop")
def _stop(call: _Call) -> dict[str, Any]:
    names = _named(call)
    for container in call.joined():
        if container.name in names:
            container_down(call.cluster, container)
    return {"containers": names}


@verb("local-rm")
def _rm(call: _Call) -> dict[str, Any]:
    names = _named(call)
    running = [c.name for c in call.joined() if c.name in names and c.status != "DOWN"]
    if running and not call.params.get("force"):
        raise Refusal(f"Container {running[0]} is running, stop it first")
    _stop(call)
    for name in names:
        del call.machine.local[name]
    return {"containers": names}


@verb("ready", user=True)
def _ready(call: _Call) -> dict[str, Any]:
    joined = call.joined()
    return {"is_ready": bool(joined) and len(joined) == len(call.machine.local) and all(c.status == "UP" for c in joined)}


@verb("disks")
def _disks(call: _Call) -> dict[str, Any]:
    volumes = [("/dev/nvme0n1", "Amazon Elastic Block Store", True), ("/dev/nvme1n1", "Amazon Elastic Block Store", True),
               *((path, "Amazon EC2 NVMe Instance Storage", False) for path in disk_paths(call.machine.spec))]
    return {"disks": [{"devPath": path, "type": "DISK", "model": model, "isRotational": False, "isMounted": mounted,
                       "isSigned": path in call.machine.signed} for path, model, mounted in volumes]}


@verb("sign-drive")
def _sign(call: _Call) -> dict[str, Any]:
    device = need(call.params, "device")
    if device not in disk_paths(call.machine.spec):
        raise Refusal(f"{device} is no instance-store disk of this machine")
    if device in call.machine.signed:
        raise Refusal(f"{device}: Device is already in use")
    call.machine.signed.add(device)
    return {"device": device}


@verb("drive-scan", user=True)
def _scan(call: _Call) -> dict[str, Any]:
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
def _deactivate(call: _Call) -> dict[str, Any]:
    given = call.params.get("host_id")
    actions.deactivate_containers(call.cluster, [host_number(i) for i in (given if isinstance(given, list) else [given])],
                                  bool(call.params.get("skip_resource_validation")))
    return {}


@verb("container-list", user=True)
def _container_list(call: _Call) -> dict[str, Any]:
    return {"containers": [{"id": key, **entry} for key, entry in views.hosts(call.cluster).items()
                           if not call.params.get("backends") or entry["mode"] == "backend"]}


@verb("drive-list", user=True)
def _drive_list(call: _Call) -> dict[str, Any]:
    wanted = call.params.get("host_id")
    host_id = None if wanted is None else f"HostId<{host_number(wanted)}>"
    return {"drives": [{"id": key, **entry} for key, entry in views.drives(call.cluster).items()
                       if host_id in (None, entry["host_id"])]}


@verb("status", user=True)
def _status(call: _Call) -> dict[str, Any]:
    return status.status(call.cluster)


@verb("trigger-event", user=True)
def _event(call: _Call) -> dict[str, Any]:
    actions.trigger_event(call.cluster, need(call.params, "message"))
    return {}


@verb("mount")
def _mount(call: _Call) -> dict[str, Any]:
    filesystem, point = need(call.params, "filesystem"), need(call.params, "mount_point")
    if call.machine.installed is None:
        raise Refusal("WEKA is not installed on this machine")
    if filesystem not in call.cluster.filesystems:
        raise Refusal(f"Filesystem {filesystem} not found in cluster {call.cluster.name}")
    if call.params.get("from"):
        _backend_at(call, call.params["from"])
    call.registry.connect_client(call.stack, call.machine.spec, CLIENT_CORES,
                                 int(call.params.get("auto_remove_timeout") or AUTO_REMOVE_S))
    call.machine.mounts[point] = filesystem
    return {"host_id": call.machine.local["client"]}


@verb("umount")
def _umount(call: _Call) -> dict[str, Any]:
    if call.machine.mounts.pop(need(call.params, "mount_point"), None) is None:
        raise Refusal(f"{call.params['mount_point']} is not mounted")
    if not call.machine.mounts:
        for container in call.joined():
            if container.mode == "client":
                container_down(call.cluster, container)
    return {}
