"""Application load balancers, target groups and listeners: one of a name, repeats answered, settings checked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from moto.elbv2.exceptions import (
    DuplicateListenerError,
    DuplicateLoadBalancerName,
    DuplicateTargetGroupName,
    ELBClientError,
    TooManyTagsError,
)
from moto.elbv2.models import ELBv2Backend, FakeAction, FakeListener, FakeLoadBalancer, FakeTargetGroup, elbv2_backends

from .. import patching
from ..patching import Replacement

GAP = (
    "moto makes a second load balancer or listener of the same name or port, refuses an identical target group, takes "
    "any subnets, and remembers deleted listeners"
)
MOTO = "5.2.5"

TAG_LIMIT = 50
DESCRIBE_TAGS_LIMIT = 20

_create_balancer = ELBv2Backend.create_load_balancer
_delete_balancer = ELBv2Backend.delete_load_balancer
_create_group = ELBv2Backend.create_target_group
_create_listener = ELBv2Backend.create_listener
_action = FakeAction.__init__


def create_load_balancer(
    self: ELBv2Backend,
    name: str,
    security_groups: list[str],
    subnet_ids: list[str],
    subnet_mappings: list[dict[str, str]] | None = None,
    scheme: str | None = None,
    loadbalancer_type: str | None = None,
    ip_address_type: str = "ipv4",
    tags: list[dict[str, str]] | None = None,
) -> FakeLoadBalancer:
    """An identical repeat gets the one that there is; the scheme is internet-facing unless internal is asked for."""
    scheme, kind = scheme or "internet-facing", loadbalancer_type or "application"
    if not re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,32}(?<!-)", name) or name.startswith("internal-"):
        raise ELBClientError("ValidationError", f"The load balancer name '{name}' is not valid")
    wanted = [*subnet_ids, *(each["SubnetId"] for each in subnet_mappings or [])]
    subnets = [self.ec2_backend.get_subnet(each) for each in wanted]
    zones = [each.availability_zone for each in subnets]
    if kind == "application" and len(subnets) < 2:
        raise ELBClientError(
            "ValidationError", "At least two subnets in two different Availability Zones must be specified"
        )
    if len(set(zones)) < len(zones):
        raise ELBClientError(
            "InvalidConfigurationRequest",
            "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
        )
    if len({each.vpc_id for each in subnets}) > 1:
        raise ELBClientError("InvalidConfigurationRequest", "All subnets must belong to the same VPC")
    for group_id in security_groups:
        if self.ec2_backend.get_security_group_from_id(group_id) is None:
            raise ELBClientError("InvalidSecurityGroup", f"Security group '{group_id}' does not exist")
    if kind == "application" and subnets and not security_groups:
        security_groups = [self.ec2_backend.get_default_security_group(subnets[0].vpc_id).id]
    for existing in self.load_balancers.values():
        if existing.name == name:
            same = (existing.scheme, existing.type) == (scheme, kind) and {s.id for s in existing.subnets} == set(
                wanted
            )
            if not same or set(existing.security_groups) != set(security_groups):
                raise DuplicateLoadBalancerName()
            return existing
    made = _create_balancer(
        self, name, security_groups, subnet_ids, subnet_mappings, scheme, loadbalancer_type, ip_address_type, tags
    )
    if scheme == "internal":
        made.dns_name = f"internal-{made.dns_name}"
    return made


def delete_load_balancer(self: ELBv2Backend, arn: str) -> None:
    balancer = self.load_balancers.get(arn)
    if balancer and str(balancer.attrs.get("deletion_protection.enabled")).lower() == "true":
        raise ELBClientError(
            "OperationNotPermitted", f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        )
    _delete_balancer(self, arn)


def create_target_group(self: ELBv2Backend, name: str, **kwargs: Any) -> FakeTargetGroup:
    """An identical repeat gets the one that there is."""
    for existing in self.target_groups.values():
        if existing.name == name:
            asked = {key: kwargs.get(key) for key in ("protocol", "vpc_id")}
            asked["target_type"] = kwargs.get("target_type") or "instance"
            same = all(getattr(existing, key) == value for key, value in asked.items())
            path = kwargs.get("healthcheck_path") or "/"
            if not same or int(existing.port) != int(kwargs.get("port") or 0) or existing.health_check_path != path:
                raise DuplicateTargetGroupName()
            return existing
    return _create_group(self, name, **kwargs)


def create_listener(
    self: ELBv2Backend,
    load_balancer_arn: str,
    protocol: str,
    port: str,
    ssl_policy: str,
    certificate: str | None,
    actions: list[dict[str, Any]],
    alpn_policy: list[str] | None = None,
    tags: list[dict[str, str]] | None = None,
) -> FakeListener:
    """One listener a port; an identical repeat gets the one that there is."""
    balancer = self.load_balancers.get(load_balancer_arn)
    for existing in balancer.listeners.values() if balancer else ():
        if int(existing.port) == int(port):
            same = [each.data for each in existing.default_actions] == [FakeAction(dict(each)).data for each in actions]
            if existing.protocol != protocol or not same:
                raise DuplicateListenerError()
            return existing
    return _create_listener(
        self, load_balancer_arn, protocol, port, ssl_policy, certificate, actions, alpn_policy, tags
    )


def action_init(self: FakeAction, data: dict[str, Any]) -> None:
    """A forward to one target group reads back as TargetGroupArn and as ForwardConfig."""
    if data.get("Type") == "forward":
        config = data.setdefault("ForwardConfig", {})
        if data.get("TargetGroupArn") and not config.get("TargetGroups"):
            config["TargetGroups"] = [{"TargetGroupArn": data["TargetGroupArn"]}]
        if len(config.get("TargetGroups", [])) == 1:
            data["TargetGroupArn"] = config["TargetGroups"][0]["TargetGroupArn"]
    _action(self, data)


def _balancers(self: FakeTargetGroup) -> list[str]:
    """The load balancers whose listeners forward to the group now."""
    backend = elbv2_backends[self.account_id][self.region_name]
    return [balancer.arn for balancer in backend.load_balancers.values() if self.arn in _targets(backend, balancer)]


def _targets(backend: ELBv2Backend, balancer: FakeLoadBalancer) -> Iterable[str]:
    for listener in balancer.listeners.values():
        for rule in listener.rules.values():
            for action in rule.actions:
                yield from backend._get_target_group_arns_from(action_data=action.data)


def add_tags(self: ELBv2Backend, resource_arns: list[str], tags: list[dict[str, str]]) -> None:
    """AWS's limit is 50 tags a resource; moto's is 10."""
    for arn in resource_arns:
        self._get_resource_by_arn(arn)
        keys = {*self.tagging_service.get_tag_dict_for_resource(arn), *(each["Key"] for each in tags)}
        if len(keys) > TAG_LIMIT:
            raise TooManyTagsError()
        self.tagging_service.tag_resource(arn, tags)


def describe_tags(self: ELBv2Backend, resource_arns: list[str]) -> dict[str, dict[str, str]]:
    """At most 20 resources a call, and only those that exist."""
    if len(resource_arns) > DESCRIBE_TAGS_LIMIT:
        raise ELBClientError("ValidationError", "The maximum number of resources for DescribeTags is 20")
    for arn in resource_arns:
        self._get_resource_by_arn(arn)
    return {arn: self.tagging_service.get_tag_dict_for_resource(arn) for arn in resource_arns}


REPLACED = (
    Replacement(ELBv2Backend, "create_load_balancer", create_load_balancer),
    Replacement(ELBv2Backend, "delete_load_balancer", delete_load_balancer),
    Replacement(ELBv2Backend, "create_target_group", create_target_group),
    Replacement(ELBv2Backend, "create_listener", create_listener),
    Replacement(ELBv2Backend, "add_tags", add_tags),
    Replacement(ELBv2Backend, "describe_tags", describe_tags),
    Replacement(FakeAction, "__init__", action_init),
)


def install() -> None:
    """Close the gap; moto's own list of a group's load balancers is not kept any more but asked for."""
    patching.install(REPLACED)
    FakeTargetGroup.load_balancer_arns = property(_balancers, lambda self, value: None)  # type: ignore[assignment]


def check() -> None:
    """Raise NameMoved when moto's names have moved."""
    patching.check(REPLACED)
    assert hasattr(ELBv2Backend, "_get_target_group_arns_from")
