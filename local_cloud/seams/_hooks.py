"""Members that a lifecycle hook holds: until the action is completed, or the heartbeat's time is over."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from moto.autoscaling.models import FakeAutoScalingGroup, InstanceState, LifecycleHook

from .. import lifecycle

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
WAITING = {LAUNCHING: "Pending:Wait", TERMINATING: "Terminating:Wait"}


@dataclass
class Hold:
    """What a member waits for: the hooks that are left, and what follows their result."""

    hooks: dict[str, LifecycleHook]
    after: Callable[[str], None]
    token: str = field(default_factory=lambda: str(uuid.uuid4()))
    beats: int = 0


def of(group: FakeAutoScalingGroup, transition: str) -> dict[str, LifecycleHook]:
    """The group's hooks for the transition, by name."""
    return {
        hook.name: hook
        for hook in group.autoscaling_backend.lifecycle_hooks.values()
        if hook.auto_scaling_group_name == group.name and hook.lifecycle_transition == transition
    }


def hold(group: FakeAutoScalingGroup, state: InstanceState, transition: str, after: Callable[[str], None]) -> None:
    """Put the member into the waiting state; `after` gets CONTINUE or ABANDON once."""
    state.lifecycle_state = WAITING[transition]
    state.hold = Hold(of(group, transition), after)  # type: ignore[attr-defined]
    for name in state.hold.hooks:  # type: ignore[attr-defined]
        beat(state, name)


def beat(state: InstanceState, hook_name: str) -> None:
    """Start the hook's timeout again; when it passes, the hook's default result holds."""
    held: Hold = state.hold  # type: ignore[attr-defined]
    held.beats += 1
    beats, hook = held.beats, held.hooks[hook_name]

    def over() -> None:
        if getattr(state, "hold", None) is held and held.beats == beats and hook_name in held.hooks:
            complete(state, hook_name, hook.default_result)

    lifecycle.later(float(hook.heartbeat_timeout), over)


def complete(state: InstanceState, hook_name: str, result: str) -> None:
    """One hook's result: ABANDON ends the wait at once, CONTINUE when no other hook is left."""
    held: Hold = state.hold  # type: ignore[attr-defined]
    held.hooks.pop(hook_name)
    if result == "ABANDON" or not held.hooks:
        del state.hold  # type: ignore[attr-defined]
        held.after(result)
