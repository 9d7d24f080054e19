"""What is kept from one pass to the next, and when it is forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from scaling.invariants import HOUR
from scaling.model import ClusterView, GroupView, Journal, Machine, Removal


def pruned(journal: Journal, group: GroupView, cluster: ClusterView, now: datetime) -> Journal:
    """The journal without what no longer matters.

    A removal is forgotten when its instance left the group, and when its machine is at work in the cluster again:
    a later absence must not count as proof of an earlier removal.
    """
    members = {member.instance_id for member in group.members if not member.gone}
    at_work = {machine.instance_id for machine in cluster.machines if not machine.inactive}
    return Journal(
        guid=journal.guid or cluster.guid,
        starts=tuple(start for start in journal.starts if now.timestamp() - start < HOUR),
        removed={key: value for key, value in journal.removed.items() if key in members - at_work},
    )


def with_intents(journal: Journal, starts: int, removing: Iterable[Machine], now: datetime) -> Journal:
    """The journal before acting: so many drains begin, and these inactive machines are about to be removed."""
    at = int(now.timestamp())
    intents = {
        machine.instance_id: Removal(machine.address, machine.machine_identifier, since=at)
        for machine in removing
        if machine.instance_id and machine.machine_identifier
    }
    return replace(journal, starts=journal.starts + (at,) * starts, removed={**journal.removed, **intents})


def confirmed(journal: Journal, ids: Iterable[str], fence: int) -> Journal:
    """The journal after a fresh read proved, under this lease, that nothing of these machines is left."""
    proven = {key: replace(journal.removed[key], confirmed=fence) for key in ids}
    return replace(journal, removed={**journal.removed, **proven})
