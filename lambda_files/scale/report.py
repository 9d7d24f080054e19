"""What a pass tells: its log, its metrics, and the report that status shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from scaling.health import drive_is_bad
from scaling.model import Action, Decision, Plan, Policy, Snapshot
from scaling.record import Record, parts
from tasks import bounded, measure, say

SCHEMA = 1
MOST_NAMED = 50
# A report that says the same is written again after so long, so that status can tell a quiet cluster from a dead one.
SECONDS_UNTIL_STALE = 900


def report_of(
    execution: str, snapshot: Snapshot, plan: Plan, errors: list[str], counts: Mapping[str, int], now: datetime
) -> dict[str, Any]:
    """The report of a pass."""
    held = [{"machine": h.machine, "invariant": h.invariant, "reason": h.reason} for h in plan.held_back]
    return {
        "schema": SCHEMA,
        "at": int(now.timestamp()),
        "execution": execution,
        "desired": snapshot.group.desired,
        "members": len(snapshot.group.members),
        "gate": plan.gate,
        "should_leave": list(plan.should_leave[:MOST_NAMED]),
        "may_leave": list(plan.may_leave[:MOST_NAMED]),
        "held_back": held[:MOST_NAMED],
        "errors": bounded(errors),
        "counts": dict(counts),
    }


def worth_writing(last: Mapping[str, Any] | None, report: Mapping[str, Any]) -> bool:
    """Whether the report says something new, or the last one is so old that silence would be mistaken."""
    if last is None or report["at"] - last.get("at", 0) >= SECONDS_UNTIL_STALE:
        return True
    fleeting = ("at", "execution")
    return {k: v for k, v in last.items() if k not in fleeting} != {
        k: v for k, v in report.items() if k not in fleeting
    }


def tell(execution: str, snapshot: Snapshot, policy: Policy, now: datetime, plan: Plan, first: Plan | None) -> None:
    """Log every decision that is not simply to stay, with its evidence; and all of a pass that is not idle."""
    for decision in plan.decisions:
        if decision.action is not Action.KEEP:
            say(
                "decision",
                execution=execution,
                machine=decision.name,
                address=decision.address,
                action=decision.action.value,
                reason=decision.reason,
                blocked_by=decision.blocked_by,
                evidence=_evidence(decision, snapshot),
            )
    if any(decision.leaves or decision.action is Action.DETACH for decision in plan.decisions):
        for part in parts(Record.of(snapshot, policy, now, plan, first)):
            say("pass", execution=execution, **part)


def _evidence(decision: Decision, snapshot: Snapshot) -> dict[str, Any]:
    """What was seen of the machine, and by whom."""
    seen: dict[str, Any] = {"seen_by": snapshot.cluster.source}
    removal = snapshot.journal.removed.get(decision.instance_id or "")
    if decision.machine:
        machine = decision.machine
        seen["containers"] = {str(c.id): f"{c.state}/{c.status}" for c in machine.containers}
        seen["drives"] = dict(Counter(drive.status for drive in machine.drives))
        seen["bad_drives"] = sum(map(drive_is_bad, machine.drives))
        seen["identifier"] = machine.machine_identifier
    if removal:
        seen["removed"] = {"since": removal.since, "acknowledged": removal.acknowledged}
    return seen


def measured(cluster: str, snapshot: Snapshot, plan: Plan, errors: list[str], now: datetime) -> None:
    """The pass in numbers. What people hold themselves is no machine that is held back."""
    measure(
        cluster,
        now.timestamp(),
        Members=len(snapshot.group.members),
        Desired=snapshot.group.desired,
        ShouldLeave=len(plan.should_leave),
        HeldBack=sum(held.invariant != "S14 human wins" for held in plan.held_back),
        Draining=len(plan.of(Action.DRAIN)),
        Errors=len(errors),
    )
