"""stateful.aws.lambda_function on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._resources.lambda_function import LambdaFunction

from tests.unit.harness import Runner
from tests.unit.resources.roles import role_for

API = "arn:aws:execute-api:us-east-1:123456789012:abc/*/GET/join"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "handler.py").write_text("def handler(event, context):\n    return {'said': event}\n")
    return tmp_path


@pytest.fixture
def slow(runner: Runner) -> Iterator[None]:
    """The cloud takes a moment until new roles, functions and updates can be used."""
    runner.cloud.control("faults", {"propagation_s": 0.3})
    yield
    runner.cloud.control("faults", method="DELETE")


@pytest.fixture
def options(runner: Runner, source: Path, request: pytest.FixtureRequest) -> dict[str, Any]:
    """The least options of a function; each test has its own cluster."""
    cluster = request.node.name.replace("_", "-")[5:30].strip("-")
    role = role_for(runner, f"{cluster}-role", "lambda.amazonaws.com")
    name = f"stateful-{cluster}"
    return {"cluster": cluster, "name": name, "role": role, "handler": "handler.handler", "source": str(source)}


def actions(result: dict[str, Any]) -> list[str]:
    return [step["action"] for step in result["actions"]]


def test_a_function_goes_through_its_whole_life(runner: Runner, options: dict[str, Any], source: Path) -> None:
    ec2 = runner.client("ec2")
    network = ec2.describe_subnets()["Subnets"][0]
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [network["VpcId"]]}])["SecurityGroups"]
    (source / "other.py").write_text("handler = print\n")
    permission = {"statement_id": "api", "principal": "apigateway.amazonaws.com", "source_arn": API}
    runner.check_lifecycle(
        "lambda_function",
        {**options, "component": "join", "tags": {"a": "1"}, "environment": {"STAGE": "one"}},
        [
            {"environment": {"STAGE": "two", "NUMBER": 5}},
            {"timeout": 60, "memory_size": 256},
            {"description": "joins"},
            {"handler": "other.handler"},
            {"role": role_for(runner, "another-role", "lambda.amazonaws.com")},
            {"runtime": "python3.12"},
            {"architecture": "x86_64"},
            {"exclude": ["other.p?"], "handler": "handler.handler"},
            {"subnet_ids": [network["SubnetId"]], "security_group_ids": [groups[0]["GroupId"]]},
            {"subnet_ids": [], "security_group_ids": []},
            {"log_group": "/aws/lambda/elsewhere"},
            {"tracing": "Active"},
            {"reserved_concurrency": 2},
            {"reserved_concurrency": -1},
            {"permissions": [permission]},
            {"permissions": [{**permission, "source_account": "123456789012"}]},
            {"permissions": [{"statement_id": "other", "principal": "123456789012"}]},
            {"permissions": []},
            {"tags": {"b": "2"}},
            {"tags": {"c": "3"}, "purge_tags": False},
        ],
    )


def test_its_code_runs_and_changes_only_with_its_content(runner: Runner, options: dict[str, Any], source: Path) -> None:
    made = runner("lambda_function", **options, requirements=["requests"])["lambda_function"]
    assert made["function_arn"] == f"arn:aws:lambda:us-east-1:123456789012:function:{options['name']}"
    answer = runner.client("lambda").invoke(FunctionName=options["name"], Payload=b'"hello"')
    assert json.load(answer["Payload"]) == {"said": "hello"}
    (source / "handler.py").touch()
    (source / "policy.json.j2").write_text("{}")
    assert not runner("lambda_function", **options, requirements=["requests"])["changed"]
    (source / "handler.py").write_text("def handler(event, context):\n    return 'new'\n")
    changed = runner("lambda_function", **options, requirements=["requests"])
    assert actions(changed) == ["lambda:UpdateFunctionCode"]
    assert set(changed["diff"]["after"]) == {"code_sha256"}
    assert json.load(runner.client("lambda").invoke(FunctionName=options["name"], Payload=b"{}")["Payload"]) == "new"


@pytest.mark.usefixtures("slow")
def test_new_roles_and_unfinished_changes_are_awaited(runner: Runner, options: dict[str, Any], source: Path) -> None:
    made = runner("lambda_function", **options)
    assert made["lambda_function"]["state"] == "Active"
    (source / "handler.py").write_text("handler = print\n")
    changed = runner("lambda_function", **options, timeout=9)
    assert actions(changed) == ["lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration"]
    assert changed["lambda_function"]["timeout"] == 9
    runner.client("lambda").update_function_configuration(FunctionName=options["name"], Timeout=8)
    assert actions(runner("lambda_function", **options, timeout=9)) == ["lambda:UpdateFunctionConfiguration"]


@pytest.mark.usefixtures("slow")
def test_a_run_stopped_before_the_function_was_active_is_finished(runner: Runner, options: dict[str, Any]) -> None:
    assert runner("lambda_function", **options, wait=False)["changed"]
    again = runner("lambda_function", **options)
    assert not again["changed"] and again["lambda_function"]["state"] == "Active"


def test_lost_answers_make_nothing_twice(runner: Runner, options: dict[str, Any]) -> None:
    permissions = [
        {"statement_id": f"s{number}", "principal": "events.amazonaws.com", "source_arn": API} for number in range(4)
    ]
    runner.cloud.control("faults", {"seed": 3, "drop_reply_after_write": 0.6, "error_5xx": 0.2})
    try:
        made = runner("lambda_function", **options, permissions=permissions)
    finally:
        runner.cloud.control("faults", method="DELETE")
    assert [item["statement_id"] for item in made["lambda_function"]["permissions"]] == ["s0", "s1", "s2", "s3"]
    statements = json.loads(runner.client("lambda").get_policy(FunctionName=options["name"])["Policy"])["Statement"]
    assert len(statements) == 4
    assert not runner("lambda_function", **options, permissions=permissions)["changed"]


def test_a_permission_taken_away_behind_our_back_is_given_again(runner: Runner, options: dict[str, Any]) -> None:
    permissions = [{"statement_id": "api", "principal": "apigateway.amazonaws.com", "source_arn": API}]
    runner("lambda_function", **options, permissions=permissions)
    runner.client("lambda").remove_permission(FunctionName=options["name"], StatementId="api")
    assert actions(runner("lambda_function", **options, permissions=permissions)) == ["lambda:AddPermission"]
    assert not runner("lambda_function", **options)["changed"]


def test_a_foreign_function_is_refused(runner: Runner, options: dict[str, Any]) -> None:
    runner("lambda_function", **{**options, "cluster": "somebody"})
    runner.check_refused("lambda_function", options, "belongs to cluster 'somebody'", options["name"])


class OneFunction(LambdaFunction):
    """A function as AWS may report it and the local cloud does not."""

    def __init__(self, options: dict[str, Any], **observed: Any) -> None:
        super().__init__(options, aws=None)  # type: ignore[arg-type]
        self.observed = {"state": "Active", "_update": "Successful", "_code": None, "_why": None, **observed}


def test_a_failed_function_ends_the_wait_with_awss_reason_and_is_made_anew(options: dict[str, Any]) -> None:
    given = {**options, "engine": "weka", "runtime": "python3.13", "requirements": [], "exclude": []}
    why = {"_code": "SubnetOutOfIPAddresses", "_why": "No addresses are left in subnet-1."}
    for broken in ({"state": "Failed", **why}, {"_update": "Failed", **why}):
        function = OneFunction(given, **broken)
        with pytest.raises(ResourceError, match="SubnetOutOfIPAddresses: No addresses are left in subnet-1"):
            function.ready(function.observed)
    failed = OneFunction(given, state="Failed", function_arn="arn", code_sha256="x", function_name="f", **why)
    assert [step.method for step in failed.plan(failed.observed)] == ["delete_function", "create_function"]


def test_states_in_between_are_waited_for(options: dict[str, Any]) -> None:
    for state, update in (("Pending", None), ("Active", "InProgress"), ("Active", None)):
        function = OneFunction(options, state=state, _update=update)
        assert not function.ready(function.observed)
    deleting = OneFunction(options, state="Deleting")
    assert deleting.plan_absent(deleting.observed) == []
    assert not deleting.gone(deleting.observed)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"name": "no spaces"}, "only letters, digits"),
        ({"timeout": 901}, "1 to 900 seconds"),
        ({"memory_size": 64}, "128 to 10240 MB"),
        ({"handler": "nowhere.handler"}, "is not in"),
        ({"source": "/nowhere"}, "is not a directory"),
        ({"description": "x" * 257}, "Lambda accepts 256"),
        ({"subnet_ids": ["subnet-1"], "security_group_ids": []}, "belong together"),
        ({"subnet_ids": ["subnet-1"]}, "required together"),
        ({"environment": {"AWS_REGION": "x"}}, "Lambda's own"),
        ({"environment": {"X": "x"}}, "cannot be a variable"),
        ({"environment": {"XX": ["x"]}}, "not a plain value"),
        ({"environment": {"XX": "x" * 4096}}, "4096"),
        ({"reserved_concurrency": -2}, "-1 for no reservation"),
        ({"permissions": [{"statement_id": "a b", "principal": "x"}]}, "1 to 100 letters"),
        ({"permissions": [{"statement_id": "a", "principal": "x"}] * 2}, "given twice"),
        ({"role": None}, "role"),
    ],
)
def test_bad_input_fails_before_the_first_call(runner: Runner, source: Path, bad: dict[str, Any], words: str) -> None:
    good = {"cluster": "bad", "name": "bad", "role": "arn:r", "handler": "handler.handler", "source": str(source)}
    given = {key: value for key, value in {**good, **bad}.items() if value is not None}

    def attempt() -> None:
        with pytest.raises(ResourceError, match=words):
            runner("lambda_function", **given)

    runner.cloud.control("calls/reset", method="POST")
    attempt()
    assert runner.cloud.control("calls")["total"] == 0
