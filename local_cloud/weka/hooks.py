"""How the simulated clusters follow the local cloud's instances.

A WEKA stack's backends form a cluster once all of them run, its clients connect; an instance of a group that carries
the cluster's tag becomes known, empty, and joins by what its user data does; a dead one takes its containers DOWN.
"""

from __future__ import annotations

import os

from moto.ec2.models import ec2_backends

from .. import lifecycle
from ..lifecycle import InstanceFacts
from ..process import ACCOUNT_ID, cloud
from .model import MachineSpec
from .registry import Registry

CLUSTER_TAG = "stateful:cluster"
BACKEND_PROFILE, CLIENT_PROFILE = "InstanceProfileBackend", "InstanceProfileClient"
USERNAME = os.environ.get("LOCAL_CLOUD_WEKA_USERNAME", "admin")
PASSWORD = os.environ.get("LOCAL_CLOUD_WEKA_PASSWORD", "WEKA-demo-1")

registry = Registry()
_running: set[str] = set()


def install() -> None:
    """Follow instances from now on, until the cloud ends."""
    lifecycle.on_instance_running(instance_running)
    lifecycle.on_instance_gone(instance_gone)
    cloud.at_exit.append(registry.close)


def instance_running(facts: InstanceFacts) -> None:
    """An instance runs: its machine comes back, forms a cluster with its stack's, or becomes known to its cluster."""
    _running.add(facts.instance_id)
    stack = facts.stack or facts.tags.get(CLUSTER_TAG)
    if stack is None:
        return
    cluster = registry.clusters.get(stack)
    if cluster is not None and facts.instance_id in cluster.machines:
        registry.machine_back(facts.instance_id)
    elif facts.stack is not None and (cluster is None or not any(m.up for m in cluster.machines.values())):
        _form(facts.stack)
    elif cluster is None:
        return
    elif _has_profile(facts, CLIENT_PROFILE):
        registry.connect_client(stack, _spec(facts))
    elif facts.stack is not None and _has_profile(facts, BACKEND_PROFILE):
        registry.grow(stack, _spec(facts))
    else:
        registry.join(stack, _spec(facts))


def instance_gone(facts: InstanceFacts) -> None:
    """An instance is gone: so is its machine."""
    _running.discard(facts.instance_id)
    registry.machine_gone(facts.instance_id)


def _form(stack: str) -> None:
    """Form the stack's cluster when every one of its instances runs and backends are among them."""
    members = [
        lifecycle.facts(instance)
        for backend in ec2_backends[ACCOUNT_ID].values()
        for instance in backend.all_instances()
        if instance.state == "running" and lifecycle.facts(instance).stack == stack
    ]
    backends = [_spec(member) for member in members if _has_profile(member, BACKEND_PROFILE)]
    if not backends or not all(member.instance_id in _running for member in members):
        return
    registry.drop(stack)
    clients = [_spec(member) for member in members if _has_profile(member, CLIENT_PROFILE)]
    registry.form(stack, backends, username=USERNAME, password=PASSWORD, clients=clients)


def _has_profile(facts: InstanceFacts, name: str) -> bool:
    return name in (facts.profile_arn or "")


def _spec(facts: InstanceFacts) -> MachineSpec:
    placement = lifecycle.find(facts.instance_id).placement
    return MachineSpec(facts.instance_id, facts.address, placement.zone or "", facts.instance_type)
