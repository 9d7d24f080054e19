"""Which instances may become members of a group, which sizes let members go, and which may be terminated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.tags import CLUSTER, COMPONENT
from ansible_collections.stateful.aws.plugins.module_utils._resources._instances import Instance

MEMBER = "member"


def refuse(group: str, cluster: str, seen: Mapping[str, Any], new: Sequence[str], check_mode: bool) -> None:
    """Refuse what AWS would refuse: instances that cannot be attached, or more than there is room for.

    Raises:
        ResourceError: there is no such group (in check mode it may be made later), or why each one cannot be attached.
    """
    if not seen["_exists"] and not check_mode:
        raise ResourceError(f"Auto Scaling group {group} does not exist. Create it first.")
    wrong = [reason for name in new if (reason := _wrong(seen, name, cluster))]
    if wrong:
        raise ResourceError(
            f"Not attached to Auto Scaling group {group}: {'; '.join(wrong)}. Put that right, or leave these instances out."
        )
    capacity, most = seen["desired_capacity"], seen["max_size"]
    if seen["_exists"] and capacity + len(new) > most:
        raise ResourceError(
            f"Auto Scaling group {group} has a desired capacity of {capacity} and a max_size of {most}, too small for "
            f"{len(new)} more members. Give it a larger max_size (autoscaling_group with resize)."
        )


def _wrong(seen: Mapping[str, Any], name: str, cluster: str) -> str | None:
    each: Instance | None = seen["_instances"].get(name)
    if each is None:
        return f"{name} does not exist"
    if each.state != "running":
        return f"{name} is {each.state}, not running"
    if name in seen["_elsewhere"]:
        return f"{name} is in Auto Scaling group {seen['_elsewhere'][name]}"
    owner = each.tags.get(CLUSTER, cluster)
    if owner != cluster:
        return f"{name} belongs to cluster {owner!r}"
    zones = seen["_group"].get("availability_zones")
    if zones is not None and each.zone not in zones:
        return f"{name} is in {each.zone}, and the group in {', '.join(zones)}"
    return None


def fitting_sizes(group: str, seen: Mapping[str, Any], count: int, lower: bool) -> dict[str, tuple[int, int]]:
    """Return the sizes to change, before and after, so that AWS detaches so many members and counts desired down.

    AWS refuses what would bring desired below min_size, or below 0. A group that is being scaled in has more members
    than desired; raising desired to their number launches nothing.

    Raises:
        ResourceError: min_size is in the way and may not be lowered.
    """
    desired = max(seen["desired_capacity"], count)
    wanted = {
        "min_size": min(seen["min_size"], desired - count),
        "max_size": max(seen["max_size"], desired),
        "desired_capacity": desired,
    }
    if wanted["min_size"] < seen["min_size"] and not lower:
        raise ResourceError(
            f"Auto Scaling group {group} has a min_size of {seen['min_size']}, and without these {count} members its "
            f"capacity would be {desired - count}. Lower min_size first, or set lower_min_size."
        )
    return {size: (seen[size], value) for size, value in wanted.items() if seen[size] != value}


def refuse_termination(cluster: str, lives: Mapping[str, Instance], ending: Sequence[str]) -> None:
    """Refuse to terminate anything that the cluster's group did not launch.

    Raises:
        ResourceError: naming the instances without the tags that the launch template gives.
    """
    wanted = {CLUSTER: cluster, COMPONENT: MEMBER}
    others = [name for name in ending if not wanted.items() <= lives[name].tags.items()]
    if others:
        raise ResourceError(
            f"Nothing was done, because {', '.join(others)} may not be terminated: only instances that the group launched "
            f"are, which bear the tags {CLUSTER}={cluster} and {COMPONENT}={MEMBER}. Leave these out."
        )
