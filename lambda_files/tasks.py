"""What the tasks hand to each other, ids and counts, and what they tell: one JSON object on each line of the log."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from errors import EventInvalid, ResultRefused
from ports import Grant
from scaling.invariants import s12_no_secret, s16_bounded

# People read a handful of sentences; the log has all of them.
MOST_ERRORS = 20
LONGEST_ERROR = 500
MOST_IDS = 500


def text_of(event: Mapping[str, Any], name: str) -> str:
    """A string of the event; raises EventInvalid."""
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise EventInvalid(f"The task's input has no {name}.")
    return value


def count_of(event: Mapping[str, Any], name: str) -> int:
    """A whole number of the event; raises EventInvalid."""
    value = event.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise EventInvalid(f"The task's input has no number {name}.")
    return value


def grant_of(event: Mapping[str, Any]) -> Grant:
    """The lease that fetch took; raises EventInvalid."""
    lease = event.get("lease")
    if not isinstance(lease, Mapping):
        raise EventInvalid("The task's input has no lease; only an execution that holds it may act.")
    return Grant(text_of(lease, "owner"), count_of(lease, "fence"))


def ids_of(event: Mapping[str, Any], name: str) -> list[str]:
    """A bounded list of instance ids; raises EventInvalid."""
    ids = event.get(name)
    if not isinstance(ids, list) or len(ids) > MOST_IDS or not all(isinstance(i, str) and i for i in ids):
        raise EventInvalid(f"The task's input has no list {name} of at most {MOST_IDS} instance ids.")
    return ids


def bounded(errors: Sequence[str]) -> list[str]:
    """The errors, few and short enough for state data; the log has all of them."""
    kept = [error[:LONGEST_ERROR] for error in errors[:MOST_ERRORS]]
    more = len(errors) - len(kept)
    return [*kept, f"and {more} more, see the function's log"] if more else kept


def hand_on(answer: dict[str, Any], errors: Sequence[str] = (), secrets: Iterable[str] = ()) -> dict[str, Any]:
    """The task's answer, with `transient_errors` when there are any; raises ResultRefused."""
    if errors:
        answer = {**answer, "transient_errors": bounded(errors)}
    text = json.dumps(answer)
    for name, (allowed, reason) in (
        ("S12 secrets", s12_no_secret(text, secrets)),
        ("S16 bounded payload", s16_bounded(len(text.encode()))),
    ):
        if not allowed:
            raise ResultRefused(f"The task's answer may not be handed on ({name}): {reason}.")
    return answer


def say(event: str, **fields: Any) -> None:
    """One JSON line in the function's log. Printed, because a logger of Lambda would put words before it."""
    sys.stdout.write(json.dumps({"event": event, **fields}, default=str) + "\n")
    sys.stdout.flush()


def measure(cluster: str, at: float, **counts: int) -> None:
    """The counts as metrics of the namespace stateful.aws, by CloudWatch's embedded metric format."""
    metrics = [{"Name": name, "Unit": "Count"} for name in counts]
    told = {"Namespace": "stateful.aws", "Dimensions": [["Cluster"]], "Metrics": metrics}
    say("metrics", _aws={"Timestamp": int(at * 1000), "CloudWatchMetrics": [told]}, Cluster=cluster, **counts)
