"""Capacity of a group: launches follow the launch template, bounds hold, protected members stay."""

from __future__ import annotations

from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup, InstanceState

from .. import patching
from ..patching import Replacement
from . import _groups, _scaling

GAP = (
    "moto's groups ignore most of the launch template, report its default version, accept any desired capacity, and "
    "start instances in service at once"
)
MOTO = "5.2.5"

_set_desired = FakeAutoScalingGroup.set_desired_capacity
_update = FakeAutoScalingGroup.update


def set_desired_capacity(self: FakeAutoScalingGroup, new_capacity: int | None) -> None:
    if not self.ec2_launch_template or self.mixed_instances_policy:
        _set_desired(self, new_capacity)
        return
    before = self.__dict__.get("desired_capacity")
    self.desired_capacity = self.min_size if new_capacity is None else new_capacity
    _scaling.reconcile(
        self,
        f"a user request set the desired capacity of the group from {before or 0} to {self.desired_capacity}.",
    )


def update(self: FakeAutoScalingGroup, **changes: Any) -> None:
    """Only what was sent changes; sizes must fit each other."""
    minimum, maximum = changes.get("min_size"), changes.get("max_size")
    minimum = self.min_size if minimum is None else minimum
    maximum = self.max_size if maximum is None else maximum
    desired = changes.get("desired_capacity")
    if desired is None:
        desired = min(max(self.desired_capacity or 0, minimum or 0), maximum or 0)
    _groups.check_sizes(minimum or 0, maximum or 0, desired)
    changes["desired_capacity"] = desired
    if not changes.get("mixed_instances_policy"):
        changes["mixed_instances_policy"] = self.mixed_instances_policy if not changes["launch_template"] else None
    _update(self, **changes)


def backend_set_desired_capacity(self: AutoScalingBackend, group_name: str, desired_capacity: int | None) -> None:
    group = _groups.group_of(self, group_name)
    if desired_capacity is not None and desired_capacity > (group.max_size or 0):
        raise ValidationError(
            f"New SetDesiredCapacity value {desired_capacity} is above max value {group.max_size} for the "
            "AutoScalingGroup."
        )
    if desired_capacity is not None and desired_capacity < (group.min_size or 0):
        raise ValidationError(
            f"New SetDesiredCapacity value {desired_capacity} is below min value {group.min_size} for the "
            "AutoScalingGroup."
        )
    group.set_desired_capacity(desired_capacity)


def _launched_from(state: InstanceState) -> dict[str, Any] | None:
    """The template and version that the member was launched from; an attached member has none."""
    return getattr(state, "launched_from", None)


REPLACED = (
    Replacement(FakeAutoScalingGroup, "set_desired_capacity", set_desired_capacity),
    Replacement(InstanceState, "launch_template", property(_launched_from)),
    Replacement(AutoScalingBackend, "set_desired_capacity", backend_set_desired_capacity),
)


def install() -> None:
    """Close the gap."""
    patching.install(REPLACED)
    FakeAutoScalingGroup.update = update  # type: ignore[method-assign]


def check() -> None:
    """Raise NameMoved when moto's names have moved."""
    patching.check(REPLACED)
    code = _update.__code__
    assert {"min_size", "max_size", "desired_capacity", "mixed_instances_policy"} <= set(code.co_varnames)
