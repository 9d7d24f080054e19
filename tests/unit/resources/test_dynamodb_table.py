"""stateful.aws.dynamodb_table on the wire, and its states that the local cloud passes through in no time."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.tags import ownership
from ansible_collections.stateful.aws.plugins.module_utils._resources.dynamodb_table import BACKUPS_NOT_YET, BUSY
from ansible_collections.stateful.aws.plugins.module_utils._resources.dynamodb_table import RESOURCE as TABLE

from tests.unit.harness import Runner

KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
OTHER = KEY.replace("1111", "9999")
HASH = {"KeySchema": [{"AttributeName": "Key", "KeyType": "HASH"}]}
STRING = {"AttributeDefinitions": [{"AttributeName": "Key", "AttributeType": "S"}]}


def options(cluster: str, **more: Any) -> dict[str, Any]:
    return {"cluster": cluster, "name": f"stateful-{cluster}", **more}


def actions(result: dict[str, Any]) -> list[str]:
    return [step["action"].removeprefix("dynamodb:") for step in result["actions"]]


STATES = {"state": "present", "hash_key": "Key", "engine": "weka", **options("table-states")}


def table(**more: Any) -> Any:
    return TABLE({**STATES, **more}, None)  # type: ignore[arg-type]


def seen(**more: Any) -> dict[str, Any]:
    """A table as observe() returns it."""
    usual = {
        "table_arn": "arn:aws:dynamodb:us-east-1:123456789012:table/stateful-table-states",
        "tags": ownership(STATES),
        "status": "ACTIVE",
        "hash_key": "Key",
        "billing_mode": "PAY_PER_REQUEST",
        "kms_key_arn": KEY,
        "point_in_time_recovery": None,
        "deletion_protection": False,
        "_encryption": "ENABLED",
        "_keys": 1,
    }
    return {**usual, **more}


def test_a_table_goes_through_its_whole_life(runner: Runner) -> None:
    runner.check_lifecycle(
        "dynamodb_table",
        options("table-life", component="credentials", kms_key_arn=KEY, tags={"a": "1"}),
        [
            {"point_in_time_recovery": True},
            {"point_in_time_recovery": False},
            {"deletion_protection": True},
            {"deletion_protection": False},
            {"tags": {"b": "2"}},
            {"tags": {"c": "3"}, "purge_tags": False},
        ],
    )


def test_a_protected_table_is_made_whole_and_deleted(runner: Runner) -> None:
    runner.check_lifecycle(
        "dynamodb_table",
        options("table-kept", kms_key_arn=KEY, point_in_time_recovery=True, deletion_protection=True),
    )


def test_the_protection_is_lifted_before_deletion(runner: Runner) -> None:
    runner("dynamodb_table", **options("table-guard", deletion_protection=True))
    gone = runner("dynamodb_table", **options("table-guard", state="absent"))
    assert actions(gone) == ["UpdateTable", "DeleteTable"]


def test_the_table_is_on_demand_encrypted_and_restorable(runner: Runner) -> None:
    made = runner(
        "dynamodb_table",
        **options("table-facts", kms_key_arn=KEY, point_in_time_recovery=True, deletion_protection=True),
    )["dynamodb_table"]
    client = runner.client("dynamodb")
    found = client.describe_table(TableName="stateful-table-facts")["Table"]
    assert found["BillingModeSummary"]["BillingMode"] == made["billing_mode"] == "PAY_PER_REQUEST"
    assert found["SSEDescription"]["KMSMasterKeyArn"] == made["kms_key_arn"] == KEY
    assert found["DeletionProtectionEnabled"] and made["deletion_protection"]
    backups = client.describe_continuous_backups(TableName="stateful-table-facts")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert made["table_arn"] == found["TableArn"]


def test_the_arn_is_known_in_check_mode(runner: Runner) -> None:
    wanted = options("table-arn", kms_key_arn="(known after apply) kms_key alias/x key_arn")
    planned = runner("dynamodb_table", check=True, **wanted)["dynamodb_table"]
    assert planned["table_arn"] == "arn:aws:dynamodb:us-east-1:123456789012:table/stateful-table-arn"
    assert planned["name"] == "stateful-table-arn"


def test_a_table_with_bought_throughput_is_put_on_demand(runner: Runner) -> None:
    runner.client("dynamodb").create_table(
        TableName="stateful-table-bought",
        Tags=[{"Key": "stateful:cluster", "Value": "table-bought"}],
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        **HASH,
        **STRING,
    )
    assert "UpdateTable" in actions(runner("dynamodb_table", **options("table-bought")))
    assert runner("dynamodb_table", **options("table-bought"))["actions"] == []


def test_a_foreign_table_is_refused(runner: Runner) -> None:
    client = runner.client("dynamodb")
    client.create_table(TableName="stateful-table-theirs", BillingMode="PAY_PER_REQUEST", **HASH, **STRING)
    runner.check_refused("dynamodb_table", options("table-theirs"), "not ours", "stateful-table-theirs")
    assert client.describe_table(TableName="stateful-table-theirs")["Table"]["TableStatus"] == "ACTIVE"


def test_a_run_stopped_before_the_recovery_is_finished(runner: Runner) -> None:
    runner("dynamodb_table", **options("table-half"))
    again = runner("dynamodb_table", **options("table-half", point_in_time_recovery=True, deletion_protection=True))
    assert actions(again) == ["UpdateTable", "UpdateContinuousBackups"]


def test_another_hash_key_is_refused_before_any_write(runner: Runner) -> None:
    runner("dynamodb_table", **options("table-key"))

    def other() -> None:
        with pytest.raises(ResourceError, match="never changes a table's key"):
            runner("dynamodb_table", **options("table-key", hash_key="Id"))

    assert runner.writes(other)[1] == []


def test_another_encryption_key_is_one_awaited_change() -> None:
    """Planned only: moto's UpdateTable leaves SSESpecification out."""
    resource = table(kms_key_arn=OTHER, deletion_protection=True)
    encryption, protection = resource.plan(seen())
    assert encryption.params["SSESpecification"] == {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": OTHER}
    assert "SSESpecification" not in protection.params
    assert encryption.settle and protection.settle
    encryption.learn({})
    assert not resource.ready(seen())
    assert not resource.ready(seen(kms_key_arn=OTHER, _encryption="UPDATING"))
    assert resource.ready(seen(kms_key_arn=OTHER))


@pytest.mark.parametrize("status", ["CREATING", "UPDATING"])
def test_a_table_at_work_is_waited_for(status: str) -> None:
    assert not table().ready(seen(status=status))
    assert table().ready(seen())


def test_recovery_that_still_reads_as_off_is_waited_for() -> None:
    resource = table(point_in_time_recovery=True)
    (step,) = resource.plan(seen(point_in_time_recovery=False))
    assert resource.ready(seen(point_in_time_recovery=False))
    step.learn({})
    assert not resource.ready(seen(point_in_time_recovery=False))
    assert resource.ready(seen(point_in_time_recovery=True))
    assert {BACKUPS_NOT_YET, *BUSY} == set(step.retry)


@pytest.mark.parametrize("status", ["INACCESSIBLE_ENCRYPTION_CREDENTIALS", "ARCHIVED"])
def test_a_table_whose_key_is_unusable_says_so_but_can_be_deleted(status: str) -> None:
    with pytest.raises(ResourceError, match=f"{status}: its KMS key .* Cancel the deletion"):
        table().ready(seen(status=status))
    assert table(state="absent").ready(seen(status=status))


def test_a_table_on_its_way_out_is_only_waited_for() -> None:
    assert table(state="absent").plan_absent(seen(status="DELETING")) == []
    assert not table(state="absent").gone(seen(status="DELETING"))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "ab"}, "3 or more"),
        ({"name": "a b c"}, "3 or more"),
        ({"hash_key": ""}, "1 to 255 bytes"),
        ({"kms_key_arn": "alias/mine"}, "ARN of the key itself"),
        ({"kms_key_arn": KEY.replace("key/", "alias/")}, "ARN of the key itself"),
    ],
)
def test_what_dynamodb_refuses_fails_before_the_first_call(runner: Runner, wrong: dict[str, Any], words: str) -> None:
    runner.cloud.control("calls/reset", method="POST")
    with pytest.raises(ResourceError, match=words):
        runner("dynamodb_table", **options("table-bad") | wrong)
    assert runner.cloud.control("calls")["total"] == 0
