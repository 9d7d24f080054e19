"""Faults of the management API, by method: what to do to the answer, where and how often."""

from __future__ import annotations

import copy
import fnmatch
import threading
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass
class MethodFault:
    """One fault. `method` is a JSON-RPC name or a pattern; REST calls carry the name of their JSON-RPC equivalent."""

    method: str
    address: str | None = None  # only at this backend
    skip: int = 0  # calls that pass before it begins
    times: int | None = None  # calls that it hits, None: all
    hang_s: float = 0.0  # wait first
    http: int | None = None  # answer this bare HTTP status
    error: str | None = None  # answer this error (JSON-RPC: inside a 200)
    code: int = -32001  # with this JSON-RPC code
    drop_before: bool = False  # close the connection before the effect
    drop_after: bool = False  # close the connection after the effect
    empty: bool = False  # a 200 with nothing in it
    partial: float | None = None  # this share of the entries, first ones first
    stale: bool = False  # the answer before the last change
    set: dict[str, Any] | None = None  # settings of the cluster that change right before the answer
    merge: dict[str, Any] | None = None  # merged into the answer; key "*" means each entry, null deletes

    def hits(self, method: str, address: str) -> bool:
        """Whether it applies to this call; counts the call."""
        if not fnmatch.fnmatchcase(method, self.method) or (self.address and self.address != address):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            if self.times <= 0:
                return False
            self.times -= 1
        return True


@dataclass
class Faults:
    """The faults of one cluster and the answers that stale ones need."""

    rules: list[MethodFault] = field(default_factory=list)
    guids: dict[str, str] = field(default_factory=dict)  # address -> guid of another cluster
    frozen: dict[str, dict[str, Any]] = field(default_factory=dict)  # address -> answers of one moment, by method
    bent: dict[str, dict[str, Any]] = field(
        default_factory=dict
    )  # address -> what is merged into its answers, by method
    stuck: set[str] = field(default_factory=set)  # drives and containers that come no further, by uuid or HostId
    _answers: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)

    def add(self, method: str, spec: dict[str, Any]) -> None:
        """Add one fault. ValueError on a key that does not exist."""
        known = {f.name for f in fields(MethodFault)} - {"method"}
        if unknown := set(spec) - known:
            names = ", ".join(sorted(unknown))
            raise ValueError(f"fault of {method}: unknown {names}; known: {', '.join(sorted(known))}")
        self.rules.append(MethodFault(method, **spec))

    def clear(self) -> None:
        self.rules.clear()
        for kept in (self.guids, self.frozen, self.bent, self.stuck):
            kept.clear()

    def take(self, method: str, address: str) -> list[MethodFault]:
        """The faults of this call."""
        with self._lock:
            return [rule for rule in self.rules if rule.hits(method, address)]

    def seen_from(self, address: str, method: str, answer: Any) -> Any:
        """The answer as the member at this address sees it: of the moment at which it froze, or bent."""
        answer = self.frozen.get(address, {}).get(method, answer)
        patch = self.bent.get(address, {}).get(method)
        return merge(copy.deepcopy(answer), patch) if patch is not None else answer

    def remember(self, key: str, revision: int, answer: Any) -> Any:
        """Keep the answer; returns the newest kept one of an earlier revision, or this one when there is none."""
        kept = [entry for entry in self._answers.get(key, []) if entry[0] < revision][-1:]
        self._answers[key] = [*kept, (revision, answer)]
        return kept[0][1] if kept else answer


def bend(answer: Any, rules: list[MethodFault]) -> Any:
    """The answer after the faults that change its content."""
    for rule in rules:
        if rule.empty:
            answer = type(answer)() if isinstance(answer, dict | list) else None
        if rule.partial is not None and isinstance(answer, dict | list):
            keep = int(len(answer) * rule.partial)
            answer = answer[:keep] if isinstance(answer, list) else dict(list(answer.items())[:keep])
        if rule.merge is not None:
            answer = merge(copy.deepcopy(answer), rule.merge)
    return answer


def merge(target: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7386) with one more word: the key "*" stands for every entry of an object or a list."""
    if not isinstance(patch, dict):
        return patch
    if "*" in patch and isinstance(target, list):
        return [merge(entry, patch["*"]) for entry in target]
    result = target if isinstance(target, dict) else {}
    for key, value in patch.items():
        if key == "*":
            for name in result:
                result[name] = merge(result[name], value)
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result
