"""From a CloudFormation resource or a launch template's data to moto's run_instances."""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.types import Base64EncodedString
from moto.ec2.exceptions import EC2ClientError, InvalidSecurityGroupNotFoundError
from moto.ec2.models.instances import Instance
from moto.ec2.utils import convert_tag_spec, filter_iam_instance_profiles, parse_user_data

DEFAULT_ROOT_GB = 8


def flag(value: Any) -> bool:
    """A boolean as queries and templates write it."""
    return str(value).lower() == "true"


def run(
    backend: Any, data: dict[str, Any], subnet_id: str | None, launch_template: dict[str, Any] | None = None
) -> Instance:
    """Start one instance from launch template data, in `subnet_id` or else the data's own. Raises EC2ClientError."""
    interfaces = [dict(each) for each in data.get("NetworkInterfaces") or []]
    primary = next((each for each in interfaces if int(each.get("DeviceIndex", 0)) == 0), {})
    subnet_id = subnet_id or primary.get("SubnetId") or data.get("SubnetId")
    specs = [_interface(each, subnet_id) for each in interfaces]
    if interfaces and data.get("SecurityGroupIds") and launch_template:
        raise EC2ClientError(
            "InvalidParameterCombination",
            "When a network interface is provided, the security groups must be a part of it.",
        )
    groups = primary.get("Groups") or data.get("SecurityGroupIds") or []
    profile = profile_of(backend, data)
    placement = data.get("Placement") or {}
    tags = convert_tag_spec(data.get("TagSpecifications") or [])
    reservation = backend.run_instances(
        image_id=image_of(backend, data),
        count=1,
        user_data=_user_data(data.get("UserData")),
        security_group_names=data.get("SecurityGroups") or [],
        security_group_ids=[security_group(backend, each) for each in groups],
        instance_type=data.get("InstanceType") or "m1.small",
        is_instance_type_default=not data.get("InstanceType"),
        region_name=backend.region_name,
        subnet_id=subnet_id,
        key_name=data.get("KeyName"),
        nics=specs,
        private_ip=data.get("PrivateIpAddress"),
        placement=None if subnet_id else placement.get("AvailabilityZone"),
        block_device_mappings=_disks(backend, data),
        disable_api_termination=flag(data.get("DisableApiTermination")),
        disable_api_stop=flag(data.get("DisableApiStop")),
        instance_initiated_shutdown_behavior=data.get("InstanceInitiatedShutdownBehavior"),
        metadata_options=data.get("MetadataOptions") or {},
        monitoring_state="enabled" if flag((data.get("Monitoring") or {}).get("Enabled")) else "disabled",
        ebs_optimized=flag(data.get("EbsOptimized")),
        tags={kind: tags[kind] for kind in ("instance", "volume") if kind in tags},
        **({"launch_template": launch_template} if launch_template else {}),
    )
    instance = reservation.instances[0]
    instance.placement.group_name = placement.get("GroupName") or ""
    asked = {int(each.get("DeviceIndex", 0)): each.get("DeleteOnTermination") for each in interfaces}
    for index, interface in instance.nics.items():
        interface.delete_on_termination = asked.get(index) is None or flag(asked[index])
        interface.add_tags(tags.get("network-interface", {}))
    if profile:
        backend.associate_iam_instance_profile(instance_id=instance.id, iam_instance_profile_arn=profile)
    return instance


def _interface(spec: dict[str, Any], subnet_id: str | None) -> dict[str, Any]:
    result = {"DeviceIndex": int(spec.get("DeviceIndex", 0)), "Groups": spec.get("Groups") or []}
    if result["DeviceIndex"] == 0:
        result["Groups"] = []
    if subnet_id:
        result["SubnetId"] = subnet_id
    for name in ("NetworkInterfaceId", "PrivateIpAddress", "Description"):
        if spec.get(name):
            result[name] = spec[name]
    if spec.get("AssociatePublicIpAddress") is not None:
        result["AssociatePublicIpAddress"] = flag(spec["AssociatePublicIpAddress"])
    return result


def _user_data(value: Any) -> Base64EncodedString | None:
    return value if isinstance(value, Base64EncodedString) else parse_user_data(value or None)


def profile_of(backend: Any, data: dict[str, Any]) -> str | None:
    """The ARN of the instance profile that the data names. Raises EC2ClientError when there is no such profile."""
    asked = data.get("IamInstanceProfile") or {}
    if not asked.get("Arn") and not asked.get("Name"):
        return None
    try:
        found = filter_iam_instance_profiles(
            backend.account_id,
            partition=backend.partition,
            iam_instance_profile_arn=asked.get("Arn"),
            iam_instance_profile_name=asked.get("Name"),
        )
    except ServiceException:
        found = None
    if found is None:
        kind, value = ("arn", asked["Arn"]) if asked.get("Arn") else ("name", asked["Name"])
        raise EC2ClientError(
            "InvalidParameterValue",
            f"Value ({value}) for parameter iamInstanceProfile.{kind} is invalid. Invalid IAM Instance Profile {kind}",
        )
    return found.arn


def security_group(backend: Any, group_id: str) -> Any:
    """moto's security group. Raises EC2ClientError when there is none."""
    group = backend.get_security_group_from_id(group_id)
    if group is None:
        raise InvalidSecurityGroupNotFoundError(group_id)
    return group


def image_of(backend: Any, data: dict[str, Any]) -> str:
    """The image's id. Raises EC2ClientError when there is no such image."""
    image_id = data.get("ImageId") or ""
    if image_id not in backend.amis:
        raise EC2ClientError("InvalidAMIID.NotFound", f"The image id '[{image_id}]' does not exist")
    return image_id


def _disks(backend: Any, data: dict[str, Any]) -> list[dict[str, Any]]:
    """The data's disks, deleted on termination unless they say otherwise, after the image's root disk."""
    root = backend.amis[data["ImageId"]].root_device_name
    disks = [each for each in data.get("BlockDeviceMappings") or [] if each.get("Ebs")]
    if root not in {each["DeviceName"] for each in disks}:
        disks = [{"DeviceName": root, "Ebs": {"VolumeSize": DEFAULT_ROOT_GB}}, *disks]
    return [{"DeviceName": each["DeviceName"], "Ebs": _disk(each["Ebs"])} for each in disks]


def _disk(asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "VolumeSize": int(asked["VolumeSize"]) if asked.get("VolumeSize") else None,
        "VolumeType": asked.get("VolumeType") or "gp2",
        "SnapshotId": asked.get("SnapshotId"),
        "Encrypted": flag(asked.get("Encrypted")),
        "KmsKeyId": asked.get("KmsKeyId"),
        "DeleteOnTermination": asked.get("DeleteOnTermination") is None or flag(asked["DeleteOnTermination"]),
    }
