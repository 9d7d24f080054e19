"""A security group that an interface, a load balancer or another group's rule uses cannot be deleted."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import DependencyViolationError
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.security_groups import SecurityGroupBackend

from .. import patching
from ..patching import Replacement

GAP = "moto deletes security groups that are in use, and leaves an instance's interface in its old groups"
MOTO = "5.2.5"

_delete = SecurityGroupBackend._delete_security_group
_modify = InstanceBackend.modify_instance_security_groups


def _users(backend: Any, group_id: str) -> bool:
    from moto.elbv2.models import elbv2_backends

    balancers = elbv2_backends[backend.account_id][backend.region_name].load_balancers.values()
    if any(group_id in (balancer.security_groups or []) for balancer in balancers):
        return True
    if any(group_id in {group.id for group in interface.group_set} for interface in backend.enis.values()):
        return True
    for groups in backend.groups.values():
        for other in groups.values():
            rules = [*other.ingress_rules, *other.egress_rules] if other.id != group_id else []
            if any(rule.source_group.get("GroupId") == group_id for rule in rules):
                return True
    return False


def _delete_security_group(self: Any, vpc_id: str | None, group_id: str) -> None:
    if _users(self, group_id):
        raise DependencyViolationError(f"resource {group_id} has a dependent object")
    _delete(self, vpc_id, group_id)


def modify_instance_security_groups(self: Any, instance_id: str, new_group_id_list: list[str]) -> Instance:
    instance = _modify(self, instance_id, new_group_id_list)
    if 0 in instance.nics:
        instance.nics[0]._group_set = list(instance.security_groups)
    return instance


REPLACED = (
    Replacement(SecurityGroupBackend, "_delete_security_group", _delete_security_group),
    Replacement(InstanceBackend, "modify_instance_security_groups", modify_instance_security_groups),
)


def install() -> None:
    """Close the gap."""
    patching.install(REPLACED)


def check() -> None:
    """Raise NameMoved when moto's names have moved."""
    patching.check(REPLACED)
