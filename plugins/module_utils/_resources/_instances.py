"""Instances by the hundred: their state, tags and termination protection, read and written in few calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.aws import Aws
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Resource, Step
from ansible_collections.stateful.aws.plugins.module_utils._engine.tags import COMPONENT, to_dict, to_pairs
from botocore.exceptions import ClientError

# EC2 API reference: values of a filter; Auto Scaling API reference: ids of DescribeAutoScalingInstances.
FILTER_VALUES, SCALING_INSTANCES, TAGGED_AT_ONCE = 200, 50, 200
THREADS = 8
GONE = ("InvalidInstanceID.NotFound", "IncorrectInstanceState")


@dataclass(frozen=True)
class Instance:
    """What is asked of an instance here."""

    instance_id: str
    state: str
    zone: str
    tags: dict[str, str]
    parts: tuple[str, ...]
    """Volumes and network interfaces, which bear the launch template's tags when a group launched the instance."""

    @property
    def launched(self) -> bool:
        """Whether the group launched it, told by the tag that the launch template gives."""
        return self.tags.get(COMPONENT) == "member"

    @property
    def lives(self) -> bool:
        """Whether it can still be changed."""
        return self.state not in ("shutting-down", "terminated")


def batches(items: Iterable[str], size: int) -> Iterator[list[str]]:
    """Yield the items in sorted lists of at most ``size``."""
    ordered = sorted(items)
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


def describe(aws: Aws, ids: Iterable[str]) -> dict[str, Instance]:
    """Return the instances that EC2 still knows; a filter, unlike InstanceIds, does not fail for one that is gone."""
    found = {}
    for batch in batches(ids, FILTER_VALUES):
        filters = [{"Name": "instance-id", "Values": batch}]
        for reservation in aws.pages("ec2", "describe_instances", "Reservations", Filters=filters):
            for each in reservation["Instances"]:
                found[each["InstanceId"]] = Instance(
                    each["InstanceId"],
                    each["State"]["Name"],
                    each["Placement"]["AvailabilityZone"],
                    to_dict(each.get("Tags")),
                    _parts(each),
                )
    return found


def _parts(instance: Mapping[str, Any]) -> tuple[str, ...]:
    volumes = [each["Ebs"]["VolumeId"] for each in instance.get("BlockDeviceMappings", []) if "Ebs" in each]
    return (*volumes, *(each["NetworkInterfaceId"] for each in instance.get("NetworkInterfaces", [])))


def groups_of(aws: Aws, ids: Iterable[str]) -> dict[str, str]:
    """Return the Auto Scaling groups of those instances that are in one."""
    found = {}
    for batch in batches(ids, SCALING_INSTANCES):
        answer = aws.client("autoscaling").describe_auto_scaling_instances(InstanceIds=batch)
        found.update({each["InstanceId"]: each["AutoScalingGroupName"] for each in answer["AutoScalingInstances"]})
    return found


def protection(aws: Aws, ids: Iterable[str]) -> dict[str, bool]:
    """Return the termination protection of those instances that EC2 still knows; EC2 tells it of one at a time."""
    ec2 = aws.client("ec2")

    def one(instance_id: str) -> bool | None:
        try:
            answer = ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="disableApiTermination")
        except ClientError as error:
            if error_code(error) in GONE:
                return None
            raise
        return bool(answer["DisableApiTermination"]["Value"])

    ordered = sorted(ids)
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        return {name: value for name, value in zip(ordered, pool.map(one, ordered), strict=True) if value is not None}


def protect(resource: Resource, known: dict[str, bool], wanted: Mapping[str, bool]) -> dict[str, Step]:
    """Return, by instance, the steps that give each the protection it should have; ``known`` learns of them."""
    differing = {name: value for name, value in sorted(wanted.items()) if known.get(name, value) != value}
    difference = {"termination_protection": ({name: known[name] for name in differing}, differing)}

    def step(name: str, value: bool) -> Step:
        def learn(answer: dict[str, Any]) -> dict[str, Any]:
            known[name] = value
            return {}

        return resource.change(
            "ec2",
            "modify_instance_attribute",
            {"InstanceId": name, "DisableApiTermination": {"Value": value}},
            f"let EC2 {'refuse' if value else 'allow'} to terminate {name}",
            difference,
            learn=learn,
        )

    return {name: step(name, value) for name, value in differing.items()}


def tag(resource: Resource, ids: Sequence[str], present: Mapping[str, Instance], tags: Mapping[str, str]) -> list[Step]:
    """Return the steps that put the tags on these instances."""
    before = {name: {key: present[name].tags[key] for key in tags if key in present[name].tags} for name in ids}
    difference = {"instance_tags": (before, {name: dict(tags) for name in ids})}
    return [
        resource.change(
            "ec2",
            "create_tags",
            {"Resources": batch, "Tags": to_pairs(tags)},
            f"mark {len(batch)} instances as members",
            difference,
        )
        for batch in batches(ids, TAGGED_AT_ONCE)
    ]


def untag(resource: Resource, present: Mapping[str, Instance], keys: Sequence[str]) -> list[Step]:
    """Return the steps that remove these keys from the instances that bear one of them, and from launched ones' parts."""
    bearers = {name: each for name, each in present.items() if set(keys) & set(each.tags)}
    parts = [part for each in bearers.values() if each.launched for part in each.parts]
    before = {name: {key: each.tags[key] for key in keys if key in each.tags} for name, each in bearers.items()}
    return [
        resource.change(
            "ec2",
            "delete_tags",
            {"Resources": batch, "Tags": [{"Key": key} for key in keys]},
            f"unmark {len(batch)} instances, volumes and network interfaces"
            if parts
            else f"unmark {len(batch)} instances",
            {"instance_tags": (before, {name: {} for name in bearers})},
        )
        for batch in batches([*bearers, *parts], TAGGED_AT_ONCE)
    ]
