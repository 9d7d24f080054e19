"""stateful.aws.kms_key on the wire."""

from __future__ import annotations

import json

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError

from tests.unit.harness import Runner

POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*", "Resource": "*"}
    ],
}


def test_a_key_goes_through_its_whole_life(runner: Runner) -> None:
    narrower = {**POLICY, "Statement": [{**POLICY["Statement"][0], "Sid": "root"}]}
    runner.check_lifecycle(
        "kms_key",
        {"cluster": "life", "component": "credentials", "alias": "stateful-life", "policy": POLICY, "tags": {"a": "1"}},
        [
            {"description": "credentials"},
            {"rotation": True},
            {"rotation": False},
            {"policy": narrower},
            {"tags": {"b": "2"}},
            {"tags": {"c": "3"}, "purge_tags": False},
        ],
    )


def test_a_policy_written_differently_is_no_change(runner: Runner) -> None:
    options = {"cluster": "same", "alias": "stateful-same"}
    runner("kms_key", **options, policy=POLICY)
    reordered = json.dumps({"Statement": [{**POLICY["Statement"][0], "Action": ["kms:*"]}], "Version": "2012-10-17"})
    assert not runner("kms_key", **options, policy=reordered)["changed"]


def test_a_foreign_key_is_refused(runner: Runner) -> None:
    kms = runner.client("kms")
    key = kms.create_key(Tags=[{"TagKey": "Project", "TagValue": "foreign"}])["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/stateful-foreign", TargetKeyId=key)
    runner.check_refused(
        "kms_key", {"cluster": "foreign", "alias": "stateful-foreign"}, "not ours", "alias/stateful-foreign"
    )
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"


def test_a_key_whose_alias_was_never_made_is_found_again(runner: Runner) -> None:
    options = {"cluster": "halfway", "alias": "stateful-halfway"}
    first = runner("kms_key", **options)["kms_key"]["key_id"]
    runner.client("kms").delete_alias(AliasName="alias/stateful-halfway")
    again = runner("kms_key", **options)
    assert again["kms_key"]["key_id"] == first
    assert [step["action"] for step in again["actions"]] == ["kms:CreateAlias"]


def test_a_disabled_key_is_enabled(runner: Runner) -> None:
    key = runner("kms_key", cluster="asleep", alias="stateful-asleep")["kms_key"]["key_id"]
    runner.client("kms").disable_key(KeyId=key)
    assert [step["action"] for step in runner("kms_key", cluster="asleep", alias="stateful-asleep")["actions"]] == [
        "kms:EnableKey"
    ]


def test_a_deletion_window_that_aws_refuses_fails_before_the_first_call(runner: Runner) -> None:
    with pytest.raises(ResourceError, match="7 to 30"):
        runner("kms_key", cluster="x", alias="x", deletion_window=3)
