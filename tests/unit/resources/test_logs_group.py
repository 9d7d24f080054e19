"""stateful.aws.logs_group on the wire."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._resources.logs_group import LogsGroup

from tests.unit.harness import Runner

KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
OTHER = KEY.replace("1111", "9999")


def options(cluster: str, **more: Any) -> dict[str, Any]:
    return {"cluster": cluster, "name": f"/aws/lambda/stateful-{cluster}-fetch", **more}


def actions(result: dict[str, Any]) -> list[str]:
    return [step["action"].removeprefix("logs:") for step in result["actions"]]


def test_a_group_goes_through_its_whole_life(runner: Runner) -> None:
    runner.check_lifecycle(
        "logs_group",
        options("logs-life", component="scaling", retention=30, kms_key_id=KEY, tags={"a": "1"}),
        [
            {"retention": 365},
            {"retention": 0},
            {"tags": {"b": "2"}},
            {"tags": {"c": "3"}, "purge_tags": False},
        ],
    )


def test_a_group_is_matched_by_its_whole_name(runner: Runner) -> None:
    logs = runner.client("logs")
    logs.create_log_group(logGroupName="/aws/lambda/stateful-logs-exact-fetch-and-more")
    assert actions(runner("logs_group", **options("logs-exact"))) == ["CreateLogGroup"]
    runner("logs_group", **options("logs-exact", state="absent"))
    left = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/stateful-logs-exact")["logGroups"]
    assert [group["logGroupName"] for group in left] == ["/aws/lambda/stateful-logs-exact-fetch-and-more"]


def test_properties_that_are_not_given_stay(runner: Runner) -> None:
    runner("logs_group", **options("logs-stay", retention=7, tags={"a": "1"}))
    again = runner("logs_group", **options("logs-stay"))
    assert (again["actions"], again["logs_group"]["retention"]) == ([], 7)
    assert again["logs_group"]["tags"]["a"] == "1"


def test_both_arns_are_known_in_check_mode(runner: Runner) -> None:
    planned = runner("logs_group", check=True, **options("logs-arn", retention=1))["logs_group"]
    made = runner("logs_group", **options("logs-arn", retention=1))["logs_group"]
    assert made["log_group_arn"].endswith(":123456789012:log-group:/aws/lambda/stateful-logs-arn-fetch")
    assert made["log_group_stream_arn"] == f"{made['log_group_arn']}:*"
    assert {name: made[name] for name in planned} == planned


def test_a_foreign_group_is_refused(runner: Runner) -> None:
    name = options("logs-theirs")["name"]
    runner.client("logs").create_log_group(logGroupName=name, tags={"Project": "foreign"})
    text = runner.check_refused("logs_group", options("logs-theirs", retention=1), "not ours", name)
    assert "after its deletion" not in text


def test_a_group_that_late_lines_left_is_refused_with_what_to_do(runner: Runner) -> None:
    runner.client("logs").create_log_group(logGroupName=options("logs-late")["name"])
    runner.check_refused("logs_group", options("logs-late"), "not ours", "after its deletion", "run again")


def test_a_run_stopped_before_the_retention_is_finished(runner: Runner) -> None:
    runner("logs_group", **options("logs-half", retention=30))
    runner.client("logs").delete_retention_policy(logGroupName=options("logs-half")["name"])
    assert actions(runner("logs_group", **options("logs-half", retention=30))) == ["PutRetentionPolicy"]


@pytest.mark.parametrize(("key", "call"), [(OTHER, "AssociateKmsKey"), ("", "DisassociateKmsKey")])
def test_another_key_is_planned(runner: Runner, key: str, call: str) -> None:
    """Planned only: moto has neither call."""
    wanted = options(f"logs-key-{call.lower()}", kms_key_id=KEY)
    runner("logs_group", **wanted)
    planned = runner("logs_group", check=True, **wanted | {"kms_key_id": key})
    assert actions(planned) == [call]
    assert (planned["diff"]["before"], planned["diff"]["after"]) == ({"kms_key_id": KEY}, {"kms_key_id": key})


def test_a_group_made_meanwhile_is_looked_at_again(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    name = options("logs-race")["name"]
    look = LogsGroup.observe
    looks = iter([None])
    monkeypatch.setattr(LogsGroup, "observe", lambda self: next(looks, look) and look(self))
    runner.client("logs").create_log_group(logGroupName=name, tags={"Project": "foreign"})
    with pytest.raises(ResourceError, match="not ours"):
        runner("logs_group", **options("logs-race"))


def test_a_group_that_somebody_protected_is_not_deleted() -> None:
    group = LogsGroup({**options("logs-kept"), "state": "absent"}, None)  # type: ignore[arg-type]
    with pytest.raises(ResourceError, match="PutLogGroupDeletionProtection"):
        group.plan_absent({"log_group_arn": "arn", "retention": 0, "_protected": True})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"retention": 31}, "retention is 31; .* 30, 60"),
        ({"retention": -1}, "retention is -1"),
        ({"name": "a b"}, "name 'a b'"),
        ({"name": "aws/own"}, "does not begin with aws/"),
        ({"kms_key_id": "alias/mine"}, "ARN of a key"),
    ],
)
def test_what_logs_refuses_fails_before_the_first_call(runner: Runner, wrong: dict[str, Any], words: str) -> None:
    runner.cloud.control("calls/reset", method="POST")
    with pytest.raises(ResourceError, match=words):
        runner("logs_group", **options("logs-bad") | wrong)
    assert runner.cloud.control("calls")["total"] == 0
