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

from typing import Any

from . import agent_cluster, agent_local  # noqa: F401  (they fill the table of verbs)
from .agent_verbs import VERBS, Call
from .errors import MethodNotFound, Refusal
from .registry import Registry
from .transitions import advance


def agent_call(
    registry: Registry, stack: str, instance_id: str, verb: str, params: dict[str, Any], token: str | None = None
) -> dict[str, Any]:
    """Do what a command on an instance asks; see the module's docstring."""
    cluster = registry.get(stack)
    if verb not in VERBS:
        raise MethodNotFound(f"No such verb: {verb}; known: {', '.join(sorted(VERBS))}")
    handler, needs_user = VERBS[verb]
    with cluster.lock:
        advance(cluster)
        call = Call(registry, stack, cluster, cluster.machines[instance_id], params, token)
        if not call.machine.up:
            raise Refusal(f"{instance_id} does not run")
        if needs_user:
            call.authenticate()
        return handler(call)
