"""Lifecycle hooks hold launching and terminating members until their action is completed."""

from __future__ import annotations

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import InstanceState, LifecycleHook
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult

from .. import patching
from ..patching import Replacement
from . import _groups, _hooks

GAP = "moto stores lifecycle hooks and never holds an instance for them"
MOTO = "5.2.5"


def _held(response: AutoScalingResponse) -> tuple[InstanceState, str]:
    """The member and the hook that the request names. Raises ValidationError when it does not wait for that hook."""
    group = _groups.group_of(response.autoscaling_backend, response._get_param("AutoScalingGroupName"))
    name = response._get_param("LifecycleHookName")
    instance_id, token = response._get_param("InstanceId"), response._get_param("LifecycleActionToken")
    for state in group.instance_states:
        hold = getattr(state, "hold", None)
        if hold and name in hold.hooks and (state.instance.id == instance_id or hold.token == token):
            return state, name
    raise ValidationError(f"No active Lifecycle Action found with instance ID {instance_id}")


def complete_lifecycle_action(self: AutoScalingResponse) -> ActionResult:
    result = self._get_param("LifecycleActionResult")
    if result not in ("CONTINUE", "ABANDON"):
        raise ValidationError(f"Invalid lifecycle action result: {result}. It is CONTINUE or ABANDON.")
    _hooks.complete(*_held(self), result)
    return EmptyResult()


def record_lifecycle_action_heartbeat(self: AutoScalingResponse) -> ActionResult:
    _hooks.beat(*_held(self))
    return EmptyResult()


REPLACED = (
    Replacement(AutoScalingResponse, "complete_lifecycle_action", complete_lifecycle_action, new=True),
    Replacement(AutoScalingResponse, "record_lifecycle_action_heartbeat", record_lifecycle_action_heartbeat, new=True),
)


def install() -> None:
    """Close the gap."""
    patching.install(REPLACED)


def check() -> None:
    """Raise NameMoved when moto's names have moved."""
    patching.check(REPLACED)
    hook = LifecycleHook("probe", "group", _hooks.TERMINATING, None, None)
    assert hook.heartbeat_timeout and hook.default_result == "ABANDON"
