"""What the seams of Auto Scaling share: groups and members by name, their counts, activities and sizes."""

from __future__ import annotations

import uuid
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup, InstanceState
from moto.core.utils import utcnow

COUNTED = ("Pending", "Pending:Wait", "InService")
KEPT_ACTIVITIES = 1000


def group_of(backend: AutoScalingBackend, name: str) -> FakeAutoScalingGroup:
    """The group. Raises ValidationError with AWS's words when there is none."""
    if name not in backend.autoscaling_groups:
        raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    return backend.autoscaling_groups[name]


def at_most(ids: list[str], limit: int) -> None:
    """Raise ValidationError when there are more than `limit` instance ids, or none."""
    if not 1 <= len(ids) <= limit:
        raise ValidationError(
            f"1 validation error detected: Value '[{', '.join(ids)}]' at 'instanceIds' failed to satisfy constraint: "
            f"Member must have length between 1 and {limit}"
        )


def members(group: FakeAutoScalingGroup, ids: list[str]) -> list[InstanceState]:
    """The members with these ids. Raises ValidationError for the first that is none."""
    known = {each.instance.id: each for each in group.instance_states}
    for instance_id in ids:
        if instance_id not in known:
            raise ValidationError(f"The instance {instance_id} is not part of Auto Scaling group {group.name}.")
    return [known[instance_id] for instance_id in ids]


def counted(group: FakeAutoScalingGroup) -> list[InstanceState]:
    """The members that count against the desired capacity, healthy or not."""
    return [each for each in group.instance_states if each.lifecycle_state in COUNTED]


def suspended(group: FakeAutoScalingGroup, process: str) -> bool:
    """Whether the process is suspended."""
    return process in {each["ProcessName"] for each in group.suspended_processes}


def activities(group: FakeAutoScalingGroup) -> list[dict[str, Any]]:
    """The group's scaling activities, the newest first."""
    return group.__dict__.setdefault("scaling_activities", [])


def record(
    group: FakeAutoScalingGroup, description: str, cause: str, status: str = "Successful", message: str | None = None
) -> dict[str, Any]:
    """Add a scaling activity and return it."""
    now = utcnow()
    activity = {
        "ActivityId": str(uuid.uuid4()),
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "Description": description,
        "Cause": f"At {now:%Y-%m-%dT%H:%M:%SZ} {cause}",
        "StartTime": now,
        "EndTime": None if status == "InProgress" else now,
        "StatusCode": status,
        "StatusMessage": message,
        "Progress": 50 if status == "InProgress" else 100,
        "Details": f'{{"Subnet ID":"{(group.vpc_zone_identifier or "").split(",")[0]}"}}',
    }
    activities(group).insert(0, activity)
    del activities(group)[KEPT_ACTIVITIES:]
    return activity


def finish(activity: dict[str, Any], status: str = "Successful") -> None:
    """End an activity that was in progress."""
    activity.update(StatusCode=status, EndTime=utcnow(), Progress=100)


def check_sizes(minimum: int, maximum: int, desired: int | None) -> None:
    """Raise ValidationError for sizes that contradict each other."""
    if maximum < minimum:
        raise ValidationError(f"Max bound, {maximum}, must be greater than or equal to min bound, {minimum}")
    if desired is not None and not minimum <= desired <= maximum:
        raise ValidationError(
            f"Desired capacity:{desired} must be between the specified min size:{minimum} and max size:{maximum}"
        )


def in_use(message: str) -> AutoscalingClientError:
    """AWS's ResourceInUse with these words."""
    return AutoscalingClientError("ResourceInUse", message)
