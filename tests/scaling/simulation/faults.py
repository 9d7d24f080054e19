"""What goes wrong between the functions and what they call; each run has some of these faults only."""

from __future__ import annotations

import random

from botocore.exceptions import ClientError, EndpointConnectionError
from errors import ClusterAnswerUnknown, ClusterRefused, ClusterUnreachable

from .execution import Execution, Trips
from .process import Fate, Process

READS = ("Describe", "GetItem", "BatchGetItem", "view", "gates", "Decrypt")
# Fault, and how often it happens to a call that it concerns, in runs that have it.
CALLS = {
    "throttled": 0.04,
    "lost answer": 0.06,
    "refused": 0.12,
    "dead member": 0.15,
    "cluster lost answer": 0.1,
    "cluster refuses": 0.15,
    "odd answer": 0.08,
    "slow": 0.1,
    "stale group": 0.25,
    "stale cluster": 0.25,
    "foreign": 0.04,
    "lambda throttled": 0.1,
    "lambda answer lost": 0.1,
}


class Storm(Fate, Trips):
    """Faults by a seeded source of chance. `others` lets other executions and the world act between two calls."""

    def __init__(self, chance: random.Random, active: set[str], others: Interlude) -> None:
        self._chance = chance
        self.active = active
        self._others = others
        self.calm = False

    def _strikes(self, fault: str) -> bool:
        return not self.calm and fault in self.active and self._chance.random() < CALLS[fault]

    def before(self, process: Process, call: str) -> None:
        if not self.calm:
            self._others(process)

    def seconds(self, process: Process, call: str) -> float:
        return self._chance.choice((5.0, 12.0, 29.0)) if self._strikes("slow") else 0.05

    def refusal(self, process: Process, call: str, target: str) -> Exception | None:
        if self.calm:
            return None
        if call.startswith("weka:"):
            if self._strikes("dead member"):
                return ClusterUnreachable("no answer")
            if self._strikes("odd answer"):
                return ClusterAnswerUnknown("an error in a 200")
            if not call.endswith(("view", "gates", "emit")) and self._strikes("cluster refuses"):
                return ClusterRefused("not enough capacity")
            return None
        operation = call.partition(":")[2]
        if self._strikes("throttled"):
            return ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, operation)
        changes = not call.startswith(("dynamodb", "kms")) and not operation.startswith(READS)
        if changes and self._strikes("refused"):
            return ClientError({"Error": {"Code": "OperationNotPermitted", "Message": "no"}}, operation)
        return None

    def loss(self, process: Process, call: str, target: str) -> Exception | None:
        if call.startswith("weka:"):
            return ClusterUnreachable("the answer was lost") if self._strikes("cluster lost answer") else None
        return EndpointConnectionError(endpoint_url="https://aws") if self._strikes("lost answer") else None

    def age(self, process: Process, call: str) -> int:
        return 1 if self._strikes(f"stale {call}") else 0

    def foreign(self, process: Process, address: str) -> bool:
        return self._strikes("foreign")

    def throttled(self, execution: Execution) -> bool:
        return self._strikes("lambda throttled")

    def lost(self, execution: Execution) -> bool:
        return self._strikes("lambda answer lost")


class Interlude:
    """Others that act while a process is at work. Here nobody does."""

    def __call__(self, process: Process) -> None:
        """Called between two calls of the process."""
