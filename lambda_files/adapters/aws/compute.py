"""The group and its instances, by Auto Scaling and EC2."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from errors import GroupMissing
from ports.compute import Group, GroupInstance, Instance
from scaling.model import GroupView, Member

CLUSTER_TAG = "stateful:cluster"
HOLD_TAG = "stateful:hold"
# DetachInstances takes 20 ids; a filter of DescribeInstances takes 200 values.
DETACH_BATCH = 20
DESCRIBE_BATCH = 100

log = logging.getLogger(__name__)


class AwsCompute:
    """Compute port for one group of one cluster."""

    def __init__(self, autoscaling: Any, ec2: Any, group: str, cluster: str) -> None:
        self._autoscaling = autoscaling
        self._ec2 = ec2
        self._group = group
        self._cluster = cluster

    def group(self) -> Group:
        """The group now; raises GroupMissing."""
        pages = self._autoscaling.get_paginator("describe_auto_scaling_groups").paginate(
            AutoScalingGroupNames=[self._group]
        )
        found = [group for page in pages for group in page["AutoScalingGroups"]]
        if len(found) != 1:
            raise GroupMissing(
                f"Auto Scaling answered with {len(found)} groups of the name {self._group}; there must be one. "
                "If it was deleted by hand, run the import again."
            )
        group = found[0]
        return Group(
            name=group["AutoScalingGroupName"],
            arn=group["AutoScalingGroupARN"],
            desired=group["DesiredCapacity"],
            minimum=group["MinSize"],
            maximum=group["MaxSize"],
            instances=tuple(
                GroupInstance(
                    instance_id=instance["InstanceId"],
                    lifecycle=instance["LifecycleState"],
                    health=instance.get("HealthStatus", ""),
                    protected=bool(instance.get("ProtectedFromScaleIn")),
                )
                for instance in group["Instances"]
            ),
        )

    def instances(self, ids: Sequence[str]) -> dict[str, Instance]:
        """Those of the instances that EC2 knows. A filter, unlike InstanceIds, does not fail for an unknown one."""
        return {
            instance["InstanceId"]: Instance(
                instance_id=instance["InstanceId"],
                state=instance["State"]["Name"],
                address=instance.get("PrivateIpAddress"),
                launched=instance["LaunchTime"],
                tags={tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])},
            )
            for batch in _batches(ids, DESCRIBE_BATCH)
            for page in self._ec2.get_paginator("describe_instances").paginate(
                Filters=[{"Name": "instance-id", "Values": batch}]
            )
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        }

    def view(self) -> GroupView:
        """Group and instances joined, as the scaling core wants them."""
        group = self.group()
        known = self.instances([instance.instance_id for instance in group.instances])
        return GroupView(
            name=group.name,
            desired=group.desired,
            members=tuple(self._member(instance, known.get(instance.instance_id)) for instance in group.instances),
        )

    def _member(self, instance: GroupInstance, known: Instance | None) -> Member:
        return Member(
            instance_id=instance.instance_id,
            lifecycle=instance.lifecycle,
            protected=instance.protected,
            address=known.address if known else None,
            state=known.state if known else None,
            launched=known.launched if known else None,
            owned=known is not None and known.tags.get(CLUSTER_TAG) == self._cluster,
            held=known is not None and HOLD_TAG in known.tags,
        )

    def detach(self, ids: Sequence[str], fence: Callable[[], None]) -> tuple[list[str], list[str]]:
        """Detach in batches, one by one where a batch is refused. Returns the detached ids, and errors."""
        detached: list[str] = []
        errors: list[str] = []
        for batch in _batches(ids, DETACH_BATCH):
            fence()
            try:
                self._detach(batch)
                detached += batch
            except ClientError as error:
                if len(batch) == 1:
                    errors.append(_sentence("detach", batch[0], error))
                    continue
                one_by_one = [self.detach([instance_id], fence) for instance_id in batch]
                detached += [done for ids_, _ in one_by_one for done in ids_]
                errors += [words for _, problems in one_by_one for words in problems]
        return detached, errors

    def _detach(self, ids: list[str]) -> None:
        self._autoscaling.detach_instances(
            AutoScalingGroupName=self._group, InstanceIds=ids, ShouldDecrementDesiredCapacity=False
        )

    def terminate(self, instance_id: str, fence: Callable[[], None]) -> None:
        """Both protections off, terminate, both on again when it fails; raises the failure."""
        fence()
        try:
            self._api_protection(instance_id, on=False)
            self._scale_in_protection(instance_id, on=False)
            fence()
            self._ec2.terminate_instances(InstanceIds=[instance_id])
        except Exception:
            self._restore(instance_id)
            raise

    def _restore(self, instance_id: str) -> None:
        # A terminate whose answer was lost may have worked; then there is nothing left to protect.
        for restore in (self._scale_in_protection, self._api_protection):
            try:
                restore(instance_id, on=True)
            except (ClientError, BotoCoreError) as error:
                log.warning(_sentence("protect again", instance_id, error))

    def _api_protection(self, instance_id: str, on: bool) -> None:
        self._ec2.modify_instance_attribute(InstanceId=instance_id, DisableApiTermination={"Value": on})

    def _scale_in_protection(self, instance_id: str, on: bool) -> None:
        self._autoscaling.set_instance_protection(
            AutoScalingGroupName=self._group, InstanceIds=[instance_id], ProtectedFromScaleIn=on
        )


def _batches(ids: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(ids), size):
        yield list(ids[start : start + size])


def _sentence(verb: str, instance_id: str, error: Exception) -> str:
    return f"Could not {verb} instance {instance_id}: {error}"
