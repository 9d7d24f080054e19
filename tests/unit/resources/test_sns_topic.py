"""stateful.aws.sns_topic on the wire."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError

from tests.unit.harness import Runner


def policy(name: str, account: str = "123456789012") -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": f"arn:aws:sns:us-east-1:123456789012:{name}",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_a_topic_goes_through_its_whole_life(runner: Runner) -> None:
    runner.check_lifecycle(
        "sns_topic",
        {
            "cluster": "sns-life",
            "name": "sns-life",
            "component": "alarms",
            "policy": policy("sns-life"),
            "tags": {"a": "1"},
        },
        [
            {"policy": policy("sns-life", "210987654321")},
            {"kms_key_id": "alias/mine"},
            {"kms_key_id": ""},
            {"tags": {"b": "2"}},
            {"tags": {"c": "3"}, "purge_tags": False},
        ],
    )


def test_what_is_not_given_stays(runner: Runner) -> None:
    made = runner("sns_topic", cluster="sns-stay", name="sns-stay", policy=policy("sns-stay"))
    again = runner("sns_topic", cluster="sns-stay", name="sns-stay")
    assert (again["actions"], again["sns_topic"]["policy"]) == ([], made["sns_topic"]["policy"])


def test_a_foreign_topic_is_refused(runner: Runner) -> None:
    runner.client("sns").create_topic(Name="sns-theirs")
    runner.check_refused("sns_topic", {"cluster": "theirs", "name": "sns-theirs"}, "not ours", "sns-theirs")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"name": "a b"}, "letters, digits"), ({"kms_key_id": "alias/aws/sns"}, "cannot admit CloudWatch")],
)
def test_what_cannot_work_fails_before_the_first_call(runner: Runner, wrong: dict[str, Any], words: str) -> None:
    runner.cloud.control("calls/reset", method="POST")
    with pytest.raises(ResourceError, match=words):
        runner("sns_topic", **{"cluster": "sns-bad", "name": "sns-bad"} | wrong)
    assert runner.cloud.control("calls")["total"] == 0
