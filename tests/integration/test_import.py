"""import.yml against the local cloud: what an imported cluster is like, and what a further run does to it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from local_cloud.account import fingerprint, leftovers
from local_cloud.client import Cloud
from local_cloud.stack import create_stack
from tests.integration.conftest import USER, Done, Playbooks
from tests.integration.looking import actions, backends, group, members, protected
from tests.policies import FUNCTIONS


@pytest.fixture(scope="module")
def demo(playbooks: Playbooks, cloud: Cloud) -> Iterator[Done]:
    """Cluster demo, imported; destroyed at the end."""
    yield playbooks("import", cluster="demo")
    playbooks("destroy", cluster="demo", confirm="demo")
    assert leftovers(cloud, "demo") == []


def test_import_puts_the_backends_behind_a_group(demo: Done, cloud: Cloud) -> None:
    found = members(cloud, "demo")
    assert sorted(found) == backends(cloud, "demo")
    assert {each["LifecycleState"] for each in found.values()} == {"InService"}
    assert all(each["ProtectedFromScaleIn"] for each in found.values())
    assert all(protected(cloud, name) for name in found)
    made = group(cloud, "demo")
    assert (made["MinSize"], made["DesiredCapacity"], made["MaxSize"]) == (0, 6, 42)
    assert "ReplaceUnhealthy" in [process["ProcessName"] for process in made["SuspendedProcesses"]]
    health = cloud.client("elbv2").describe_target_health(TargetGroupArn=made["TargetGroupARNs"][0])
    assert len(health["TargetHealthDescriptions"]) == 6


def test_import_ends_with_a_summary(demo: Done) -> None:
    for words in ("stateful-demo", "6 backends, up to 42", "mount -t wekafs", "elb.amazonaws.com"):
        assert words in demo.output


def test_no_secret_appears_anywhere(demo: Done, playbooks: Playbooks, cloud: Cloud) -> None:
    noisy = playbooks(
        "import", "-vvv", "--diff", cluster="demo", env={"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default"}, ok=False
    )
    assert noisy.status == 0
    assert USER["WEKA_PASSWORD"] not in noisy.output
    key = next(iter(cloud.client("apigateway").get_api_keys(includeValues=True)["items"]))["value"]
    assert key not in noisy.output
    items = cloud.client("dynamodb").scan(TableName="stateful-demo")["Items"]
    assert USER["WEKA_PASSWORD"] not in str(items)
    functions = cloud.client("lambda").list_functions()["Functions"]
    assert USER["WEKA_PASSWORD"] not in json.dumps(functions, default=str)


def test_a_second_import_changes_nothing_and_says_that_somebody_paused(demo: Done, playbooks: Playbooks) -> None:
    playbooks("pause", cluster="demo", reason="not now")
    again, written = playbooks.writes(lambda: playbooks("import", cluster="demo"))
    assert (again.changed, written) == (0, [])
    assert "Scaling is paused since" in again.output and "resume.yml: not now" in again.output
    assert playbooks("resume", cluster="demo").changed == 1


def test_a_pass_of_the_state_machine_succeeds(demo: Done, cloud: Cloud) -> None:
    passes = cloud.control("schedule/tick", method="POST")
    assert [each["status"] for each in passes] == ["SUCCEEDED"], passes


def test_an_import_under_other_settings_is_refused(demo: Done, playbooks: Playbooks) -> None:
    done, written = playbooks.writes(lambda: playbooks("import", ok=False, cluster="demo", private_subnet=True))
    assert done.status != 0
    assert written == []
    assert "already is imported under other settings: private_subnet" in done.failure()


def test_credentials_can_be_replaced_by_another_import(demo: Done, playbooks: Playbooks, cloud: Cloud) -> None:
    cloud.control("weka/demo/set", {"users": {"scaler": "Another-1"}})
    done = playbooks("import", cluster="demo", weka_username="scaler", weka_password="Another-1")
    assert actions(done) == ["kms:Encrypt", "dynamodb:PutItem"]
    assert playbooks("import", cluster="demo", weka_username="scaler", weka_password="Another-1").changed == 0
    playbooks("import", cluster="demo")


def test_destroy_asks_first(demo: Done, playbooks: Playbooks, cloud: Cloud) -> None:
    for answer in ({}, {"confirm": "other"}):
        done, written = playbooks.writes(lambda answer=answer: playbooks("destroy", ok=False, cluster="demo", **answer))
        assert done.status != 0
        assert written == []
        assert "Nothing was removed" in done.failure()


def test_destroy_in_check_mode_writes_nothing(demo: Done, playbooks: Playbooks) -> None:
    done, written = playbooks.writes(lambda: playbooks("destroy", "--check", "--diff", cluster="demo", confirm="demo"))
    assert written == []
    assert {"kms:ScheduleKeyDeletion", "dynamodb:DeleteTable", "autoscaling:DeleteAutoScalingGroup"} <= set(
        actions(done)
    )


def test_two_clusters_in_one_account_do_not_touch_each_other(demo: Done, playbooks: Playbooks, cloud: Cloud) -> None:
    create_stack(cloud.url, "demo-2", backends=5, clients=0)
    playbooks("import", cluster="demo-2")
    before = fingerprint(cloud, "demo")
    playbooks("destroy", cluster="demo-2", confirm="demo-2")
    assert fingerprint(cloud, "demo") == before


def test_what_is_not_given_stays_as_it_was_recorded(demo: Done, playbooks: Playbooks, cloud: Cloud) -> None:
    given = {"resource_tags": {"Team": "storage"}, "max_size": 30, "scaling_policy": {"max_leaving": 1}}
    playbooks("import", cluster="demo", memory_size=512, **given)
    again, written = playbooks.writes(lambda: playbooks("import", cluster="demo"))
    assert (again.changed, written) == (0, [])
    made = group(cloud, "demo")
    assert made["MaxSize"] == 30
    assert {"Team": "storage"}.items() <= {tag["Key"]: tag["Value"] for tag in made["Tags"]}.items()
    document = fingerprint(cloud, "demo")["table"]["settings"]
    assert json.loads(document)["policy"] == {"max_leaving": 1}
    functions = cloud.client("lambda").list_functions()["Functions"]
    sizes = {each["FunctionName"]: each["MemorySize"] for each in functions}
    assert sizes == dict.fromkeys((f"stateful-demo-{name}" for name in FUNCTIONS), 512)
