"""Auto Scaling groups as AWS describes them, and as our options name their properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.aws import Aws
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Retry
from ansible_collections.stateful.aws.plugins.module_utils._engine.tags import to_dict

NAME_LIMIT = 255
KIND = "auto-scaling-group"
VALIDATION = "ValidationError"
# Auto Scaling API reference, common errors of the group's writes.
BUSY = (
    Retry("ResourceContention", "", 120, "Auto Scaling API reference: a pending update to the group"),
    Retry("ScalingActivityInProgress", "", 300, "terraform-provider-aws autoscaling/group.go"),
)

# AWS's parameters that are plain values, by our property.
PLAIN = {
    "min_size": "MinSize",
    "max_size": "MaxSize",
    "desired_capacity": "DesiredCapacity",
    "new_instances_protected_from_scale_in": "NewInstancesProtectedFromScaleIn",
    "health_check_type": "HealthCheckType",
    "health_check_grace_period": "HealthCheckGracePeriod",
    "default_cooldown": "DefaultCooldown",
    "termination_policies": "TerminationPolicies",
    "deletion_protection": "DeletionProtection",
}
SIZES = ("min_size", "max_size", "desired_capacity")
TEMPLATE = ("launch_template_id", "launch_template_version")
# Shown by AWS on its own account; nothing that anyone suspends.
NOT_OURS = "RemoveFromLoadBalancerLowPriority"

Group = dict[str, Any]


def describe(aws: Aws, name: str) -> Group | None:
    """Return the group of this name as AWS describes it, or None."""
    found = aws.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return next(iter(found["AutoScalingGroups"]), None)


def members(group: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the group's members by id."""
    found = [
        {
            "instance_id": each["InstanceId"],
            "lifecycle_state": each["LifecycleState"],
            "health_status": each["HealthStatus"],
            "protected_from_scale_in": each["ProtectedFromScaleIn"],
        }
        for each in group.get("Instances") or []
    ]
    return sorted(found, key=lambda member: str(member["instance_id"]))


def read(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return the group's properties named as the options are, AWS's defaults filled in."""
    template = group.get("LaunchTemplate") or {}
    policy = (group.get("InstanceLifecyclePolicy") or {}).get("RetentionTriggers") or {}
    pairs = group.get("Tags") or []
    return {
        "name": group["AutoScalingGroupName"],
        "group_arn": group["AutoScalingGroupARN"],
        **{prop: group.get(parameter) for prop, parameter in PLAIN.items()},
        "launch_template_id": template.get("LaunchTemplateId"),
        "launch_template_version": template.get("Version"),
        "vpc_zone_identifier": sorted(filter(None, (group.get("VPCZoneIdentifier") or "").split(","))),
        "availability_zones": sorted(group.get("AvailabilityZones") or []),
        "target_group_arns": sorted(group.get("TargetGroupARNs") or []),
        "suspended_processes": sorted(
            {each["ProcessName"] for each in group.get("SuspendedProcesses") or []} - {NOT_OURS}
        ),
        "deletion_protection": group.get("DeletionProtection") or "none",
        "instance_lifecycle_policy": {"terminate_hook_abandon": policy.get("TerminateHookAbandon") or "terminate"},
        "members": members(group),
        "tags": to_dict(pairs),
        "instance_tags": to_dict(pair for pair in pairs if pair.get("PropagateAtLaunch")),
    }


def write(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return AWS's parameters of these wanted properties."""
    params = {parameter: wanted[prop] for prop, parameter in PLAIN.items() if prop in wanted}
    if TEMPLATE[0] in wanted:
        params["LaunchTemplate"] = {"LaunchTemplateId": wanted[TEMPLATE[0]], "Version": wanted[TEMPLATE[1]]}
    if "vpc_zone_identifier" in wanted:
        params["VPCZoneIdentifier"] = ",".join(wanted["vpc_zone_identifier"])
    if "instance_lifecycle_policy" in wanted:
        abandon = wanted["instance_lifecycle_policy"]["terminate_hook_abandon"]
        params["InstanceLifecyclePolicy"] = {"RetentionTriggers": {"TerminateHookAbandon": abandon}}
    return params


def tag_pairs(name: str, tags: Mapping[str, str], propagated: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return tags as Auto Scaling wants them; members get those that are propagated."""
    return [
        {
            "ResourceId": name,
            "ResourceType": KIND,
            "Key": key,
            "Value": tags[key],
            "PropagateAtLaunch": key in propagated,
        }
        for key in sorted(tags)
    ]
