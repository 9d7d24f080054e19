"""The promises of the safety contract, one function each: it answers (allowed, reason). Nothing else decides.

The names are those of docs/safety.md. A function looks only at its arguments; `after` are the totals as they would be
once the machine in question left. S1 speaks in three moments: may this read be believed at all, is this machine empty,
and is nothing of a removed one left. S9 speaks in two: may anything be changed, and is it calm enough to begin a drain.
So does S14: people stop the whole cluster, or one machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from .model import (
    Client,
    ClusterView,
    Container,
    Control,
    Decision,
    Drive,
    Gates,
    Journal,
    Machine,
    Member,
    Plan,
    Policy,
    Removal,
    Snapshot,
    Verdict,
)
from .totals import Totals, places

OK: Verdict = (True, "")

WORKING = frozenset({"OK", "REDISTRIBUTING", "REBUILDING", "PARTIALLY_PROTECTED"})
STOP_OVERRIDE = "skip_scale_down"
GONE = ("INACTIVE", "REMOVING")
# Members' clocks may differ by so much: WEKA's status.time.allowed_clock_skew_secs.
CLOCK_SKEW = timedelta(seconds=60)
LARGEST_STATE = 32 * 1024
# Blocks that only a human can end; the others end by themselves, or are a human's wish.
NEEDS_HUMAN = frozenset(
    {"S1 evidence", "S2 floor", "S3 fits", "S5 ownership", "S7 protection window", "S9 gates", "S11 one way"}
)


def s1_fresh(cluster: ClusterView, journal: Journal) -> Verdict:
    """S1: the read is of the cluster that was imported, has something in it, and is not older than an earlier one."""
    if not cluster.machines:
        return False, "the cluster shows no machine at all, and absence proves nothing"
    if journal.guid not in (None, cluster.guid):
        return False, f"this is the cluster {cluster.guid}, not {journal.guid}"
    if cluster.time and journal.cluster_time and cluster.time < journal.cluster_time - CLOCK_SKEW:
        return False, f"{cluster.source} tells of {cluster.time}, an earlier pass saw {journal.cluster_time}"
    return OK


def s1_agreed(decision: Decision, first: Plan) -> Verdict:
    """S1: what is about to begin was also meant after the first look, at another member of the cluster."""
    if any((other.name, other.action) == (decision.name, decision.action) for other in first.decisions):
        return OK
    return False, "another member of the cluster told otherwise a moment ago"


def s1_evidence(machine: Machine, gates: Gates) -> Verdict:
    """S1: its own containers are there and inactive, and no drive of it holds data any more."""
    if not machine.containers:
        return False, "the cluster shows no container of it, and absence proves nothing"
    for container in machine.containers:
        if container.state not in GONE:
            return False, f"{container.name or container.id} is {container.state}, not inactive"
        if container.state == "INACTIVE" and container.status not in ("INACTIVE", "DOWN"):
            return False, f"{container.name or container.id} is inactive but its status is {container.status}"
    for drive in machine.drives:
        # A drive that fails on the way never becomes INACTIVE; full protection says that its data was rebuilt.
        lost = drive.status in ("FAILED", "DOWN") and not drive.should_be_active and gates.fully_protected
        if drive.status != "INACTIVE" and not lost:
            return False, f"drive {drive.uuid} is {drive.status}, not inactive"
    return OK


def s1_nothing_left(instance_id: str, removal: Removal, cluster: ClusterView) -> Verdict:
    """S1: of a machine that was inactive and removed, this read shows nothing, or what is still inactive."""
    for machine in cluster.machines:
        shared = (
            machine.address == removal.address,
            machine.instance_id == instance_id,
            machine.machine_identifier == removal.machine_identifier,
        )
        if any(shared) and not all(shared):
            return False, f"the cluster has {_named(machine)}, which shares an address or an identity with it"
        if all(shared):
            empty, reason = s1_evidence(machine, cluster.gates)
            if not empty:
                return False, f"the cluster still has it: {reason}"
    return s5_no_other_client(removal.address, cluster.clients)


def s2_floor(after: Totals, is_sound: bool, snapshot: Snapshot, policy: Policy) -> Verdict:
    """S2: enough healthy members, failure domains and leaders stay.

    A machine that does not serve takes nothing from them; then only what the stripe itself needs counts, or a dead
    machine in the smallest cluster could never be replaced.
    """
    cluster, original = snapshot.cluster, snapshot.original_size
    if cluster.stripe_data is None or cluster.stripe_protection is None or cluster.hot_spare is None:
        return False, "the cluster does not say how wide its stripe is and how much of it is spare"
    floor = cluster.stripe_data + cluster.stripe_protection
    if is_sound:
        floor = max(floor + cluster.hot_spare, policy.min_members)
    if is_sound and policy.strict:
        if original is None:
            return False, "the record does not say how large the cluster was at its import"
        floor = max(floor, original)
    if after.sound < floor:
        return False, f"{after.sound} healthy members would stay, the least is {floor}"
    if None in after.domains:
        return False, "the cluster does not say in which failure domain each member is"
    if len(after.domains) < cluster.required_domains:
        return False, f"{len(after.domains)} failure domains would stay, the least is {cluster.required_domains}"
    if after.leaders < cluster.required_leaders:
        return False, f"{after.leaders} containers that can lead would stay, the least is {cluster.required_leaders}"
    return OK


def s3_fits(after: Totals, cluster: ClusterView, policy: Policy) -> Verdict:
    """S3: what is provisioned fits on the drives that stay, with a margin."""
    if cluster.total_bytes is None or cluster.unprovisioned_bytes is None or after.all_bytes is None:
        return False, "the cluster does not say how much is used or how large its drives are"
    if not after.all_bytes:
        return False, "the cluster has no active drive"
    used = cluster.total_bytes - cluster.unprovisioned_bytes
    room = cluster.total_bytes * after.staying_bytes / after.all_bytes * policy.capacity_threshold
    if used > room:
        return False, f"{used} bytes are provisioned, {int(room)} would be usable afterwards"
    return OK


def s4_budget(before: Totals, after: Totals, cluster: ClusterView, policy: Policy) -> Verdict:
    """S4: leaving and down machines together stay within tolerance, and so do drains per pass and per hour.

    A machine that is down already makes none more, so that several dead ones are replaced one after the other.
    """
    if cluster.stripe_protection is None:
        return False, "the cluster does not say how many failures it tolerates"
    is_one_more = after.missing > before.missing
    tolerance = min(policy.max_leaving, cluster.stripe_protection) if is_one_more else cluster.stripe_protection
    if after.missing > tolerance:
        return False, f"{after.missing} machines would be leaving or down at once, {tolerance} are tolerated"
    if after.leaving > policy.max_leaving:
        return False, f"{after.leaving} machines would be leaving at once, {policy.max_leaving} may"
    # A machine whose drain was half told is on its way out itself.
    others = before.out - (after.starts == before.starts)
    if policy.strict and others > 0:
        return False, f"{others} other machines are on their way out, and strict lets one go at a time"
    if after.taken > policy.max_removals_per_pass:
        return False, f"{before.taken} drains were begun in this pass, the limit"
    if after.starts > policy.max_removals_per_hour:
        return False, f"{before.starts} drains were begun within an hour, the limit"
    return OK


def s5_ownership(machine: Machine, member: Member | None, totals: Totals, clients: Sequence[Client]) -> Verdict:
    """S5: the group's instance and the cluster's machine are one and the same, ours, and nobody else's."""
    if member is None:
        return False, "its instance is not in the group"
    if not member.owned:
        return False, f"instance {member.instance_id} does not carry this cluster's tag"
    if member.lifecycle != "InService":
        return False, f"instance {member.instance_id} is {member.lifecycle} in the group, not InService"
    if (machine.instance_id, machine.address) != (member.instance_id, member.address):
        return False, f"the cluster knows {_named(machine)}, EC2 knows {member.instance_id} at {member.address}"
    if not machine.machine_identifier:
        return False, "the cluster reports no machine identifier for it"
    if any(totals.places[place] > 1 for place in places(machine)):
        return False, f"the cluster has two records for {_named(machine)}"
    return s5_no_other_client(machine.address, clients)


def s5_no_other_client(address: str | None, clients: Sequence[Client]) -> Verdict:
    """S5: no client that may be alive has the address. A stateless one that is DOWN left it behind."""
    for client in clients:
        if client.address == address and not (client.stateless and client.status == "DOWN"):
            return False, f"a client of the cluster has the same address {address}"
    return OK


def s6_no_overshoot(after: Totals, replaced: bool) -> Verdict:
    """S6: not more machines leave than the group has beyond its desired capacity, unless they are replaced."""
    surplus = max(0, after.alive - after.desired)
    if not replaced and after.out > surplus:
        return False, f"{after.out} would be leaving, the group has {surplus} more than the desired {after.desired}"
    return OK


def s7_protection_window(member: Member | None, removal: Removal | None) -> Verdict:
    """S7: termination protection goes off only for the member whose machine was seen inactive and was removed."""
    if member is None or not member.owned or member.lifecycle != "InService":
        return False, "it is no longer an instance of ours that is in service in the group"
    if removal is None:
        return False, "the journal does not say that it was removed from the cluster"
    if removal.address != member.address:
        return False, f"it was removed at {removal.address}, the instance is at {member.address}"
    return OK


def s8_single_writer(journal: Journal, fence: int) -> Verdict:
    """S8: no later holder of the lease wrote the journal that this one acts upon."""
    if journal.fence > fence:
        return False, f"the journal was written under lease {journal.fence}, this is lease {fence}"
    return OK


def s9_gates(gates: Gates) -> Verdict:
    """S9: nothing is changed unless everything that must be right was read and is right."""
    if gates.overrides is None:
        return False, "the cluster's manual overrides could not be read"
    if gates.io_status != "STARTED":
        return False, f"the cluster's IO is {gates.io_status or 'unknown'}, not STARTED"
    if gates.status not in WORKING:
        return False, f"the cluster's status is {gates.status or 'unknown'}"
    if gates.upgrading is None:
        return False, "the cluster does not say whether an upgrade runs"
    if gates.upgrading:
        return False, "an upgrade runs"
    if len(gates.versions) != 1:
        return False, f"backends run different versions: {', '.join(sorted(gates.versions)) or 'none is known'}"
    return OK


def s9_calm(gates: Gates, involuntary: bool, policy: Policy) -> Verdict:
    """S9 and S4: a drain starts only when no data moves; a voluntary one, and any strict one, at full protection."""
    if involuntary and not policy.strict:
        return _still(gates)
    return _protected(gates)


def s9_settled(gates: Gates, policy: Policy) -> Verdict:
    """S9: in strict, a machine is removed and terminated at full protection only, as after any step of it."""
    return _protected(gates) if policy.strict else OK


def s10_once(part: Container | Drive) -> Verdict:
    """S10: only what the cluster does not yet show as leaving is told to leave."""
    begun = part.state != "ACTIVE" if isinstance(part, Container) else not part.should_be_active
    return (False, "it is leaving already") if begun else OK


def s11_one_way(machine: Machine, removal: Removal | None) -> Verdict:
    """S11: a machine that was removed does not come back as if nothing had been."""
    if removal is not None and not machine.inactive:
        return False, "it was removed from the cluster and is at work in it again; terminate or detach it by hand"
    return OK


def s12_no_secret(text: str, secrets: Iterable[str]) -> Verdict:
    """S12: what is handed on holds no secret."""
    if any(secret in text for secret in secrets if secret):
        return False, "it holds a secret"
    return OK


def s13_honest_result(blocked_by: str | None) -> Verdict:
    """S13: waiting for what ends by itself, or because somebody wants it, is a success; all else is told."""
    if blocked_by in NEEDS_HUMAN:
        return False, f"{blocked_by} holds it until somebody acts"
    return OK


def s14_human_wins(control: Control, gates: Gates) -> Verdict:
    """S14: people stopped the whole cluster, and that is obeyed."""
    if control.paused is not None:
        return False, f"scaling is paused: {control.paused or 'no reason was given'}"
    if STOP_OVERRIDE in (gates.overrides or ()):
        return False, f"the cluster has the override {STOP_OVERRIDE}"
    return OK


def s14_hands_off(member: Member | None) -> Verdict:
    """S14: people hold this machine, or took it out of service, and that is obeyed."""
    if member is not None and member.held:
        return False, "somebody put a hold on it"
    if member is not None and ("Standby" in member.lifecycle or "Detach" in member.lifecycle):
        return False, f"somebody made it {member.lifecycle} in the group"
    return OK


def s15_quiesced(rule_enabled: bool, running: int, lease_held: bool) -> Verdict:
    """S15: nothing is deleted while a pass runs or can begin."""
    if rule_enabled:
        return False, "the schedule still starts passes"
    if running:
        return False, f"{running} executions run"
    return (False, "a pass still holds the lease") if lease_held else OK


def s16_bounded(size: int) -> Verdict:
    """S16: what is handed on is at most 32 KiB, of the 256 KiB that Step Functions takes."""
    if size > LARGEST_STATE:
        return False, f"it has {size} bytes, the most is {LARGEST_STATE}"
    return OK


def _still(gates: Gates) -> Verdict:
    if gates.moving_data is None:
        return False, "the cluster does not say whether data is being moved or rebuilt"
    return (False, "data is being moved or rebuilt") if gates.moving_data else OK


def _protected(gates: Gates) -> Verdict:
    if gates.fully_protected is not True or gates.status != "OK":
        return False, f"the cluster is {gates.status} and not known to be fully protected"
    return _still(gates)


def _named(machine: Machine) -> str:
    return f"{machine.instance_id or 'an instance without id'} at {machine.address}"
