"""Instances end as on AWS: volumes and interfaces deleted, addresses not handed out again at once, protection kept."""

from __future__ import annotations

import itertools
from typing import Any

from moto.ec2.exceptions import EC2ClientError, InvalidParameterCombination, OperationNotPermitted4
from moto.ec2.models.instances import Instance, InstanceBackend, InstanceState
from moto.ec2.models.subnets import Subnet

from .. import lifecycle, patching
from ..patching import Replacement

GAP = (
    "moto keeps interfaces and addresses of terminated instances, terminates the unprotected half of a zone's "
    "instances when one is protected, ignores protection when a stack is deleted, and reuses an address at once"
)
MOTO = "5.2.5"

_terminate = Instance.terminate
_stop = Instance.stop
_start = Instance.start


def terminate(self: Instance) -> InstanceState:
    if self.state == "terminated":
        return InstanceState("terminated", 48)
    previous = _terminate(self)
    for interface in list(self.nics.values()):
        self.detach_eni(interface)
    self._private_ips.clear()
    lifecycle.announce_gone(self)
    _notify(self)
    return previous


def stop(self: Instance) -> InstanceState:
    previous = _stop(self)
    lifecycle.announce_gone(self)
    _notify(self)
    return previous


def start(self: Instance) -> InstanceState:
    previous = _start(self)
    lifecycle.announce_running(self)
    return previous


def _notify(instance: Instance) -> None:
    """Target groups and Auto Scaling learn of it, whoever ended the instance."""
    from moto.autoscaling.models import autoscaling_backends
    from moto.elbv2.models import elbv2_backends

    account, region = instance.ec2_backend.account_id, instance.ec2_backend.region_name
    if instance.state == "terminated":
        elbv2_backends[account][region].notify_terminate_instances([instance.id])
    autoscaling_backends[account][region].notify_terminate_instances([instance.id])


def delete(self: Instance, account_id: str, region: str) -> None:
    """What CloudFormation calls: a protected instance makes the deletion fail."""
    self.ec2_backend.terminate_instances([self.id])


def terminate_instances(self: InstanceBackend, instance_ids: list[str]) -> list[tuple[Instance, InstanceState]]:
    """A protected instance keeps the others of its zone alive; those of other zones are terminated all the same."""
    if not instance_ids:
        raise InvalidParameterCombination("No instances specified")
    instances = self.get_multi_instances_by_id(instance_ids)
    refused: Instance | None = None
    terminated = []
    by_zone = sorted(instances, key=lambda each: str(each.availability_zone))
    for _, zone in itertools.groupby(by_zone, key=lambda each: each.availability_zone):
        members = list(zone)
        protected = [each for each in members if each.disable_api_termination and each.state != "terminated"]
        if protected:
            refused = refused or protected[0]
            continue
        terminated += [(each, each.terminate()) for each in members]
    if refused:
        raise OperationNotPermitted4(refused.id)
    return terminated


def get_available_subnet_ip(self: Subnet, instance: Any) -> str:
    """Addresses in order; given back ones only when the subnet has no other left."""
    address = next((str(each) for each in self._subnet_ip_generator if str(each) not in self._subnet_ips), None)
    if address is None:
        if not self._unused_ips:
            raise EC2ClientError(
                "InsufficientFreeAddressesInSubnet",
                f"There are not enough free addresses in subnet '{self.id}' to satisfy the requested number.",
            )
        address = self._unused_ips.pop()
    self._subnet_ips[address] = instance
    return address


def _primary(attribute: str) -> property:
    return property(lambda self: getattr(self.nics[0], attribute) if 0 in self.nics else None)


def _private_dns_name(self: Instance) -> str:
    if not self.private_ip:
        return ""
    domain = "ec2.internal" if self.region_name == "us-east-1" else f"{self.region_name}.compute.internal"
    return f"ip-{self.private_ip.replace('.', '-')}.{domain}"


REPLACED = (
    Replacement(Instance, "terminate", terminate),
    Replacement(Instance, "stop", stop),
    Replacement(Instance, "start", start),
    Replacement(Instance, "delete", delete),
    Replacement(Instance, "private_ip", _primary("private_ip_address")),
    Replacement(Instance, "private_ip_address", _primary("private_ip_address")),
    Replacement(Instance, "public_ip", _primary("public_ip")),
    Replacement(Instance, "public_ip_address", _primary("public_ip")),
    Replacement(Instance, "private_dns_name", property(_private_dns_name)),
    Replacement(InstanceBackend, "terminate_instances", terminate_instances),
    Replacement(Subnet, "get_available_subnet_ip", get_available_subnet_ip),
)


def install() -> None:
    """Close the gap."""
    patching.install(REPLACED)


def check() -> None:
    """Raise NameMoved when moto's names have moved."""
    patching.check(REPLACED)
