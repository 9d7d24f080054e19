"""The steps of an Auto Scaling group that are calls of their own: processes, target groups and tags."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Retry, Step
from ansible_collections.stateful.aws.plugins.module_utils._resources import _groups as groups

# Auto Scaling user guide, quotas.
TAGS_A_CALL, TARGET_GROUPS_A_CALL = 25, 10

Pair = tuple[Any, Any]


def processes(resource: Resource, pair: Pair | None) -> tuple[list[Step], list[Step]]:
    """Return the steps that suspend and those that resume, so that exactly the wanted processes are suspended."""
    present, wanted = (set(each or ()) for each in pair or ((), ()))
    steps: list[list[Step]] = []
    for method, names, reason in (
        ("suspend_processes", wanted - present, "leave members to the cluster's own scaling"),
        ("resume_processes", present - wanted, "let Auto Scaling do this again"),
    ):
        params = {"AutoScalingGroupName": resource.identifier(), "ScalingProcesses": sorted(names)}
        difference = {"suspended_processes": pair or ((), ())}
        step = resource.change("autoscaling", method, params, reason, difference, retry=groups.BUSY)
        # Without names AWS would take all processes.
        steps.append([step] if names else [])
    return steps[0], steps[1]


def target_groups(
    resource: Resource, pair: Pair | None, retry: tuple[Retry, ...], learn: Callable[[dict[str, Any]], dict[str, Any]]
) -> Iterator[Step]:
    """Yield the steps that attach and detach target groups."""
    present, wanted = (set(each or ()) for each in pair or ((), ()))
    for method, arns, reason in (
        ("attach_load_balancer_target_groups", wanted - present, "register its members there"),
        ("detach_load_balancer_target_groups", present - wanted, "register its members there no more"),
    ):
        for start in range(0, len(arns), TARGET_GROUPS_A_CALL):
            batch = sorted(arns)[start : start + TARGET_GROUPS_A_CALL]
            params = {"AutoScalingGroupName": resource.identifier(), "TargetGroupARNs": batch}
            difference = {"target_group_arns": pair or ((), ())}
            yield resource.change("autoscaling", method, params, reason, difference, retry=retry, learn=learn)


def tags(resource: Resource, observed: Observed, propagated: dict[str, str]) -> list[Step]:
    """Return the steps that tag the group; ``propagated`` are the tags that members shall get."""
    put, drop, changes = resource.tag_changes(observed)
    target, before = resource.wanted_tags(observed), observed["instance_tags"]
    put.update({key: target[key] for key in target if (key in before) != (key in propagated)})
    if before != propagated:
        changes["instance_tags"] = (before, propagated)
    name = resource.identifier()
    dropped = [{"ResourceId": name, "ResourceType": groups.KIND, "Key": key} for key in drop]
    return [
        *_batches(resource, "create_or_update_tags", groups.tag_pairs(name, put, propagated), "tag the group", changes),
        *_batches(resource, "delete_tags", dropped, "remove tags", changes),
    ]


def _batches(
    resource: Resource, method: str, pairs: Sequence[dict[str, Any]], reason: str, changes: dict[str, Pair]
) -> Iterator[Step]:
    for start in range(0, len(pairs), TAGS_A_CALL):
        batch = {"Tags": list(pairs[start : start + TAGS_A_CALL])}
        yield resource.change("autoscaling", method, batch, reason, changes, retry=groups.BUSY)
