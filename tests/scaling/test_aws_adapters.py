"""The AWS adapters against moto, in process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from adapters.aws.compute import AwsCompute
from adapters.aws.lease import DynamoLease
from adapters.aws.store import _DECRYPTED, DynamoStore
from botocore.exceptions import ClientError
from cloud import BASE, NAME, PASSWORD, USER, cloud
from errors import GroupMissing, LeaseHeld, LeaseLost, RecordsUnread, SettingsInvalid, SettingsMissing
from judge import protections
from moto import mock_aws
from ports import Attempts, Grant
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
        _ = store.read("settings").settings
    for document in ('{"schema": 2, "cluster": "demo"}', '{"schema": 1, "cluster": "other"}', "[]", "what"):
        dynamodb.put_item(TableName=BASE, Item={"Key": {"S": "settings"}, "Document": {"S": document}})
        with pytest.raises(SettingsInvalid):
            _ = store.read("settings").settings


def test_the_journal_survives_a_round_trip_and_refuses_an_older_fence(dynamodb):
    store = DynamoStore(dynamodb, None, BASE, NAME)
    assert store.read("journal").journal == Journal()
    removed = {"i-1": Removal("10.0.0.1", "m", 3, True)}
    journal = Journal("guid", (1, 2), removed, datetime(2026, 1, 1, tzinfo=UTC), begun=2)
    store.write_journal(journal, Grant("a", 5))
    assert store.read("journal").journal == journal
    assert store.read("journal").journal.fence == 5
    store.write_journal(journal, Grant("a", 5))
    with pytest.raises(LeaseLost):
        store.write_journal(Journal(), Grant("b", 4))
    assert store.read("journal").journal == journal


def test_f21_of_two_that_read_the_same_journal_only_one_replaces_it(dynamodb):
    one, twin = (DynamoStore(dynamodb, None, BASE, NAME) for _ in range(2))
    for store in (one, twin):
        store.read("journal")
    proof = Journal("guid", (), {"i-1": Removal("10.0.0.1", "m", 3, True)})
    twin.write_journal(proof, Grant("a", 5))
    with pytest.raises(LeaseLost, match="Somebody else"):
        one.write_journal(Journal("guid"), Grant("a", 5))
    assert one.read("journal").journal == proof
    one.write_journal(Journal("guid", (7,)), Grant("a", 5))
    with pytest.raises(LeaseLost):
        twin.write_journal(Journal("guid"), Grant("a", 6))


def test_a_journal_that_botocore_wrote_twice_because_the_answer_was_lost_is_written(dynamodb):
    one, again = (DynamoStore(dynamodb, None, BASE, NAME) for _ in range(2))
    journal = Journal("guid", (1,))
    one.write_journal(journal, Grant("a", 5))
    again.write_journal(journal, Grant("a", 5))
    again.write_journal(Journal("guid", (1, 2)), Grant("a", 5))
    assert again.read("journal").journal.starts == (1, 2)


def test_the_report_survives_a_round_trip_and_refuses_an_older_fence(dynamodb):
    store = DynamoStore(dynamodb, None, BASE, NAME)
    assert store.read("report").report is None
    store.write_report({"at": 1}, Grant("a", 5))
    with pytest.raises(LeaseLost):
        store.write_report({"at": 2}, Grant("b", 4))
    assert store.read("report").report == {"at": 1}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (None, None),
        ('{"paused": null}', None),
        ('{"paused": {"since": 1, "by": "arn:me", "reason": "maintenance"}}', "maintenance (by arn:me)"),
        ('{"paused": {"since": 1}}', "no reason was given (by somebody)"),
    ],
)
def test_a_pause_is_read_with_its_reason_and_its_author(dynamodb, document, words):
    if document:
        dynamodb.put_item(TableName=BASE, Item={"Key": {"S": "control"}, "Document": {"S": document}})
    assert DynamoStore(dynamodb, None, BASE, NAME).read("control").control.paused == words


@pytest.mark.parametrize("document", ["yes", '{"paused": true}'])
def test_a_word_of_people_that_cannot_be_understood_is_not_taken_for_silence(dynamodb, document):
    dynamodb.put_item(TableName=BASE, Item={"Key": {"S": "control"}, "Document": {"S": document}})
    with pytest.raises(SettingsInvalid, match="control"):
        _ = DynamoStore(dynamodb, None, BASE, NAME).read("control").control


def test_all_items_come_in_one_call_and_what_dynamodb_kept_back_is_asked_for_again():
    calls = []

    class Slow:
        def batch_get_item(self, RequestItems):  # noqa: N803
            keys = RequestItems[BASE]["Keys"]
            calls.append([key["Key"]["S"] for key in keys])
            item = {"Key": keys[0]["Key"], "Document": {"S": "{}"}}
            return {"Responses": {BASE: [item]}, "UnprocessedKeys": {BASE: {"Keys": keys[1:]}} if keys[1:] else {}}

    records = DynamoStore(Slow(), None, BASE, NAME).read("report", "control")
    assert calls == [["report", "control"], ["control"]]
    assert records.report == {}
    calls.clear()
    with pytest.raises(RecordsUnread, match="kept back"):
        DynamoStore(Slow(), None, BASE, NAME).read("a", "b", "c", "d", "e", "f")
    assert len(calls) == 4


def test_logins_are_counted_before_they_are_made_and_for_exactly_those_credentials(dynamodb):
    store, other = (DynamoStore(dynamodb, None, BASE, NAME) for _ in range(2))
    assert store.attempts("x") == other.attempts("x") == Attempts()
    assert store.begin("x", 10, Attempts(), 3)
    assert not other.begin("x", 11, Attempts(), 3), "another function was first"
    assert other.attempts("x") == Attempts(tried_at=10, unheard=1)
    assert other.begin("x", 11, Attempts(tried_at=10, unheard=1), 3)
    assert store.begin("x", 12, Attempts(tried_at=10, unheard=1), 3)
    assert not store.begin("x", 13, Attempts(tried_at=10, unheard=1), 3)
    assert store.attempts("x") == Attempts(tried_at=12, unheard=3)
    for _ in range(4):
        store.withdraw("x")
    assert store.attempts("x") == Attempts(tried_at=12)
    store.refused("x", 13)
    assert store.attempts("x") == Attempts(13, 1, 13), "it was the only one left"
    assert store.begin("x", 14, store.attempts("x"), 1)
    store.refused("x", 15)
    assert not other.begin("x", 15, Attempts(tried_at=12), 3), "it was refused meanwhile"
    assert other.attempts("x") == Attempts(15, 2, 14)
    store.accepted("x", 16)
    assert other.attempts("x") == Attempts(tried_at=16)
    other.withdraw("y")
    assert other.attempts("y") == Attempts()
    assert other.begin("y", 16, Attempts(), 3)
    earlier = {"Key": {"S": "login"}, "Fingerprint": {"S": "x"}, "RefusedAt": {"N": "1"}, "Count": {"N": "0"}}
    dynamodb.put_item(TableName=BASE, Item=earlier)
    assert store.attempts("x") == Attempts()
    assert store.begin("x", 17, Attempts(), 3), "what an earlier version wrote says nothing of attempts"
    assert store.attempts("x") == Attempts(tried_at=17, unheard=1)
    other.accepted("y", 18)
    assert store.attempts("x") == Attempts(), "only the present credentials are remembered"


def test_credentials_decrypt_only_under_the_clusters_own_context_and_once_in_a_warm_function():
    with cloud(5) as made:
        store = made.ports().store
        assert store.secrets() == ()
        assert store.credentials().username == USER
        assert store.secrets() == (PASSWORD,)
        assert PASSWORD not in repr(store.credentials())
        assert DynamoStore(made.client("dynamodb"), None, BASE, NAME).credentials().password == PASSWORD
        _DECRYPTED.clear()
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


def refused(operation):
    return ClientError({"Error": {"Code": "ValidationError", "Message": "is not in InService"}}, operation)


class Refusing:
    """A client of which one call is refused for some ids, after noting every call; `then` says what AWS does."""

    def __init__(self, client, method, ids, then=None):
        self._client, self._method, self._ids, self._then = client, method, set(ids), then
        self.sizes = []

    def __getattr__(self, name):
        real = getattr(self._client, name)
        if name != self._method:
            return real

        def call(**given):
            ids = given.get("InstanceIds") or [given["InstanceId"]]
            self.sizes.append(len(ids))
            if self._ids & set(ids):
                if self._then:
                    self._then(real, ids)
                raise refused(name)
            return real(**given)

        return call


def compute_of(made, **clients):
    plain = {"autoscaling": made.client("autoscaling"), "ec2": made.client("ec2")}
    return AwsCompute(**{**plain, **clients}, group=BASE, cluster=NAME)


def test_f31_detaching_goes_in_batches_of_twenty_and_a_refused_one_stops_no_other():
    with cloud(23) as made:
        refusing = Refusing(made.client("autoscaling"), "detach_instances", [made.ids[3]])
        fences = []
        detached, errors = compute_of(made, autoscaling=refusing).detach(made.ids, lambda: fences.append(1))
        assert sorted(detached) == sorted(set(made.ids) - {made.ids[3]})
        assert len(errors) == 1
        assert made.ids[3] in errors[0]
        assert refusing.sizes == [20, *[1] * 20, 3]
        assert len(fences) == len(refusing.sizes)
        assert set(made.members()) & set(detached) == set()


def test_f31_terminating_goes_in_batches_and_one_that_is_refused_is_protected_again():
    with cloud(6) as made:
        odd = made.ids[2]
        refusing = Refusing(made.client("ec2"), "terminate_instances", [odd])
        ended, errors = compute_of(made, ec2=refusing).terminate(made.ids[:4], lambda: None)
        assert ended == [made.ids[0], made.ids[1], made.ids[3]]
        assert refusing.sizes == [4, 1, 1, 1, 1]
        assert len(errors) == 1
        assert odd in errors[0]
        assert protections(made, odd) == (True, True)
        assert made.ec2_state(odd) == "running"


def test_f19_a_termination_whose_answer_was_lost_is_believed_when_ec2_shows_it():
    with cloud(6) as made:
        lost = made.ids[0]
        refusing = Refusing(
            made.client("ec2"), "terminate_instances", [lost], then=lambda real, ids: real(InstanceIds=ids)
        )
        ended, errors = compute_of(made, ec2=refusing).terminate([lost], lambda: None)
        assert (ended, errors) == ([lost], [])


def test_s7_one_whose_protection_cannot_be_lifted_is_not_terminated():
    with cloud(6) as made:
        odd = made.ids[1]
        refusing = Refusing(made.client("ec2"), "modify_instance_attribute", [odd])
        ended, errors = compute_of(made, ec2=refusing).terminate(made.ids[:3], lambda: None)
        assert ended == [made.ids[0], made.ids[2]]
        assert any(odd in error for error in errors)
        assert made.ec2_state(odd) == "running"


def test_s7_when_ec2_cannot_be_asked_in_the_end_every_protection_is_on_again():
    with cloud(6) as made:
        odd = made.ids[0]
        refusing = Refusing(made.client("ec2"), "terminate_instances", [odd])
        compute = compute_of(made, ec2=refusing)
        compute.instances = lambda _: (_ for _ in ()).throw(refused("DescribeInstances"))
        with pytest.raises(ClientError):
            compute.terminate([odd], lambda: None)
        assert protections(made, odd) == (True, True)


def test_a_pass_of_fifty_terminations_takes_one_call_each_but_for_the_attribute():
    with cloud(50) as made:
        ec2 = Refusing(made.client("ec2"), "terminate_instances", [])
        ended, errors = compute_of(made, ec2=ec2).terminate(made.ids, lambda: None)
        assert (len(ended), errors) == (50, [])
        assert ec2.sizes == [50]
        assert all(member.protected_from_scale_in for member in made.members().values())


def test_s7_one_that_stays_without_protection_is_told():
    with cloud(6) as made:
        odd = made.ids[0]
        refusing = Refusing(made.client("ec2"), "terminate_instances", [odd])
        modify, calls = refusing.modify_instance_attribute, []

        def once(**given):
            calls.append(given["DisableApiTermination"]["Value"])
            if calls[-1]:
                raise refused("ModifyInstanceAttribute")
            return modify(**given)

        refusing.modify_instance_attribute = once
        ended, errors = compute_of(made, ec2=refusing).terminate([odd], lambda: None)
        assert (ended, calls) == ([], [False, True])
        assert errors == [f"Could not protect again instance {odd}: {refused('ModifyInstanceAttribute')}"]


def test_nothing_is_touched_when_the_lease_is_lost():
    with cloud(5) as made:
        compute = made.ports().compute

        def lost():
            raise LeaseLost("lost")

        with pytest.raises(LeaseLost):
            compute.terminate(made.ids[:2], lost)
        with pytest.raises(LeaseLost):
            compute.detach(made.ids, lost)
        assert all(protections(made, instance_id) == (True, True) for instance_id in made.ids)


def test_a_lease_lost_after_protection_went_off_puts_it_on_again():
    with cloud(5) as made:
        fences = []

        def fence():
            fences.append([protections(made, instance_id)[1] for instance_id in made.ids[:2]])
            if len(fences) == 2:
                raise LeaseLost("lost")

        with pytest.raises(LeaseLost):
            made.ports().compute.terminate(made.ids[:2], fence)
        assert fences == [[True, True], [False, False]]
        assert all(protections(made, instance_id) == (True, True) for instance_id in made.ids)
        assert made.ec2_state(made.ids[0]) == "running"
