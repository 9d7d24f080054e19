"""Options: refused in sentences before the first call, tags, and where credentials and region come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.aws import Aws
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.options import validate
from ansible_collections.stateful.aws.plugins.module_utils._engine.run import kind_of

from tests.unit.harness import Runner
from tests.unit.refusing import refusing_with

GROUP = {"cluster": "options", "name": "/options/group"}
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")
REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")


@pytest.fixture
def bare(runner: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runner:
    """A user without credentials, region, profile or instance metadata."""
    for name in (*CREDENTIALS, *REGIONS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return runner


@pytest.fixture
def refusing() -> Iterator[Callable[[str], str]]:
    """Gives the address of an endpoint that refuses every call with a code."""
    with ExitStack() as stack:
        yield lambda code: stack.enter_context(refusing_with(code))


def asked(**options: Any) -> Aws:
    """What a task with these connection options asks AWS through."""
    return Aws(validate(kind_of("logs_group"), {**GROUP, **options})[0])


def refusal(runner: Runner, **options: Any) -> str:
    """The words with which a log group is refused; no call was made."""

    def attempt() -> str:
        with pytest.raises(ResourceError) as refused:
            runner("logs_group", **{**GROUP, **options})
        return str(refused.value)

    runner.cloud.control("calls/reset", method="POST")
    text = attempt()
    assert runner.cloud.control("calls")["total"] == 0
    return text


# -- options -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"nonsense": 1}, "unknown options: nonsense. Supported parameters include: "),
        ({"cluster": None}, "missing required arguments: cluster"),
        ({"state": "there"}, "value of state must be one of: present, absent, got: there"),
        ({"retention": "long"}, "argument 'retention' is of type str and we were unable to convert to int"),
        ({"wait": "perhaps"}, "argument 'wait' is of type str and we were unable to convert to bool"),
        ({"tags": "nothing"}, "argument 'tags' is of type str and we were unable to convert to dict"),
    ],
)
def test_wrong_options_are_named(runner: Runner, options: dict[str, Any], words: str) -> None:
    text = refusal(runner, **options)
    assert text.startswith("logs_group: ") and words in text.replace("<class 'str'>", "str")


def test_several_wrong_options_are_all_named(runner: Runner) -> None:
    text = refusal(runner, state="there", retention="long")
    assert "state" in text and "retention" in text


# -- tags ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"aws:x": "1"}, "Tag 'aws:x': keys that begin with 'aws:' or 'stateful:' are reserved"),
        ({"AWS:x": "1"}, "reserved"),
        ({"stateful:cluster": "1"}, "reserved"),
        ({"": "1"}, "1 to 128 characters in a key"),
        ({"k" * 129: "1"}, "1 to 128 characters in a key"),
        ({"k": "v" * 257}, "up to 256 in a value"),
        ({"k": "semi;colon"}, "use only letters, digits, spaces"),
        ({"k#": "1"}, "use only letters, digits, spaces"),
        ({f"k{number}": "1" for number in range(46)}, "46 tags were given; AWS allows 50 a resource, and 5 are ours"),
    ],
)
def test_tags_that_aws_would_refuse_are_refused_before_the_first_call(
    runner: Runner, tags: dict[str, str], words: str
) -> None:
    assert words in refusal(runner, tags=tags)


def test_tags_at_awss_limits_are_accepted() -> None:
    tagging.check_tags({"k" * 128: "v" * 256, "Größe _.:/=+-@ 1": "", **{f"k{number}": "1" for number in range(43)}})
    tagging.check_tags(None)


def group_tags(runner: Runner, name: str) -> dict[str, str]:
    arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{name}"
    return dict(runner.client("logs").list_tags_for_resource(resourceArn=arn)["tags"])


def test_tags_that_are_not_given_stay(runner: Runner) -> None:
    group = {**GROUP, "name": "/options/tags"}
    runner("logs_group", **group, component="join", tags={"a": "1", "b": "2"})
    assert not runner("logs_group", **group, component="join")["changed"]
    assert runner("logs_group", **group, component="join", tags={"c": "3"}, purge_tags=False)["changed"]
    owned = {
        "stateful:cluster": "options",
        "stateful:engine": "weka",
        "stateful:component": "join",
        "stateful:version": tagging.VERSION,
    }
    assert group_tags(runner, group["name"]) == {"a": "1", "b": "2", "c": "3", **owned}
    runner("logs_group", **group, component="join", tags={"c": "4"})
    assert group_tags(runner, group["name"]) == {"c": "4", **owned}
    runner("logs_group", **group, component="join", tags={})
    assert group_tags(runner, group["name"]) == owned


def test_tags_of_other_types_than_text_are_written_as_text(runner: Runner) -> None:
    group = {**GROUP, "name": "/options/numbers"}
    runner("logs_group", **group, tags={"number": 1, 2026: "year", "empty": None})
    found = group_tags(runner, group["name"])
    assert (found["number"], found["2026"], found["empty"]) == ("1", "year", "")
    assert not runner("logs_group", **group, tags={"number": 1, 2026: "year", "empty": None})["changed"]


def test_awss_own_tags_are_neither_shown_nor_removed() -> None:
    present = {"aws:cloudformation:stack-name": "demo", "a": "1"}
    options = {"cluster": "demo", "engine": "weka", "tags": {"b": "2"}, "purge_tags": False}
    assert tagging.visible(present) == {"a": "1"}
    assert tagging.to_dict([{"Key": "aws:x", "Value": "1"}, {"Key": "a"}]) == {"a": ""}
    assert "aws:cloudformation:stack-name" not in tagging.wanted(options, present)
    assert tagging.wanted(options, present)["a"] == "1"


# -- who calls, and where ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", REGIONS)
def test_the_region_comes_from_the_environment(bare: Runner, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "eu-central-1")
    assert asked().region == "eu-central-1"
    assert asked(region="eu-west-1").region == "eu-west-1"


def test_the_region_of_the_option_is_where_the_resource_is_made(runner: Runner) -> None:
    made = runner("logs_group", **{**GROUP, "name": "/options/region"}, region="eu-west-1")["logs_group"]
    assert made["log_group_arn"].split(":")[3] == "eu-west-1"
    logs = runner.client("logs").describe_log_groups(logGroupNamePrefix="/options/region")
    assert logs["logGroups"] == []


def test_without_a_region_the_refusal_says_how_to_set_one(bare: Runner) -> None:
    text = refusal(bare, access_key="test", secret_key="test")
    assert "No region is known" in text and "AWS_REGION" in text


def test_credentials_come_from_the_environment(runner: Runner, bare: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    assert asked().identity["account"] == "123456789012"


def test_credentials_and_region_come_from_a_profile(bare: Runner, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile storage]\nregion = eu-west-1\n")
    (tmp_path / "credentials").write_text("[storage]\naws_access_key_id = test\naws_secret_access_key = test\n")
    found = asked(profile="storage")
    assert found.region == "eu-west-1" and found.identity["partition"] == "aws"
    assert asked(profile="storage", region="us-east-1").region == "us-east-1"


def test_a_profile_together_with_keys_is_a_contradiction(runner: Runner) -> None:
    text = refusal(runner, profile="storage", access_key="test", secret_key="test")
    assert "These connection options cannot be used: Passing both a profile and access tokens" in text


def test_a_profile_that_does_not_exist_is_named(bare: Runner) -> None:
    for region in ({}, {"region": "us-east-1"}):
        assert "cannot be used: The config profile (nobody) could not be found." in refusal(
            bare, profile="nobody", **region
        )


def test_half_of_a_key_pair_is_a_contradiction(bare: Runner) -> None:
    for half in ("access_key", "secret_key"):
        text = refusal(bare, region="us-east-1", **{half: "test"})
        assert "cannot be used: Give access_key and secret_key together." in text


def test_an_address_that_is_none_is_named(bare: Runner) -> None:
    text = refusal(bare, endpoint_url="nowhere", region="us-east-1", access_key="test", secret_key="test")
    assert "cannot be used" in text and "nowhere" in text


def test_no_credentials_at_all_is_told(bare: Runner) -> None:
    text = refusal(bare, region="us-east-1")
    assert "Reading Log group /options/group failed" in text and "credentials" in text


@pytest.mark.parametrize(
    ("code", "help_"),
    [
        ("ExpiredTokenException", "Renew the credentials"),
        ("UnrecognizedClientException", "Check the access key and the region."),
        ("AccessDeniedException", "Give these credentials that right"),
    ],
)
def test_refused_credentials_are_told_with_what_helps(runner: Runner, refusing: Any, code: str, help_: str) -> None:
    with pytest.raises(ResourceError) as failure:
        runner("logs_group", **GROUP, endpoint_url=refusing(code))
    text = str(failure.value)
    assert text.startswith(f"Reading Log group /options/group failed. AWS said {code}: Refused by the test.")
    assert help_ in text


def test_a_secret_of_the_connection_is_not_in_a_failure(runner: Runner, refusing: Any) -> None:
    with pytest.raises(ResourceError) as failure:
        runner(
            "logs_group", **GROUP, access_key="AKIDEXAMPLE", secret_key="Refused by", endpoint_url=refusing("Denied")
        )
    assert "Refused by" not in str(failure.value) and "the test" in str(failure.value)


def test_a_botocore_setting_that_does_not_exist_is_named(runner: Runner) -> None:
    assert "cannot be used: aws_config:" in refusal(runner, aws_config={"patience": 1})
