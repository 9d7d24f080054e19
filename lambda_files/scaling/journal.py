"""What is kept from one pass to the next, and when it is forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from .invariants import CLOCK_SKEW
from .model import ClusterView, GroupView, Journal, Machine, Removal
from .totals import HOUR

# So much younger must the cluster's clock be for it alone to be worth a write.
CLOCK_WORTH_WRITING = timedelta(minutes=10)


def pruned(journal: Journal, group: GroupView, cluster: ClusterView, now: datetime) -> Journal:
    """The journal without what no longer matters: drains of more than an hour ago, removals whose instance left.

    The cluster's clock is noted unless it runs ahead of ours: then every honest read would later seem to be old.
    """
    members = {member.instance_id for member in group.members if not member.gone}
    times = [time for time in (journal.cluster_time, cluster.time) if time and time <= now + CLOCK_SKEW]
    return replace(
        journal,
        guid=journal.guid or cluster.guid,
        starts=tuple(start for start in journal.starts if now.timestamp() - start < HOUR),
        removed={key: value for key, value in journal.removed.items() if key in members},
        cluster_time=max(times, default=None),
    )


def taken_over(journal: Journal, fence: int) -> Journal:
    """The journal as the holder of this lease finds it: drains that began under an earlier one are of another pass."""
    return journal if journal.fence == fence else replace(journal, begun=0)


def not_before(journal: Journal) -> datetime | None:
    """The cluster's own time before which an answer of it is too old to be believed."""
    return journal.cluster_time - CLOCK_SKEW if journal.cluster_time else None


def with_intents(journal: Journal, starts: int, removing: Iterable[Machine], now: datetime) -> Journal:
    """The journal before acting: so many drains begin, and these inactive machines are about to be removed."""
    at = int(now.timestamp())
    intents = {
        machine.instance_id: Removal(machine.address, machine.machine_identifier, since=at)
        for machine in removing
        if machine.instance_id and machine.machine_identifier and machine.instance_id not in journal.removed
    }
    return replace(
        journal,
        starts=journal.starts + (at,) * starts,
        begun=journal.begun + starts,
        removed={**journal.removed, **intents},
    )


def acknowledged(journal: Journal, ids: Iterable[str]) -> Journal:
    """The journal after the cluster answered that it removes these machines."""
    told: Mapping[str, Removal] = {key: replace(journal.removed[key], acknowledged=True) for key in ids}
    return replace(journal, removed={**journal.removed, **told})


def withdrawn(journal: Journal, ids: Iterable[str | None]) -> Journal:
    """The journal after the cluster refused to remove these machines: they are still there, and nothing was begun."""
    refused = {key for key, removal in journal.removed.items() if key in set(ids) and not removal.acknowledged}
    return replace(journal, removed={key: value for key, value in journal.removed.items() if key not in refused})


def worth_writing(stored: Journal, journal: Journal) -> bool:
    """Whether it differs in more than a clock that went on a little."""
    if replace(stored, cluster_time=None) != replace(journal, cluster_time=None):
        return True
    if stored.cluster_time is None or journal.cluster_time is None:
        return stored.cluster_time != journal.cluster_time
    return journal.cluster_time - stored.cluster_time >= CLOCK_WORTH_WRITING
