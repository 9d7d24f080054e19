"""Reading groups: scaling activities, pages of instances, and an error for a group that does not exist."""

from __future__ import annotations

from typing import Any

from moto.autoscaling.models import AutoScalingBackend
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult

from .. import patching
from ..patching import Replacement
from . import _groups

GAP = "moto has no scaling activities, no pages of DescribeAutoScalingInstances, and tags groups that do not exist"
MOTO = "5.2.5"

ACTIVITY_PAGE = 100
INSTANCE_PAGE = 50

_tag = AutoScalingBackend.create_or_update_tags
_untag = AutoScalingBackend.delete_tags


def _page(response: AutoScalingResponse, key: str, items: list[Any], size: int) -> ActionResult:
    size = min(response._get_int_param("MaxRecords") or size, size)
    start = int(response._get_param("NextToken") or 0)
    following = str(start + size) if len(items) > start + size else None
    return ActionResult({key: items[start : start + size], "NextToken": following})


def describe_scaling_activities(self: AutoScalingResponse) -> ActionResult:
    backend = self.autoscaling_backend
    name, ids = self._get_param("AutoScalingGroupName"), self._get_param("ActivityIds", [])
    deleted = backend.__dict__.get("deleted_group_activities", [])
    if self._get_bool_param("IncludeDeletedGroups", False):
        found = [*deleted]
    else:
        found = []
        if name:
            _groups.group_of(backend, name)
    for group in backend.autoscaling_groups.values():
        found += _groups.activities(group)
    wanted = [
        each
        for each in sorted(found, key=lambda each: each["StartTime"], reverse=True)
        if name in (None, each["AutoScalingGroupName"]) and (not ids or each["ActivityId"] in ids)
    ]
    return _page(self, "Activities", wanted, ACTIVITY_PAGE)


def describe_auto_scaling_instances(self: AutoScalingResponse) -> ActionResult:
    ids = self._get_param("InstanceIds", [])
    if ids:
        _groups.at_most(ids, INSTANCE_PAGE)
    states = self.autoscaling_backend.describe_auto_scaling_instances(instance_ids=ids)
    return _page(self, "AutoScalingInstances", states, INSTANCE_PAGE)


def create_or_update_tags(self: AutoScalingBackend, tags: list[dict[str, str]]) -> None:
    for tag in tags:
        _groups.group_of(self, tag["ResourceId"])
    _tag(self, tags)


def delete_tags(self: AutoScalingBackend, tags: list[dict[str, str]]) -> None:
    for tag in tags:
        _groups.group_of(self, tag["ResourceId"])
    _untag(self, tags)


REPLACED = (
    Replacement(AutoScalingResponse, "describe_scaling_activities", describe_scaling_activities),
    Replacement(AutoScalingResponse, "describe_auto_scaling_instances", describe_auto_scaling_instances),
    Replacement(AutoScalingBackend, "create_or_update_tags", create_or_update_tags),
    Replacement(AutoScalingBackend, "delete_tags", delete_tags),
)


def install() -> None:
    """Close the gap."""
    patching.install(REPLACED)


def check() -> None:
    """Raise NameMoved when moto's names have moved."""
    patching.check(REPLACED)
