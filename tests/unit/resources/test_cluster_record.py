"""stateful.aws.cluster_record on the wire."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._resources._records import explain_table
from ansible_collections.stateful.aws.plugins.module_utils._resources.cluster_record import ClusterRecord
from botocore.exceptions import ClientError

from tests.unit.harness import Runner
from tests.unit.resources.records import Table

SECRET = "correct-horse-battery"
USER = "some-weka-user"


class World(Table):
    """One cluster's table and key, as dynamodb_table and kms_key make them."""

    def __init__(self, runner: Runner, cluster: str) -> None:
        super().__init__(runner, cluster)
        self.runner, self.kms = runner, runner.client("kms")
        self.key = self.kms.create_key()["KeyMetadata"]["Arn"]

    def options(self, **more: Any) -> dict[str, Any]:
        settings = {"subnet_id": "subnet-1", "max_size": 10}
        user = {"username": USER, "password": SECRET, "kms_key_arn": self.key}
        return {**self.least, "document": settings, **user, **more}

    def decrypted(self, cluster: str) -> Any:
        item = self.item("credentials")
        assert item is not None
        context = {"stateful:cluster": cluster}
        return json.loads(
            self.kms.decrypt(CiphertextBlob=item["Ciphertext"]["B"], EncryptionContext=context)["Plaintext"]
        )


@pytest.fixture
def world(runner: Runner, request: pytest.FixtureRequest) -> World:
    """A table and a key of the test's own cluster."""
    return World(runner, re.sub("[^a-z]+", "-", request.node.name)[5:60].strip("-"))


def actions(result: dict[str, Any]) -> list[str]:
    return [step["action"] for step in result["actions"]]


def test_a_record_goes_through_its_whole_life(runner: Runner, world: World) -> None:
    other = world.kms.create_key()["KeyMetadata"]["Arn"]
    runner.check_lifecycle(
        "cluster_record",
        world.options(),
        [
            {"document": {"subnet_id": "subnet-1", "max_size": 12, "backends": [{"instance_id": "i-1"}]}},
            {"password": "another-password"},
            {"username": "another-user"},
            {"kms_key_arn": other},
        ],
    )


def test_the_items_are_what_the_functions_read(runner: Runner, world: World) -> None:
    runner("cluster_record", **world.options())
    settings = world.item("settings")
    assert settings is not None and settings["Schema"] == {"N": "1"}
    assert json.loads(settings["Document"]["S"]) == {
        "schema": 1,
        "cluster": world.cluster,
        "subnet_id": "subnet-1",
        "max_size": 10,
    }
    assert world.decrypted(world.cluster) == {"username": USER, "password": SECRET}
    with pytest.raises(ClientError, match="InvalidCiphertext"):
        world.decrypted("another-cluster")


def test_the_same_user_given_again_lets_the_functions_try_it_again(runner: Runner, world: World) -> None:
    runner("cluster_record", **world.options())
    world.logins(1_700_000_000, 4, 1_700_000_000, 0)
    assert runner("cluster_record", **world.least)["changed"] is False and world.item("login")
    result, written = runner.writes(lambda: runner("cluster_record", check=True, **world.options()))
    assert actions(result) == ["dynamodb:DeleteItem"] and written == []
    result = runner("cluster_record", **world.options())
    assert actions(result) == ["dynamodb:DeleteItem"] and world.item("login") is None
    assert runner("cluster_record", **world.options())["changed"] is False
    world.logins(0, 0, 1_700_000_000, 1)
    assert runner("cluster_record", **world.options())["changed"] is False, "one that is on its way is no refusal"


def test_credentials_are_in_no_result_diff_or_message(
    runner: Runner, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    results = [
        runner("cluster_record", check=True, **world.options()),
        runner("cluster_record", **world.options()),
        runner("cluster_record", **world.options(password=f"{SECRET}-2", username=f"{USER}-2")),
        runner("cluster_record", **world.options(password=f"{SECRET}-2", username=f"{USER}-2")),
        runner("cluster_record", **world.least),
    ]
    cipher = base64.b64encode(world.item("credentials")["Ciphertext"]["B"]).decode()  # type: ignore[index]
    assert results[2]["diff"]["after"] == {"credentials": "(not shown)"}
    for text in (repr(results), caplog.text):
        assert not any(secret in text for secret in (SECRET, USER, cipher))
    world.kms.schedule_key_deletion(KeyId=world.key.rpartition("/")[2])
    with pytest.raises(ResourceError) as refusal:
        runner("cluster_record", **world.options())
    assert SECRET not in f"{refusal.value}{refusal.value.details}"


def test_a_document_written_differently_is_no_change(runner: Runner, world: World) -> None:
    runner("cluster_record", **world.options())
    document = {"schema": 1, "max_size": 10, "cluster": world.cluster, "subnet_id": "subnet-1"}
    world.put("settings", Schema={"N": "1"}, Document={"S": json.dumps(dict(reversed(document.items())), indent=2)})
    assert actions(runner("cluster_record", **world.options(document=document))) == []


def test_without_document_and_user_it_only_reads(runner: Runner, world: World) -> None:
    runner("cluster_record", **world.options())
    world.kms.disable_key(KeyId=world.key.rpartition("/")[2])
    read, written = runner.writes(lambda: runner("cluster_record", **world.least))
    assert (read["changed"], written, read["api_calls"]) == (False, [], 1)
    assert read["cluster_record"] == {
        "table": world.name,
        "settings": {"schema": 1, "cluster": world.cluster, "subnet_id": "subnet-1", "max_size": 10},
    }


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_table_that_is_not_there_holds_no_record(runner: Runner, state: str) -> None:
    read = runner("cluster_record", cluster="nowhere", table="stateful-nowhere", state=state)
    assert (read["cluster_record"], read["changed"]) == ({}, False)


def test_check_mode_plans_on_an_empty_account(runner: Runner) -> None:
    planned = runner(
        "cluster_record",
        check=True,
        cluster="empty",
        table="stateful-empty",
        kms_key_arn="(known after apply) kms_key alias/stateful-empty key_arn",
        document={"subnet_id": "subnet-1"},
        username=USER,
        password=SECRET,
    )
    assert actions(planned) == ["dynamodb:PutItem", "kms:Encrypt", "dynamodb:PutItem"]
    assert planned["cluster_record"]["settings"] == {"schema": 1, "cluster": "empty", "subnet_id": "subnet-1"}


def test_other_settings_are_refused_before_any_write(runner: Runner, world: World) -> None:
    immutable = ["subnet_id", "dns_alias", "backends", "not_recorded"]
    recorded = {"subnet_id": "subnet-1", "dns_alias": None, "backends": ["i-1"], "max_size": 1}
    runner("cluster_record", **world.options(document=recorded, immutable=immutable))
    wanted = {**recorded, "subnet_id": "subnet-2", "dns_alias": "weka.example.com", "not_recorded": 1}

    def other() -> None:
        with pytest.raises(ResourceError) as refusal:
            runner("cluster_record", **world.options(document=wanted, immutable=immutable, password="new"))
        assert str(refusal.value) == (
            f"Cluster {world.cluster} already is imported under other settings: subnet_id is subnet-1 in the record and "
            "subnet-2 now, dns_alias is nothing in the record and weka.example.com now. Run destroy.yml first or give "
            "the recorded value."
        )

    assert runner.writes(other)[1] == []
    bigger = {**recorded, "max_size": 2, "not_recorded": 1}
    assert runner("cluster_record", **world.options(document=bigger, immutable=immutable))["changed"]


def test_the_record_of_another_cluster_is_refused(runner: Runner, world: World) -> None:
    world.put("settings", Schema={"N": "1"}, Document={"S": '{"cluster": "theirs", "schema": 1}'})
    runner.check_refused("cluster_record", world.options(), "'theirs'", "not ours")


def test_a_later_schema_is_refused(runner: Runner, world: World) -> None:
    world.put("settings", Schema={"N": "2"}, Document={"S": json.dumps({"cluster": world.cluster, "schema": 2})})
    runner.check_refused("cluster_record", world.options(), "schema 2", "knows 1", "Use the release that wrote it")


def test_a_table_with_another_key_is_refused(runner: Runner) -> None:
    runner.client("dynamodb").create_table(
        TableName="stateful-shape",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
    )
    runner.check_refused(
        "cluster_record", {"cluster": "shape", "table": "stateful-shape"}, "hash key is not Key", "not ours"
    )


def test_a_run_stopped_after_the_settings_is_finished(runner: Runner, world: World) -> None:
    runner("cluster_record", **world.options())
    world.dynamodb.delete_item(TableName=world.name, Key={"Key": {"S": "credentials"}})
    assert actions(runner("cluster_record", **world.options())) == ["kms:Encrypt", "dynamodb:PutItem"]


def test_credentials_bound_to_another_cluster_are_written_anew(runner: Runner, world: World) -> None:
    foreign = world.kms.encrypt(KeyId=world.key, Plaintext=b"{}", EncryptionContext={"stateful:cluster": "other"})
    world.put("credentials", Ciphertext={"B": foreign["CiphertextBlob"]})
    runner("cluster_record", **world.options())
    assert world.decrypted(world.cluster)["password"] == SECRET


@pytest.mark.parametrize(("end", "words"), [("schedule_key_deletion", "pending deletion"), ("disable_key", "disabled")])
def test_a_key_that_cannot_be_used_is_named(runner: Runner, world: World, end: str, words: str) -> None:
    runner("cluster_record", **world.options())
    getattr(world.kms, end)(KeyId=world.key.rpartition("/")[2])
    with pytest.raises(ResourceError, match=f"cannot be decrypted, because their KMS key is {words}.*Cancel"):
        runner("cluster_record", **world.options())


def test_a_table_whose_key_dynamodb_may_not_use_is_named(world: World) -> None:
    answer = {"Error": {"Code": "AccessDeniedException", "Message": "KMS key access denied error: is disabled."}}
    with pytest.raises(ResourceError, match=f"{world.name} cannot be read.*cancel the deletion and enable it"):
        explain_table(world.name, ClientError(answer, "BatchGetItem"))
    answer["Error"]["Message"] = "not authorized"
    explain_table(world.name, ClientError(answer, "BatchGetItem"))


def test_settings_written_meanwhile_are_looked_at_before_they_are_replaced(
    runner: Runner, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner("cluster_record", **world.options(immutable=["subnet_id"]))
    look, done = ClusterRecord.observe, []

    def overtaken(self: ClusterRecord) -> Any:
        found = look(self)
        if not done:
            done.append(True)
            theirs = {"schema": 1, "cluster": world.cluster, "subnet_id": "subnet-9"}
            world.put("settings", Schema={"N": "1"}, Document={"S": json.dumps(theirs)})
        return found

    monkeypatch.setattr(ClusterRecord, "observe", overtaken)
    with pytest.raises(ResourceError, match="subnet-9 in the record and subnet-1 now"):
        runner("cluster_record", **world.options(document={"subnet_id": "subnet-1"}, immutable=["subnet_id"]))


def test_deletion_takes_every_item(runner: Runner, world: World) -> None:
    runner("cluster_record", **world.options())
    for key in ("lease", "journal", "login", "control", "report"):
        world.put(key, Owner={"S": "x"})
    gone = runner("cluster_record", **world.least, state="absent")
    assert actions(gone) == ["dynamodb:DeleteItem"] * 7
    assert world.dynamodb.scan(TableName=world.name)["Items"] == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"document": {"schema": 2}}, "its schema is 2; it should be 1"),
        ({"document": {"cluster": "theirs"}}, "its cluster is theirs"),
        ({"document": {"a": "x" * 500_000}}, "400 KB"),
        ({"document": {"a": object()}}, "JSON cannot"),
        ({"kms_key_arn": "alias/mine"}, "ARN of the key itself"),
        ({"username": USER, "password": "", "kms_key_arn": "(known after apply) k"}, "must not be empty"),
        ({"username": USER, "password": "x" * 5000, "kms_key_arn": "(known after apply) k"}, "4096"),
        ({"username": USER}, "password"),
        ({"username": USER, "password": "p"}, "kms_key_arn"),
    ],
)
def test_what_cannot_be_recorded_fails_before_the_first_call(runner: Runner, wrong: dict[str, Any], words: str) -> None:
    runner.cloud.control("calls/reset", method="POST")
    with pytest.raises(ResourceError, match=words):
        runner("cluster_record", cluster="bad", table="stateful-bad", **wrong)
    assert runner.cloud.control("calls")["total"] == 0
