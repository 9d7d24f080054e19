"""stateful.aws.iam_role on the wire."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._resources.iam_role import IamRole

from tests.unit.harness import Runner


def trust(service: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def allow(*actions: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
    }


def options(cluster: str, **more: Any) -> dict[str, Any]:
    return {
        "cluster": cluster,
        "name": f"stateful-{cluster}-fetch",
        "path": f"/stateful/{cluster}/",
        "assume_role_policy": trust("lambda"),
        **more,
    }


def actions(result: dict[str, Any]) -> list[str]:
    return [step["action"].removeprefix("iam:") for step in result["actions"]]


def test_a_role_goes_through_its_whole_life(runner: Runner) -> None:
    runner.check_lifecycle(
        "iam_role",
        options("role-life", component="scaling", inline_policies={"read": allow("ec2:Describe*")}, tags={"a": "1"}),
        [
            {"description": "reads"},
            {"max_session_duration": 7200},
            {"assume_role_policy": trust("states")},
            {"permissions_boundary": "arn:aws:iam::aws:policy/PowerUserAccess"},
            {"permissions_boundary": ""},
            {"inline_policies": {"read": allow("ec2:DescribeInstances"), "write": json.dumps(allow("ec2:Reboot*"))}},
            {"inline_policies": {"write": allow("ec2:Reboot*")}},
            {"inline_policies": {}},
            {"tags": {"b": "2"}},
            {"tags": {"c": "3"}, "purge_tags": False},
        ],
    )


def test_policies_written_differently_are_no_change(runner: Runner) -> None:
    runner("iam_role", **options("role-same", inline_policies={"read": allow("ec2:A", "ec2:B")}))
    other = allow("ec2:B", "ec2:A")
    other["Statement"][0]["Resource"] = ["*"]
    one = trust("lambda")
    one["Statement"] = one["Statement"][0]
    again = runner("iam_role", **options("role-same", assume_role_policy=one, inline_policies={"read": other}))
    assert again["actions"] == []


def test_properties_that_are_not_given_stay(runner: Runner) -> None:
    full = options("role-stay", description="d", max_session_duration=7200, inline_policies={"x": allow("ec2:A")})
    runner("iam_role", **full)
    changed = runner("iam_role", **options("role-stay", description="e"))["iam_role"]
    assert (changed["description"], changed["max_session_duration"]) == ("e", 7200)
    iam = runner.client("iam")
    assert iam.list_role_policies(RoleName="stateful-role-stay-fetch")["PolicyNames"] == ["x"]


def test_a_new_policy_is_put_before_the_old_one_is_removed(runner: Runner) -> None:
    runner("iam_role", **options("role-order", inline_policies={"a-old": allow("ec2:A")}))
    changed = runner("iam_role", **options("role-order", inline_policies={"z-new": allow("ec2:A")}))
    assert actions(changed) == ["PutRolePolicy", "DeleteRolePolicy"]


def test_the_arn_is_known_in_check_mode(runner: Runner) -> None:
    planned = runner("iam_role", check=True, **options("role-arn", inline_policies={"a": allow("ec2:A")}))["iam_role"]
    made = runner("iam_role", **options("role-arn", inline_policies={"a": allow("ec2:A")}))["iam_role"]
    assert made["role_arn"] == "arn:aws:iam::123456789012:role/stateful/role-arn/stateful-role-arn-fetch"
    assert planned["role_arn"] == made["role_arn"]


def test_a_long_name_is_cut_and_found_again(runner: Runner) -> None:
    name = "stateful-" + "long" * 20
    made = runner("iam_role", **options("role-long") | {"name": name})["iam_role"]
    assert len(made["name"]) == 64
    assert made["role_arn"].endswith(f"/{made['name']}")
    assert not runner("iam_role", **options("role-long") | {"name": name})["changed"]


def test_a_foreign_role_is_refused(runner: Runner) -> None:
    iam = runner.client("iam")
    iam.create_role(RoleName="stateful-theirs-fetch", AssumeRolePolicyDocument=json.dumps(trust("ec2")))
    runner.check_refused("iam_role", options("theirs", path="/"), "not ours", "stateful-theirs-fetch")


def test_a_run_stopped_between_role_and_policies_is_finished(runner: Runner) -> None:
    wanted = options("role-half", inline_policies={"a": allow("ec2:A"), "b": allow("ec2:B")})
    runner("iam_role", **wanted)
    runner.client("iam").delete_role_policy(RoleName="stateful-role-half-fetch", PolicyName="b")
    assert actions(runner("iam_role", **wanted)) == ["PutRolePolicy"]


def test_deletion_takes_everything_off_the_role(runner: Runner) -> None:
    iam, name = runner.client("iam"), "stateful-role-worn-fetch"
    runner("iam_role", **options("role-worn", inline_policies={f"p{n}": allow("ec2:A") for n in range(3)}))
    iam.create_instance_profile(InstanceProfileName="worn")
    iam.add_role_to_instance_profile(InstanceProfileName="worn", RoleName=name)
    managed = iam.create_policy(PolicyName="worn", PolicyDocument=json.dumps(allow("ec2:A")))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=managed)
    gone = runner("iam_role", cluster="role-worn", name=name, state="absent")
    assert actions(gone) == [
        "RemoveRoleFromInstanceProfile",
        "DetachRolePolicy",
        *["DeleteRolePolicy"] * 3,
        "DeleteRole",
    ]
    assert iam.get_instance_profile(InstanceProfileName="worn")["InstanceProfile"]["Roles"] == []
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=name)


def test_another_path_is_refused_before_any_write(runner: Runner) -> None:
    runner("iam_role", **options("role-path"))

    def move() -> None:
        with pytest.raises(ResourceError, match="never changes a role's path"):
            runner("iam_role", **options("role-path", path="/elsewhere/"))

    assert runner.writes(move)[1] == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "a b"}, "name 'a b'"),
        ({"path": "stateful"}, "begins and ends with /"),
        ({"max_session_duration": 60}, "3600 to 43200"),
        ({"description": "x" * 1001}, "IAM accepts 1000"),
        ({"assume_role_policy": "{"}, "assume_role_policy is not a policy"),
        ({"assume_role_policy": trust("x" * 2048)}, "assume_role_policy has .* 2048"),
        ({"inline_policies": {"a b": allow("ec2:A")}}, "'a b'"),
        ({"inline_policies": {"a": []}}, "inline_policies.a is not a policy"),
        ({"inline_policies": {"a": allow("x" * 6000), "b": allow("y" * 6000)}}, "10240"),
        ({"assume_role_policy": None}, "assume_role_policy"),
        ({"tags": {"stateful:cluster": "x"}}, "reserved"),
    ],
)
def test_what_iam_refuses_fails_before_the_first_call(runner: Runner, wrong: dict[str, Any], words: str) -> None:
    given = {**options("role-bad"), **wrong}

    runner.cloud.control("calls/reset", method="POST")
    with pytest.raises(ResourceError, match=words):
        runner("iam_role", **{name: value for name, value in given.items() if value is not None})
    assert runner.cloud.control("calls")["total"] == 0


def test_placeholders_of_check_mode_are_accepted(runner: Runner) -> None:
    policy = {**allow("kms:Decrypt"), "Statement": [{"Effect": "Allow", "Resource": "(known after apply) key"}]}
    planned = runner("iam_role", check=True, **options("role-hole", inline_policies={"key": policy}))
    assert actions(planned) == ["CreateRole", "PutRolePolicy"]


def test_a_unique_id_instead_of_the_arn_is_waited_for() -> None:
    role = IamRole({"name": "r", "cluster": "c"}, None)  # type: ignore[arg-type]
    assert not role.ready(None)
    assert not role.ready({"role_arn": "AROAEXAMPLEID"})
    assert role.ready({"role_arn": "arn:aws:iam::123456789012:role/r"})
