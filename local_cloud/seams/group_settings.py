"""A group's own settings: created once, every parameter kept, deletion refused or forced as on AWS."""

from __future__ import annotations

from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult

from .. import patching
from ..patching import Replacement
from . import _groups, _machines, _scaling

GAP = (
    "moto overwrites a group of the same name, drops DeletionProtection, InstanceLifecyclePolicy and others, and "
    "deletes groups that are not empty without being forced"
)
MOTO = "5.2.5"

# Parameters that moto's create or update drops, and the default that DescribeAutoScalingGroups shows.
KEPT: dict[str, Any] = {
    "CapacityRebalance": False,
    "Context": None,
    "DefaultCooldown": 300,
    "DefaultInstanceWarmup": None,
    "DeletionProtection": "none",
    "HealthCheckGracePeriod": 0,
    "InstanceLifecyclePolicy": None,
    "InstanceMaintenancePolicy": None,
    "MaxInstanceLifetime": None,
    "PlacementGroup": None,
    "TerminationPolicies": ["Default"],
}
NUMBERS = ("DefaultCooldown", "DefaultInstanceWarmup", "HealthCheckGracePeriod", "MaxInstanceLifetime")
PROTECTIONS = ("none", "prevent-force-deletion", "prevent-all-deletion")

_create = AutoScalingResponse.create_auto_scaling_group
_update = AutoScalingResponse.update_auto_scaling_group
_suspend = AutoScalingBackend.suspend_processes
_resume = AutoScalingBackend.resume_processes


def _attribute(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")


def _keep(response: AutoScalingResponse, group: FakeAutoScalingGroup, defaults: bool) -> None:
    for name, default in KEPT.items():
        value = response._get_param(name)
        if value is None and not defaults:
            continue
        value = default if value is None else value
        setattr(group, _attribute(name), int(value) if name in NUMBERS and value is not None else value)


def _validate(response: AutoScalingResponse) -> None:
    protection = response._get_param("DeletionProtection")
    if protection is not None and protection not in PROTECTIONS:
        raise ValidationError(
            f"1 validation error detected: Value '{protection}' at 'deletionProtection' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(PROTECTIONS)}]"
        )
    backend = response.autoscaling_backend
    _check_target_groups(backend, response._get_param("TargetGroupARNs", []))
    reference = response._get_param("LaunchTemplate", {})
    if not reference:
        return
    try:
        number = reference.get("Version") or "$Default"
        version = backend.ec2_backend._get_template_from_args({**reference, "Version": number})
        _machines.image_of(backend.ec2_backend, version.data)
        _machines.profile_of(backend.ec2_backend, version.data)
        interfaces = version.data.get("NetworkInterfaces") or [{}]
        for group_id in [*(version.data.get("SecurityGroupIds") or []), *(interfaces[0].get("Groups") or [])]:
            _machines.security_group(backend.ec2_backend, group_id)
        if version.data.get("NetworkInterfaces") and version.data.get("SecurityGroupIds"):
            raise ValidationError("When a network interface is provided, the security groups must be a part of it.")
    except (ServiceException, IndexError) as error:
        words = getattr(error, "message", "The specified launch template does not exist.")
        raise ValidationError(f"You must use a valid fully-formed launch template. {words}") from error


def _check_target_groups(backend: AutoScalingBackend, arns: list[str]) -> None:
    if any(arn not in backend.elbv2_backend.target_groups for arn in arns):
        raise ValidationError("Provided Target Groups may not be valid. Please ensure they exist and try again.")


def create_auto_scaling_group(self: AutoScalingResponse) -> ActionResult:
    name = self._get_param("AutoScalingGroupName")
    if name in self.autoscaling_backend.autoscaling_groups:
        raise AutoscalingClientError(
            "AlreadyExists",
            f"AutoScalingGroup by this name already exists - A group with the name {name} already exists",
        )
    _groups.check_sizes(
        self._get_int_param("MinSize"), self._get_int_param("MaxSize"), self._get_int_param("DesiredCapacity")
    )
    _validate(self)
    result = _create(self)
    group = self.autoscaling_backend.autoscaling_groups[name]
    _keep(self, group, defaults=True)
    return result


def update_auto_scaling_group(self: AutoScalingResponse) -> ActionResult:
    group = _groups.group_of(self.autoscaling_backend, self._get_param("AutoScalingGroupName"))
    _validate(self)
    result = _update(self)
    _keep(self, group, defaults=False)
    return result


def delete_auto_scaling_group(self: AutoScalingResponse) -> ActionResult:
    """Without ForceDelete only an empty group; DeletionProtection says what else is refused."""
    backend = self.autoscaling_backend
    group = _groups.group_of(backend, self._get_param("AutoScalingGroupName"))
    force = self._get_bool_param("ForceDelete", False)
    protection = getattr(group, "deletion_protection", "none")
    if protection == "prevent-all-deletion" or (protection == "prevent-force-deletion" and force):
        raise ValidationError(
            f"The Auto Scaling group {group.name} has deletion protection {protection}. Update DeletionProtection "
            "before deleting it."
        )
    if group.instance_states and not force:
        raise _groups.in_use(
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still "
            "in the group."
        )
    _remove(backend, group)
    return EmptyResult()


def backend_delete_auto_scaling_group(self: AutoScalingBackend, group_name: str) -> None:
    """What CloudFormation calls: the members go too."""
    _remove(self, _groups.group_of(self, group_name))


def _remove(backend: AutoScalingBackend, group: FakeAutoScalingGroup) -> None:
    group.desired_capacity = 0
    for state in list(group.instance_states):
        _scaling.end(group, state, "the group was deleted.", force=True)
    backend.autoscaling_groups.pop(group.name)
    backend.__dict__.setdefault("deleted_group_activities", []).extend(_groups.activities(group))


def suspend_processes(self: AutoScalingBackend, group_name: str, scaling_processes: list[str]) -> None:
    _groups.group_of(self, group_name)
    _suspend(self, group_name, scaling_processes)


def resume_processes(self: AutoScalingBackend, group_name: str, scaling_processes: list[str]) -> None:
    """What was put off happens at once."""
    group = _groups.group_of(self, group_name)
    _resume(self, group_name, scaling_processes)
    _scaling.heal(group)
    _scaling.reconcile(group, "suspended processes were resumed.")


def update_attached_target_groups(self: AutoScalingBackend, group_name: str) -> None:
    """Running members only: moto would fail on a member whose machine is gone."""
    _scaling.register(_groups.group_of(self, group_name))


def attach_load_balancer_target_groups(self: AutoScalingBackend, group_name: str, target_group_arns: list[str]) -> None:
    group = _groups.group_of(self, group_name)
    _check_target_groups(self, target_group_arns)
    group.append_target_groups(target_group_arns)
    _scaling.register(group)


def detach_load_balancer_target_groups(self: AutoScalingBackend, group_name: str, target_group_arns: list[str]) -> None:
    group = _groups.group_of(self, group_name)
    missing = [arn for arn in target_group_arns if arn not in group.target_group_arns]
    if missing:
        raise ValidationError(f"Trying to remove Target Groups that are not part of the group: {missing[0]}")
    kept = [arn for arn in group.target_group_arns if arn not in target_group_arns]
    group.target_group_arns = list(target_group_arns)
    _scaling.deregister(group, [each.instance.id for each in group.instance_states])
    group.target_group_arns = kept


REPLACED = (
    Replacement(AutoScalingResponse, "create_auto_scaling_group", create_auto_scaling_group),
    Replacement(AutoScalingResponse, "update_auto_scaling_group", update_auto_scaling_group),
    Replacement(AutoScalingResponse, "delete_auto_scaling_group", delete_auto_scaling_group),
    Replacement(AutoScalingBackend, "delete_auto_scaling_group", backend_delete_auto_scaling_group),
    Replacement(AutoScalingBackend, "suspend_processes", suspend_processes),
    Replacement(AutoScalingBackend, "resume_processes", resume_processes),
    Replacement(AutoScalingBackend, "update_attached_target_groups", update_attached_target_groups),
    Replacement(AutoScalingBackend, "attach_load_balancer_target_groups", attach_load_balancer_target_groups),
    Replacement(AutoScalingBackend, "detach_load_balancer_target_groups", detach_load_balancer_target_groups),
)


def install() -> None:
    """Close the gap."""
    patching.install(REPLACED)


def check() -> None:
    """Raise NameMoved when moto's names have moved."""
    patching.check(REPLACED)
