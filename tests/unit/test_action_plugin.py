"""The action plugin as a user meets it: one playbook of many tasks, run by ansible-playbook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_cloud.client import Cloud
from tests.unit.refusing import refusing_with

PASSWORD = "correct-horse-battery"
UNAVAILABLE = "(traceback unavailable)"
TRACEBACK = "Traceback (most recent call last)"
PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/stateful.aws.aws:
      cluster: plugin
      region: eu-west-1
  tasks:
    - name: defaults
      stateful.aws.logs_group: {name: /plugin/first, retention: 1}
    - name: again
      stateful.aws.logs_group: {name: /plugin/first, retention: 1}
    - name: check
      stateful.aws.logs_group: {name: /plugin/first, retention: 3}
      check_mode: true
    - name: diff
      stateful.aws.logs_group: {name: /plugin/first, retention: 5}
      diff: true
    - name: environment
      stateful.aws.dynamodb_table: {name: plugin-environment, region: "{{ omit }}", cluster: elsewhere}
      environment: {AWS_REGION: ap-south-1}
      check_mode: true
    - name: other credentials
      stateful.aws.logs_group: {name: /plugin/first}
      environment: {AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "", AWS_EC2_METADATA_DISABLED: "true"}
      ignore_errors: true
    - name: credentials are back
      stateful.aws.logs_group: {name: /plugin/first}
    - name: loop
      stateful.aws.logs_group: {name: "/plugin/{{ item }}"}
      loop: [a, b]
      register: looped
    - name: registered
      ansible.builtin.debug: {msg: "{{ looped.results | map(attribute='logs_group.name') }}"}
    - name: omitted
      stateful.aws.logs_group: {name: /plugin/first, retention: "{{ omit }}", kms_key_id: "{{ nothing | default(omit) }}"}
    - name: list
      stateful.aws.resources:
        resources:
          - logs_group: {name: /plugin/a, retention: "{{ omit }}"}
          - stateful.aws.logs_group: {name: /plugin/c}
    - name: delegated
      stateful.aws.logs_group: {name: /plugin/first, retention: 5}
      delegate_to: localhost
    - name: asynchronous
      stateful.aws.logs_group: {name: /plugin/first, retention: 5}
      async: 60
      poll: 1
    - name: censored
      stateful.aws.logs_group: {name: /plugin/first}
      no_log: true
    - name: unknown option
      stateful.aws.logs_group: {name: /plugin/first, colour: red}
      ignore_errors: true
    - name: refused by AWS
      stateful.aws.logs_group: {name: /plugin/first, endpoint_url: "{{ lookup('env', 'PLUGIN_REFUSING') }}"}
      ignore_errors: true
    - name: failing list
      stateful.aws.resources:
        resources:
          - logs_group: {name: /plugin/d}
          - autoscaling_group: {name: plugin}
      ignore_errors: true
    - name: key
      stateful.aws.kms_key: {alias: plugin}
      register: made
    - name: table
      stateful.aws.dynamodb_table: {name: plugin}
    - name: secret
      stateful.aws.cluster_record: &record
        table: plugin
        kms_key_arn: "{{ made.kms_key.key_arn }}"
        username: admin
        password: "{{ lookup('env', 'PLUGIN_PASSWORD') }}"
    - name: delegated secret
      stateful.aws.cluster_record: *record
      delegate_to: localhost
    - name: secret in a list
      stateful.aws.resources:
        resources: [{cluster_record: *record}]
    - name: wrong secret
      stateful.aws.cluster_record: {table: plugin, password: "{{ lookup('env', 'PLUGIN_PASSWORD') }}", colour: red}
      ignore_errors: true
    - name: information
      stateful.aws.owned_resources_info: {}
"""


class Run:
    """A finished run of the playbook: its output and each task's result by the task's name."""

    def __init__(self, output: str) -> None:
        self.output = output
        document = json.JSONDecoder().raw_decode(output[output.index("{\n") :])[0]
        tasks = document["plays"][0]["tasks"]
        self.results: dict[str, Any] = {task["task"]["name"]: task["hosts"]["localhost"] for task in tasks}

    def __getitem__(self, name: str) -> dict[str, Any]:
        return dict(self.results[name])


def playbook(cloud: Cloud, folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    file = folder / "playbook.yml"
    file.write_text(PLAYBOOK)
    quiet = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "false", "PLUGIN_PASSWORD": PASSWORD}
    # Ansible writes and looks up a job in different places when HOME is not the account's own.
    own = {"ANSIBLE_ASYNC_DIR": str(folder / "async")}
    return subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), str(file), *arguments],
        env={**os.environ, **cloud.env, **quiet, "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false", **own, **environment},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


@pytest.fixture(scope="module")
def ran(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The playbook's run as data."""
    with refusing_with("DeniedException") as refusing:
        done = playbook(
            cloud,
            tmp_path_factory.mktemp("run"),
            "-vvv",
            ANSIBLE_STDOUT_CALLBACK="ansible.posix.json",
            PLUGIN_REFUSING=refusing,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        yield Run(done.stdout + done.stderr)


def test_module_defaults_of_the_group_hold(ran: Run) -> None:
    group = ran["defaults"]["logs_group"]
    assert group["tags"]["stateful:cluster"] == "plugin"
    assert group["log_group_arn"].split(":")[3] == "eu-west-1"
    assert ran["defaults"]["changed"] and ran["defaults"]["api_calls"] > 2
    assert not ran["again"]["changed"] and ran["again"]["actions"] == []


def test_tasks_run_inside_ansibles_worker(ran: Run) -> None:
    """An ordinary module shows its invocation and leaves an interpreter to start; the worker's own task does not."""
    assert "invocation" in ran["delegated"] and "invocation" not in ran["again"]
    started = [line for line in ran.output.splitlines() if "AnsiballZ_" in line]
    assert any("AnsiballZ_logs_group" in line for line in started)
    assert not any("AnsiballZ_kms_key" in line or "AnsiballZ_dynamodb_table" in line for line in started)


def test_check_mode_changes_nothing(ran: Run) -> None:
    assert ran["check"]["changed"] and ran["check"]["logs_group"]["retention"] == 3
    assert ran["diff"]["diff"]["before"] == {"retention": 1}


def test_the_diff_has_both_sides(ran: Run) -> None:
    assert ran["diff"]["diff"] == {
        "before": {"retention": 1},
        "after": {"retention": 5},
        "before_header": "Log group /plugin/first",
        "after_header": "Log group /plugin/first",
    }


def test_the_tasks_environment_says_where_and_who(ran: Run) -> None:
    table = ran["environment"]["dynamodb_table"]
    assert table["tags"]["stateful:cluster"] == "elsewhere"
    assert table["table_arn"].split(":")[3] == "ap-south-1"
    assert ran["other credentials"]["failed"] and "credentials" in ran["other credentials"]["msg"]
    assert not ran["credentials are back"].get("failed")


def test_loops_and_registered_results(ran: Run) -> None:
    assert [each["changed"] for each in ran["loop"]["results"]] == [True, True]
    assert ran["registered"]["msg"] == ["/plugin/a", "/plugin/b"]


def test_what_is_omitted_is_not_given(ran: Run) -> None:
    assert not ran["omitted"]["changed"] and ran["omitted"]["logs_group"]["retention"] == 5
    assert [each["changed"] for each in ran["list"]["results"]] == [False, True]
    assert ran["list"]["results"][1]["logs_group"]["tags"]["stateful:cluster"] == "plugin"


@pytest.mark.parametrize("task", ["delegated", "asynchronous"])
def test_delegated_and_asynchronous_tasks_give_the_same_result(ran: Run, task: str) -> None:
    same = ("changed", "actions", "logs_group", "diff", "api_calls")
    assert {key: ran[task].get(key) for key in same} == {key: ran["omitted"].get(key) for key in same}


def test_no_log_hides_the_result(ran: Run) -> None:
    assert "logs_group" not in ran["censored"] and "no_log" in ran["censored"]["censored"]


def test_an_unknown_option_is_refused(ran: Run) -> None:
    assert ran["unknown option"]["failed"]
    assert ran["unknown option"]["msg"].startswith("logs_group: unknown options: colour.")


def test_failures_are_sentences_without_a_traceback(ran: Run) -> None:
    refused = ran["refused by AWS"]
    assert refused["failed"] and refused["msg"].startswith(
        "Reading Log group /plugin/first failed. AWS said DeniedException: Refu"
    )
    assert refused["actions"] == [] and not refused["changed"]
    assert ran["failing list"]["msg"].startswith("1 of 2 resources failed. Auto Scaling group plugin does not exist")
    assert [each["changed"] for each in ran["failing list"]["results"]] == [True, False]
    assert TRACEBACK not in ran.output
    shown = {result.get("exception", UNAVAILABLE) for result in ran.results.values()}
    assert shown == {UNAVAILABLE}


def test_secrets_are_not_shown_at_any_verbosity(ran: Run) -> None:
    assert ran["secret"]["changed"] and not ran["delegated secret"]["changed"]
    assert ran["secret"]["diff"]["after"]["credentials"] == "(not shown)"
    assert not ran["secret in a list"]["changed"]
    assert "unknown options: colour" in ran["wrong secret"]["msg"]
    assert PASSWORD not in ran.output


def test_reading_modules_work_too(ran: Run) -> None:
    owned = ran["information"]
    assert not owned["changed"] and {each["type"] for each in owned["owned"]} == {"kms_key", "dynamodb_table"}


def test_every_task_of_the_playbook_is_looked_at(ran: Run) -> None:
    assert set(ran.results) == {task["name"] for task in yaml.safe_load(PLAYBOOK)[0]["tasks"]}
