"""Whom the alarms tell, as it changes from one import to the next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from local_cloud.client import Cloud, start
from tests.integration.conftest import Done, Playbooks

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:stateful-alone"
IDENTITY = {"partition": "aws", "region": "us-east-1", "account_id": "123456789012"}
ROLE = {
    "hosts": "localhost",
    "connection": "local",
    "gather_facts": False,
    "module_defaults": {"group/stateful.aws.aws": {"cluster": "{{ cluster }}"}},
    "tasks": [{"ansible.builtin.include_role": {"name": "stateful.aws.alarms", "tasks_from": "present"}}],
}


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """A local cloud with an empty account."""
    with start(stack=None) as running:
        yield running


@pytest.fixture
def alarms(cloud: Cloud, tmp_path: Path) -> partial[Done]:
    """The role alone."""
    (tmp_path / "alarms.yml").write_text(json.dumps([ROLE]))
    settings = {"cluster": "alone", "alarms_identity": IDENTITY, "alarms_state_machine_arn": MACHINE}
    return partial(Playbooks(cloud), str(tmp_path / "alarms"), **settings)


def told(cloud: Cloud) -> list[list[str]]:
    """The actions of each alarm, when it rings and when it is quiet again."""
    found: list[dict[str, Any]] = cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert len(found) == 3
    return [each[kind] for each in found for kind in ("AlarmActions", "OKActions")]


def topics(cloud: Cloud) -> set[str]:
    """The names of the account's topics."""
    return {each["TopicArn"].rsplit(":", 1)[1] for each in cloud.client("sns").list_topics()["Topics"]}


@pytest.mark.long
def test_ours_then_theirs_then_nobody(alarms: partial[Done], cloud: Cloud) -> None:
    theirs = cloud.client("sns").create_topic(Name="on-call")["TopicArn"]
    alarms(alarms_topic=True)
    ours = theirs.replace("on-call", "stateful-alone")
    assert told(cloud) == [[ours]] * 6 and topics(cloud) == {"on-call", "stateful-alone"}
    assert alarms(alarms_topic_arn=ours).changed == 0 and topics(cloud) == {"on-call", "stateful-alone"}
    alarms(alarms_topic_arn=theirs)
    assert told(cloud) == [[theirs]] * 6 and topics(cloud) == {"on-call"}
    assert alarms().changed == 0 and told(cloud) == [[theirs]] * 6
    alarms(alarms_topic=False)
    assert told(cloud) == [[]] * 6 and topics(cloud) == {"on-call"}
