"""A pass as text for the log, and back: what it saw, its limits, its time and what it decided."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from .model import Action, Decision, Plan, Policy, Snapshot

# CloudWatch Logs takes events of up to 256 KiB; the line has a little more than the part.
LONGEST_PART = 200_000


class RecordUnreadable(ValueError):
    """The text is no record of a pass of this release."""


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that a decision depended on, and each machine's action and invariant; `first` after the first look."""

    snapshot: Snapshot
    policy: Policy
    now: datetime
    decided: tuple[tuple[str, str, str], ...]
    first: tuple[tuple[str, str, str], ...] = ()

    @classmethod
    def of(cls, snapshot: Snapshot, policy: Policy, now: datetime, plan: Plan, first: Plan | None = None) -> Record:
        """The record of a pass that decided `plan`, and `first` after its first look."""
        return cls(snapshot, policy, now, decided(plan), decided(first) if first else ())

    @property
    def first_plan(self) -> Plan:
        """As much of the first plan as the second one is compared with."""
        return Plan(tuple(Decision(None, name, Action(action), "") for name, action, _ in self.first))


def decided(plan: Plan) -> tuple[tuple[str, str, str], ...]:
    """Name, action and invariant of each decision."""
    return tuple((d.name, d.action.value, d.blocked_by or "") for d in plan.decisions)


def parts(record: Record) -> Iterator[dict[str, Any]]:
    """The record as fields of log lines, each short enough for CloudWatch Logs."""
    text = base64.b64encode(zlib.compress(json.dumps(_plain(record)).encode())).decode()
    pieces = [text[start : start + LONGEST_PART] for start in range(0, len(text), LONGEST_PART)]
    for number, piece in enumerate(pieces):
        yield {"part": number, "parts": len(pieces), "record": piece}


def joined(pieces: list[str]) -> Record:
    """The record of these parts; raises RecordUnreadable."""
    try:
        record: Record = _typed(Record, json.loads(zlib.decompress(base64.b64decode("".join(pieces)))))
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise RecordUnreadable(f"This is not the record of a pass of this release: {error!r}.") from error
    return record


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _typed(kind: Any, value: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return None if value is None else _typed(next(each for each in inner if each is not type(None)), value)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{each.name: _typed(hints[each.name], value[each.name]) for each in fields(kind)})
    if origin is tuple:
        kinds = inner[:1] * len(value) if inner[1:] == (...,) else inner
        return tuple(_typed(each, item) for each, item in zip(kinds, value, strict=True))
    if origin is Mapping:
        return {key: _typed(inner[1], item) for key, item in value.items()}
    if origin is frozenset:
        return frozenset(value)
    return datetime.fromisoformat(value) if kind is datetime else value
