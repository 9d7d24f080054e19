"""stateful.aws.resources: many resources at the same time, in order, each told apart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine import flow, run
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError

from tests.unit.harness import Runner

SECRET = "correct-horse-battery"


@pytest.fixture
def perform(runner: Runner) -> Callable[..., dict[str, Any]]:
    """Performs a list as a task would."""

    def work(*items: Any, check: bool = False, **options: Any) -> dict[str, Any]:
        return run.perform_list({"resources": list(items), **options}, check)

    return work


@pytest.fixture
def faults(runner: Runner) -> Iterator[Callable[..., Any]]:
    """Sets the cloud's faults; they end with the test."""
    yield lambda **what: runner.cloud.control("faults", what)
    runner.cloud.control("faults", method="DELETE")


def group(name: str, **more: Any) -> dict[str, Any]:
    return {"logs_group": {"name": f"/list/{name}", **more}}


def refused_before_any_call(runner: Runner, work: Callable[[], Any]) -> str:
    runner.cloud.control("calls/reset", method="POST")
    with pytest.raises(ResourceError) as refusal:
        work()
    assert runner.cloud.control("calls")["total"] == 0
    return str(refusal.value)


def test_resources_are_worked_on_at_the_same_time(perform: Any, faults: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight of them are inside their flow at once: none leaves before all have entered."""
    together = threading.Barrier(8, timeout=10)
    observe = flow.Flow._observe

    def observed(self: flow.Flow) -> Any:
        if not self.actions:
            together.wait()
        return observe(self)

    monkeypatch.setattr(flow.Flow, "_observe", observed)
    result = perform(*(group(f"together{number}") for number in range(8)), cluster="list", check=True)
    assert len(result["results"]) == 8


def test_eight_cost_clearly_fewer_serial_delays_than_their_calls(perform: Any, faults: Any) -> None:
    faults(delay_ms=150, only=["logs:*"])
    start = time.monotonic()
    result = perform(*(group(f"slow{number}") for number in range(8)), cluster="list")
    took = time.monotonic() - start
    assert result["changed"] and result["api_calls"] >= 8 * 3
    assert took < result["api_calls"] * 0.15 * 0.6


def test_one_thread_works_on_one_after_another(perform: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[str] = []
    reconcile = flow.reconcile

    def alone(resource: Any, check_mode: bool) -> dict[str, Any]:
        inside.append(resource.identifier())
        assert len(inside) == 1
        try:
            return reconcile(resource, check_mode)
        finally:
            inside.pop()

    monkeypatch.setattr(flow, "reconcile", alone)
    assert perform(*(group(f"alone{number}") for number in range(4)), cluster="list", threads=1)["changed"]


def test_results_are_in_the_lists_order(perform: Any) -> None:
    names = [f"ordered{number}" for number in (3, 1, 2)]
    items = [*(group(name) for name in names), {"stateful.aws.kms_key": {"alias": "list-ordered"}}]
    results = perform(*items, cluster="list")["results"]
    assert [each["type"] for each in results] == ["logs_group"] * 3 + ["kms_key"]
    assert [each["logs_group"]["name"] for each in results[:3]] == [f"/list/{name}" for name in names]


def test_it_changed_when_one_of_them_did_and_shows_that_ones_diff(perform: Any) -> None:
    perform(group("same"), cluster="list")
    result = perform(group("same"), group("new"), cluster="list")
    assert result["changed"] and [each["changed"] for each in result["results"]] == [False, True]
    assert [each["after_header"] for each in result["diff"]] == ["Log group /list/new"]
    assert not perform(group("same"), group("new"), cluster="list")["changed"]


def test_check_mode_says_the_same_and_writes_nothing(runner: Runner, perform: Any) -> None:
    items = [group("checked"), {"kms_key": {"alias": "list-checked"}}]
    planned, written = runner.writes(lambda: perform(*items, cluster="list", check=True))
    assert written == []
    done = perform(*items, cluster="list")
    assert done["diff"] == planned["diff"] and planned["changed"]


def test_one_failure_is_named_and_the_others_finish(runner: Runner, perform: Any) -> None:
    runner.client("logs").create_log_group(logGroupName="/list/foreign", tags={"stateful:cluster": "another"})
    with pytest.raises(ResourceError) as failure:
        perform(group("before"), group("foreign"), group("after"), cluster="list")
    assert str(failure.value).startswith("1 of 3 resources failed. Log group /list/foreign exists and belongs to")
    before, foreign, after = failure.value.details["results"]
    assert before["changed"] and after["changed"]
    assert foreign["failed"] and not foreign["changed"] and "'another'" in foreign["msg"] and foreign["actions"] == []
    assert failure.value.details["changed"]
    names = {
        each["logGroupName"]
        for each in runner.client("logs").describe_log_groups(logGroupNamePrefix="/list/")["logGroups"]
    }
    assert {"/list/before", "/list/after"} <= names


def test_what_a_failed_one_changed_counts_as_changed(perform: Any, faults: Any) -> None:
    faults(error_5xx=1, only=["logs:PutRetentionPolicy"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ansible_collections.stateful.aws.plugins.module_utils._engine.aws.ATTEMPTS", 1)
        with pytest.raises(ResourceError, match="1 of 1 resources failed") as failure:
            perform(group("half", retention=1), cluster="list")
    (half,) = failure.value.details["results"]
    assert [step["action"] for step in half["actions"]] == ["logs:CreateLogGroup"]
    assert half["failed"] and half["changed"] and failure.value.details["changed"]


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"queue": {}}, "'queue' is not a resource type"),
        ({"_backends": {}}, "'_backends' is not a resource type"),
        ({"../flow": {}}, "is not a resource type"),
        ({1: {}}, "'1' is not a resource type"),
        ({"logs_group": {}, "kms_key": {}}, "resources[2]: give exactly one type"),
        ({}, "resources[2]: give exactly one type"),
        ({"logs_group": "name"}, "resources[2]: the options of logs_group are no dictionary"),
        ({"logs_group": None}, "missing required arguments: name"),
        ({"logs_group": {"name": "/list/x", "colour": "red"}}, "unknown options: colour"),
        ({"logs_group": {"name": "/list/x", "retention": 2}}, "retention is 2"),
        ({"logs_group": {"name": "/list/x", "region": "eu-west-1"}}, "unknown options: region"),
        ("logs_group", "resources"),
    ],
)
def test_an_item_that_is_wrong_is_refused_before_the_first_call_of_any(
    runner: Runner, perform: Any, item: Any, words: str
) -> None:
    assert words in refused_before_any_call(runner, lambda: perform(group("first"), item, cluster="list"))


def test_options_of_the_list_itself_are_checked(runner: Runner, perform: Any) -> None:
    text = refused_before_any_call(runner, lambda: perform(group("x"), cluster="list", colour="red"))
    assert text.startswith("resources: unknown options: colour")
    assert "missing required arguments: cluster" in refused_before_any_call(runner, lambda: perform(group("x")))


def test_an_empty_list_is_no_change(perform: Any) -> None:
    assert perform(cluster="list") == {"changed": False, "results": [], "diff": [], "api_calls": 0}


def test_options_of_the_list_are_defaults_of_its_items(perform: Any) -> None:
    shared = {"cluster": "list", "component": "scaling", "tags": {"a": "1"}}
    own = {"cluster": "other", "component": "join", "tags": {"b": "2"}}
    first, second = perform(group("inherits"), group("overrides", **own), **shared)["results"]
    assert first["logs_group"]["tags"].items() >= {
        ("stateful:cluster", "list"),
        ("stateful:component", "scaling"),
        ("a", "1"),
    }
    assert second["logs_group"]["tags"].items() >= {
        ("stateful:cluster", "other"),
        ("stateful:component", "join"),
        ("b", "2"),
    }
    assert "a" not in second["logs_group"]["tags"]
    gone = perform(group("inherits"), group("overrides", cluster="other"), **shared, state="absent")
    assert gone["changed"] and [each["logs_group"] for each in gone["results"]] == [{}, {}]


def test_defaults_that_a_type_does_not_know_are_left_out(perform: Any) -> None:
    """A reading type has no tags, and a record bears none."""
    result = perform(
        {"owned_resources_info": {"cluster": "list-none"}},
        {"cluster_record": {"table": "list-none", "document": {"schema": 1}}},
        cluster="list-none",
        tags={"a": "1"},
        check=True,
    )
    assert result["results"][0]["owned"] == [] and not result["results"][0]["changed"]
    assert result["results"][1]["changed"]


def test_a_secret_is_in_no_result_and_no_failure(runner: Runner, perform: Any) -> None:
    made = perform(
        {"kms_key": {"alias": "list-secret"}},
        {"dynamodb_table": {"name": "list-secret"}},
        cluster="list",
    )
    key = made["results"][0]["kms_key"]["key_arn"]
    options = {"table": "list-secret", "kms_key_arn": key, "username": "admin", "password": SECRET}
    for check in (True, False):
        done = perform(
            {"cluster_record": options}, group(f"says {SECRET}".replace(" ", "/")), cluster="list", check=check
        )
        assert done["changed"] and SECRET not in repr(done)
    stored = runner.client("dynamodb").get_item(TableName="list-secret", Key={"Key": {"S": "credentials"}})["Item"]
    assert SECRET.encode() not in stored["Ciphertext"]["B"]
    wrong = {**options, "document": {"schema": 1, "cluster": SECRET}}
    with pytest.raises(ResourceError) as refusal:
        perform({"cluster_record": wrong}, cluster="list")
    assert SECRET not in str(refusal.value) and "should be list" in str(refusal.value)
