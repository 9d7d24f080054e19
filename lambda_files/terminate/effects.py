"""Terminate what is proven to be empty, detach what is gone. Everything is read again here, in the same execution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from errors import LeaseLost
from ports import Grant
from ports.bundle import Ports
from scaling.invariants import (
    s1_fresh,
    s1_nothing_left,
    s7_protection_window,
    s8_single_writer,
    s9_gates,
    s9_settled,
    s14_hands_off,
    s14_human_wins,
)
from scaling.journal import not_before
from scaling.model import ClusterView, Control, GroupView, Journal, Policy, Verdict, policy_from_settings
from tasks import say


@dataclass(slots=True)
class Result:
    """Ids that were terminated and detached, and errors as sentences."""

    terminated: list[str] = field(default_factory=list)
    detached: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def act(ports: Ports, grant: Grant, terminate: list[str], detach: list[str], source: str = "") -> Result:
    """Terminate those of the ids that a fresh look proves to be empty, and detach those that EC2 says are gone.

    The cluster is asked through another member than `source`, which scale has asked, if there is one. Raises
    LeaseLost, a ClusterError or an AWS error when nothing at all can be concluded; then nothing was changed.
    """

    def fence() -> None:
        ports.lease.renew(grant)

    result = Result()
    open_, closed = True, ""
    if terminate:
        allowed, (open_, closed) = _proven(ports, grant, sorted(set(terminate)), source, fence, result.errors)
        if allowed:
            result.terminated, errors = ports.compute.terminate(allowed, fence)
            result.errors += errors
            say("terminated", execution=grant.owner, instance_ids=result.terminated)
    if detach and not open_:
        result.errors.append(f"Nothing is detached: {closed}")
    gone = {*(detach if open_ else ()), *result.terminated}
    if gone:
        members = ports.compute.view().members
        ids = sorted(m.instance_id for m in members if m.instance_id in gone and m.gone and m.lifecycle == "InService")
        result.detached, errors = ports.compute.detach(ids, fence)
        result.errors += errors
        say("detached", execution=grant.owner, instance_ids=result.detached)
    return result


def _proven(
    ports: Ports, grant: Grant, ids: list[str], source: str, fence: Callable[[], None], errors: list[str]
) -> tuple[list[str], Verdict]:
    """Those of the ids that may be terminated, and whether anything may be changed.

    Why another one may not is added to `errors`.
    """
    fence()
    records = ports.store.read("settings", "journal", "control", "credentials", "login")
    policy, journal, control = policy_from_settings(records.settings), records.journal, records.control
    current, reason = s8_single_writer(journal, grant.fence)
    if not current:
        raise LeaseLost(f"{grant.owner} may not act any more: {reason}.")
    group = ports.compute.view()
    asked = sorted(group.addresses(journal), key=lambda address: address == source)
    view = ports.cluster(asked, journal.guid, fence).view(not_before(journal))
    allowed = []
    for instance_id in ids:
        held = next(
            (
                (name, words)
                for name, (ok, words) in _checks(instance_id, group, view, journal, control, policy)
                if not ok
            ),
            None,
        )
        if held:
            errors.append(f"{instance_id}: not terminated, {held[1]} ({held[0]})")
        else:
            allowed.append(instance_id)
        say(
            "termination",
            execution=grant.owner,
            instance_id=instance_id,
            allowed=held is None,
            blocked_by=held and held[0],
            reason=held and held[1],
            seen_by=view.source,
        )
    gates = (s14_human_wins(control, view.gates), s9_gates(view.gates))
    return allowed, next((verdict for verdict in gates if not verdict[0]), (True, ""))


def _checks(
    instance_id: str, group: GroupView, view: ClusterView, journal: Journal, control: Control, policy: Policy
) -> tuple[tuple[str, Verdict], ...]:
    """The invariants of a termination, each asked of what was just read."""
    member = next((m for m in group.members if m.instance_id == instance_id), None)
    removal = journal.removed.get(instance_id)
    return (
        ("S14 human wins", s14_human_wins(control, view.gates)),
        ("S14 human wins", s14_hands_off(member)),
        ("S7 protection window", s7_protection_window(member, removal)),
        ("S1 evidence", s1_fresh(view, journal)),
        ("S9 gates", s9_gates(view.gates)),
        ("S9 calm", s9_settled(view.gates, policy)),
        ("S1 evidence", s1_nothing_left(instance_id, removal, view) if removal else (False, "it was never removed")),
    )
