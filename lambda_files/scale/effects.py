"""One pass over the storage cluster: read, decide, look again, act, tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from errors import ClusterAnswerUnknown, ClusterError, ClusterRefused, ClusterUnreachable, LeaseLost
from ports import Cluster, Grant
from ports.bundle import Ports
from scale import report
from scaling.decide import agreed, decide
from scaling.health import leaving
from scaling.invariants import s8_single_writer, s9_calm, s9_gates, s10_once, s14_human_wins
from scaling.journal import acknowledged, not_before, pruned, taken_over, with_intents, withdrawn, worth_writing
from scaling.model import (
    Action,
    Container,
    Decision,
    GroupView,
    Journal,
    Machine,
    Plan,
    Removal,
    Snapshot,
    policy_from_settings,
)
from tasks import say

# A refusal or a lost answer concerns one machine; the pass goes on with the others and reports it.
ONE_MACHINE = (ClusterRefused, ClusterUnreachable, ClusterAnswerUnknown)
RECORDS = ("settings", "journal", "control", "report", "credentials", "login")


@dataclass(slots=True)
class Result:
    """What the pass did and what the next task is to do."""

    terminate: list[str] = field(default_factory=list)
    detach: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    gate: str | None = None
    source: str = ""


class Pass:
    """One pass. `desired` is what fetch saw; the larger of it and the present one counts."""

    def __init__(self, ports: Ports, grant: Grant, desired: int) -> None:
        self._ports = ports
        self._grant = grant
        self._desired = desired
        self._stored = Journal()
        self._result = Result()
        self._begun = False
        self._closed = ""

    def run(self) -> Result:
        """Read, decide and act; raises LeaseLost, a ClusterError that concerns the whole pass, or an AWS error."""
        records = self._ports.store.read(*RECORDS)
        settings, self._control = records.settings, records.control
        self._stored = taken_over(records.journal, self._grant.fence)
        self._policy = policy_from_settings(settings)
        allowed, reason = s8_single_writer(self._stored, self._grant.fence)
        if not allowed:
            raise LeaseLost(f"{self._grant.owner} may not act any more: {reason}.")
        cluster, snapshot = self._look(settings.get("original_size"))
        plan, first = decide(snapshot, self._policy, now := self._ports.clock.now()), None
        if _changes(plan):
            # Between the first look and the first change desired may have been raised, a human have intervened, or the
            # member that was asked be behind the others: what begins must be meant after both looks.
            self._control = self._ports.store.read("control").control
            if _begins(plan):
                cluster, snapshot = self._look(snapshot.original_size, snapshot.cluster.source)
            else:
                snapshot = replace(snapshot, group=self._group(), control=self._control)
            first, plan = plan, decide(snapshot, self._policy, now := self._ports.clock.now())
            plan = agreed(first, plan)
        report.tell(self._grant.owner, snapshot, self._policy, now, plan, first)
        self._result.source = snapshot.cluster.source
        self._result.errors += plan.errors
        self._result.gate = plan.gate
        self._act(plan, snapshot, cluster)
        self._result.detach = [d.instance_id for d in plan.of(Action.DETACH) if d.instance_id]
        self._result.counts = dict(Counter(decision.action.value for decision in plan.decisions))
        told = report.report_of(
            self._grant.owner, snapshot, plan, self._result.errors, self._result.counts, self._ports.clock.now()
        )
        if report.worth_writing(records.report, told):
            self._ports.store.write_report(told, self._grant)
        report.measured(self._ports.environment.cluster, snapshot, plan, self._result.errors, now)
        return self._result

    def _fence(self) -> None:
        self._ports.lease.renew(self._grant)

    def _look(self, original_size: int | None, asked: str = "") -> tuple[Cluster, Snapshot]:
        """Group and cluster as they are now; the cluster through another member than `asked`, if there is one."""
        group = self._group()
        addresses = sorted(group.addresses(self._stored), key=lambda address: address == asked)
        cluster = self._ports.cluster(addresses, self._stored.guid, self._fence)
        view = cluster.view(not_before(self._stored))
        journal = pruned(self._stored, group, view, self._ports.clock.now())
        return cluster, Snapshot(group, view, journal, self._control, original_size)

    def _group(self) -> GroupView:
        group = self._ports.compute.view()
        return replace(group, desired=max(group.desired, self._desired))

    def _act(self, plan: Plan, snapshot: Snapshot, cluster: Cluster) -> None:
        drains, removals = _with_machines(plan, Action.DRAIN), _with_machines(plan, Action.REMOVE)
        ours = {member.instance_id for member in snapshot.group.members if not member.gone}
        journal = with_intents(
            snapshot.journal,
            sum(not leaving(machine) for _, machine in drains),
            [machine for _, machine in removals if machine.instance_id in ours],
            self._ports.clock.now(),
        )
        # Also one that stands as it was before: the same task, delivered twice, may take back what this one relies on.
        self._write(journal, anyway=bool(removals))
        if plan.orphan_drives:
            self._try("remove drives without a container", lambda: cluster.remove_drives(plan.orphan_drives))
        for decision, machine in drains:
            self._each(decision, "drain", cluster, partial(self._drain, machine, cluster))
        told, refused = [], []
        for decision, machine in removals:
            outcome = self._each(decision, "remove", cluster, partial(_remove, machine, cluster))
            if decision.instance_id in journal.removed and outcome is None:
                told.append(decision.instance_id)
            elif isinstance(outcome, ClusterRefused):
                refused.append(decision.instance_id)
        journal = withdrawn(acknowledged(journal, told), refused)
        try:
            self._write(journal)
        except LeaseLost:
            self._keep({instance_id: journal.removed[instance_id] for instance_id in told})
            raise
        self._result.terminate = sorted(
            instance_id
            for instance_id in (*told, *(d.instance_id for d in plan.of(Action.TERMINATE)))
            if instance_id in journal.removed
        )

    def _drain(self, machine: Machine, cluster: Cluster) -> bool:
        """Tell what still is at work to leave; False when all of it was told already."""
        drives = [drive.uuid for drive in machine.drives if s10_once(drive)[0]]
        containers = [container for container in machine.containers if s10_once(container)[0]]
        cluster.avoid([machine.address])
        if not drives and not containers:
            return False
        if not self._look_again(machine, containers, cluster):
            return False
        cluster.deactivate_drives(drives)
        if containers:
            cluster.deactivate_containers(containers)
        return True

    def _look_again(self, machine: Machine, containers: Sequence[Container], cluster: Cluster) -> bool:
        """Right before a drain: the gates as they are now, and the engine's own word; raises ClusterRefused.

        False when data is moved that this pass did not tell to move: that ends by itself, and the next pass looks again.
        """
        gates = cluster.gates()
        for allowed, reason in (s14_human_wins(self._control, gates), s9_gates(gates)):
            if not allowed:
                self._closed = f"nothing is changed any more: {reason}"
                raise ClusterRefused(self._closed)
        if leaving(machine):
            return True
        # An earlier drain of this pass moves data itself; what fails meanwhile shows in the protection.
        seen = replace(gates, moving_data=False, status="OK") if self._begun else gates
        calm, reason = s9_calm(seen, machine.all_down and not self._begun, self._policy)
        if not calm and gates.fully_protected:
            say("put off", machine=machine.instance_id, address=machine.address, reason=reason, blocked_by="S9 calm")
            return False
        for allowed, words in ((calm, reason), cluster.deactivation_check(containers) or (True, "")):
            if not allowed:
                raise ClusterRefused(f"it stays for now: {words}")
        self._begun = True
        return True

    def _write(self, journal: Journal, anyway: bool = False) -> None:
        if anyway or worth_writing(self._stored, journal):
            self._fence()
            self._ports.store.write_journal(journal, self._grant)
            self._stored = journal

    def _keep(self, proofs: dict[str, Removal]) -> None:
        """Add what was removed here to the journal that the same task, delivered twice, wrote meanwhile."""
        theirs = self._ports.store.read("journal").journal
        if proofs and theirs.fence == self._grant.fence:
            self._fence()
            self._ports.store.write_journal(replace(theirs, removed={**theirs.removed, **proofs}), self._grant)

    def _each(self, decision: Decision, verb: str, cluster: Cluster, act: Callable[[], bool]) -> ClusterError | None:
        who = f"{verb} {decision.instance_id} ({decision.address})"
        changed: list[bool] = []

        def unless_closed() -> None:
            if self._closed:
                raise ClusterRefused(self._closed)
            changed.append(act())

        failure = self._try(who, unless_closed)
        if any(changed):
            self._emit(cluster, f"stateful: {who}: {decision.reason}")
        return failure

    def _try(self, what: str, act: Callable[[], object]) -> ClusterError | None:
        """What went wrong with one machine, which is reported; None when nothing did."""
        try:
            act()
        except ONE_MACHINE as error:
            self._result.errors.append(f"Could not {what}: {error}")
            say("failed", what=what, error=str(error), type=type(error).__name__)
            return error
        return None

    def _emit(self, cluster: Cluster, message: str) -> None:
        try:
            cluster.emit(message)
        except ClusterError as error:
            say("event not written", message=message, error=str(error))


def _changes(plan: Plan) -> bool:
    return any(plan.of(action) for action in (Action.DRAIN, Action.REMOVE, Action.TERMINATE, Action.DETACH))


def _begins(plan: Plan) -> bool:
    drains = any(machine for _, machine in _with_machines(plan, Action.DRAIN) if not leaving(machine))
    return drains or bool(plan.of(Action.REMOVE))


def _with_machines(plan: Plan, action: Action) -> list[tuple[Decision, Machine]]:
    return [(decision, decision.machine) for decision in plan.of(action) if decision.machine]


def _remove(machine: Machine, cluster: Cluster) -> bool:
    """Tell the cluster to forget an inactive machine; False when all of it is being forgotten already."""
    drives = [drive.uuid for drive in machine.drives if drive.status == "INACTIVE"]
    containers = [container for container in machine.containers if container.state == "INACTIVE"]
    cluster.avoid([machine.address])
    cluster.remove_drives(drives)
    for container in containers:
        cluster.remove_container(container)
    return bool(drives or containers)
