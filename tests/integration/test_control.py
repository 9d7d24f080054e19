"""What people order and ask, obeyed by real passes: pause, resume, hold, release, policy, status, and destroy's rest.

The tests are one story of one cluster, told in order.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from local_cloud.client import Cloud, start
from local_cloud.stack import create_stack
from tests.integration.conftest import Done, Playbooks
from tests.integration.interrupting import killed_at
from tests.integration.looking import actions, backends, members

NAME = "people"
GROUP = f"stateful-{NAME}"
SIZE = 8


class People:
    """A person at work on one imported cluster."""

    def __init__(self, playbooks: Playbooks, cloud: Cloud) -> None:
        self.playbooks, self.cloud = playbooks, cloud

    def __call__(self, playbook: str, *arguments: str, **variables: Any) -> Done:
        """Run a playbook for the cluster."""
        return self.playbooks(playbook, *arguments, cluster=NAME, **variables)

    def status(self, **variables: Any) -> str:
        """What status.yml prints."""
        done = self("status", **variables)
        return "\n".join(next(each["msg"] for each in done.results() if each["task"] == "Tell how it stands"))

    def scale(self, desired: int) -> None:
        """Set the group's desired capacity."""
        self.cloud.client("autoscaling").set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=desired)

    def a_pass(self) -> str:
        """Let one pass run; return how it ended."""
        (ended,) = self.cloud.control("schedule/tick", method="POST")
        return str(ended["status"])

    def leaving(self) -> set[str]:
        """Instances of which WEKA says that a container or a drive is on its way out, or gone."""
        state = self.cloud.control(f"weka/{NAME}")
        hosts = {key: host for key, host in state["hosts"].items() if host["mode"] == "backend"}
        out = {host["aws"]["instance_id"] for host in hosts.values() if host["state"] != "ACTIVE"}
        drives = [drive for drive in state["drives"].values() if drive["host_id"] in hosts]
        return out | {hosts[d["host_id"]]["aws"]["instance_id"] for d in drives if d["status"] == "PHASING_OUT"}

    def document(self, key: str) -> dict[str, Any]:
        """A document of the cluster's table."""
        found = self.cloud.client("dynamodb").get_item(TableName=GROUP, Key={"Key": {"S": key}})
        return dict(json.loads(found["Item"]["Document"]["S"]))


@pytest.fixture(scope="module")
def people() -> Iterator[People]:
    """The cluster of the story, imported with limits that let no machine go."""
    with start(stack=None) as cloud:
        create_stack(cloud.url, NAME, backends=SIZE, clients=0)
        cloud.control(f"weka/{NAME}/set", {"phase_out_s": 0.2, "hot_spare": 0})
        someone = People(Playbooks(cloud), cloud)
        someone("import", scaling_policy={"min_members": SIZE, "max_leaving": 1})
        yield someone


def test_what_holds_machines_back_is_told_and_fails_a_monitor(people: People) -> None:
    people.scale(SIZE - 1)
    assert (people.a_pass(), people.leaving()) == ("FAILED", set())
    done = people.playbooks("status", ok=False, cluster=NAME, fail_on_error=True)
    assert done.status != 0 and "is held back by S2 floor: " in done.output
    assert "did not go well" in done.failure() and "(S2 floor)" in done.failure()


def test_policy_merges_over_what_is_recorded_and_writes_nothing_else(people: People) -> None:
    before = people.document("settings")
    limits = {"min_members": None, "max_removals_per_pass": 1}
    done, written = people.playbooks.writes(lambda: people("policy", scaling_policy=limits))
    assert written == ["dynamodb:PutItem"]
    assert people.document("settings") == {**before, "policy": {"max_leaving": 1, "max_removals_per_pass": 1}}
    for line in ("min_members                5", "max_leaving                1   (set)"):
        assert line in done.output


def test_limits_that_cannot_be_are_refused_before_anything_is_written(people: People) -> None:
    refused, written = people.playbooks.writes(
        lambda: people.playbooks("policy", ok=False, cluster=NAME, scaling_policy={"paused": True})
    )
    assert (refused.status != 0, written) == (True, []) and "unknown names: paused" in refused.failure()


def test_a_paused_cluster_is_not_changed(people: People) -> None:
    assert people("pause", reason="new switches").changed == 1
    assert (people.a_pass(), people.leaving()) == ("SUCCEEDED", set())
    told = people.status()
    assert f"Cluster {NAME}: paused" in told and ": new switches" in told
    assert "scaling is paused: new switches" in told and "May leave:   none" in told


def test_held_machines_stay_and_another_leaves_in_their_place(people: People) -> None:
    ids = backends(people.cloud, NAME)
    assert actions(people("hold", instance_ids=ids, reason="all of them")) == ["ec2:CreateTags"]
    people("resume")
    assert (people.a_pass(), people.leaving()) == ("SUCCEEDED", set())
    assert actions(people("release", instance_ids=f"[{ids[-1]}]")) == ["ec2:DeleteTags"]
    people.a_pass()
    assert people.leaving() == {ids[-1]}
    deadline = time.monotonic() + 30
    while len(members(people.cloud, NAME)) == SIZE and time.monotonic() < deadline:
        people.a_pass()
    assert set(members(people.cloud, NAME)) == set(ids[:-1])


def test_s15_destroy_deletes_nothing_while_a_pass_runs(people: People) -> None:
    """The destroy is killed when it begins to delete the API, and leaves the cluster paused and without a schedule."""
    cloud, states = people.cloud, people.cloud.client("stepfunctions")
    (machine,) = [each for each in states.list_state_machines()["stateMachines"] if each["name"] == GROUP]
    cloud.control(f"weka/{NAME}/faults", {"methods": {"status": {"hang_s": 4, "times": 1}}})
    execution = states.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    cloud.control("calls/reset", method="POST")
    killed = partial(killed_at, people.playbooks, "destroy", 1, "before", ("apigateway:DeleteRestApi",))
    with ThreadPoolExecutor() as pool:
        destroy = pool.submit(killed, cluster=NAME, confirm=NAME)
        written: list[str] = []
        while (ended := states.describe_execution(executionArn=execution)["status"]) == "RUNNING":
            written = cloud.control("calls")["write_names"]
            time.sleep(0.1)
        assert destroy.result()
    assert ended == "SUCCEEDED" and not [name for name in written if ":Delete" in name]
    assert people.document("control")["paused"]["reason"] == "destroy.yml"


def test_an_import_after_that_resumes_and_keeps_the_size_of_the_first(people: People) -> None:
    people("import")
    assert people.a_pass() == "SUCCEEDED"
    told = people.status(fail_on_error=True)
    assert f"Cluster {NAME}: scaled" in told and "Schedule:    enabled" in told and "Paused:" not in told
    assert f"Members:     {SIZE - 1}, desired {SIZE - 1} (0 to {7 * SIZE}, {SIZE} at import)" in told
    assert "is held: all of them" in told
