"""stateful.aws.scaling_control on the wire."""

from __future__ import annotations

import json
import re
import time
from itertools import count
from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._resources.scaling_control import ScalingControl

from tests.unit.harness import Runner
from tests.unit.resources.records import Table
from tests.unit.resources.scaling import actions

TYPE = "scaling_control"
ANN = "arn:aws:iam::1:user/ann"
NUMBERS = count()


@pytest.fixture
def table(runner: Runner) -> Table:
    """A table of the test's own cluster."""
    return Table(runner, f"control-{next(NUMBERS)}")


def stored(table: Table) -> Any:
    item = table.item("control")
    return json.loads(item["Document"]["S"]) if item else None


def test_a_pause_goes_through_its_whole_life(runner: Runner, table: Table) -> None:
    runner.check_lifecycle(
        TYPE, {**table.least, "paused": True, "reason": "looking"}, [{"paused": False}, {"paused": True}]
    )
    assert table.item("control") is None


def test_who_paused_when_and_why_is_written_for_the_passes(runner: Runner, table: Table) -> None:
    me, before = runner.client("sts").get_caller_identity()["Arn"], int(time.time())
    done = runner(TYPE, **table.least, paused=True, reason="new switches")
    pause = stored(table)["paused"]
    assert (pause["by"], pause["reason"]) == (me, "new switches")
    assert before - 1 <= pause["since"] <= time.time() + 1
    shown = done[TYPE]
    assert (shown["paused"], shown["by"], shown["reason"], shown["lease_holder"]) == (True, me, "new switches", None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown["since"])
    assert done["diff"]["after"] == {"paused": True, "by": me, "reason": "new switches"}
    runner(TYPE, **table.least, paused=False)
    assert stored(table) == {"paused": None}


def test_a_second_pause_changes_nobody_elses(runner: Runner, table: Table) -> None:
    table.pause(by=ANN, reason="first")
    again, written = runner.writes(lambda: runner(TYPE, **table.least, paused=True, reason="second"))
    assert (again["changed"], written) == (False, [])
    assert (again[TYPE]["by"], again[TYPE]["reason"], again[TYPE]["since"]) == (ANN, "first", "2023-11-14T22:13:20Z")


def test_without_paused_it_only_reads(runner: Runner, table: Table) -> None:
    table.pause()
    table.hold_lease(60)
    read, written = runner.writes(lambda: runner(TYPE, **table.least))
    assert (read["changed"], written, read["api_calls"], read[TYPE]["paused"]) == (False, [], 1, True)


@pytest.mark.parametrize("paused", [True, False])
def test_a_pause_for_another_reason_is_neither_replaced_nor_ended(runner: Runner, table: Table, paused: bool) -> None:
    table.pause(by=ANN, reason="first")
    options = {**table.least, "paused": paused, "reason": "second", "replaces": "destroy.yml"}
    kept, written = runner.writes(lambda: runner(TYPE, **options))
    assert (written, kept[TYPE]["paused"], kept[TYPE]["reason"]) == ([], True, "first")


@pytest.mark.parametrize("paused", [True, False])
def test_a_pause_for_the_named_reason_is_replaced_or_ended(runner: Runner, table: Table, paused: bool) -> None:
    table.pause(reason="destroy.yml")
    options = {**table.least, "paused": paused, "reason": "a person's", "replaces": "destroy.yml"}
    done = runner(TYPE, **options)
    assert (done[TYPE]["paused"], done[TYPE]["reason"]) == (paused, "a person's" if paused else None)
    assert runner(TYPE, **options)["changed"] is False


def test_pausing_waits_until_no_pass_is_at_work(runner: Runner, table: Table) -> None:
    table.hold_lease(1)
    began = time.monotonic()
    assert runner(TYPE, **table.least, paused=True)[TYPE]["lease_holder"] is None
    assert time.monotonic() - began > 0.5
    assert stored(table)["paused"]["reason"] == "by hand"


def test_a_pass_that_does_not_end_is_named(runner: Runner, table: Table) -> None:
    holder = table.hold_lease(600)
    with pytest.raises(ResourceError, match=f"did not become ready within 0 s.*{holder}") as failure:
        runner(TYPE, **table.least, paused=True, wait_timeout=0)
    assert failure.value.details["changed"] and stored(table)["paused"]
    # Paused already, and still not at rest: a second run waits too.
    with pytest.raises(ResourceError, match="did not become ready"):
        runner(TYPE, **table.least, paused=True, wait_timeout=0)
    told = runner(TYPE, **table.least, paused=True, wait=False)
    assert (told["changed"], told[TYPE]["lease_holder"]) == (False, holder)
    assert runner(TYPE, **table.least, paused=False, wait_timeout=0)["changed"]


def test_a_lease_that_was_given_back_is_held_by_nobody(runner: Runner, table: Table) -> None:
    table.put("lease", Fence={"N": "7"})
    assert runner(TYPE, **table.least, paused=True, wait_timeout=0)["changed"]


def test_what_is_written_meanwhile_is_not_overwritten(
    runner: Runner, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, done = ScalingControl.observe, []

    def overtaken(self: ScalingControl) -> Any:
        found = look(self)
        if not done:
            done.append(True)
            table.pause(by=ANN, reason="was faster")
        return found

    monkeypatch.setattr(ScalingControl, "observe", overtaken)
    result = runner(TYPE, **table.least, paused=True, reason="mine")
    assert (result["changed"], result[TYPE]["reason"]) == (False, "was faster")
    done.clear()
    table.document("control", {"paused": None})
    assert runner(TYPE, **table.least, state="absent")["changed"]


def test_a_cluster_that_is_not_imported_cannot_be_paused(runner: Runner) -> None:
    nowhere = {"cluster": "nowhere", "table": "stateful-nowhere"}
    with pytest.raises(
        ResourceError, match="There is no table stateful-nowhere in us-east-1, so cluster nowhere is not"
    ):
        runner(TYPE, **nowhere, paused=True)
    for options in ({"paused": False}, {"state": "absent"}, {}):
        assert runner(TYPE, **nowhere, **options)["changed"] is False
    assert runner(TYPE, check=True, **nowhere, paused=False)[TYPE] == {}


def test_another_clusters_table_is_refused(runner: Runner, table: Table) -> None:
    table.document("settings", {"cluster": "theirs", "schema": 1})
    runner.check_refused(TYPE, {**table.least, "paused": True}, "'theirs'", "not ours")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"reason": ""}, "0 characters"), ({"reason": "x" * 257}, "257"), ({"reason": "a", "replaces": "a"}, "same")],
)
def test_what_cannot_be_a_reason_fails_before_the_first_call(runner: Runner, wrong: dict[str, Any], words: str) -> None:
    runner.cloud.control("calls/reset", method="POST")
    with pytest.raises(ResourceError, match=words):
        runner(TYPE, cluster="bad", table="stateful-bad", paused=True, **wrong)
    assert runner.cloud.control("calls")["total"] == 0


def test_check_mode_says_who_would_have_paused(runner: Runner, table: Table) -> None:
    planned = runner(TYPE, check=True, **table.least, paused=True, reason="later")
    assert actions(planned) == ["PutItem"] and planned[TYPE]["reason"] == "later"
    assert planned[TYPE]["paused"] and stored(table) is None
