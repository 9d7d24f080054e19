"""Members of a group: attach, detach, protect and terminate with AWS's limits, refusals and effects."""

from __future__ import annotations

from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import ASG_NAME_TAG, AutoScalingBackend, FakeAutoScalingGroup, InstanceState
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import InvalidInstanceIdError

from .. import lifecycle, patching
from ..patching import Replacement
from . import _groups, _scaling

GAP = (
    "moto attaches anything any number of times, does not propagate tags to it, detaches silently what is no member, "
    "and has no limits on batches"
)
MOTO = "5.2.5"

ATTACH_LIMIT = 20
PROTECT_LIMIT = 50


def attach_instances(self: AutoScalingBackend, group_name: str, instance_ids: list[str]) -> None:
    """All or none: nothing is attached when one id is refused."""
    group = _groups.group_of(self, group_name)
    _groups.at_most(instance_ids, ATTACH_LIMIT)
    instances = [_attachable(self, group, each) for each in instance_ids]
    if (group.desired_capacity or 0) + len(instances) > (group.max_size or 0):
        raise ValidationError(
            _sizes(group) + f" To attach {len(instances)} more instances, please update the "
            "AutoScalingGroup sizes appropriately."
        )
    states = []
    for instance in instances:
        # The group's tags win over the instance's own ones of the same key.
        instance.add_tags({**group.get_propagated_tags(), ASG_NAME_TAG: group.name})
        state = InstanceState(
            instance,
            "Pending",
            protected_from_scale_in=group.new_instances_protected_from_scale_in,
            autoscaling_group=group,
        )
        states.append(state)
        _groups.record(
            group,
            f"Attaching an existing EC2 instance: {instance.id}",
            "an instance was attached in response to a user request.",
        )
    group.instance_states = [*group.instance_states, *states]
    group.desired_capacity = (group.desired_capacity or 0) + len(states)
    lifecycle.later(lifecycle.timing.attach_s, lambda: _in_service(group, states))


def _attachable(backend: AutoScalingBackend, group: FakeAutoScalingGroup, instance_id: str) -> Any:
    try:
        instance = backend.ec2_backend.get_instance(instance_id)
    except InvalidInstanceIdError:
        raise ValidationError(f"Invalid Instance ID(s): [{instance_id}]. Instance does not exist.") from None
    other = getattr(instance, "autoscaling_group", None)
    if other is not None:
        raise ValidationError(f"Instance {instance_id} is already part of AutoScalingGroup:{other.name}")
    if instance.state != "running":
        raise ValidationError(f"Instance {instance_id} is not in correct state. It is {instance.state}, not running.")
    if instance.availability_zone not in group.availability_zones:
        raise ValidationError(
            f"Instance {instance_id} is in {instance.availability_zone}, which is not one of the Availability Zones of "
            f"AutoScalingGroup {group.name}: {', '.join(group.availability_zones)}"
        )
    return instance


def _in_service(group: FakeAutoScalingGroup, states: list[InstanceState]) -> None:
    for state in states:
        if state in group.instance_states and state.lifecycle_state == "Pending":
            state.lifecycle_state = "InService"
    _scaling.heal(group)
    _scaling.register(group)


def _sizes(group: FakeAutoScalingGroup) -> str:
    return (
        f"AutoScalingGroup {group.name} has min-size={group.min_size}, max-size={group.max_size}, and "
        f"desired-size={group.desired_capacity}."
    )


def detach_instances(
    self: AutoScalingBackend, group_name: str, instance_ids: list[str], should_decrement: bool
) -> list[dict[str, Any]]:
    """Detached members lose the group's name tag and their protection; replacements start unless decremented."""
    group = _groups.group_of(self, group_name)
    _groups.at_most(instance_ids, ATTACH_LIMIT)
    states = _groups.members(group, instance_ids)
    for state in states:
        if state.lifecycle_state not in ("InService", "Standby"):
            raise ValidationError(f"The instance {state.instance.id} is not in InService or Standby.")
    if should_decrement and (group.desired_capacity or 0) - len(states) < (group.min_size or 0):
        raise ValidationError(
            _sizes(group) + f" To detach {len(states)} instances, please update the "
            "AutoScalingGroup sizes appropriately."
        )
    before = group.desired_capacity or 0
    if should_decrement:
        group.desired_capacity = before - len(states)
    cause = "an instance was detached in response to a user request"
    if should_decrement:
        cause += f", shrinking the capacity from {before} to {group.desired_capacity}"
    result = []
    for state in states:
        _scaling.forget(group, state)
        self.ec2_backend.delete_tags([state.instance.id], {ASG_NAME_TAG: group.name})
        result.append(_groups.record(group, f"Detaching EC2 instance: {state.instance.id}", f"{cause}."))
    _scaling.reconcile(group, "an instance was launched because the desired capacity is greater than the actual one.")
    return result


def set_instance_protection(
    self: AutoScalingBackend, group_name: str, instance_ids: list[str], protected_from_scale_in: bool | None
) -> None:
    group = _groups.group_of(self, group_name)
    _groups.at_most(instance_ids, PROTECT_LIMIT)
    states = _groups.members(group, instance_ids)
    for state in states:
        if state.lifecycle_state not in ("InService", "EnteringStandby", "Standby"):
            raise ValidationError(
                f"The instance {state.instance.id} is not in InService or EnteringStandby or Standby."
            )
    for state in states:
        state.protected_from_scale_in = bool(protected_from_scale_in)
    _scaling.reconcile(group, "the protection from scale-in changed.")


def terminate_instance_in_auto_scaling_group(self: AutoScalingResponse) -> ActionResult:
    """Terminates whatever the protections say."""
    instance_id = self._get_param("InstanceId")
    group, state = _member(self.autoscaling_backend, instance_id)
    before = group.desired_capacity or 0
    cause = f"instance {instance_id} was taken out of service in response to a user request"
    if self._get_bool_param("ShouldDecrementDesiredCapacity", False) and state in _groups.counted(group):
        if before - 1 < (group.min_size or 0):
            raise ValidationError(
                f"Currently, desiredSize equals minSize ({group.min_size}). Terminating instance without replacement "
                "will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or "
                "lower group's min size."
            )
        group.desired_capacity = before - 1
        cause += f", shrinking the capacity from {before} to {before - 1}"
    held = state.lifecycle_state.startswith("Terminating")
    activity = _scaling.end(group, state, f"{cause}.", force=held)
    _scaling.reconcile(group, "an instance was launched to replace a terminated one.")
    return ActionResult({"Activity": activity})


def set_instance_health(self: AutoScalingResponse) -> ActionResult:
    group, state = _member(self.autoscaling_backend, self._get_param("InstanceId"))
    health = self._get_param("HealthStatus")
    if health not in ("Healthy", "Unhealthy"):
        raise ValidationError("Valid instance health states are: [Healthy, Unhealthy]")
    state.health_status = health
    _scaling.heal(group)
    return EmptyResult()


def _member(backend: AutoScalingBackend, instance_id: str) -> tuple[FakeAutoScalingGroup, InstanceState]:
    for group in backend.autoscaling_groups.values():
        for state in group.instance_states:
            if state.instance.id == instance_id:
                return group, state
    raise ValidationError(f"Instance Id not found - No managed instance found for instance ID: {instance_id}")


def notify_terminate_instances(self: AutoScalingBackend, instance_ids: list[str]) -> None:
    """An instance ended by EC2, by itself or by a failure makes its group look at its members' health."""
    for group in list(self.autoscaling_groups.values()):
        if any(each.instance.id in instance_ids for each in group.instance_states):
            deregistered = [each.instance.id for each in group.instance_states if each.instance.state == "terminated"]
            _scaling.deregister(group, deregistered)
            _scaling.heal(group)


REPLACED = (
    Replacement(AutoScalingBackend, "attach_instances", attach_instances),
    Replacement(AutoScalingBackend, "detach_instances", detach_instances),
    Replacement(AutoScalingBackend, "set_instance_protection", set_instance_protection),
    Replacement(AutoScalingBackend, "notify_terminate_instances", notify_terminate_instances),
    Replacement(
        AutoScalingResponse, "terminate_instance_in_auto_scaling_group", terminate_instance_in_auto_scaling_group
    ),
    Replacement(AutoScalingResponse, "set_instance_health", set_instance_health),
)


def install() -> None:
    """Close the gap."""
    patching.install(REPLACED)


def check() -> None:
    """Raise NameMoved when moto's names have moved."""
    patching.check(REPLACED)
