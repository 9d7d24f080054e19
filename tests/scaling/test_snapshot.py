"""WEKA's answers as the core sees them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from adapters.weka.lean import lean_answer
from adapters.weka.snapshot import FIELDS, NODE_FIELDS, at_least, cluster_view, gates, needs_processes, ports_of
from errors import ClusterAnswerUnknown

from local_cloud.weka import status as weka_status
from local_cloud.weka import views
from local_cloud.weka.model import MachineSpec
from local_cloud.weka.registry import Registry


@pytest.fixture(scope="module")
def original() -> dict[str, Any]:
    registry = Registry(listen=False)
    specs = [MachineSpec(f"i-{n:017x}", f"10.0.0.{n + 1}") for n in range(6)]
    clients = [MachineSpec("i-00000000000000099", "10.0.0.99")]
    weka = registry.form("demo", specs, password="x", clients=clients)
    return {
        "source": "10.0.0.1",
        "status": weka_status.status(weka),
        "hosts": views.hosts(weka),
        "nodes": views.nodes(weka),
        "disks": views.drives(weka),
        "overrides": {},
    }


@pytest.fixture
def answers(original):
    return copy.deepcopy(original)


def first(entries):
    return entries[next(iter(entries))]


def test_containers_of_one_machine_come_together_and_clients_stay_apart(answers):
    view = cluster_view(**answers)
    assert len(view.machines) == 6
    assert {tuple(c.name for c in m.containers) for m in view.machines} == {("drives0", "compute0", "frontend0")}
    assert all(m.sound and m.known and len(m.drives) == 2 for m in view.machines)
    assert [client.address for client in view.clients] == ["10.0.0.99"]
    assert view.clients[0].stateless
    assert view.gates.io_status == "STARTED"
    assert view.gates.upgrading is False
    assert view.gates.fully_protected is True


def test_an_address_used_by_two_machines_gives_two_machines(answers):
    one = first(answers["hosts"])
    one["machine_identifier"] = "another"
    assert len([m for m in cluster_view(**answers).machines if m.address == one["host_ip"]]) == 2


def test_without_cloud_data_the_instance_is_unknown_and_not_guessed(answers):
    for host in answers["hosts"].values():
        host["aws"] = host["cloud"] = None
    assert {m.instance_id for m in cluster_view(**answers).machines} == {None}


def test_a_down_containers_time_is_its_last_fencing_else_its_state_change(answers):
    host_id, host = next(iter(answers["hosts"].items()))
    node = next(n for key, n in answers["nodes"].items() if n["host_id"] == host_id and n["slot"] == 0)
    host.update(status="DOWN", state_changed_time="2025-04-09T11:54:25.9790869Z")
    node.update(status="DOWN", last_fencing_time=None)

    def seen():
        return next(c for m in cluster_view(**answers).machines for c in m.containers if c.status == "DOWN")

    assert seen().down_since.isoformat().startswith("2025-04-09T11:54:25")
    assert seen().management_down is True
    node["last_fencing_time"] = "2025-01-01T00:00:00Z"
    assert seen().down_since.year == 2025
    assert seen().down_since.month == 1
    node["last_fencing_time"] = host["state_changed_time"] = None
    assert seen().down_since is None


def test_drives_without_a_container_are_told_apart(answers):
    disk = first(answers["disks"])
    disk.update(host_id="HostId<INVALID>", status="INACTIVE")
    assert cluster_view(**answers).orphan_drives == (disk["uuid"],)


def test_nfs_ports_are_those_of_the_containers_in_question():
    groups = [{"name": "nfs", "ports": [{"host_id": "HostId<0>", "port": "a"}, {"host_id": "HostId<1>", "port": "b"}]}]
    assert ports_of(groups, {1, 2}) == [("nfs", "HostId<1>", "b")]
    for odd in ({}, [{"ports": {}}], [{"ports": [{"host_id": 1}]}]):
        with pytest.raises(ClusterAnswerUnknown):
            ports_of(odd, {1})


def test_an_override_is_seen_even_when_it_is_not_enabled(answers):
    answers["overrides"] = {"ManualOverrideId<0>": {"key": "skip_scale_down", "enabled": False}}
    assert cluster_view(**answers).gates.overrides == ("skip_scale_down",)


@pytest.mark.parametrize(
    ("status", "upgrading"),
    [
        ({"upgrade": ""}, False),
        ({"upgrade": "running"}, True),
        ({"upgrade_info": {"upgrade_phase": ""}}, False),
        ({"upgrade_info": {"upgrade_phase": "drives"}}, True),
        ({"upgrade": "", "upgrade_info": {"upgrade_phase": "drives"}}, True),
        ({}, None),
    ],
)
def test_both_ways_in_which_an_upgrade_shows_and_neither_is_unknown(status, upgrading):
    assert gates(status, {}, frozenset()).upgrading is upgrading


def test_missing_rebuild_data_is_unknown_and_never_calm():
    seen = gates({"rebuild": {}}, {}, frozenset())
    assert seen.moving_data is None
    assert seen.fully_protected is None
    assert gates({}, {}, frozenset()).moving_data is None


SPOILED = {
    "no hosts": lambda a: a.update(hosts={}),
    "half of the hosts": lambda a: a.update(hosts=dict(list(a["hosts"].items())[:9])),
    "hosts as a list": lambda a: a.update(hosts=list(a["hosts"].values())),
    "a host without a state": lambda a: first(a["hosts"]).pop("state"),
    "a host without a status": lambda a: first(a["hosts"]).update(status=None),
    "a host without an address": lambda a: first(a["hosts"]).update(host_ip=None, ips=[]),
    "a host of an unknown mode": lambda a: first(a["hosts"]).update(mode="gateway"),
    "an odd host id": lambda a: a["hosts"].update({"host-7": first(a["hosts"])}),
    "a time that is none": lambda a: first(a["hosts"]).update(added_time="yesterday"),
    "a drive of an unknown host": lambda a: first(a["disks"]).update(host_id="HostId<999>"),
    "a drive that does not say what it should be": lambda a: first(a["disks"]).pop("should_be_active"),
    "a drive without a uuid": lambda a: first(a["disks"]).pop("uuid"),
    "a null entry": lambda a: a["hosts"].update({"HostId<0>": None}),
    "no guid": lambda a: a["status"].pop("guid"),
    "a host that status does not count": lambda a: a["status"]["containers"]["backends"].update(total=17),
    "fewer drives than status counts": lambda a: a["disks"].pop(next(iter(a["disks"]))),
    "no counts": lambda a: (a["status"].pop("hosts"), a["status"].pop("containers")),
    "status as text": lambda a: a.update(status="OK"),
    "overrides as a list": lambda a: a.update(overrides=[]),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_an_incomplete_or_unknown_answer_is_refused(answers, spoil):
    spoil(answers)
    with pytest.raises(ClusterAnswerUnknown):
        cluster_view(**answers)


def test_fields_of_a_newer_release_do_no_harm(answers):
    first(answers["hosts"])["something_new"] = {"a": 1}
    answers["status"]["something_new"] = True
    assert len(cluster_view(**answers).machines) == 6


def test_what_the_floor_and_the_dry_run_need_is_read(answers):
    answers["status"].update(hot_spare=1, time={"cluster_time": "2025-04-09T11:54:25.9790869Z"})
    view = cluster_view(**answers)
    assert view.source == "10.0.0.1"
    assert view.hot_spare == 1
    assert view.time.isoformat().startswith("2025-04-09T11:54:25")
    assert len({c.failure_domain for m in view.machines for c in m.containers}) == 6
    assert all(c.uid for m in view.machines for c in m.containers)
    assert sum(c.can_lead for m in view.machines for c in m.containers) == 18


def test_without_a_clock_or_a_spare_they_are_unknown(answers):
    answers["status"].pop("hot_spare")
    answers["status"].pop("time", None)
    view = cluster_view(**answers)
    assert view.hot_spare is None
    assert view.time is None


@pytest.mark.parametrize(
    ("change", "domain"),
    [
        ({"failure_domain": "DOM-001"}, "DOM-001"),
        ({"failure_domain": None, "failure_domain_type": "USER"}, None),
        ({"failure_domain": "", "failure_domain_type": "USER"}, None),
        ({"failure_domain": None, "failure_domain_type": "AUTO"}, "auto:10.0.0.1"),
    ],
)
def test_a_failure_domain_is_named_automatic_or_unknown(answers, change, domain):
    for host in answers["hosts"].values():
        if host["host_ip"] == "10.0.0.1":
            host.update(change)
    assert {c.failure_domain for c in cluster_view(**answers).machines[0].containers} == {domain}


@pytest.mark.parametrize("change", [{"status": "DOWN"}, {"state": "DEACTIVATING"}])
def test_only_an_active_container_that_is_up_can_lead(answers, change):
    first(answers["hosts"]).update(change)
    assert sum(c.can_lead for m in cluster_view(**answers).machines for c in m.containers) == 17


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_container_whose_management_is_down_or_not_listed_cannot_lead(answers, is_listed):
    key, node = next((key, n) for key, n in answers["nodes"].items() if n["slot"] == 0)
    node["status"] = "DOWN"
    if not is_listed:
        del answers["nodes"][key]
    assert sum(c.can_lead for m in cluster_view(**answers).machines for c in m.containers) == 17


@pytest.mark.parametrize(
    ("release", "later"),
    [("5.0.1", True), ("5.0.1.100-beta", True), ("5.1.27", True), ("5.0.0.9", False), ("4.4.2.157-k8s.2", False)],
)
def test_releases_are_compared_by_their_numbers(release, later):
    assert at_least(release, (5, 0, 1)) is later


@pytest.mark.parametrize("release", [None, "", "next"])
def test_an_odd_release_is_later_than_nothing(release):
    assert at_least(release, (0, 0, 0)) is False


def test_the_fields_that_are_kept_are_enough(answers):
    def lean(name, value):
        only = NODE_FIELDS if name == "nodes" else FIELDS
        return lean_answer([json.dumps({"result": value}).encode()], only)["result"]

    small = {name: value if name == "source" else lean(name, value) for name, value in answers.items()}
    assert small["hosts"] != answers["hosts"]
    assert cluster_view(**small) == cluster_view(**answers)


@pytest.mark.parametrize(
    ("change", "needed", "leaders"),
    [
        ({}, False, 18),
        ({"status": "DOWN"}, True, 17),
        ({"state": "HIBERNATING"}, True, 17),
        ({"state": "DEACTIVATING"}, False, 17),
        ({"state": "INACTIVE", "status": "DOWN"}, False, 17),
    ],
)
def test_processes_are_needed_only_of_a_container_that_is_not_up_and_does_not_leave(answers, change, needed, leaders):
    first(answers["hosts"]).update(change)
    assert needs_processes(answers["hosts"]) is needed
    answers["nodes"] = {}
    assert sum(c.can_lead for m in cluster_view(**answers).machines for c in m.containers) == leaders
