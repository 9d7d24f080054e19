"""stateful.aws.cloudwatch_metric_alarm on the wire."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError

from tests.unit.harness import Runner

TOPIC = "arn:aws:sns:us-east-1:123456789012:on-call"


def metric(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "namespace": "AWS/States",
        "metric_name": name,
        "dimensions": {"StateMachineArn": "arn"},
        **more,
    }


def alarm(name: str, **more: Any) -> dict[str, Any]:
    return {
        "cluster": name,
        "name": f"stateful-{name}-failed",
        "metrics": [metric("failed")],
        "comparison_operator": "GreaterThanOrEqualToThreshold",
        "threshold": 1,
        "evaluation_periods": 5,
        "treat_missing_data": "notBreaching",
        **more,
    }


def test_an_alarm_goes_through_its_whole_life(runner: Runner) -> None:
    runner.check_lifecycle(
        "cloudwatch_metric_alarm",
        alarm("alarm-life", component="alarms", description="look", tags={"a": "1"}, alarm_actions=[TOPIC]),
        [
            {"metrics": [metric("failed"), metric("aborted", period=120)], "expression": "failed + aborted"},
            {"datapoints_to_alarm": 3},
            {"threshold": 2},
            {"description": "see the runbook"},
            {"treat_missing_data": "breaching"},
            {"alarm_actions": [], "ok_actions": [TOPIC]},
            {"tags": {"b": "2"}},
            {"tags": {"c": "3"}, "purge_tags": False},
        ],
    )


def test_actions_that_are_not_given_stay_when_the_alarm_is_replaced(runner: Runner) -> None:
    runner("cloudwatch_metric_alarm", **alarm("alarm-stay", alarm_actions=[TOPIC]))
    again = runner("cloudwatch_metric_alarm", **alarm("alarm-stay", threshold=3))
    assert [step["action"] for step in again["actions"]] == ["cloudwatch:PutMetricAlarm"]
    assert again["cloudwatch_metric_alarm"]["alarm_actions"] == [TOPIC]


def test_a_foreign_alarm_is_refused(runner: Runner) -> None:
    theirs = alarm("alarm-theirs")
    runner.client("cloudwatch").put_metric_alarm(
        AlarmName=theirs["name"],
        Namespace="AWS/States",
        MetricName="failed",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
    )
    runner.check_refused("cloudwatch_metric_alarm", theirs, "not ours", theirs["name"])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"metrics": [metric("Failed")]}, "small letter"),
        ({"metrics": [metric("failed", period=61)]}, "multiple of 60"),
        ({"metrics": [metric("failed", period=1800)], "evaluation_periods": 49}, "too long"),
        ({"metrics": [metric("failed"), metric("aborted")]}, "expression is needed"),
        ({"metrics": [metric("failed")] * 2, "expression": "failed"}, "id of its own"),
        ({"datapoints_to_alarm": 6}, "between 1 and evaluation_periods"),
        ({"description": "x" * 1025}, "accepts 1024"),
        ({"alarm_actions": [TOPIC] * 6}, "accepts five"),
    ],
)
def test_what_cloudwatch_refuses_fails_before_the_first_call(runner: Runner, wrong: dict[str, Any], words: str) -> None:
    runner.cloud.control("calls/reset", method="POST")
    with pytest.raises(ResourceError, match=words):
        runner("cloudwatch_metric_alarm", **alarm("alarm-bad") | wrong)
    assert runner.cloud.control("calls")["total"] == 0
