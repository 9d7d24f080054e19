"""The backends of a cluster: which instances they are, whether they agree, and what a new one copies from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.aws import Aws
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError

# WEKA's template gives its instances profiles with these words in their names; clients are never put in the group.
CLIENT_PROFILE, BACKEND_PROFILE = "InstanceProfileClient", "InstanceProfileBackend"
SMALLEST_ROOT_GIB = 16
# gp3's own figures (EBS user guide): not repeated in the launch template.
GP3_DEFAULTS = {"Iops": 3000, "Throughput": 125}

Instance = Mapping[str, Any]


class Backends:
    """The running backends among a stack's instances and a group's members."""

    def __init__(
        self, aws: Aws, options: Mapping[str, Any], instances: Sequence[Instance], members: Sequence[str]
    ) -> None:
        """Sort the instances.

        Raises:
            ResourceError: too few backends, or one that does not run.
        """
        self.aws = aws
        self.options = options
        self.members = set(members)
        alive = [each for each in instances if each["State"]["Name"] not in ("terminated", "shutting-down")]
        self.all = sorted(filter(self._is_backend, alive), key=lambda each: (each["LaunchTime"], each["InstanceId"]))
        self.running = [each for each in self.all if each["State"]["Name"] == "running"]
        self._refuse_too_few()

    def _is_backend(self, instance: Instance) -> bool:
        if instance["InstanceId"] in self.members:
            return True
        profile = instance.get("IamInstanceProfile", {}).get("Arn", "")
        return CLIENT_PROFILE not in profile if self.options.get("instance_ids") else BACKEND_PROFILE in profile

    def _refuse_too_few(self) -> None:
        least, cluster = self.options["minimum_backends"], self.options["cluster"]
        idle = [each for each in self.all if each["State"]["Name"] != "running" and not self._member(each)]
        if idle:
            names = ", ".join(f"{each['InstanceId']} ({each['State']['Name']})" for each in idle)
            raise ResourceError(
                f"Not every backend of {cluster} runs: {names}. Start them, or remove them from WEKA and EC2."
            )
        if len(self.running) < least:
            raise ResourceError(
                f"Cluster {cluster} has {len(self.running)} running backends; WEKA needs at least {least} to be scaled "
                "safely. Add backends to the cluster first."
            )

    def _member(self, instance: Instance) -> bool:
        return instance["InstanceId"] in self.members

    def reference(self) -> Instance:
        """Return the backend that new instances copy.

        Raises:
            ResourceError: the backends differ and none was chosen, or the chosen one is not a backend.
        """
        chosen = self.options.get("reference_instance")
        if chosen:
            for each in self.running:
                if each["InstanceId"] == chosen:
                    return each
            raise ResourceError(f"reference_instance {chosen} is not a running backend of {self.options['cluster']}.")
        differing = [line for name, read in COMPARED.items() if (line := self._differing(name, read))]
        if differing:
            raise ResourceError(
                f"The backends of {self.options['cluster']} differ in {'; in '.join(differing)}. Set reference_instance to "
                "the one that new instances shall copy."
            )
        return self.running[0]

    def _differing(self, name: str, read: Callable[[Instance], str]) -> str:
        groups: dict[str, list[str]] = defaultdict(list)
        for each in self.running:
            groups[read(each)].append(each["InstanceId"])
        return (
            f"{name}: {', '.join(f'{value} ({chr(32).join(ids)})' for value, ids in groups.items())}"
            if len(groups) > 1
            else ""
        )

    def settings(self, reference: Instance) -> dict[str, Any]:
        """Return what a launch template needs, and which instances the group shall hold.

        Raises:
            ResourceError: the instance type is not supported.
        """
        supported = self.options.get("supported_instance_types")
        kind = reference["InstanceType"]
        if supported is not None and kind not in supported:
            raise ResourceError(
                f"Instance type {kind} is not supported for backends. Supported are {', '.join(supported)}."
            )
        metadata = reference.get("MetadataOptions", {})
        return {
            "reference_instance": reference["InstanceId"],
            "instance_type": kind,
            "image_id": reference["ImageId"],
            "key_name": reference.get("KeyName"),
            "instance_profile_arn": reference.get("IamInstanceProfile", {}).get("Arn"),
            "vpc_id": reference["VpcId"],
            "subnet_id": reference["SubnetId"],
            "availability_zone": reference["Placement"]["AvailabilityZone"],
            "placement_group": reference["Placement"].get("GroupName") or None,
            "security_group_ids": _security_groups(reference),
            "block_device_mappings": self._volumes(reference),
            "metadata_options": {
                "http_tokens": metadata.get("HttpTokens") or "optional",
                "http_put_response_hop_limit": metadata.get("HttpPutResponseHopLimit") or 1,
            },
            "backends": self._backends(),
            "to_attach": [each["InstanceId"] for each in self.running if not self._member(each)],
            "members": sorted(self.members),
            "backend_count": len(self.running),
            "addresses": [each["PrivateIpAddress"] for each in self.running],
        }

    def _volumes(self, reference: Instance) -> list[dict[str, Any]]:
        attached = [each for each in reference.get("BlockDeviceMappings", []) if "Ebs" in each]
        ids = [each["Ebs"]["VolumeId"] for each in attached]
        volumes = {
            each["VolumeId"]: each for each in self.aws.pages("ec2", "describe_volumes", "Volumes", VolumeIds=ids)
        }
        mappings = []
        for each in sorted(attached, key=lambda mapping: mapping["DeviceName"]):
            volume = volumes[each["Ebs"]["VolumeId"]]
            root = each["DeviceName"] == reference.get("RootDeviceName")
            mapping = {
                "device_name": each["DeviceName"],
                "volume_size": max(volume["Size"], SMALLEST_ROOT_GIB) if root else volume["Size"],
                "volume_type": volume["VolumeType"],
                "encrypted": True if volume.get("Encrypted") else None,
                "kms_key_id": volume.get("KmsKeyId"),
                "iops": _unusual(volume, "Iops"),
                "throughput": _unusual(volume, "Throughput"),
                "delete_on_termination": True,
            }
            mappings.append({key: value for key, value in mapping.items() if value is not None})
        return mappings

    def _backends(self) -> list[dict[str, Any]]:
        """Return the imported backends with the termination protection they had before import."""
        recorded = {each["instance_id"]: each for each in self.options["recorded"].get("backends", [])}
        new = [each["InstanceId"] for each in self.running if each["InstanceId"] not in {*recorded, *self.members}]
        with ThreadPoolExecutor(max_workers=8) as pool:
            protection = dict(zip(new, pool.map(self._protected, new), strict=True))
        found = [{"instance_id": name, "termination_protected": value} for name, value in protection.items()]
        return sorted([*recorded.values(), *found], key=lambda each: str(each["instance_id"]))

    def _protected(self, instance_id: str) -> bool:
        answer = self.aws.client("ec2").describe_instance_attribute(
            InstanceId=instance_id, Attribute="disableApiTermination"
        )
        return bool(answer["DisableApiTermination"]["Value"])


def _security_groups(instance: Instance) -> list[str]:
    """The groups of the primary interface: WEKA adds interfaces of its own, one for each core."""
    for interface in instance.get("NetworkInterfaces", []):
        if interface.get("Attachment", {}).get("DeviceIndex") == 0:
            return sorted(group["GroupId"] for group in interface["Groups"])
    return sorted(group["GroupId"] for group in instance["SecurityGroups"])


def _unusual(volume: Mapping[str, Any], name: str) -> int | None:
    value = volume.get(name)
    if value is None or volume["VolumeType"] not in ("gp3", "io1", "io2"):
        return None
    return None if volume["VolumeType"] == "gp3" and value == GP3_DEFAULTS[name] else int(value)


COMPARED: dict[str, Callable[[Instance], str]] = {
    "instance type": lambda each: str(each["InstanceType"]),
    "image": lambda each: str(each["ImageId"]),
    "subnet": lambda each: str(each["SubnetId"]),
    "security groups": lambda each: "+".join(_security_groups(each)),
}
