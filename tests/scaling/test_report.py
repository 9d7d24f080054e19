"""What a pass tells: the report in the table, and metrics in the log."""

from __future__ import annotations

import json

import pytest
from cloud import NAME, cloud
from judge import in_order

METRICS = {"Members", "Desired", "ShouldLeave", "HeldBack", "Draining", "Errors"}


@pytest.fixture
def idle():
    """A cluster in which nothing is to be done, after its first pass."""
    with cloud(8) as made:
        made.run_pass("first")
        yield made


def report(made):
    return json.loads(made.item("report")["Document"]["S"])


def metrics(text):
    return [line for line in map(json.loads, text.splitlines()) if line["event"] == "metrics"]


def test_a_report_that_says_the_same_is_not_written_again_before_fifteen_minutes(idle):
    at = report(idle)["at"]
    for _ in range(14):
        idle.ticker.seconds += 60
        idle.run_pass("idle")
        assert report(idle)["at"] == at
    idle.ticker.seconds += 60
    idle.run_pass("idle again")
    assert (report(idle)["at"], report(idle)["execution"]) == (at + 900, "idle again")


def test_a_report_that_says_something_new_is_written_at_once(idle):
    at = report(idle)["at"]
    idle.put("control", Document={"S": json.dumps({"paused": {"by": "ada", "reason": "a migration"}})})
    idle.ticker.seconds += 60
    idle.run_pass("paused")
    assert report(idle)["at"] == at + 60
    assert "a migration" in report(idle)["gate"]
    idle.client("dynamodb").delete_item(TableName="stateful-demo", Key={"Key": {"S": "control"}})
    idle.ticker.seconds += 60
    idle.run_pass("resumed")
    assert report(idle)["gate"] is None


def test_every_machine_that_is_held_back_is_named_with_its_invariant():
    with cloud(8, desired=5) as made:
        held = in_order(made)[0]
        made.client("ec2").create_tags(Resources=[held], Tags=[{"Key": "stateful:hold", "Value": "wait"}])
        made.run_pass("held")
        told = report(made)
        named = {each["machine"]: each["invariant"] for each in told["held_back"]}
        assert named[held] == "S14 human wins"
        assert sorted(named.values()) == ["S14 human wins", "S2 floor"]
        assert set(told["should_leave"]) == set(named) | set(told["may_leave"])
        assert len(told["may_leave"]) == 2 and not set(told["may_leave"]) & set(named)
        assert all(each["reason"] for each in told["held_back"])
        assert any("S2 floor" in error for error in told["errors"])
        assert told["counts"]["drain"] == 2
        assert (told["desired"], told["members"]) == (5, 8)


def test_the_metrics_of_each_task_are_valid_in_the_embedded_format(capsys):
    with cloud(8, desired=6) as made:
        made.run_pass("drains")
        made.ticker.seconds += 60
        capsys.readouterr()
        made.run_pass("ends")
        lines = metrics(capsys.readouterr().out)
    for line in lines:
        (told,) = line["_aws"]["CloudWatchMetrics"]
        assert line["_aws"]["Timestamp"] == 1_800_000_060_000
        assert told["Namespace"] == "stateful.aws"
        assert told["Dimensions"] == [["Cluster"]] and line["Cluster"] == NAME
        assert all(isinstance(line[metric["Name"]], int) and metric["Unit"] == "Count" for metric in told["Metrics"])
    scaled, terminated = lines
    assert {metric["Name"] for metric in scaled["_aws"]["CloudWatchMetrics"][0]["Metrics"]} == METRICS
    assert (scaled["Members"], scaled["Desired"], scaled["ShouldLeave"], scaled["Draining"]) == (8, 6, 2, 0)
    assert (terminated["Terminated"], terminated["Detached"], terminated["Errors"]) == (2, 2, 0)


def test_a_pass_that_fails_is_a_metric_too(capsys):
    with cloud(8, desired=6) as made:
        made.weka.faults.add("hosts_list", {"empty": True})
        assert made.run_pass("fails")["failed"]
    (line,) = metrics(capsys.readouterr().out)
    assert line["FailedPasses"] == 1


def test_a_machine_that_people_hold_does_not_count_as_held_back(capsys):
    with cloud(8, desired=5) as made:
        made.client("ec2").create_tags(Resources=[in_order(made)[0]], Tags=[{"Key": "stateful:hold", "Value": "wait"}])
        made.run_pass("held")
        assert len(report(made)["held_back"]) == 2
        assert metrics(capsys.readouterr().out)[0]["HeldBack"] == 1
