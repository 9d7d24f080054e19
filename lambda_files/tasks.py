"""What the tasks hand to each other: ids and counts, checked on arrival."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from errors import EventInvalid
from ports import Grant

# State data is limited to 256 KiB for all of it; people read a handful of sentences.
MOST_ERRORS = 20
LONGEST_ERROR = 500
MOST_IDS = 500

log = logging.getLogger("stateful")
log.setLevel(logging.INFO)


def text_of(event: Mapping[str, Any], name: str) -> str:
    """A string of the event; raises EventInvalid."""
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise EventInvalid(f"The task's input has no {name}.")
    return value


def grant_of(event: Mapping[str, Any]) -> Grant:
    """The lease that fetch took; raises EventInvalid."""
    lease = event.get("lease")
    if not isinstance(lease, Mapping) or not isinstance(lease.get("fence"), int):
        raise EventInvalid("The task's input has no lease; only an execution that holds it may act.")
    return Grant(text_of(lease, "owner"), lease["fence"])


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


def say(event: str, **fields: Any) -> None:
    """One JSON line in the function's log."""
    log.info(json.dumps({"event": event, **fields}, default=str))
