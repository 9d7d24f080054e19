"""The simulated cluster inside the local cloud: it follows a WEKA stack's instances and is steered over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import requests

from local_cloud import stack
from local_cloud.client import Cloud, start


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """A cloud with WEKA's stack."""
    with start(stack="demo", mode="stepped") as running:
        yield running


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in 10 seconds"
        time.sleep(0.05)


def test_the_stacks_instances_are_the_cluster(cloud: Cloud) -> None:
    state = cloud.control("weka/demo")
    of_stack = [{"Name": "tag:aws:cloudformation:stack-name", "Values": ["demo"]}]
    found = {
        instance["InstanceId"]: (instance["PrivateIpAddress"], instance["Placement"]["AvailabilityZone"])
        for reservation in cloud.client("ec2").describe_instances(Filters=of_stack)["Reservations"]
        for instance in reservation["Instances"]
    }
    told = {h["aws"]["instance_id"]: (h["host_ip"], h["aws"]["availability_zone"]) for h in state["hosts"].values()}
    assert told == found and len(found) == 8
    assert state["status"]["hosts"]["backends"] == {"active": 18, "total": 18}
    assert state["status"]["hosts"]["clients"] == {"active": 2, "total": 2}
    assert state["status"]["drives"] == {"active": 12, "total": 12}


def test_a_backend_answers_the_stacks_user_on_its_own_address(cloud: Cloud) -> None:
    address = cloud.control("weka/demo")["hosts"]["HostId<0>"]["host_ip"]
    with requests.Session() as session:
        session.trust_env = False
        login = {"username": "admin", "password": "WEKA-demo-1"}
        answer = session.post(f"http://{address}:14000/api/v2/login", json=login, timeout=5)
    assert answer.json()["data"]["access_token"]


def test_settings_and_faults_come_over_http_and_wrong_ones_are_refused(cloud: Cloud) -> None:
    cloud.control("weka/demo/set", {"phase_out_s": 7})
    assert cloud.control("weka/demo")["timing"]["phase_out_s"] == 7
    cloud.control("weka/demo/faults", {"methods": {"hosts_list": {"empty": True}}})
    assert cloud.control("weka/demo")["faults"][0]["method"] == "hosts_list"
    cloud.control("weka/demo/faults", {"clear": True})
    assert cloud.control("weka/demo")["faults"] == []
    for path, body, status in (
        ("weka/demo/set", {"phase": 7}, 400),
        ("weka/demo/faults", {"instances": {"i-none": "down"}}, 400),
        ("weka/none/set", {"phase_out_s": 7}, 404),
        ("weka/demo/agent/i-none/ready", {}, 404),
    ):
        answer = requests.post(f"{cloud.url}/_local/{path}", json=body, timeout=5)
        assert answer.status_code == status and answer.json()["error"], path


def test_an_instances_commands_need_the_clusters_user(cloud: Cloud) -> None:
    instance = cloud.control("weka/demo")["hosts"]["HostId<0>"]["aws"]["instance_id"]
    url = f"{cloud.url}/_local/weka/demo/agent/{instance}/ready"
    refused = requests.post(url, json={"username": "admin", "password": "wrong"}, timeout=5)
    assert (refused.status_code, refused.json()) == (401, {"error": "Unauthorized"})
    right = requests.post(url, json={"username": "admin", "password": "WEKA-demo-1"}, timeout=5)
    assert right.json() == {"is_ready": True}


def test_a_backend_that_the_stack_gets_later_is_set_up_too(cloud: Cloud) -> None:
    stack.update_stack(cloud.url, "demo", backends=7)
    until(lambda: cloud.control("weka/demo")["status"]["drives"] == {"active": 14, "total": 14})
    assert cloud.control("weka/demo")["status"]["hosts"]["backends"] == {"active": 21, "total": 21}


def test_a_dead_instance_takes_its_containers_down(cloud: Cloud) -> None:
    state = cloud.control("weka/demo")
    instance = state["hosts"]["HostId<3>"]["aws"]["instance_id"]
    address = state["hosts"]["HostId<3>"]["host_ip"]
    cloud.control(f"instances/{instance}/die", {})
    until(lambda: not cloud.control("weka/demo")["machines"][instance]["up"])
    after = cloud.control("weka/demo")
    assert {h["status"] for h in after["hosts"].values() if h["host_ip"] == address} == {"DOWN"}
    assert any(event["type"] == "DrivesLostWithData" for event in after["events"])
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(f"http://{address}:14000/api/v2/healthcheck", timeout=5)
