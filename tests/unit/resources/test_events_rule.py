"""stateful.aws.events_rule on the wire."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.flow import Flow
from ansible_collections.stateful.aws.plugins.module_utils._engine.placeholder import unknown
from ansible_collections.stateful.aws.plugins.module_utils._resources._events_target import all_entries
from ansible_collections.stateful.aws.plugins.module_utils._resources.events_rule import EventsRule
from botocore.exceptions import ClientError

from tests.unit.harness import Runner
from tests.unit.resources.roles import role_for

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:stateful"
TARGET = {"id": "state-machine", "arn": MACHINE}


@pytest.fixture
def role(runner: Runner) -> str:
    return role_for(runner, "events-role", "events.amazonaws.com")


def rule(name: str, **more: Any) -> dict[str, Any]:
    return {"cluster": name, "name": f"rule-{name}", "schedule_expression": "rate(1 minute)", "target": TARGET, **more}


def actions(result: dict[str, Any]) -> list[str]:
    return [step["action"] for step in result["actions"]]


def test_a_rule_goes_through_its_whole_life(runner: Runner, role: str) -> None:
    runner.check_lifecycle(
        "events_rule",
        rule("life", component="scaling", tags={"a": "1"}, target={**TARGET, "role_arn": role}),
        [
            {"schedule_expression": "rate(5 minutes)"},
            {"schedule_expression": "cron(0 12 * * ? *)"},
            {"description": "every noon"},
            {"description": ""},
            {"enabled": False},
            {"schedule_expression": "rate(1 hour)"},
            {"enabled": True},
            {"target": {**TARGET, "arn": f"{MACHINE}-2", "role_arn": role}},
            {"target": {**TARGET, "role_arn": role, "maximum_event_age": 90, "maximum_retry_attempts": 0}},
            {"target": {**TARGET, "id": "another"}},
            {"tags": {"b": "2"}},
            {"tags": {"c": "3"}, "purge_tags": False},
        ],
    )


def test_it_is_enabled_only_after_it_has_its_target(runner: Runner) -> None:
    made = runner("events_rule", **rule("order"))
    assert actions(made) == ["events:PutRule", "events:PutTargets", "events:EnableRule"]
    assert made["events_rule"]["rule_arn"] == "arn:aws:events:us-east-1:123456789012:rule/rule-order"
    (target,) = runner.client("events").list_targets_by_rule(Rule="rule-order")["Targets"]
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 2}


def test_a_run_stopped_before_the_target_is_finished_by_the_next(runner: Runner) -> None:
    runner("events_rule", **rule("half"))
    client = runner.client("events")
    client.disable_rule(Name="rule-half")
    client.remove_targets(Rule="rule-half", Ids=["state-machine"])
    assert actions(runner("events_rule", **rule("half"))) == ["events:PutTargets", "events:EnableRule"]


def test_other_targets_of_our_rule_are_removed(runner: Runner) -> None:
    runner("events_rule", **rule("others"))
    strangers = [{"Id": f"stranger-{number}", "Arn": f"{MACHINE}-{number}"} for number in range(12)]
    runner.client("events").put_targets(Rule="rule-others", Targets=strangers)
    assert not runner("events_rule", **{**rule("others"), "target": None})["changed"]
    assert actions(runner("events_rule", **rule("others"))) == ["events:RemoveTargets"] * 2
    assert [t["Id"] for t in runner.client("events").list_targets_by_rule(Rule="rule-others")["Targets"]] == [
        "state-machine"
    ]


def test_disabling_needs_no_schedule_and_makes_no_rule(runner: Runner) -> None:
    runner("events_rule", **rule("off"))
    stop = {"cluster": "off", "enabled": False}
    assert actions(runner("events_rule", **stop, name="rule-off")) == ["events:DisableRule"]
    assert not runner("events_rule", **stop, name="rule-off")["changed"]
    assert not runner("events_rule", **stop, name="rule-that-never-was")["changed"]
    found = runner.client("events").describe_rule(Name="rule-off")
    assert (found["State"], found["ScheduleExpression"]) == ("DISABLED", "rate(1 minute)")


def test_deletion_takes_away_targets_of_every_page(runner: Runner) -> None:
    runner("events_rule", **rule("pages"))
    strangers = [{"Id": f"stranger-{number:03}", "Arn": f"{MACHINE}-{number:03}"} for number in range(120)]
    runner.client("events").put_targets(Rule="rule-pages", Targets=strangers)
    gone = runner("events_rule", cluster="pages", name="rule-pages", state="absent")
    assert actions(gone) == ["events:RemoveTargets"] * 13 + ["events:DeleteRule"]
    assert not runner("events_rule", cluster="pages", name="rule-pages", state="absent")["changed"]


def test_a_new_role_is_awaited(runner: Runner) -> None:
    runner.cloud.control("faults", {"propagation_s": 0.5})
    try:
        role = role_for(runner, "new-events-role", "events.amazonaws.com")
        made = runner("events_rule", **rule("fresh", target={**TARGET, "role_arn": role}))
    finally:
        runner.cloud.control("faults", method="DELETE")
    assert made["events_rule"]["target"]["role_arn"] == role


def test_a_foreign_rule_is_refused(runner: Runner) -> None:
    runner.client("events").put_rule(Name="rule-foreign", ScheduleExpression="rate(1 day)")
    runner.check_refused("events_rule", rule("foreign"), "not ours", "rule-foreign")
    assert runner.client("events").describe_rule(Name="rule-foreign")["ScheduleExpression"] == "rate(1 day)"


class Refusing:
    """An AWS whose PutTargets answers 200 and refuses: at first as busy, then for good."""

    def __init__(self, codes: list[str]) -> None:
        self.codes = codes
        self.meta = type("Meta", (), {"method_to_api_mapping": {"put_targets": "PutTargets"}})

    def client(self, service: str, resend: bool = True) -> Refusing:
        return self

    def put_targets(self, **params: Any) -> dict[str, Any]:
        entry = {"TargetId": "state-machine", "ErrorCode": self.codes.pop(0), "ErrorMessage": "says EventBridge"}
        return {"FailedEntryCount": 1, "FailedEntries": [entry]}


def test_refused_entries_fail_in_eventbridges_words_after_busy_ones_were_tried_again() -> None:
    target = {**TARGET, "maximum_event_age": 60, "maximum_retry_attempts": 2}
    aws = Refusing(["ConcurrentModificationException", "ConcurrentModificationException", "AccessDeniedException"])
    failing = EventsRule({"name": "rule", "target": target, "state": "present"}, aws)  # type: ignore[arg-type]
    slept: list[float] = []
    with pytest.raises(ResourceError, match="AccessDeniedException: target state-machine: says EventBridge"):
        Flow(failing, False, slept.append)._apply([failing._put_target({})], {})
    assert len(slept) == 2


def test_a_refused_entry_is_an_error_of_its_own_code() -> None:
    with pytest.raises(ClientError) as refused:
        all_entries("RemoveTargets")({"FailedEntries": [{"TargetId": "x", "ErrorCode": "Busy"}]})
    assert error_code(refused.value) == "Busy"
    all_entries("RemoveTargets")({"FailedEntryCount": 0, "FailedEntries": []})


def test_placeholders_are_accepted_in_check_mode(runner: Runner) -> None:
    target = {**TARGET, "arn": unknown("machine"), "role_arn": unknown("role")}
    planned = runner("events_rule", check=True, **rule("planned", target=target))
    assert actions(planned) == ["events:PutRule", "events:PutTargets", "events:EnableRule"]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"name": "a b"}, "letters, digits, dot"),
        ({"schedule_expression": "rate(1 minutes)"}, "neither rate"),
        ({"schedule_expression": "rate(5 minute)"}, "neither rate"),
        ({"schedule_expression": "rate(0 minutes)"}, "neither rate"),
        ({"schedule_expression": "cron(0 12)"}, "neither rate"),
        ({"schedule_expression": None}, "schedule_expression is needed"),
        ({"description": "x" * 513}, "accepts 512"),
        ({"target": {**TARGET, "id": "a b"}}, "1 to 64"),
        ({"target": {**TARGET, "maximum_event_age": 30}}, "60 to 86400"),
        ({"target": {**TARGET, "maximum_retry_attempts": 186}}, "0 to 185"),
        ({"target": {"id": "x"}}, "arn"),
    ],
)
def test_bad_input_fails_before_the_first_call(runner: Runner, bad: dict[str, Any], words: str) -> None:
    given = {key: value for key, value in {**rule("bad"), **bad}.items() if value is not None}
    runner.cloud.control("calls/reset", method="POST")
    with pytest.raises(ResourceError, match=words):
        runner("events_rule", **given)
    assert runner.cloud.control("calls")["total"] == 0
