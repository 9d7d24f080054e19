"""The data of a launch template: our options to AWS's LaunchTemplateData, and back to compare them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.tags import to_dict, to_pairs

DISK_OPTIONS: dict[str, dict[str, Any]] = {
    "device_name": {"type": "str", "required": True},
    "volume_size": {"type": "int"},
    "volume_type": {"type": "str"},
    "encrypted": {"type": "bool"},
    "kms_key_id": {"type": "str", "no_log": False},
    "delete_on_termination": {"type": "bool", "default": True},
    "iops": {"type": "int"},
    "throughput": {"type": "int"},
}
DISK = {
    "volume_size": "VolumeSize",
    "volume_type": "VolumeType",
    "encrypted": "Encrypted",
    "kms_key_id": "KmsKeyId",
    "delete_on_termination": "DeleteOnTermination",
    "iops": "Iops",
    "throughput": "Throughput",
}
METADATA_OPTIONS: dict[str, dict[str, Any]] = {
    "http_tokens": {"type": "str", "choices": ["required", "optional"], "default": "required"},
    "http_put_response_hop_limit": {"type": "int"},
    "http_endpoint": {"type": "str", "choices": ["enabled", "disabled"]},
    "instance_metadata_tags": {"type": "str", "choices": ["enabled", "disabled"]},
}
METADATA = {
    "http_tokens": "HttpTokens",
    "http_put_response_hop_limit": "HttpPutResponseHopLimit",
    "http_endpoint": "HttpEndpoint",
    "instance_metadata_tags": "InstanceMetadataTags",
}
PLAIN = {
    "image_id": "ImageId",
    "instance_type": "InstanceType",
    "key_name": "KeyName",
    "disable_api_termination": "DisableApiTermination",
    "instance_initiated_shutdown_behavior": "InstanceInitiatedShutdownBehavior",
}
INTERFACE = {
    "security_group_ids": "Groups",
    "subnet_id": "SubnetId",
    "associate_public_ip_address": "AssociatePublicIpAddress",
}
TAGGED = ("instance", "volume", "network-interface")


def check(options: Mapping[str, Any]) -> None:
    """Refuse disks, hop limits and instance tags that EC2 refuses at a launch."""
    devices = [item["device_name"] for item in options.get("block_device_mappings") or []]
    for item in options.get("block_device_mappings") or []:
        device, kind = item["device_name"], item.get("volume_type")
        if devices.count(device) > 1:
            raise ResourceError(f"block_device_mappings: {device} is given twice.")
        if item.get("iops") and kind not in ("gp3", "io1", "io2"):
            raise ResourceError(f"block_device_mappings: {device} has iops; only gp3, io1 and io2 volumes take them.")
        if item.get("throughput") and kind != "gp3":
            raise ResourceError(f"block_device_mappings: {device} has a throughput; only gp3 volumes take one.")
        if item.get("kms_key_id") and not item.get("encrypted"):
            raise ResourceError(f"block_device_mappings: {device} has a kms_key_id, so encrypted must be true.")
    metadata = options.get("metadata_options") or {}
    hops = metadata.get("http_put_response_hop_limit")
    if hops is not None and not 1 <= hops <= 64:
        raise ResourceError(f"metadata_options.http_put_response_hop_limit is {hops}; EC2 accepts 1 to 64.")
    readable = metadata.get("instance_metadata_tags") == "enabled"
    for key, value in (options.get("instance_tags") or {}).items():
        if key.lower().startswith("aws:") or not 1 <= len(key) <= 128 or len(str(value)) > 256:
            raise ResourceError(
                f"instance_tags: {key!r} must have 1 to 128 characters, not begin with aws:, and its value at most 256."
            )
        if readable and (" " in key or "/" in key):
            raise ResourceError(
                f"instance_tags: {key!r} holds a space or a slash, which EC2 refuses with instance_metadata_tags enabled."
            )


def texts(tags: Mapping[str, Any] | None) -> dict[str, str] | None:
    """Return tags with their values as text."""
    return None if tags is None else {key: str(value) for key, value in tags.items()}


def digest(content: bytes) -> str:
    """Return how user data is shown and compared."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def disks(mappings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return disks by device name, without what is not set."""
    plain = [{key: value for key, value in item.items() if value is not None} for item in mappings]
    return sorted(plain, key=lambda item: str(item["device_name"]))


def read(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return AWS's data as properties named like the options; what it does not hold is None or empty."""
    interface: Mapping[str, Any] = next(iter(data.get("NetworkInterfaces") or []), {})
    metadata = data.get("MetadataOptions") or {}
    mappings = [
        {"device_name": each["DeviceName"], **{key: (each.get("Ebs") or {}).get(name) for key, name in DISK.items()}}
        for each in data.get("BlockDeviceMappings") or []
    ]
    user_data = data.get("UserData")
    return {
        **{prop: data.get(name) for prop, name in PLAIN.items()},
        "instance_profile_arn": (data.get("IamInstanceProfile") or {}).get("Arn"),
        "placement_group": (data.get("Placement") or {}).get("GroupName"),
        "subnet_id": interface.get("SubnetId"),
        "associate_public_ip_address": interface.get("AssociatePublicIpAddress"),
        "security_group_ids": sorted(interface.get("Groups") or []),
        "block_device_mappings": disks(mappings),
        "metadata_options": {key: metadata[name] for key, name in METADATA.items() if name in metadata},
        "user_data": digest(base64.b64decode(user_data)) if user_data else None,
        "instance_tags": _tags(data.get("TagSpecifications") or []),
    }


def _tags(specifications: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The tags of instance, volume and interface when they are the same, else by type."""
    by_type = {each["ResourceType"]: to_dict(each.get("Tags")) for each in specifications}
    first = by_type.get(TAGGED[0], {})
    return first if all(by_type.get(kind, {}) == first for kind in TAGGED) else by_type


def write(wanted: Mapping[str, Any], user_data: str | None) -> dict[str, Any]:
    """Return AWS's data of the wanted properties.

    Security groups and subnet go into the network interface: beside one, EC2 refuses security groups at a launch.
    """
    data: dict[str, Any] = {name: wanted[prop] for prop, name in PLAIN.items() if prop in wanted}
    if "instance_profile_arn" in wanted:
        data["IamInstanceProfile"] = {"Arn": wanted["instance_profile_arn"]}
    if "placement_group" in wanted:
        data["Placement"] = {"GroupName": wanted["placement_group"]}
    if "block_device_mappings" in wanted:
        data["BlockDeviceMappings"] = [
            {"DeviceName": item["device_name"], "Ebs": {name: item[key] for key, name in DISK.items() if key in item}}
            for item in wanted["block_device_mappings"]
        ]
    if "metadata_options" in wanted:
        data["MetadataOptions"] = {METADATA[key]: value for key, value in wanted["metadata_options"].items()}
    if user_data is not None:
        data["UserData"] = base64.b64encode(user_data.encode()).decode()
    if "instance_tags" in wanted:
        pairs = to_pairs(wanted["instance_tags"])
        data["TagSpecifications"] = [{"ResourceType": kind, "Tags": pairs} for kind in TAGGED] if pairs else []
    return {**data, **_interface(wanted)}


def _interface(wanted: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: wanted[prop] for prop, name in INTERFACE.items() if wanted.get(prop) not in (None, [])}
    return {"NetworkInterfaces": [{"DeviceIndex": 0, "DeleteOnTermination": True, **given}]} if given else {}
