"""How a group's members start and end: launches, terminations, target registration, reconciling and healing."""

from __future__ import annotations

from typing import Any

from moto.autoscaling.models import ASG_NAME_TAG, FakeAutoScalingGroup, InstanceState
from moto.core.exceptions import ServiceException

from .. import lifecycle
from . import _groups, _hooks, _machines

RETRY_S = 10.0


def launch(group: FakeAutoScalingGroup, count: int, cause: str) -> None:
    """Launch `count` instances as the launch template says; a failure becomes a failed activity, as on AWS."""
    started = []
    for _ in range(count):
        try:
            state = _launch_one(group)
        except ServiceException as error:
            _groups.record(
                group,
                f"Launching a new EC2 instance.  Status Reason: {error.message}  Launching EC2 instance failed.",
                cause,
                "Failed",
                error.message,
            )
            _try_again(group, cause)
            break
        activity = _groups.record(group, f"Launching a new EC2 instance: {state.instance.id}", cause, "InProgress")
        started.append((state, activity))
    if started:
        lifecycle.later(lifecycle.timing.pending_s, lambda: _in_service(group, started))


def _try_again(group: FakeAutoScalingGroup, cause: str) -> None:
    """Launch again later, as AWS does while the group wants more than it has."""

    def again() -> None:
        group.__dict__.pop("launching_again", None)
        if group.autoscaling_backend.autoscaling_groups.get(group.name) is group:
            reconcile(group, cause)

    if not group.__dict__.setdefault("launching_again", False):
        group.__dict__["launching_again"] = True
        lifecycle.later(RETRY_S, again)


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
            _groups.finish(activity, "Cancelled")
            continue
        state.instance._state.name, state.instance._state.code = "running", 16
        if state in group.instance_states and state.lifecycle_state == "Pending":
            _enter_service(group, state)
        _groups.finish(activity)
    register(group)
    for state, _ in started:
        lifecycle.announce_running(state.instance)


def _enter_service(group: FakeAutoScalingGroup, state: InstanceState) -> None:
    """In service at once, or when its launch hook is completed; ABANDON ends it and another one is launched."""

    def after(result: str) -> None:
        if result == "CONTINUE":
            state.lifecycle_state = "InService"
            register(group)
        else:
            end(group, state, "a launch lifecycle action was abandoned.", force=True)
            reconcile(group, "an instance was launched to replace an abandoned one.")

    if _hooks.of(group, _hooks.LAUNCHING):
        _hooks.hold(group, state, _hooks.LAUNCHING, after)
    else:
        state.lifecycle_state = "InService"


def end(group: FakeAutoScalingGroup, state: InstanceState, cause: str, force: bool = False) -> dict[str, Any]:
    """Take a member out and terminate it, whatever its API termination protection: Auto Scaling does not ask it.

    A termination hook holds it in Terminating:Wait first, unless `force` is set.
    """
    instance = state.instance
    description = f"Terminating EC2 instance: {instance.id}"
    if not force and _hooks.of(group, _hooks.TERMINATING):
        deregister(group, [instance.id])
        activity = _groups.record(group, description, cause, "InProgress")
        _hooks.hold(group, state, _hooks.TERMINATING, lambda result: _after_hook(group, state, result, activity))
        return activity
    activity = _groups.record(group, description, cause)
    forget(group, state)
    instance.terminate()
    return activity


def _after_hook(group: FakeAutoScalingGroup, state: InstanceState, result: str, activity: dict[str, Any]) -> None:
    """CONTINUE terminates; ABANDON too, unless the group's InstanceLifecyclePolicy retains the instance."""
    policy = getattr(group, "instance_lifecycle_policy", None) or {}
    retained = (policy.get("RetentionTriggers") or {}).get("TerminateHookAbandon") == "retain"
    if result == "ABANDON" and retained:
        state.lifecycle_state = "Terminating:Retained"
        _groups.finish(activity, "Cancelled")
        return
    _groups.finish(activity)
    forget(group, state)
    state.instance.terminate()


def forget(group: FakeAutoScalingGroup, state: InstanceState) -> None:
    """The member is none any more; its instance stays."""
    group.instance_states = [each for each in group.instance_states if each is not state]
    deregister(group, [state.instance.id])
    if hasattr(state.instance, "autoscaling_group"):
        del state.instance.autoscaling_group


def register(group: FakeAutoScalingGroup) -> None:
    """Register the group's running members with its target groups and classic load balancers."""
    if _groups.suspended(group, "AddToLoadBalancer"):
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
    present = _groups.counted(group)
    missing = (group.desired_capacity or 0) - len(present)
    if missing > 0 and not _groups.suspended(group, "Launch"):
        launch(group, missing, cause)
    elif missing < 0 and not _groups.suspended(group, "Terminate"):
        free = [each for each in present if not each.protected_from_scale_in]
        for state in sorted(free, key=lambda each: each.instance.launch_time)[:-missing]:
            end(group, state, cause)
        if len(free) < -missing:
            _groups.record(
                group,
                "Could not scale to desired capacity because all remaining instances are protected from scale-in.",
                cause,
                "Failed",
                "Could not scale to desired capacity because all remaining instances are protected from scale-in.",
            )
    register(group)


def heal(group: FakeAutoScalingGroup) -> None:
    """Mark members whose machine does not run; replace the unhealthy, unless these processes are suspended."""
    if not _groups.suspended(group, "HealthCheck"):
        for state in group.instance_states:
            if state.instance.state not in ("pending", "running"):
                state.health_status = "Unhealthy"
    if _groups.suspended(group, "ReplaceUnhealthy"):
        return
    unhealthy = [each for each in _groups.counted(group) if each.health_status == "Unhealthy"]
    if not unhealthy or _groups.suspended(group, "Terminate"):
        return
    for state in unhealthy:
        end(group, state, "an instance was taken out of service in response to an EC2 health check.")
    reconcile(group, "an instance was launched in response to an unhealthy instance needing to be replaced.")
