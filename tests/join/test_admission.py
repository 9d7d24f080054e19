"""Who may join, and the sentence for each who may not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from join.admission import JOIN_ADDRESSES, Refused, admit, join_addresses, refuse_known, requested_instance
from scaling.model import ClusterView, Container, Drive, Gates, GroupView, Journal, Machine, Member

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
NEW = Member("i-0000000000000000a", "Pending", True, "10.0.0.10", "running", NOW - timedelta(minutes=1), True)
OLD = Member("i-0000000000000000b", "InService", True, "10.0.0.1", "running", NOW - timedelta(days=9), True)
GATES = Gates("STARTED", "OK", False, (), False, True)


def group(*members: Member) -> GroupView:
    return GroupView("stateful-demo", len(members), members)


def machine(address: str, instance_id: str | None, state: str = "ACTIVE", status: str = "UP") -> Machine:
    drives = (Drive("uuid", "ACTIVE", True),)
    container = Container(1, "drives0", address, state, status, instance_id, "m1", drives=drives)
    return Machine(address, instance_id, "m1", (container,))


def cluster(*machines: Machine) -> ClusterView:
    return ClusterView("guid", GATES, machines)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (None, "names no instance"),
        ({}, "names no instance"),
        ({"instance_id": ""}, "names no instance"),
        ({"instance_id": "i-xyz"}, "not an EC2 instance id"),
        ({"instance_id": "i-0000000000000000a; rm -rf /"}, "not an EC2 instance id"),
    ],
)
def test_a_request_without_a_proper_instance_is_refused(query, words):
    with pytest.raises(Refused, match=words) as refused:
        requested_instance(query)
    assert refused.value.status == 400


@pytest.mark.parametrize("lifecycle", ["Pending", "Pending:Wait", "Pending:Proceed", "InService"])
@pytest.mark.parametrize("state", ["pending", "running"])
def test_a_launching_member_is_admitted(lifecycle, state):
    member = replace(NEW, lifecycle=lifecycle, state=state)
    assert admit(NEW.instance_id, "demo", group(OLD, member), NOW) is member


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"instance_id": "i-0000000000000000c"}, 403, "not a member of the Auto Scaling group stateful-demo"),
        ({"owned": False}, 403, "does not carry the tag stateful:cluster=demo"),
        ({"state": None}, 503, "EC2 does not know"),
        ({"state": "stopped"}, 409, "is stopped"),
        ({"state": "shutting-down"}, 409, "is shutting-down"),
        ({"state": "terminated"}, 409, "is terminated"),
        ({"lifecycle": "Terminating:Wait"}, 409, "is Terminating:Wait in its group"),
        ({"lifecycle": "Standby"}, 409, "is Standby in its group"),
        ({"lifecycle": "InService", "launched": NOW - timedelta(minutes=30)}, 409, "more than 30 minutes ago"),
        ({"address": None}, 503, "no private address yet"),
    ],
)
def test_every_other_instance_is_refused_with_its_own_sentence(change, status, words):
    with pytest.raises(Refused, match=words) as refused:
        admit(NEW.instance_id, "demo", group(OLD, replace(NEW, **change)), NOW)
    assert refused.value.status == status


def test_an_instance_that_the_cluster_has_is_refused():
    with pytest.raises(Refused, match="is a backend of the cluster already") as refused:
        refuse_known(NEW, cluster(machine("10.0.0.10", NEW.instance_id)), Journal())
    assert refused.value.status == 409


@pytest.mark.parametrize("known", ["i-0000000000000000d", None])
def test_an_address_that_is_still_another_machines_is_refused(known):
    with pytest.raises(Refused, match=r"still lists another machine .*10\.0\.0\.10") as refused:
        refuse_known(NEW, cluster(machine("10.0.0.10", known, state="INACTIVE")), Journal())
    assert refused.value.status == 409


def test_an_instance_that_the_cluster_has_never_seen_is_let_through():
    assert refuse_known(NEW, cluster(machine("10.0.0.1", OLD.instance_id)), Journal()) is None


def test_join_addresses_are_running_members_that_serve():
    stopped = replace(OLD, instance_id="i-0000000000000000e", address="10.0.0.2", state="stopped")
    down = replace(OLD, instance_id="i-0000000000000000f", address="10.0.0.3")
    members = group(OLD, stopped, down, NEW)
    seen = cluster(
        machine("10.0.0.1", OLD.instance_id),
        machine("10.0.0.2", stopped.instance_id),
        machine("10.0.0.3", down.instance_id, status="DOWN"),
        machine("10.0.0.99", "i-0000000000000009a"),
    )
    assert join_addresses(NEW, members, seen) == ["10.0.0.1"]


def test_join_addresses_are_bounded():
    many = [replace(OLD, instance_id=f"i-{n:017x}", address=f"10.0.1.{n}") for n in range(1, 60)]
    seen = cluster(*(machine(str(member.address), member.instance_id) for member in many))
    assert len(join_addresses(NEW, group(NEW, *many), seen)) == JOIN_ADDRESSES


def test_nobody_to_join_by_is_a_refusal_for_now():
    with pytest.raises(Refused, match="No running member of stateful-demo serves") as refused:
        join_addresses(NEW, group(NEW), cluster())
    assert refused.value.status == 503
