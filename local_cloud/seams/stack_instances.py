"""AWS::EC2::Instance with all of its properties, its update, and what happens when its stack is complete."""

from __future__ import annotations

from typing import Any

from moto.cloudformation.models import Stack
from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance

from .. import lifecycle, network, patching  # noqa: F401  (network registers its route)
from ..patching import Replacement
from ..weka.sizes import SIZES
from . import _machines

GAP = (
    "CloudFormation's instances ignore NetworkInterfaces, SecurityGroupIds, DisableApiTermination and placement, and "
    "are lost from their stack when it is updated"
)
MOTO = "5.2.5"

WEKA_DESCRIPTION = "[WekaIO]"
BACKEND_PROFILE = "InstanceProfileBackend"
REPLACING = ("ImageId", "SubnetId", "KeyName", "NetworkInterfaces", "BlockDeviceMappings", "PrivateIpAddress")

_created = Stack.mark_creation_complete
_update = Stack.update


def _template_data(properties: dict[str, Any]) -> dict[str, Any]:
    """The resource's properties under the names that launch templates have for them."""
    data = {key: value for key, value in properties.items() if value is not None}
    data["NetworkInterfaces"] = [
        {**each, "Groups": each.get("GroupSet")} for each in properties.get("NetworkInterfaces") or []
    ]
    data["SecurityGroupIds"] = [*(properties.get("SecurityGroupIds") or []), *(properties.get("SecurityGroups") or [])]
    data["SecurityGroups"] = []
    data["IamInstanceProfile"] = {"Name": properties.get("IamInstanceProfile")}
    data["Placement"] = {
        "GroupName": properties.get("PlacementGroupName"),
        "AvailabilityZone": properties.get("AvailabilityZone"),
    }
    data["Monitoring"] = {"Enabled": properties.get("Monitoring")}
    data["TagSpecifications"] = [{"ResourceType": "instance", "Tags": properties.get("Tags") or []}]
    return data


def create_from_cloudformation_json(
    cls: type[Instance],
    resource_name: str,
    cloudformation_json: Any,
    account_id: str,
    region_name: str,
    **kwargs: Any,
) -> Instance:
    properties = cloudformation_json["Properties"]
    backend = ec2_backends[account_id][region_name]
    instance = _machines.run(backend, _template_data(properties), properties.get("SubnetId"))
    instance.cf_properties = properties  # type: ignore[attr-defined]
    return instance


def update_from_cloudformation_json(
    cls: type[Instance],
    original_resource: Any,
    new_resource_name: str,
    cloudformation_json: Any,
    account_id: str,
    region_name: str,
) -> Instance:
    """In place where AWS can; else a new instance, and the old one is deleted unless it is protected."""
    properties, before = cloudformation_json["Properties"], original_resource.cf_properties
    backend = ec2_backends[account_id][region_name]
    if any(properties.get(name) != before.get(name) for name in REPLACING):
        instance = create_from_cloudformation_json(cls, new_resource_name, cloudformation_json, account_id, region_name)
        if not original_resource.disable_api_termination:
            original_resource.terminate()
        return instance
    changed = {name for name in {*properties, *before} if properties.get(name) != before.get(name)}
    data = _template_data(properties)
    if "DisableApiTermination" in changed:
        original_resource.disable_api_termination = _machines.flag(properties.get("DisableApiTermination"))
    if changed & {"SecurityGroupIds", "SecurityGroups"}:
        backend.modify_instance_security_groups(original_resource.id, data["SecurityGroupIds"])
    if "InstanceType" in changed:
        original_resource.instance_type = properties["InstanceType"]
    if "Tags" in changed:
        backend.create_tags([original_resource.id], {tag["Key"]: tag["Value"] for tag in properties.get("Tags") or []})
    original_resource.cf_properties = properties
    return original_resource


def _instances(stack: Stack) -> list[tuple[str, Instance]]:
    parsed = stack.resource_map._parsed_resources
    return [(name, parsed[name]) for name in stack.resource_map.resources if isinstance(parsed.get(name), Instance)]


def _boot(stack: Stack) -> None:
    """Tag and announce the stack's new instances; WEKA's backends get an interface for each of WEKA's cores first."""
    fresh = [(name, each) for name, each in _instances(stack) if not hasattr(each, "announced")]
    for name, instance in fresh:
        instance.add_tags(
            {
                **{key: value for key, value in stack.tags.items() if not key.startswith("aws:")},
                "aws:cloudformation:stack-name": stack.name,
                "aws:cloudformation:stack-id": stack.stack_id,
                "aws:cloudformation:logical-id": name,
            }
        )
        profile = instance.iam_instance_profile
        if (stack.description or "").startswith(WEKA_DESCRIPTION) and profile and BACKEND_PROFILE in profile["Arn"]:
            _add_interfaces(instance)
    for _, instance in fresh:
        lifecycle.announce_running(instance)


def _add_interfaces(instance: Instance) -> None:
    size = SIZES.get(instance.instance_type)
    cores = size.compute + size.frontend + size.drives if size else 0
    for index in range(len(instance.nics), cores + 1):
        interface = instance.ec2_backend.create_network_interface(
            instance.subnet_id,
            None,
            group_ids=[group.id for group in instance.security_groups],
            delete_on_termination=True,
        )
        instance.attach_eni(interface, index)


def mark_creation_complete(self: Stack) -> None:
    _created(self)
    _boot(self)


def update(
    self: Stack,
    template: str,
    role_arn: str | None = None,
    parameters: dict[str, Any] | None = None,
    tags: dict[str, str] | None = None,
) -> None:
    _update(self, template, role_arn, parameters, tags)
    _boot(self)


REPLACED = (
    Replacement(Instance, "create_from_cloudformation_json", classmethod(create_from_cloudformation_json)),
    Replacement(Instance, "update_from_cloudformation_json", classmethod(update_from_cloudformation_json)),
    Replacement(Stack, "mark_creation_complete", mark_creation_complete),
    Replacement(Stack, "update", update),
)


def install() -> None:
    """Close the gap."""
    patching.install(REPLACED)


def check() -> None:
    """Raise NameMoved when moto's names have moved."""
    patching.check(REPLACED)
    assert hasattr(Stack, "_create_resource_map")
