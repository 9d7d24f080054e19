"""stateful.aws.ec2_launch_template on the wire."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError

from local_cloud.stack import IMAGE_ID
from tests.unit.harness import Runner
from tests.unit.resources.network import place

PROFILE = "arn:aws:iam::123456789012:instance-profile/backends"
SECRET = "s3cr3tValueOfTheJoinApiKey0000"
SCRIPT = "#!/bin/bash\napi_key='@API_KEY@'\n"


def options(cluster: str, **more: Any) -> dict[str, Any]:
    return {
        "cluster": cluster,
        "component": "group",
        "name": f"stateful-{cluster}",
        "image_id": IMAGE_ID,
        "instance_type": "i3en.2xlarge",
        **more,
    }


def api_key(runner: Runner, name: str) -> str:
    made = runner.client("apigateway").create_api_key(name=name, value=f"{name}-{SECRET}", enabled=True)
    return str(made["id"])


def latest(runner: Runner, name: str) -> dict[str, Any]:
    answer = runner.client("ec2").describe_launch_template_versions(LaunchTemplateName=name, Versions=["$Latest"])
    return dict(answer["LaunchTemplateVersions"][0])


def actions(result: dict[str, Any]) -> list[str]:
    return [step["action"] for step in result["actions"]]


def test_a_launch_template_goes_through_its_whole_life(runner: Runner) -> None:
    where = place(runner)
    disk = {"device_name": "/dev/xvda", "volume_size": 20, "volume_type": "gp3"}
    runner.check_lifecycle(
        "ec2_launch_template",
        options("lt-life", security_group_ids=[where.security_group_ids[0]], user_data="one", tags={"a": "1"}),
        [
            {"image_id": "ami-00000000000000001"},
            {"instance_type": "i3en.3xlarge"},
            {"key_name": "operators"},
            {"instance_profile_arn": PROFILE},
            {"security_group_ids": list(where.security_group_ids)},
            {"subnet_id": where.network.subnet_id},
            {"associate_public_ip_address": False},
            {"associate_public_ip_address": True},
            {"block_device_mappings": [disk]},
            {"block_device_mappings": [disk, {**disk, "device_name": "/dev/xvdp", "iops": 4000, "throughput": 200}]},
            {
                "block_device_mappings": [
                    {**disk, "encrypted": True, "kms_key_id": "key", "delete_on_termination": False}
                ]
            },
            {"metadata_options": {"http_put_response_hop_limit": 2}},
            {"metadata_options": {"http_tokens": "optional", "instance_metadata_tags": "enabled"}},
            {"disable_api_termination": True},
            {"instance_initiated_shutdown_behavior": "terminate"},
            {"user_data": "two"},
            {"instance_tags": {"Name": "backend", "stateful:component": "member"}},
            {"instance_tags": {"Name": "backend"}},
            {"placement_group": "together"},
            {"tags": {"b": "2"}},
            {"tags": {"c": "3"}, "purge_tags": False},
        ],
    )


def test_everything_may_be_given_at_creation_and_reaches_ec2(runner: Runner) -> None:
    where = place(runner)
    made = runner(
        "ec2_launch_template",
        **options(
            "lt-full",
            security_group_ids=list(where.security_group_ids),
            subnet_id=where.network.subnet_id,
            associate_public_ip_address=False,
            user_data="hello",
            instance_tags={"stateful:cluster": "lt-full"},
            placement_group="together",
        ),
    )["ec2_launch_template"]
    assert (made["latest_version"], made["default_version"]) == (1, 1)
    assert made["user_data"] == f"sha256:{hashlib.sha256(b'hello').hexdigest()}"
    data = latest(runner, "stateful-lt-full")["LaunchTemplateData"]
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert base64.b64decode(data["UserData"]) == b"hello"
    assert "SecurityGroupIds" not in data
    (interface,) = data["NetworkInterfaces"]
    assert interface["SubnetId"] == where.network.subnet_id and interface["DeleteOnTermination"] is True
    assert sorted(interface["Groups"]) == sorted(where.security_group_ids)
    assert {each["ResourceType"] for each in data["TagSpecifications"]} == {"instance", "volume", "network-interface"}


def test_the_api_keys_value_is_filled_in_and_never_shown(runner: Runner) -> None:
    wanted = options("lt-key", user_data=SCRIPT, api_key_id=api_key(runner, "lt-key"))
    planned = runner("ec2_launch_template", check=True, **wanted)
    made = runner("ec2_launch_template", **wanted)
    sent = base64.b64decode(latest(runner, "stateful-lt-key")["LaunchTemplateData"]["UserData"]).decode()
    assert sent == SCRIPT.replace("@API_KEY@", f"lt-key-{SECRET}")
    again = runner("ec2_launch_template", **wanted)
    assert not again["changed"]
    for result in (planned, made, again):
        assert SECRET not in json.dumps(result, default=str)
    other = api_key(runner, "lt-key2")
    changed = runner("ec2_launch_template", **{**wanted, "api_key_id": other})
    assert changed["ec2_launch_template"]["latest_version"] == 2
    assert actions(changed) == ["ec2:CreateLaunchTemplateVersion", "ec2:ModifyLaunchTemplate"]


def test_check_mode_compares_no_user_data_before_the_key_exists(runner: Runner) -> None:
    unknown = "(known after apply) apigateway_rest_api x api_key_id"
    wanted = options("lt-unknown", user_data=SCRIPT, api_key_id=unknown)
    planned = runner("ec2_launch_template", check=True, **wanted)
    assert planned["changed"] and "user_data" not in planned["diff"]["after"]
    assert planned["ec2_launch_template"]["launch_template_id"].startswith("(known after apply)")
    runner("ec2_launch_template", **{**wanted, "api_key_id": api_key(runner, "lt-unknown")})
    assert not runner("ec2_launch_template", check=True, **wanted)["changed"]


def test_a_key_that_does_not_exist_is_said(runner: Runner) -> None:
    with pytest.raises(ResourceError, match="API key nothere, whose value the user data needs, does not exist"):
        runner("ec2_launch_template", **options("lt-nokey", user_data=SCRIPT, api_key_id="nothere"))


def test_what_is_not_given_stays_as_it_is(runner: Runner) -> None:
    where = place(runner)
    runner(
        "ec2_launch_template",
        **options("lt-kept", key_name="operators", subnet_id=where.network.subnet_id, user_data="kept"),
    )
    changed = runner("ec2_launch_template", **options("lt-kept", security_group_ids=[where.security_group_ids[0]]))
    template = changed["ec2_launch_template"]
    assert (template["key_name"], template["subnet_id"]) == ("operators", where.network.subnet_id)
    assert template["user_data"] == f"sha256:{hashlib.sha256(b'kept').hexdigest()}"


def test_a_version_that_was_never_made_the_default_becomes_it(runner: Runner) -> None:
    ec2 = runner.client("ec2")
    runner("ec2_launch_template", **options("lt-half"))
    runner("ec2_launch_template", **options("lt-half", user_data="second"))
    ec2.modify_launch_template(LaunchTemplateName="stateful-lt-half", DefaultVersion="1")
    again = runner("ec2_launch_template", **options("lt-half", user_data="second"))
    assert actions(again) == ["ec2:ModifyLaunchTemplate"]
    assert again["ec2_launch_template"]["default_version"] == 2


def test_few_calls_tell_that_nothing_differs(runner: Runner) -> None:
    wanted = options("lt-few", user_data=SCRIPT, api_key_id=api_key(runner, "lt-few"))
    runner("ec2_launch_template", **wanted)
    assert runner("ec2_launch_template", **wanted)["api_calls"] == 3


def test_a_foreign_template_is_refused(runner: Runner) -> None:
    ec2 = runner.client("ec2")
    ec2.create_launch_template(LaunchTemplateName="stateful-lt-foreign", LaunchTemplateData={"ImageId": IMAGE_ID})
    runner.check_refused("ec2_launch_template", options("lt-foreign"), "not ours", "stateful-lt-foreign")
    assert latest(runner, "stateful-lt-foreign")["VersionNumber"] == 1


DISK = {"device_name": "/dev/xvda", "volume_type": "gp2"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "a b"}, "letters, digits and"),
        ({"image_id": None}, "image_id"),
        ({"user_data": "x" * 16385}, "has 16385 bytes; EC2 accepts 16384"),
        ({"user_data": SCRIPT}, "api_key_id is needed"),
        ({"block_device_mappings": [DISK, DISK]}, "given twice"),
        ({"block_device_mappings": [{**DISK, "iops": 1}]}, "only gp3, io1 and io2"),
        ({"block_device_mappings": [{**DISK, "throughput": 1}]}, "only gp3 volumes"),
        ({"block_device_mappings": [{**DISK, "kms_key_id": "x"}]}, "encrypted must be true"),
        ({"metadata_options": {"http_put_response_hop_limit": 65}}, "1 to 64"),
        ({"instance_tags": {"aws:x": "1"}}, "not begin with aws:"),
        ({"instance_tags": {"a b": "1"}, "metadata_options": {"instance_metadata_tags": "enabled"}}, "a space"),
    ],
)
def test_bad_options_are_refused_before_the_first_call(runner: Runner, wrong: dict[str, Any], words: str) -> None:
    wanted = {key: value for key, value in {**options("lt-bad"), **wrong}.items() if value is not None}
    runner.cloud.control("calls/reset", method="POST")
    with pytest.raises(ResourceError, match=words):
        runner("ec2_launch_template", **wanted)
    assert runner.cloud.control("calls")["total"] == 0


def test_user_data_that_the_key_makes_too_long_is_refused(runner: Runner) -> None:
    text = "x" * (16384 - len("@API_KEY@")) + "@API_KEY@"
    with pytest.raises(ResourceError, match="EC2 accepts 16384"):
        runner("ec2_launch_template", **options("lt-long", user_data=text, api_key_id=api_key(runner, "lt-long")))
