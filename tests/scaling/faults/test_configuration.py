"""F48 to F50: a group without room, functions of different releases, and a WEKA release that nobody here knows."""

from __future__ import annotations

import json

import pytest
from cloud import BASE
from errors import ClusterAnswerUnknown, EventInvalid, SettingsInvalid
from judge import assert_none_ended, assert_untouched, in_order, leaving, reach, running

from local_cloud.weka import control


def test_f48_where_minimum_maximum_and_desired_are_one_an_unhealthy_machine_is_replaced(steady):
    """Must not: change a size of the group, or drain a healthy one. Must: replace the unhealthy one, data first."""
    steady.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=BASE, MinSize=8, MaxSize=8)
    assert steady.run_pass("idle")["counts"] == {"keep": 8}
    victim = in_order(steady)[2]
    control.faults(steady.weka, {"instances": {victim: {"seconds": 3 * 3600}}})
    steady.weka.events.clear()
    steady.ticker.seconds += 60
    results = reach(steady, 8)
    assert [result["failed"] for result in results] == [None] * len(results)
    group = steady.group()
    assert (group.min_size, group.desired_capacity, group.max_size) == (8, 8, 8)
    assert set(steady.ids) - running(steady) == {victim}
    assert not [n for n in steady.wire.names() if "UpdateAutoScalingGroup" in n or "SetDesiredCapacity" in n]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lease": {"owner": "mixed"}}, "no number fence"),
        ({"lease": None}, "no lease"),
        ({"execution": ""}, "no execution"),
        ({"desired": "6"}, "no number desired"),
    ],
)
def test_f49_scale_refuses_what_an_older_fetch_does_not_say(surplus, change, words):
    """Must not: act without a lease that it can prove. Must: refuse with the name of what is missing."""
    event = {**surplus.fetch("mixed"), **change}
    with pytest.raises(EventInvalid, match=words):
        surplus.scale(event)
    assert_untouched(surplus)
    surplus.transient("mixed", {})
    reach(surplus, 6)


def test_f49_terminate_works_with_the_answer_of_an_older_scale(drained):
    """Must not: trust the older task's word. Must: prove both again by itself, and end them without `source`."""
    event = drained.scale(drained.fetch("mixed"))
    for name in ("source", "counts", "gate"):
        event.pop(name)
    assert drained.terminate(event)["counts"]["terminated"] == 2
    reach(drained, 6)


@pytest.mark.parametrize(
    "ids", [None, "i-1", [{"InstanceId": "i-1"}], ["i-1"] * 501], ids=["none", "a text", "objects", "too many"]
)
def test_f49_terminate_refuses_ids_in_another_shape(drained, ids):
    """Must not: end anything. Must: refuse the input, and end the proven ones in the next pass."""
    event = {**drained.scale(drained.fetch("mixed")), "terminate": ids}
    with pytest.raises(EventInvalid, match="no list terminate"):
        drained.terminate(event)
    assert_none_ended(drained)
    drained.transient("mixed", {})
    reach(drained, 6)


@pytest.mark.parametrize("change", [{"later": 1}, {"confirmed": True}], ids=["of a later one", "of an earlier one"])
def test_f49_a_journal_of_another_release_is_not_guessed_at(drained, change):
    """Must not: forget or misread what was removed. Must: refuse with the item's name, change nothing, go on with ours."""
    event = drained.scale(drained.fetch("ours"))
    item = drained.item("journal")
    document = json.loads(item["Document"]["S"])
    for removal in document["removed"].values():
        removal.update(change)
    drained.put("journal", Fence=item["Fence"], Document={"S": json.dumps(document)})
    with pytest.raises(SettingsInvalid, match="journal"):
        drained.terminate(event)
    assert_none_ended(drained)
    drained.put("journal", Fence=item["Fence"], Document=item["Document"])
    drained.transient("ours", {})
    reach(drained, 6)


@pytest.mark.parametrize(
    "change", [{"schema": 2}, {"policy": {"paused": True}}, {"policy": {"of_a_later_release": 1}}], ids=str
)
def test_f49_settings_of_another_release_stop_the_pass(surplus, change):
    """Must not: work with limits that it does not understand. Must: say so, and go on with its own."""
    surplus.settings(**change)
    result = surplus.run_pass("settings")
    assert "schema" in result["failed"] or "unknown names" in result["failed"]
    assert_untouched(surplus)
    surplus.settings()
    reach(surplus, 6)


def test_f50_unknown_fields_everywhere_change_nothing(surplus):
    """Must not: fail on a field that it never needed. Must: work as ever."""
    more = {"of_a_newer_weka": {"deep": [1, None]}}
    surplus.weka.faults.add("status", {"merge": more})
    surplus.weka.faults.add("*_list", {"merge": {"*": more}})
    results = reach(surplus, 6)
    assert [result["failed"] for result in results] == [None] * len(results)


@pytest.mark.parametrize("what", ["a container's state", "a drive's status"])
def test_f50_a_machine_in_an_unknown_state_is_left_alone_and_told(surplus, what):
    """Must not: drain, remove or end it. Must: say that its state is not known, and let others go."""
    victim = in_order(surplus)[0]
    machine = surplus.weka.machines[victim]
    drives = next(c for c in surplus.weka.containers_of(machine) if c.role == "DRIVES")
    if what == "a container's state":
        control.faults(surplus.weka, {"containers": {f"HostId<{drives.host_id}>": {"state": "QUIESCING"}}})
    else:
        control.faults(surplus.weka, {"drives": {surplus.weka.drives_of([drives.host_id])[0].uuid: "SANITIZING"}})
    result = surplus.run_pass("unknown")
    assert victim in result["failed"] and "not known here" in result["failed"]
    assert "remove" not in result["counts"]
    for number in range(5):
        surplus.ticker.seconds += 60
        surplus.run_pass(f"unknown-{number}")
    assert surplus.ec2_state(victim) == "running" and victim in surplus.in_cluster()
    assert all(d.should_be_active for d in surplus.weka.drives_of([drives.host_id]))


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ({"status": "RECONCILING"}, "RECONCILING"),
        ({"io_status": "WARMING"}, "WARMING"),
        ({"upgrade": None, "upgrade_info": None}, "does not say whether an upgrade runs"),
        ({"rebuild": None}, ""),
        ({"hot_spare": None}, "S2 floor"),
        ({"capacity": None}, "S3 fits"),
    ],
    ids=str,
)
def test_f50_a_status_in_words_that_are_not_known_closes_the_gates(surplus, patch, words):
    """Must not: take what is unknown for right. Must: change nothing, say what it is, and go on when it is known."""
    surplus.weka.faults.add("status", {"merge": patch})
    result = surplus.run_pass("newer")
    assert "drain" not in result["counts"]
    assert words in (result["failed"] or "")
    assert_untouched(surplus)
    surplus.weka.faults.clear()
    reach(surplus, 6)


def test_f50_an_unknown_mode_or_a_missing_word_is_refused_as_a_whole(drained):
    """Must not: leave out an entry that it does not understand. Must: refuse the answer and end nothing."""
    event = drained.scale(drained.fetch("newer"))
    drained.weka.faults.add("hosts_list", {"merge": {"*": {"mode": "hybrid"}}})
    with pytest.raises(ClusterAnswerUnknown, match="hybrid"):
        drained.terminate(event)
    assert_none_ended(drained)
    assert len(leaving(drained)) <= 2
