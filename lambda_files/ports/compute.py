"""Instances and the group that they are in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from scaling.model import GroupView


@dataclass(frozen=True, slots=True)
class GroupInstance:
    """A member as the group reports it."""

    instance_id: str
    lifecycle: str
    health: str
    protected: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The group as Auto Scaling reports it."""

    name: str
    arn: str
    desired: int
    minimum: int
    maximum: int
    instances: tuple[GroupInstance, ...]


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance as EC2 reports it."""

    instance_id: str
    state: str
    address: str | None
    launched: datetime
    tags: dict[str, str] = field(default_factory=dict)


class Compute(Protocol):
    """Every read raises when it is not complete. `fence` is called before each change and may raise LeaseLost."""

    def group(self) -> Group:
        """The group now; raises GroupMissing."""

    def instances(self, ids: Sequence[str]) -> dict[str, Instance]:
        """Those of the instances that EC2 knows."""

    def view(self) -> GroupView:
        """Group and instances joined, as the scaling core wants them."""

    def detach(self, ids: Sequence[str], fence: Callable[[], None]) -> tuple[list[str], list[str]]:
        """Detach without lowering the desired capacity. Returns the detached ids, and errors as sentences."""

    def terminate(self, ids: Sequence[str], fence: Callable[[], None]) -> tuple[list[str], list[str]]:
        """Termination protection off, terminate; protection on again for each that did not end.

        Returns the ids that EC2 says are ending, and errors as sentences.
        """
