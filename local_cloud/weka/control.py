"""What people and tests see and set: `state`, `set_` and `faults`, all from and to plain JSON values."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from . import status, views
from .model import Cluster, Container, Drive, Machine, Timing
from .transitions import advance, container_down, container_up, machine_down, machine_up, set_container, set_drive


def state(cluster: Cluster) -> dict[str, Any]:
    """Everything there is to know about a cluster, passwords and tokens excepted."""
    with cluster.lock:
        advance(cluster)
        return {
            "name": cluster.name,
            "revision": cluster.revision,
            "certificate": cluster.certificate,
            "status": status.status(cluster),
            "hosts": views.hosts(cluster),
            "nodes": views.nodes(cluster),
            "drives": views.drives(cluster, show_removed=True),
            "filesystems": dict(cluster.filesystems),
            "machines": {
                key: {
                    "address": m.address,
                    "up": m.up,
                    "installed": m.installed,
                    "local": dict(m.local),
                    "signed": sorted(m.signed),
                    "mounts": dict(m.mounts),
                    "identifier": m.identifier,
                    "failure_domain": m.failure_domain,
                }
                for key, m in cluster.machines.items()
            },
            "overrides": {f"ManualOverrideId<{n}>": o for n, o in cluster.overrides.items()},
            "interface_groups": cluster.interface_groups,
            "events": views.events(cluster),
            "users": sorted(cluster.users.passwords),
            "locked": cluster.users.locked(),
            "logins": cluster.users.logins,
            "timing": vars(cluster.timing),
            "faults": [vars(rule) for rule in cluster.faults.rules],
            "guids": dict(cluster.faults.guids),
            "clock_skew_s": cluster.skew_s,
        }


Setter = Callable[[Cluster, Any], None]


def set_(cluster: Cluster, wanted: dict[str, Any]) -> None:
    """Change settings: each of Timing's seconds, access_token_expiry, refresh_token_expiry, lockout_s, expire_tokens
    (true), io_status, upgrade, release, hot_spare, leadership_required, leader (a host id), provisioned_bytes
    (of the first filesystem),
    filesystems {name: bytes or null}, overrides {"add": [{"key", ...}], "remove": [keys]}, interface_groups [...],
    users {name: password or null}.

    ValueError on a name that does not exist; nothing is changed then.
    """
    _each(cluster, wanted, SETTERS, "setting")
    cluster.touch()


def faults(cluster: Cluster, wanted: dict[str, Any]) -> None:
    """Add faults, or with {"clear": true} first end those of the API (what became of machines stays).

    methods {name or pattern: fault or [faults]} with the fields of faults.MethodFault; views {address: "frozen" (the member
    answers as of now, clock included), {method: what is merged into its answers} or null}; stuck [drive or container that
    comes no further]; instances {id: "down", "up" or
    {"seconds": down for so long, "fenced": false for no fencing time, "state_changed": false for no such time}};
    containers {"HostId<3>" or "i-1/compute0": "down", "up" or {"state", "status"} of any name}; drives {uuid or
    "DiskId<2>": status, or {"status", "rebuild": true}}; clock_skew_s; guids {address: guid or null}.
    ValueError on names that do not exist.
    """
    _each(cluster, wanted, FAULTS, "fault")


def _each(cluster: Cluster, wanted: dict[str, Any], known: dict[str, Setter], kind: str) -> None:
    if unknown := set(wanted) - set(known):
        raise ValueError(f"unknown {kind} {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
    with cluster.lock:
        advance(cluster)
        for name, setter in known.items():
            if name in wanted:
                setter(cluster, wanted[name])


def _assign(owner: Callable[[Cluster], Any], name: str, kind: Callable[[Any], Any]) -> Setter:
    return lambda cluster, value: setattr(owner(cluster), name, kind(value))


def _set_filesystems(cluster: Cluster, sizes: dict[str, int | None]) -> None:
    for name, size in sizes.items():
        if size is None:
            cluster.filesystems.pop(name, None)
        else:
            cluster.filesystems[name] = int(size)


def _set_provisioned(cluster: Cluster, size: int) -> None:
    others = dict(list(cluster.filesystems.items())[1:])
    cluster.filesystems = {next(iter(cluster.filesystems), "default"): int(size) - sum(others.values()), **others}


def _set_overrides(cluster: Cluster, change: dict[str, Any]) -> None:
    for override in change.get("add", []):
        number = cluster.next_id("override")
        cluster.overrides[number] = {
            "override_id": number,
            "enabled": True,
            "value": None,
            "comment": "",
            "bucket_id": None,
            "forced": False,
            **override,
        }
    removed = change.get("remove", [])
    cluster.overrides = {n: o for n, o in cluster.overrides.items() if o.get("key") not in removed}


def _set_users(cluster: Cluster, passwords: dict[str, str | None]) -> None:
    for name, password in passwords.items():
        cluster.users.set_password(name, password)


def _expire_tokens(cluster: Cluster, wanted: Any) -> None:
    if wanted:
        cluster.users.expire_all()


def _itself(cluster: Cluster) -> Cluster:
    return cluster


SETTERS: dict[str, Setter] = {
    **{f.name: _assign(lambda c: c.timing, f.name, float) for f in fields(Timing)},
    **{
        name: _assign(lambda c: c.users, name, float)
        for name in ("access_token_expiry", "refresh_token_expiry", "lockout_s")
    },
    **{name: _assign(_itself, name, str) for name in ("io_status", "upgrade", "release")},
    **{name: _assign(_itself, name, int) for name in ("hot_spare", "leadership_required", "leader")},
    "interface_groups": _assign(_itself, "interface_groups", list),
    "filesystems": _set_filesystems,
    "provisioned_bytes": _set_provisioned,
    "overrides": _set_overrides,
    "users": _set_users,
    "expire_tokens": _expire_tokens,
}


def _clear(cluster: Cluster, wanted: Any) -> None:
    if wanted:
        cluster.faults.clear()
        cluster.skew_s = 0.0


def _method_faults(cluster: Cluster, wanted: dict[str, Any]) -> None:
    from .rest import METHODS, ROUTES  # they call this module, so they cannot be imported before it

    names = {*METHODS, *(name for _, _, name, _ in ROUTES)}
    for method, spec in wanted.items():
        if not fnmatch.filter(names, method):
            raise ValueError(f"no method is called {method}; there are {', '.join(sorted(names))}")
        for one in spec if isinstance(spec, list) else [spec]:
            cluster.faults.add(method, one)


def _machine_faults(cluster: Cluster, wanted: dict[str, Any]) -> None:
    for instance_id, what in wanted.items():
        if instance_id not in cluster.machines:
            raise ValueError(f"cluster {cluster.name} has no machine {instance_id}")
        machine = cluster.machines[instance_id]
        if what == "up":
            machine_up(cluster, machine)
            continue
        details = {} if what == "down" else what
        machine_down(cluster, machine)
        _backdate(cluster, machine, details)


def _backdate(cluster: Cluster, machine: Machine, details: dict[str, Any]) -> None:
    at = cluster.clock() - float(details.get("seconds", 0))
    for container in cluster.containers_of(machine):
        container.changed = at if details.get("state_changed", True) else None
        for node in container.nodes:
            node.last_fencing = at if details.get("fenced", True) else None


def _container_faults(cluster: Cluster, wanted: dict[str, Any]) -> None:
    for name, what in wanted.items():
        container = _find_container(cluster, name)
        if what == "up":
            container_up(cluster, container)
        elif what == "down":
            container_down(cluster, container)
        else:
            set_container(cluster, container, state=what.get("state"), status=what.get("status"))


def _find_container(cluster: Cluster, name: str) -> Container:
    for container in cluster.containers.values():
        if name in (f"HostId<{container.host_id}>", f"{container.machine.spec.instance_id}/{container.name}"):
            return container
    raise ValueError(f"cluster {cluster.name} has no container {name}")


def _drive_faults(cluster: Cluster, wanted: dict[str, Any]) -> None:
    for name, what in wanted.items():
        drive = _find_drive(cluster, name)
        details = what if isinstance(what, dict) else {"status": what}
        set_drive(cluster, drive, details["status"])
        if details.get("rebuild"):
            cluster.rebuilding.setdefault(drive.failure_domain, cluster.clock())


def _find_drive(cluster: Cluster, name: str) -> Drive:
    for drive in cluster.present_drives():
        if name in (drive.uuid, f"DiskId<{drive.disk_id}>"):
            return drive
    raise ValueError(f"cluster {cluster.name} has no drive {name}")


def _set_guids(cluster: Cluster, guids: dict[str, str | None]) -> None:
    for address, guid in guids.items():
        cluster.faults.guids.pop(address, None)
        if guid is not None:
            cluster.faults.guids[address] = guid


def _set_views(cluster: Cluster, wanted: dict[str, Any]) -> None:
    from .methods import all_answers  # it calls this module, so it cannot be imported before it

    for address, what in wanted.items():
        cluster.faults.frozen.pop(address, None)
        cluster.faults.bent.pop(address, None)
        if what == "frozen":
            cluster.faults.frozen[address] = all_answers(cluster)
        elif what is not None:
            cluster.faults.bent[address] = dict(what)


def _set_stuck(cluster: Cluster, names: list[str]) -> None:
    for name in names:
        is_host = name.startswith("HostId<") or "/" in name
        found = f"HostId<{_find_container(cluster, name).host_id}>" if is_host else _find_drive(cluster, name).uuid
        cluster.faults.stuck.add(found)


FAULTS: dict[str, Setter] = {
    "views": _set_views,
    "stuck": _set_stuck,
    "clear": _clear,
    "methods": _method_faults,
    "instances": _machine_faults,
    "containers": _container_faults,
    "drives": _drive_faults,
    "guids": _set_guids,
    "clock_skew_s": _assign(_itself, "skew_s", float),
}
