"""What must hold whatever happens, one function each: it answers (allowed, reason).

The names are those of the safety contract in docs/. A function looks only at its arguments; what this pass already
took is handed in, never remembered. S8 (single writer) and S7 (protection window) speak about the moment of acting:
terminate/ asks them right before it touches an instance, the lease's conditional writes do the rest.

S9's rebuild gate closes the start of a drain, see `calm`. Steps that finish a drain stay open under it, because a
drain itself moves data, and so does the replacement of a machine that has died.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scaling.health import down, leaving
from scaling.model import Client, ClusterView, Gates, Machine, Member, Policy, Removal

Verdict = tuple[bool, str]
OK: Verdict = (True, "")

WORKING = frozenset({"OK", "REDISTRIBUTING", "REBUILDING", "PARTIALLY_PROTECTED"})
STOP_OVERRIDE = "skip_scale_down"
ALIVE = ("Pending", "InService")
HOUR = 3600


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of a snapshot and of what this pass took so far."""

    alive: int
    desired: int
    sound: int
    on_the_way_out: int
    taken: tuple[Machine, ...] = ()
    taken_sound: int = 0
    starts_last_hour: int = 0


def s1_evidence(machine: Machine, gates: Gates) -> Verdict:
    """S1: its own containers are there and inactive, and no drive of it holds data any more."""
    if not machine.containers:
        return False, "the cluster shows no container of it, and absence proves nothing"
    for container in machine.containers:
        if container.state not in ("INACTIVE", "REMOVING"):
            return False, f"{container.name or container.id} is {container.state}, not inactive"
        if container.state == "INACTIVE" and container.status not in ("INACTIVE", "DOWN"):
            return False, f"{container.name or container.id} is inactive but its status is {container.status}"
    for drive in machine.drives:
        # A drive that fails on the way never becomes INACTIVE; full protection says that its data was rebuilt.
        lost = drive.status in ("FAILED", "DOWN") and not drive.should_be_active and gates.fully_protected
        if drive.status != "INACTIVE" and not lost:
            return False, f"drive {drive.uuid} is {drive.status}, not inactive"
    return OK


def s2_floor(totals: Totals, candidate_is_sound: bool, cluster: ClusterView, policy: Policy) -> Verdict:
    """S2: enough healthy members stay for the protection scheme and for the policy."""
    if cluster.stripe_data is None or cluster.stripe_protection is None:
        return False, "the cluster does not say how wide its stripe is"
    floor = max(policy.min_members, cluster.stripe_data + cluster.stripe_protection)
    left = totals.sound - totals.taken_sound - candidate_is_sound
    if left < floor:
        return False, f"{left} healthy members would stay, the least is {floor}"
    return OK


def s3_fits(totals: Totals, candidate: Machine, cluster: ClusterView, policy: Policy) -> Verdict:
    """S3: what is provisioned fits on the drives that stay, with a margin."""
    sizes = [drive.size_bytes for machine in cluster.machines for drive in machine.drives]
    if cluster.total_bytes is None or cluster.unprovisioned_bytes is None or None in sizes:
        return False, "the cluster does not say how much is used or how large its drives are"
    gone = (*totals.taken, candidate)
    now = sum(_data_bytes(machine) for machine in cluster.machines)
    after = sum(_data_bytes(machine) for machine in cluster.machines if machine not in gone and not leaving(machine))
    if not now:
        return False, "the cluster has no active drive"
    used = cluster.total_bytes - cluster.unprovisioned_bytes
    room = cluster.total_bytes * after / now * policy.capacity_threshold
    if used > room:
        return False, f"{used} bytes are provisioned, {int(room)} would be usable afterwards"
    return OK


def s4_budget(totals: Totals, candidate: Machine, cluster: ClusterView, policy: Policy) -> Verdict:
    """S4: leaving and down machines together stay within tolerance, and so do drains per pass and per hour."""
    if cluster.stripe_protection is None:
        return False, "the cluster does not say how many failures it tolerates"
    tolerance = min(policy.max_leaving, cluster.stripe_protection)
    missing = {machine for machine in cluster.machines if leaving(machine) or down(machine)}
    count = len(missing | {*totals.taken, candidate})
    if count > tolerance:
        return False, f"{count} machines would be leaving or down at once, {tolerance} are tolerated"
    if len(totals.taken) >= policy.max_removals_per_pass:
        return False, f"{policy.max_removals_per_pass} drains were begun in this pass, the limit"
    if totals.starts_last_hour + len(totals.taken) >= policy.max_removals_per_hour:
        return False, f"{policy.max_removals_per_hour} drains were begun within an hour, the limit"
    return OK


def s5_ownership(machine: Machine, member: Member | None, cluster: ClusterView) -> Verdict:
    """S5: the group's instance and the cluster's machine are one and the same, ours, and nobody else's."""
    if member is None:
        return False, "its instance is not in the group"
    if not member.owned:
        return False, f"instance {member.instance_id} does not carry this cluster's tag"
    if member.lifecycle != "InService":
        return False, f"instance {member.instance_id} is {member.lifecycle} in the group, not InService"
    if (machine.instance_id, machine.address) != (member.instance_id, member.address):
        return False, (
            f"the cluster knows {machine.instance_id} at {machine.address}, "
            f"EC2 knows {member.instance_id} at {member.address}"
        )
    if not machine.machine_identifier:
        return False, "the cluster reports no machine identifier for it"
    for other in cluster.machines:
        if other is not machine and _same_place(other, machine):
            return False, f"the cluster has two records for {machine.address}, {machine.instance_id}"
    return s5_no_other_client(machine.address, cluster.clients)


def s5_no_other_client(address: str | None, clients: Sequence[Client]) -> Verdict:
    """S5: no client that may be alive has the address. A stateless one that is DOWN left it behind."""
    for client in clients:
        if client.address == address and not (client.stateless and client.status == "DOWN"):
            return False, f"a client of the cluster has the same address {address}"
    return OK


def s6_no_overshoot(totals: Totals, candidate: Machine, replaced: bool) -> Verdict:
    """S6: not more machines leave than the group has beyond its desired capacity, unless they are replaced."""
    out = totals.on_the_way_out + sum(not leaving(machine) for machine in (*totals.taken, candidate))
    surplus = max(0, totals.alive - totals.desired)
    if not replaced and out > surplus:
        return False, f"{out} would be leaving, the group has {surplus} more than the desired {totals.desired}"
    return OK


def s7_protection_window(member: Member | None, removal: Removal | None) -> Verdict:
    """S7: protection goes off only for the member whose machine was seen inactive and was removed."""
    if member is None or not member.owned or member.lifecycle != "InService":
        return False, "it is no longer an instance of ours that is in service in the group"
    if member.held:
        return False, "somebody put a hold on it"
    if removal is None:
        return False, "the journal does not say that it was removed from the cluster"
    if removal.address != member.address:
        return False, f"it was removed at {removal.address}, the instance is at {member.address}"
    return OK


def s8_single_writer(removal: Removal, fence: int) -> Verdict:
    """S8: the evidence was confirmed by the same holder of the lease that now acts on it."""
    if removal.confirmed != fence:
        return False, f"its removal was confirmed under lease {removal.confirmed}, this is lease {fence}"
    return OK


def s9_gates(gates: Gates, policy: Policy) -> Verdict:
    """S9: nothing is changed unless everything that must be right was read and is right."""
    if policy.paused:
        return False, "scaling is paused in the settings"
    if gates.overrides is None or STOP_OVERRIDE in gates.overrides:
        return False, f"the cluster has the override {STOP_OVERRIDE}, or its overrides could not be read"
    if gates.io_status != "STARTED":
        return False, f"the cluster's IO is {gates.io_status or 'unknown'}, not STARTED"
    if gates.status not in WORKING:
        return False, f"the cluster's status is {gates.status or 'unknown'}"
    if gates.upgrading is not False:
        return False, "an upgrade runs" if gates.upgrading else "the cluster does not say whether an upgrade runs"
    if len(gates.versions) != 1:
        return False, f"backends run different versions: {', '.join(sorted(gates.versions)) or 'none is known'}"
    return OK


def s9_calm(gates: Gates, involuntary: bool) -> Verdict:
    """S9 and S4: a drain starts only when no data moves; a voluntary one only when protection is full."""
    if gates.moving_data is not False:
        return False, "data is being moved or rebuilt" if gates.moving_data else "the rebuild state is unknown"
    if not involuntary and (gates.fully_protected is not True or gates.status != "OK"):
        return False, f"the cluster is {gates.status} and not known to be fully protected"
    return OK


def _data_bytes(machine: Machine) -> int:
    in_use = ("ACTIVE", "PHASING_IN", "PHASING_OUT")
    return sum(drive.size_bytes or 0 for drive in machine.drives if drive.status in in_use)


def _same_place(one: Machine, other: Machine) -> bool:
    return (
        one.address == other.address
        or one.instance_id == other.instance_id
        or one.machine_identifier == other.machine_identifier
    )
