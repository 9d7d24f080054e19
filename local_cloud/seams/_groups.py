"""What the seams of Auto Scaling share: finding groups and members, activities, launching, ending, targets."""

from __future__ import annotations

import uuid
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import ASG_NAME_TAG, AutoScalingBackend, FakeAutoScalingGroup, InstanceState
from moto.core.exceptions import ServiceException
from moto.core.utils import utcnow

from .. import lifecycle
from . import _machines

COUNTED = ("Pending", "InService")
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


def launch(group: FakeAutoScalingGroup, count: int, cause: str) -> None:
    """Launch `count` instances as the launch template says; a failure becomes a failed activity, as on AWS."""
    started = []
    for _ in range(count):
        try:
            state = _launch_one(group)
        except ServiceException as error:
            record(
                group,
                f"Launching a new EC2 instance.  Status Reason: {error.message}  Launching EC2 instance failed.",
                cause,
                "Failed",
                error.message,
            )
            break
        activity = record(group, f"Launching a new EC2 instance: {state.instance.id}", cause, "InProgress")
        started.append((state, activity))
    if started:
        lifecycle.later(lifecycle.timing.pending_s, lambda: _in_service(group, started))


def _launch_one(group: FakeAutoScalingGroup) -> InstanceState:
    ec2 = group.autoscaling_backend.ec2_backend
    template = ec2.get_launch_template(group.ec2_launch_template.id)  # type: ignore[union-attr]
    version = template.get_version(group.launch_template_version)
    reference = {"LaunchTemplateId": template.id, "Version": str(version.number)}
    instance = _machines.run(ec2, version.data, _emptiest_subnet(group), reference)
    instance.add_tags({**group.get_propagated_tags(), ASG_NAME_TAG: group.name})
    instance.autoscaling_group = group
    instance.launched_by_group = True
    instance._state.name, instance._state.code = "pending", 0
    state = InstanceState(instance, "Pending", protected_from_scale_in=group.new_instances_protected_from_scale_in)
    state.launched_from = {**reference, "LaunchTemplateName": template.name}
    group.instance_states.append(state)
    return state


def _emptiest_subnet(group: FakeAutoScalingGroup) -> str | None:
    subnets = [each.strip() for each in (group.vpc_zone_identifier or "").split(",") if each.strip()]
    used = [each.instance.subnet_id for each in group.instance_states]
    return min(subnets, key=used.count) if subnets else None


def _in_service(group: FakeAutoScalingGroup, started: list[tuple[InstanceState, dict[str, Any]]]) -> None:
    for state, activity in started:
        if state.instance.state != "pending":
            finish(activity, "Cancelled")
            continue
        state.instance._state.name, state.instance._state.code = "running", 16
        if state in group.instance_states and state.lifecycle_state == "Pending":
            state.lifecycle_state = "InService"
        finish(activity)
    register(group)
    for state, _ in started:
        lifecycle.announce_running(state.instance)


def end(group: FakeAutoScalingGroup, state: InstanceState, cause: str) -> dict[str, Any]:
    """Take a member out and terminate it, whatever its API termination protection: Auto Scaling does not ask it."""
    instance = state.instance
    activity = record(group, f"Terminating EC2 instance: {instance.id}", cause)
    forget(group, state)
    instance.terminate()
    return activity


def forget(group: FakeAutoScalingGroup, state: InstanceState) -> None:
    """The member is none any more; its instance stays."""
    group.instance_states = [each for each in group.instance_states if each is not state]
    deregister(group, [state.instance.id])
    if hasattr(state.instance, "autoscaling_group"):
        del state.instance.autoscaling_group


def register(group: FakeAutoScalingGroup) -> None:
    """Register the group's running members with its target groups and classic load balancers."""
    if suspended(group, "AddToLoadBalancer"):
        return
    backend = group.autoscaling_backend
    ready = [
        each.instance.id
        for each in group.instance_states
        if each.lifecycle_state == "InService" and each.instance.state == "running"
    ]
    for target_group in _target_groups(group):
        fresh = [each for each in ready if each not in target_group.targets]
        target_group.register([{"Id": each, "Port": target_group.port} for each in fresh])
    if group.name in backend.autoscaling_groups:
        backend.update_attached_elbs(group.name)


def deregister(group: FakeAutoScalingGroup, ids: list[str]) -> None:
    """Take instances out of the group's target groups and classic load balancers."""
    for target_group in _target_groups(group):
        target_group.deregister([{"Id": each} for each in ids if each in target_group.targets])
    if group.name in group.autoscaling_backend.autoscaling_groups:
        group.autoscaling_backend.update_attached_elbs(group.name)


def _target_groups(group: FakeAutoScalingGroup) -> list[Any]:
    known = group.autoscaling_backend.elbv2_backend.target_groups
    return [known[arn] for arn in group.target_group_arns or [] if arn in known]


def reconcile(group: FakeAutoScalingGroup, cause: str) -> None:
    """Launch what is missing, or terminate the surplus that is not protected from scale-in, oldest first."""
    present = counted(group)
    missing = (group.desired_capacity or 0) - len(present)
    if missing > 0 and not suspended(group, "Launch"):
        launch(group, missing, cause)
    elif missing < 0 and not suspended(group, "Terminate"):
        free = [each for each in present if not each.protected_from_scale_in]
        for state in sorted(free, key=lambda each: each.instance.launch_time)[:-missing]:
            end(group, state, cause)
        if len(free) < -missing:
            record(
                group,
                "Could not scale to desired capacity because all remaining instances are protected from scale-in.",
                cause,
                "Failed",
                "Could not scale to desired capacity because all remaining instances are protected from scale-in.",
            )
    register(group)


def heal(group: FakeAutoScalingGroup) -> None:
    """Mark members whose machine does not run; replace the unhealthy, unless these processes are suspended."""
    if not suspended(group, "HealthCheck"):
        for state in group.instance_states:
            if state.instance.state not in ("pending", "running"):
                state.health_status = "Unhealthy"
    if suspended(group, "ReplaceUnhealthy"):
        return
    unhealthy = [each for each in counted(group) if each.health_status == "Unhealthy"]
    if not unhealthy or suspended(group, "Terminate"):
        return
    for state in unhealthy:
        end(group, state, "an instance was taken out of service in response to an EC2 health check.")
    reconcile(group, "an instance was launched in response to an unhealthy instance needing to be replaced.")


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
