"""What the invariants count: the cluster and its group as they are, or as they would be after one more machine left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from .candidates import Candidate
from .health import Kind, down, leaving
from .model import Machine, Snapshot

ALIVE = ("Pending", "InService")
HOUR = 3600
HOLDS_DATA = ("ACTIVE", "PHASING_IN", "PHASING_OUT")


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of a snapshot and of what this pass took so far.

    `sound` healthy members, in `domains` failure domains (None: one is unknown), with `leaders` containers that can
    lead; `out` members on their way out; `leaving` machines of the cluster, and `missing` ones that leave or are down;
    `all_bytes` of drives, of which `staying_bytes` are on machines that stay (None: a size is unknown); `starts`
    drains begun within an hour, `taken` of them in this pass; `places` counts the cluster's records by address, id and
    identifier.
    """

    alive: int
    desired: int
    sound: int
    domains: Mapping[str | None, int]
    leaders: int
    out: int
    leaving: int
    missing: int
    all_bytes: int | None
    staying_bytes: int
    starts: int = 0
    taken: int = 0
    places: Mapping[tuple[int, str], int] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: Snapshot, ours: Iterable[Candidate], now: datetime) -> Totals:
        """The totals before anything is done; `ours` are the machines with a living member."""
        ours = list(ours)
        members = [m for m in snapshot.group.members if not m.gone and m.lifecycle.startswith(ALIVE)]
        machines = snapshot.cluster.machines
        out = {c.machine.instance_id for c in ours if in_group(c) and (c.machine.inactive or leaving(c.machine))}
        out |= {m.instance_id for m in members if m.instance_id in snapshot.journal.removed}
        # One machine for each member, whatever the cluster's records say of whose they are.
        sound = list({c.machine.instance_id: c.machine for c in ours if counts(c)}.values())
        known = all(drive.size_bytes is not None for machine in machines for drive in machine.drives)
        return cls(
            alive=len(members),
            desired=snapshot.group.desired,
            sound=len(sound),
            domains=Counter(domain for machine in sound for domain in _domains(machine)),
            leaders=sum(map(_leaders, sound)),
            out=len(out),
            leaving=sum(map(leaving, machines)),
            missing=sum(leaving(machine) or down(machine) for machine in machines),
            all_bytes=sum(map(_bytes, machines)) if known else None,
            staying_bytes=sum(_bytes(machine) for machine in machines if not leaving(machine)),
            starts=sum(now.timestamp() - start < HOUR for start in snapshot.journal.starts),
            taken=snapshot.journal.begun,
            places=Counter(place for machine in machines for place in places(machine)),
        )

    def without(self, candidate: Candidate) -> Totals:
        """The totals after this machine began to leave."""
        machine = candidate.machine
        begun, lost = leaving(machine), counts(candidate)
        return replace(
            self,
            sound=self.sound - lost,
            domains=Counter(self.domains) - Counter(_domains(machine)) if lost else self.domains,
            leaders=self.leaders - lost * _leaders(machine),
            out=self.out + (in_group(candidate) and not begun),
            leaving=self.leaving + (not begun),
            missing=self.missing + (not begun and not down(machine)),
            staying_bytes=self.staying_bytes - (not begun) * _bytes(machine),
            starts=self.starts + (not begun),
            taken=self.taken + (not begun),
        )


def counts(candidate: Candidate) -> bool:
    """It is one of the healthy members that the floor is about, and not elsewhere than EC2 says that the member is."""
    here = candidate.member is not None and candidate.member.address in (None, candidate.machine.address)
    return here and in_group(candidate) and candidate.kind is Kind.HEALTHY and candidate.machine.sound


def in_group(candidate: Candidate) -> bool:
    """Its instance is a member that works or is about to."""
    return candidate.member is not None and candidate.member.lifecycle.startswith(ALIVE)


def places(machine: Machine) -> list[tuple[int, str]]:
    """The parts of its identity, none of which another machine of the cluster may share."""
    return [(number, value) for number, value in enumerate(machine.identity) if value]


def _domains(machine: Machine) -> set[str | None]:
    return {container.failure_domain for container in machine.containers}


def _leaders(machine: Machine) -> int:
    return sum(container.can_lead for container in machine.containers)


def _bytes(machine: Machine) -> int:
    return sum(filter(None, (drive.size_bytes for drive in machine.drives if drive.status in HOLDS_DATA)))
