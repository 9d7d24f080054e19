"""The AWS adapters against moto, in process."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from adapters.aws.compute import AwsCompute
from adapters.aws.lease import DynamoLease
from adapters.aws.store import DynamoStore
from botocore.exceptions import ClientError
from cloud import BASE, NAME, USER, cloud
from errors import GroupMissing, LeaseHeld, LeaseLost, SettingsInvalid, SettingsMissing
from moto import mock_aws
from ports import Grant
from scaling.model import Journal, Removal


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def dynamodb():
    with mock_aws():
        made = boto3.client("dynamodb")
        made.create_table(
            TableName=BASE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "Key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "Key", "AttributeType": "S"}],
        )
        yield made


def test_the_lease_goes_to_one_owner_and_its_fence_grows(dynamodb, clock):
    lease = DynamoLease(dynamodb, BASE, clock)
    assert lease.acquire("a") == Grant("a", 1)
    with pytest.raises(LeaseHeld, match="held by a"):
        lease.acquire("b")
    lease.release("a")
    assert lease.acquire("b") == Grant("b", 2)


def test_the_lease_of_a_dead_holder_is_free_after_its_time(dynamodb, clock):
    lease = DynamoLease(dynamodb, BASE, clock)
    dead = lease.acquire("a")
    clock.at += timedelta(seconds=121)
    assert lease.acquire("b").fence == 2
    with pytest.raises(LeaseLost, match="lost the lease"):
        lease.renew(dead)
    lease.release("a")
    assert lease.renew(Grant("b", 2)) is None


def test_renewing_extends_the_lease(dynamodb, clock):
    lease = DynamoLease(dynamodb, BASE, clock)
    grant = lease.acquire("a")
    clock.at += timedelta(seconds=100)
    lease.renew(grant)
    clock.at += timedelta(seconds=100)
    with pytest.raises(LeaseHeld):
        lease.acquire("b")


def test_a_lost_answer_and_its_repetition_leave_the_lease_with_the_same_owner(dynamodb, clock):
    lease = DynamoLease(dynamodb, BASE, clock)
    first = lease.acquire("a")
    second = lease.acquire("a")
    assert second == Grant("a", 2)
    with pytest.raises(LeaseLost):
        lease.renew(first)
    lease.renew(second)
    lease.release("a")
    lease.release("a")


def test_every_other_failure_of_the_table_is_raised(clock):
    with mock_aws():
        lease = DynamoLease(boto3.client("dynamodb"), "missing", clock)
        for call in (lambda: lease.acquire("a"), lambda: lease.renew(Grant("a", 1)), lambda: lease.release("a")):
            with pytest.raises(ClientError):
                call()


def test_settings_of_another_schema_or_cluster_are_refused(dynamodb):
    store = DynamoStore(dynamodb, None, BASE, NAME)
    with pytest.raises(SettingsMissing, match="import"):
        store.settings()
    for document in ({"schema": 2, "cluster": NAME}, {"schema": 1, "cluster": "other"}):
        dynamodb.put_item(TableName=BASE, Item={"Key": {"S": "settings"}, "Document": {"S": json.dumps(document)}})
        with pytest.raises(SettingsInvalid):
            store.settings()


def test_the_journal_survives_a_round_trip_and_refuses_an_older_fence(dynamodb):
    store = DynamoStore(dynamodb, None, BASE, NAME)
    assert store.journal() == Journal()
    journal = Journal("guid", (1, 2), {"i-1": Removal("10.0.0.1", "m", 3, 4)})
    store.write_journal(journal, Grant("a", 5))
    assert store.journal() == journal
    store.write_journal(journal, Grant("a", 5))
    with pytest.raises(LeaseLost):
        store.write_journal(Journal(), Grant("b", 4))
    assert store.journal() == journal


def test_a_refused_login_is_remembered_for_exactly_those_credentials(dynamodb):
    store = DynamoStore(dynamodb, None, BASE, NAME)
    assert store.refused_at("x") is None
    store.remember_refusal("x", 12)
    assert store.refused_at("x") == 12
    assert store.refused_at("y") is None


def test_credentials_decrypt_only_under_the_clusters_own_context():
    with cloud(5) as made:
        store = made.ports().store
        assert store.credentials().username == USER
        assert "correct-horse" not in repr(store.credentials())
        other = DynamoStore(made.client("dynamodb"), made.client("kms"), BASE, "other")
        with pytest.raises(ClientError):
            other.credentials()


def test_defect_10_a_group_that_is_gone_is_a_named_error():
    with mock_aws():
        compute = AwsCompute(boto3.client("autoscaling"), boto3.client("ec2"), "gone", NAME)
        with pytest.raises(GroupMissing, match="gone"):
            compute.view()


def test_members_carry_what_ownership_is_judged_by():
    with cloud(5) as made:
        made.client("ec2").delete_tags(Resources=[made.ids[0]], Tags=[{"Key": "stateful:cluster"}])
        made.client("ec2").create_tags(Resources=[made.ids[1]], Tags=[{"Key": "stateful:hold", "Value": ""}])
        members = {m.instance_id: m for m in made.ports().compute.view().members}
        assert [members[i].owned for i in made.ids] == [False, True, True, True, True]
        assert [members[i].held for i in made.ids] == [False, True, False, False, False]
        assert [members[i].address for i in made.ids] == made.addresses


def test_an_unknown_instance_does_not_hide_the_others():
    with cloud(5) as made:
        found = made.ports().compute.instances([*made.ids, "i-00000000000000000"])
        assert set(found) == set(made.ids)


def test_f31_detaching_goes_in_batches_of_twenty_and_a_refused_one_stops_no_other(monkeypatch):
    with cloud(23) as made:
        compute = made.ports().compute
        batches, fences = [], []
        detach = compute._detach

        def recorded(ids):
            batches.append(len(ids))
            if made.ids[3] in ids:
                raise ClientError({"Error": {"Code": "ValidationError", "Message": "is not in InService"}}, "Detach")
            detach(ids)

        monkeypatch.setattr(compute, "_detach", recorded)
        detached, errors = compute.detach(made.ids, lambda: fences.append(1))
        assert sorted(detached) == sorted(set(made.ids) - {made.ids[3]})
        assert len(errors) == 1
        assert made.ids[3] in errors[0]
        assert batches == [20, *[1] * 20, 3]
        assert len(fences) == len(batches)
        assert set(made.members()) & set(detached) == set()


def test_nothing_is_touched_when_the_lease_is_lost():
    with cloud(5) as made:
        compute = made.ports().compute

        def lost():
            raise LeaseLost("lost")

        with pytest.raises(LeaseLost):
            compute.terminate(made.ids[0], lost)
        with pytest.raises(LeaseLost):
            compute.detach(made.ids, lost)
        assert made.members()[made.ids[0]]["ProtectedFromScaleIn"] is True


def test_a_lease_lost_after_protection_went_off_puts_it_on_again():
    with cloud(5) as made:
        answers = iter([None, LeaseLost("lost")])

        def fence():
            answer = next(answers)
            if answer:
                raise answer

        with pytest.raises(LeaseLost):
            made.ports().compute.terminate(made.ids[0], fence)
        assert made.members()[made.ids[0]]["ProtectedFromScaleIn"] is True
        assert made.ec2_state(made.ids[0]) == "running"
