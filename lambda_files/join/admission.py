"""Who may join: pure decisions on what the group, EC2 and the cluster say. Each refusal has its own sentence."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from scaling.model import ClusterView, GroupView, Journal, Member

LAUNCHING_FOR = timedelta(minutes=30)
"""The state machine reports an instance that the cluster does not know after the same time (join_grace_minutes)."""

JOIN_ADDRESSES = 16
INSTANCE_ID = re.compile(r"i-[0-9a-f]{8}([0-9a-f]{9})?")


class Refused(Exception):
    """The instance may not join (4xx) or cannot now (503); the text says why and, where it helps, what to do."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def requested_instance(query: dict[str, str] | None) -> str:
    """The instance id of an API Gateway query. Raises Refused (400)."""
    instance_id = (query or {}).get("instance_id", "")
    if not instance_id:
        raise Refused(400, "The request names no instance: add ?instance_id=i-... to it.")
    if not INSTANCE_ID.fullmatch(instance_id):
        raise Refused(400, "The request's instance_id is not an EC2 instance id.")
    return instance_id


def admit(instance_id: str, cluster: str, group: GroupView, now: datetime) -> Member:
    """The group's launching member with this id. Raises Refused (403, 409, 503)."""
    member = next((each for each in group.members if each.instance_id == instance_id), None)
    if member is None:
        raise Refused(403, f"Instance {instance_id} is not a member of the Auto Scaling group {group.name}.")
    if member.state is None or member.launched is None:
        raise Refused(503, f"EC2 does not know instance {instance_id} yet: ask again in a few seconds.")
    if not member.owned:
        raise Refused(403, f"Instance {instance_id} does not carry the tag stateful:cluster={cluster}.")
    if member.state not in ("pending", "running"):
        raise Refused(409, f"Instance {instance_id} is {member.state}: only a pending or running one can join.")
    if member.lifecycle != "InService" and not member.lifecycle.startswith("Pending"):
        raise Refused(409, f"Instance {instance_id} is {member.lifecycle} in its group: only a launching one can join.")
    if now - member.launched >= LAUNCHING_FOR:
        raise Refused(
            409,
            f"Instance {instance_id} was launched at {member.launched:%Y-%m-%d %H:%M:%S} UTC, more than "
            f"{LAUNCHING_FOR.seconds // 60} minutes ago: terminate it and the group launches another one.",
        )
    if member.address is None:
        raise Refused(503, f"Instance {instance_id} has no private address yet: ask again in a few seconds.")
    return member


def refuse_known(member: Member, cluster: ClusterView, journal: Journal) -> None:
    """Raises Refused (409) when the cluster has this instance, or had it, or has another machine at its address."""
    if member.instance_id in journal.removed:
        raise Refused(
            409,
            f"Instance {member.instance_id} was removed from the cluster and does not come back (S11 one way): "
            "it is terminated by the next passes.",
        )
    for machine in cluster.machines:
        if machine.instance_id == member.instance_id:
            raise Refused(409, f"Instance {member.instance_id} is a backend of the cluster already.")
        if machine.address == member.address:
            raise Refused(
                409,
                f"The cluster still lists another machine ({machine.instance_id or 'of unknown instance id'}) at the "
                f"address {member.address} of instance {member.instance_id}: it must be removed from there first.",
            )


def join_addresses(member: Member, group: GroupView, cluster: ClusterView) -> list[str]:
    """Addresses of running group members that serve in the cluster, at most JOIN_ADDRESSES. Raises Refused (503)."""
    running = {each.address for each in group.members if each.state == "running" and each is not member}
    found = [machine.address for machine in cluster.machines if machine.sound and machine.address in running]
    if not found:
        raise Refused(503, f"No running member of {group.name} serves in the cluster now, so nothing can be joined.")
    return found[:JOIN_ADDRESSES]
