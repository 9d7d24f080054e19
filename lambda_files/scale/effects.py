"""One pass over the storage cluster: read, decide, look again, act, prove."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from errors import ClusterAnswerUnknown, ClusterError, ClusterRefused, ClusterUnreachable
from ports import Cluster, Grant
from ports.bundle import Ports
from scaling.decide import decide
from scaling.health import leaving
from scaling.invariants import s5_no_other_client, s9_gates
from scaling.journal import confirmed, pruned, with_intents
from scaling.model import (
    Action,
    ClusterView,
    Decision,
    GroupView,
    Journal,
    Machine,
    Plan,
    Snapshot,
    policy_from_settings,
)
from tasks import say

# A refusal or a lost answer concerns one machine; the pass goes on with the others and reports it.
ONE_MACHINE = (ClusterRefused, ClusterUnreachable, ClusterAnswerUnknown)


@dataclass(slots=True)
class Result:
    """What the pass did and what the next task is to do."""

    terminate: list[str] = field(default_factory=list)
    detach: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    gate: str | None = None


class Pass:
    """One pass. `desired` is what fetch saw; the larger of it and the present one counts."""

    def __init__(self, ports: Ports, grant: Grant, desired: int) -> None:
        self._ports = ports
        self._grant = grant
        self._desired = desired
        self._stored = Journal()
        self._result = Result()

    def run(self) -> Result:
        """Read, decide and act; raises LeaseLost, a ClusterError that concerns the whole pass, or an AWS error."""
        self._fence()
        self._policy = policy_from_settings(self._ports.store.settings())
        self._stored = self._ports.store.journal()
        group = self._group()
        cluster = self._ports.cluster(_addresses(group, self._stored), self._stored.guid, self._fence)
        view = cluster.view()
        now = self._ports.clock.now()
        snapshot = Snapshot(group, view, pruned(self._stored, group, view, now))
        plan = decide(snapshot, self._policy, now)
        if _changes(plan):
            # Between the first look and the first change desired may have been raised, or a human have intervened.
            snapshot = replace(snapshot, group=self._group())
            plan = decide(snapshot, self._policy, now)
        self._tell(plan)
        self._result.errors += plan.errors
        self._result.gate = plan.gate
        self._act(plan, snapshot, cluster)
        self._result.detach = [d.instance_id for d in plan.of(Action.DETACH) if d.instance_id]
        self._result.counts = dict(Counter(decision.action.value for decision in plan.decisions))
        return self._result

    def _fence(self) -> None:
        self._ports.lease.renew(self._grant)

    def _group(self) -> GroupView:
        group = self._ports.compute.view()
        return replace(group, desired=max(group.desired, self._desired))

    def _act(self, plan: Plan, snapshot: Snapshot, cluster: Cluster) -> None:
        drains, removals = _with_machines(plan, Action.DRAIN), _with_machines(plan, Action.REMOVE)
        starts = sum(not leaving(machine) for _, machine in drains)
        ours = {member.instance_id for member in snapshot.group.members if not member.gone}
        journal = with_intents(
            snapshot.journal,
            starts,
            [machine for _, machine in removals if machine.instance_id in ours],
            self._ports.clock.now(),
        )
        self._write(journal)
        if plan.orphan_drives and not plan.gate:
            self._try("remove drives without a container", lambda: cluster.remove_drives(plan.orphan_drives))
        for decision, machine in drains:
            self._each(decision, "drain", cluster, partial(self._drain, machine, cluster))
        acknowledged = [
            d for d, machine in removals if self._each(d, "remove", cluster, partial(_remove, machine, cluster))
        ]
        candidates = [
            d.instance_id
            for d in (*acknowledged, *plan.of(Action.TERMINATE))
            if d.instance_id and d.instance_id in journal.removed
        ]
        if candidates:
            self._prove(candidates, journal, cluster)

    def _drain(self, machine: Machine, cluster: Cluster) -> None:
        drives = [drive.uuid for drive in machine.drives if drive.should_be_active]
        containers = [container for container in machine.containers if container.state == "ACTIVE"]
        cluster.avoid([machine.address])
        if not drives and not containers:
            return
        allowed, reason = s9_gates(cluster.gates(), self._policy)
        if not allowed:
            raise ClusterRefused(f"nothing is changed any more: {reason}")
        cluster.deactivate_drives(drives)
        if containers:
            cluster.deactivate_containers(containers)

    def _prove(self, candidates: list[str], journal: Journal, cluster: Cluster) -> None:
        """Only a fresh and complete read lets an instance be terminated; when it fails nothing is."""
        view: list[ClusterView] = []
        if not self._try("read the cluster again before terminating", lambda: view.append(cluster.view())):
            return
        for instance_id in candidates:
            allowed, reason = _nothing_left(instance_id, journal.removed[instance_id].address, view[0])
            if allowed:
                self._result.terminate.append(instance_id)
            else:
                self._result.errors.append(f"{instance_id}: not terminated, {reason} (S1 evidence)")
        if self._result.terminate:
            self._write(confirmed(journal, self._result.terminate, self._grant.fence))

    def _write(self, journal: Journal) -> None:
        if journal != self._stored:
            self._fence()
            self._ports.store.write_journal(journal, self._grant)
            self._stored = journal

    def _each(self, decision: Decision, verb: str, cluster: Cluster, act: Callable[[], None]) -> bool:
        who = f"{verb} {decision.instance_id} ({decision.address})"
        done = self._try(who, act)
        if done:
            self._emit(cluster, f"stateful: {who}: {decision.reason}")
        return done

    def _try(self, what: str, act: Callable[[], None]) -> bool:
        try:
            act()
        except ONE_MACHINE as error:
            self._result.errors.append(f"Could not {what}: {error}")
            say("failed", what=what, error=str(error), type=type(error).__name__)
            return False
        return True

    def _emit(self, cluster: Cluster, message: str) -> None:
        try:
            cluster.emit(message)
        except ClusterError as error:
            say("event not written", message=message, error=str(error))

    def _tell(self, plan: Plan) -> None:
        for decision in plan.decisions:
            say(
                "decision",
                execution=self._grant.owner,
                action=decision.action.value,
                instance_id=decision.instance_id,
                address=decision.address,
                reason=decision.reason,
                blocked_by=decision.blocked_by,
            )


def _addresses(group: GroupView, journal: Journal) -> list[str]:
    return sorted(
        member.address
        for member in group.members
        if member.address and member.state == "running" and member.instance_id not in journal.removed
    )


def _changes(plan: Plan) -> bool:
    return any(plan.of(action) for action in (Action.DRAIN, Action.REMOVE, Action.TERMINATE, Action.DETACH))


def _with_machines(plan: Plan, action: Action) -> list[tuple[Decision, Machine]]:
    return [(decision, decision.machine) for decision in plan.of(action) if decision.machine]


def _remove(machine: Machine, cluster: Cluster) -> None:
    cluster.avoid([machine.address])
    cluster.remove_drives([drive.uuid for drive in machine.drives if drive.status == "INACTIVE"])
    for container in machine.containers:
        if container.state == "INACTIVE":
            cluster.remove_container(container)


def _nothing_left(instance_id: str, address: str, view: ClusterView) -> tuple[bool, str]:
    for machine in view.machines:
        if (machine.instance_id == instance_id or machine.address == address) and not machine.inactive:
            return False, f"the cluster still has a container at {machine.address} that is not inactive"
    return s5_no_other_client(address, view.clients)
