"""The group and its instances, by Auto Scaling and EC2."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from errors import GroupMissing, InstancesUnread
from ports.compute import Group, GroupInstance, Instance
from scaling.model import GONE_STATES, GroupView, Member

CLUSTER_TAG = "stateful:cluster"
HOLD_TAG = "stateful:hold"
# As many terminations as the limits allow in a pass. DetachInstances takes 20 ids, a filter of DescribeInstances 200.
BATCH = 50
DETACH_BATCH = 20
DESCRIBE_BATCH = 200
AT_ONCE = 8

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
            instance_id: instance
            for batch in _batches(ids, DESCRIBE_BATCH)
            for page in self._ec2.get_paginator("describe_instances").paginate(
                Filters=[{"Name": "instance-id", "Values": batch}]
            )
            for instance_id, instance in _instances(page)
        }

    def _by_id(self, ids: list[str]) -> dict[str, Instance]:
        """Those that a filter left out and that EC2 knows after all: only its own word that there is none counts.

        Raises InstancesUnread when it says neither.
        """
        while ids:
            try:
                found = dict(_instances(self._ec2.describe_instances(InstanceIds=ids)))
            except ClientError as error:
                named = set(re.findall(r"i-[0-9a-f]+", str(error)))
                if error.response["Error"]["Code"] != "InvalidInstanceID.NotFound" or not named & set(ids):
                    raise
                ids = [instance_id for instance_id in ids if instance_id not in named]
                continue
            if lost := sorted(set(ids) - set(found)):
                raise InstancesUnread(f"EC2 answered without {', '.join(lost)}; the next pass tries again.")
            return found
        return {}

    def view(self) -> GroupView:
        """Group and instances joined, as the scaling core wants them."""
        group = self.group()
        ids = [instance.instance_id for instance in group.instances]
        known = self.instances(ids)
        known |= self._by_id([instance_id for instance_id in ids if instance_id not in known])
        return GroupView(
            name=group.name,
            # Auto Scaling fills the group up to its minimum, whatever is desired.
            desired=max(group.desired, group.minimum),
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

        def detach(batch: list[str]) -> None:
            self._autoscaling.detach_instances(
                AutoScalingGroupName=self._group, InstanceIds=batch, ShouldDecrementDesiredCapacity=False
            )

        done, errors = _in_batches("detach", ids, DETACH_BATCH, fence, detach)
        return done, list(errors.values())

    def terminate(self, ids: Sequence[str], fence: Callable[[], None]) -> tuple[list[str], list[str]]:
        """Termination protection off, terminate, and on again for each that EC2 does not say is ending.

        Scale-in protection is never lifted: it keeps the group from ending an instance, and not TerminateInstances
        (EC2 Auto Scaling user guide, "Use instance scale-in protection"). Returns the ids that end, and errors as
        sentences; raises LeaseLost, with every protection on again.
        """
        ended: list[str] = []
        errors: dict[str, str] = {}
        for batch in _batches(ids, BATCH):
            ending: set[str] = set()
            try:
                fence()
                errors |= (refused := self._protection(batch, on=False))
                ready = [instance_id for instance_id in batch if instance_id not in refused]
                errors |= _in_batches("terminate", ready, BATCH, fence, partial(self._terminate, ending))[1]
            finally:
                open_ = self._settle(batch, ending)
            errors |= open_
            ended += [instance_id for instance_id in batch if instance_id in ending]
        return ended, [words for instance_id, words in errors.items() if instance_id not in ended]

    def _terminate(self, ending: set[str], batch: list[str]) -> None:
        answer = self._ec2.terminate_instances(InstanceIds=batch)
        ending |= {instance["InstanceId"] for instance in answer["TerminatingInstances"]}

    def _settle(self, batch: list[str], ending: set[str]) -> dict[str, str]:
        """Add to `ending` what ended although its answer was lost or refused, and protect the rest again.

        Returns an error for each that stays without protection.
        """
        doubtful = [instance_id for instance_id in batch if instance_id not in ending]
        try:
            known = self.instances(doubtful) if doubtful else {}
            ending |= {i for i in doubtful if i in known and known[i].state in GONE_STATES}
        finally:
            open_ = self._protection([instance_id for instance_id in doubtful if instance_id not in ending], on=True)
            for words in open_.values():
                log.warning(words)
        return open_

    def _protection(self, ids: Sequence[str], on: bool) -> dict[str, str]:
        """Termination protection, by a call for each, which is all that EC2 offers, a few at a time; errors by id."""

        def change(instance_id: str) -> str | None:
            try:
                self._ec2.modify_instance_attribute(InstanceId=instance_id, DisableApiTermination={"Value": on})
            except (ClientError, BotoCoreError) as error:
                return _sentence("protect again" if on else "lift the termination protection of", instance_id, error)
            return None

        with ThreadPoolExecutor(AT_ONCE) as pool:
            outcome = zip(ids, pool.map(change, ids), strict=True)
            return {instance_id: words for instance_id, words in outcome if words}


def _instances(page: dict[str, Any]) -> Iterator[tuple[str, Instance]]:
    for reservation in page["Reservations"]:
        for instance in reservation["Instances"]:
            yield (
                instance["InstanceId"],
                Instance(
                    instance_id=instance["InstanceId"],
                    state=instance["State"]["Name"],
                    address=instance.get("PrivateIpAddress"),
                    launched=instance["LaunchTime"],
                    tags={tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])},
                ),
            )


def _batches(ids: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(ids), size):
        yield list(ids[start : start + size])


def _in_batches(
    verb: str, ids: Sequence[str], size: int, fence: Callable[[], None], act: Callable[[list[str]], None]
) -> tuple[list[str], dict[str, str]]:
    """Act on batches, one by one where a batch is refused, asking `fence` before each call.

    Returns the ids of which AWS said yes, and for each other one an error as a sentence.
    """
    done: list[str] = []
    errors: dict[str, str] = {}
    for batch in _batches(ids, size):
        fence()
        try:
            act(batch)
            done += batch
        except (ClientError, BotoCoreError) as error:
            if len(batch) == 1:
                errors[batch[0]] = _sentence(verb, batch[0], error)
                continue
            singly, refused = _in_batches(verb, batch, 1, fence, act)
            done += singly
            errors |= refused
    return done, errors


def _sentence(verb: str, instance_id: str, error: Exception) -> str:
    return f"Could not {verb} instance {instance_id}: {error}"
