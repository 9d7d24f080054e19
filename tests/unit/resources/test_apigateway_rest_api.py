"""stateful.aws.apigateway_rest_api on the wire."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible_collections.stateful.aws.plugins.module_utils._engine.aws import Aws
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.placeholder import unknown
from ansible_collections.stateful.aws.plugins.module_utils._resources import _rest_api_policy as policies
from ansible_collections.stateful.aws.plugins.module_utils._resources import _rest_api_reading as reading
from ansible_collections.stateful.aws.plugins.module_utils._resources.apigateway_rest_api import RestApi

from tests.unit.harness import Runner
from tests.unit.resources.roles import role_for

TYPE = "apigateway_rest_api"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:joins"
WHOLE = [
    "CreateRestApi",
    "CreateResource",
    "PutMethod",
    "PutIntegration",
    "CreateDeployment",
    "CreateStage",
    "CreateUsagePlan",
    "CreateApiKey",
    "CreateUsagePlanKey",
]
TAKEN_APART = [
    "UpdateUsagePlan",
    "DeleteUsagePlanKey",
    "DeleteUsagePlan",
    "DeleteApiKey",
    "DeleteStage",
    "DeleteDeployment",
    "DeleteRestApi",
]
DEPLOY = ["CreateDeployment", "UpdateStage", "DeleteDeployment"]
OPEN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}],
}


def api(cluster: str, **more: Any) -> dict[str, Any]:
    return {"cluster": cluster, "name": f"api-{cluster}", "lambda_function_arn": FUNCTION, **more}


def actions(result: dict[str, Any]) -> list[str]:
    return [step["action"].removeprefix("apigateway:") for step in result["actions"]]


def left(runner: Runner, name: str) -> list[str]:
    """The APIs, plans and keys that bear a name."""
    client = runner.client("apigateway")
    lists = (client.get_rest_apis(), client.get_usage_plans(), client.get_api_keys())
    return [item["id"] for found in lists for item in found["items"] if item["name"] == name]


def test_an_api_goes_through_its_whole_life(runner: Runner) -> None:
    closed = {**OPEN, "Statement": [{**OPEN["Statement"][0], "Effect": "Deny"}]}
    runner.check_lifecycle(
        TYPE,
        api("life", component="join", tags={"a": "1"}),
        [
            {"tags": {"b": "2"}},
            {"tags": {"c": "3"}, "purge_tags": False},
            {"description": "joins"},
            {"lambda_function_arn": f"{FUNCTION}-2"},
            {"method": "POST"},
            {"path": "/enter"},
            {"path": "/"},
            {"stage": "prod"},
            {"throttle": {"rate_limit": 3, "burst_limit": 5}},
            {"policy": OPEN},
            {"policy": closed},
            {"policy": ""},
            {"endpoint_type": "private", "vpc_id": "vpc-1"},
            {"vpc_id": "vpc-2"},
            {"endpoint_type": "regional", "vpc_id": ""},
            {"api_key": False},
            {"api_key": True},
        ],
    )


def test_each_change_makes_only_the_calls_it_needs(runner: Runner) -> None:
    assert actions(runner(TYPE, **api("calls"))) == WHOLE
    assert actions(runner(TYPE, **api("calls", description="x"))) == ["UpdateRestApi"]
    assert actions(runner(TYPE, **api("calls", lambda_function_arn=f"{FUNCTION}-2"))) == ["PutIntegration", *DEPLOY]
    limits = {"rate_limit": 2.5, "burst_limit": 5}
    again = runner(TYPE, check=True, **api("calls", lambda_function_arn=f"{FUNCTION}-2", throttle=limits))
    assert actions(again) == ["UpdateUsagePlan"]
    no_key = runner(TYPE, **api("calls", lambda_function_arn=f"{FUNCTION}-2", api_key=False))
    assert actions(no_key) == ["DeleteMethod", "PutMethod", "PutIntegration", *DEPLOY, *TAKEN_APART[:4]]
    assert "api_key_id" not in no_key[TYPE]
    assert actions(runner(TYPE, **api("calls", state="absent"))) == TAKEN_APART[4:]


def test_a_second_run_makes_few_calls(runner: Runner) -> None:
    runner(TYPE, **api("few"))
    assert runner(TYPE, **api("few"))["api_calls"] <= 7
    assert runner(TYPE, **api("nothing", state="absent"))["api_calls"] == 3


def test_its_url_answers_only_who_brings_the_key(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "handler.py").write_text(
        "def handler(event, context):\n    return {'statusCode': 200, 'body': event['path']}\n"
    )
    role = role_for(runner, "rest-api-role", "lambda.amazonaws.com")
    function = {"cluster": "url", "name": "url", "role": role, "handler": "handler.handler", "source": str(tmp_path)}
    arn = runner("lambda_function", **function)["lambda_function"]["function_arn"]
    made = runner(TYPE, **api("url", lambda_function_arn=arn))[TYPE]
    permission = {"statement_id": "api", "principal": "apigateway.amazonaws.com", "source_arn": made["execute_arn"]}
    runner("lambda_function", **function, permissions=[permission])
    assert made["invoke_url"] == f"{runner.cloud.url}/restapis/{made['api_id']}/default/_user_request_/join"
    value = runner.client("apigateway").get_api_key(apiKey=made["api_key_id"], includeValue=True)["value"]
    assert value not in json.dumps(made)
    answer = requests.get(made["invoke_url"], headers={"x-api-key": value}, timeout=30)
    assert (answer.status_code, answer.text) == (200, "/join")
    assert requests.get(made["invoke_url"], timeout=30).status_code == 403


def test_on_aws_the_url_and_arn_are_those_of_the_region_and_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for region, partition, suffix in (
        ("eu-west-1", "aws", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
    ):
        aws = Aws({"region": region, "access_key": "a", "secret_key": "b"})
        aws._identity = {"account": "123456789012", "arn": "", "partition": partition}
        found = reading.addresses(aws, "abc", "default", "GET", "/join")
        assert found == {
            "invoke_url": f"https://abc.execute-api.{region}.{suffix}/default/join",
            "execute_arn": f"arn:{partition}:execute-api:{region}:123456789012:abc/default/GET/join",
        }


@pytest.mark.parametrize("only", [f"apigateway:{name}" for name in WHOLE if name != "PutIntegration"])
def test_a_lost_answer_makes_nothing_twice(runner: Runner, only: str) -> None:
    cluster = f"lost-{only[-12:].lower()}"
    runner.cloud.control("faults", {"drop_reply_after_write": 1, "only": [only]})
    try:
        made = runner(TYPE, **api(cluster))
    finally:
        runner.cloud.control("faults", method="DELETE")
    assert actions(made) == WHOLE
    assert len(left(runner, f"api-{cluster}")) == 3
    assert not runner(TYPE, **api(cluster))["changed"]


@pytest.mark.parametrize("stopped_at", range(1, len(WHOLE)))
def test_a_run_stopped_at_any_call_is_finished_by_the_next(
    runner: Runner, stopped_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = RestApi.plan
    monkeypatch.setattr(RestApi, "plan", lambda self, observed: whole(self, observed)[:stopped_at])
    runner(TYPE, **api(f"half-{stopped_at}"))
    monkeypatch.setattr(RestApi, "plan", whole)
    assert actions(runner(TYPE, **api(f"half-{stopped_at}"))) == WHOLE[stopped_at:]
    assert len(left(runner, f"api-half-{stopped_at}")) == 3


@pytest.mark.parametrize("stopped_at", range(1, len(TAKEN_APART)))
def test_a_stopped_deletion_is_finished_by_the_next(
    runner: Runner, stopped_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner(TYPE, **api(f"gone-{stopped_at}"))
    whole = RestApi.plan_absent
    monkeypatch.setattr(RestApi, "plan_absent", lambda self, observed: whole(self, observed)[:stopped_at])
    runner(TYPE, **api(f"gone-{stopped_at}", state="absent", wait=False))
    monkeypatch.setattr(RestApi, "plan_absent", whole)
    runner(TYPE, **api(f"gone-{stopped_at}", state="absent"))
    assert left(runner, f"api-gone-{stopped_at}") == []


def test_a_run_stopped_between_a_change_and_its_deployment_deploys_it(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner(TYPE, **api("undeployed"))
    changed = api("undeployed", lambda_function_arn=f"{FUNCTION}-2")
    whole = RestApi.plan
    monkeypatch.setattr(RestApi, "plan", lambda self, observed: whole(self, observed)[:1])
    assert actions(runner(TYPE, **changed)) == ["PutIntegration"]
    monkeypatch.setattr(RestApi, "plan", whole)
    assert actions(runner(TYPE, **changed)) == DEPLOY
    assert not runner(TYPE, **changed)["changed"]


def test_a_deployment_that_somebody_else_made_is_replaced(runner: Runner) -> None:
    made = runner(TYPE, **api("theirs"))[TYPE]
    client = runner.client("apigateway")
    client.create_deployment(restApiId=made["api_id"], stageName="default")
    assert actions(runner(TYPE, **api("theirs"))) == DEPLOY[1:]
    assert not runner(TYPE, **api("theirs"))["changed"]


def test_parts_deleted_behind_our_back_are_made_again(runner: Runner) -> None:
    made = runner(TYPE, **api("parts"))[TYPE]
    client = runner.client("apigateway")
    client.delete_stage(restApiId=made["api_id"], stageName="default")
    assert actions(runner(TYPE, **api("parts"))) == ["CreateStage"]
    client.delete_api_key(apiKey=made["api_key_id"])
    assert actions(runner(TYPE, **api("parts"))) == ["CreateApiKey", "CreateUsagePlanKey"]
    client.delete_rest_api(restApiId=made["api_id"])
    assert actions(runner(TYPE, **api("parts"))) == [*WHOLE[:6], "UpdateUsagePlan", "UpdateUsagePlan"]
    assert not runner(TYPE, **api("parts"))["changed"]


def test_a_disabled_key_is_enabled(runner: Runner) -> None:
    made = runner(TYPE, **api("disabled"))[TYPE]
    disable = [{"op": "replace", "path": "/enabled", "value": "false"}]
    runner.client("apigateway").update_api_key(apiKey=made["api_key_id"], patchOperations=disable)
    assert actions(runner(TYPE, **api("disabled"))) == ["UpdateApiKey"]


def test_throttles_and_conflicts_are_waited_out(runner: Runner) -> None:
    runner.cloud.control("faults", {"seed": 5, "throttle": 0.15, "only": ["apigateway:*"]})
    try:
        runner(TYPE, **api("storm"))
        runner(TYPE, **api("storm", state="absent"))
    finally:
        runner.cloud.control("faults", method="DELETE")
    assert left(runner, "api-storm") == []
    for step in RestApi({**VALID, "name": "x"}, None).plan(None):  # type: ignore[arg-type]
        assert [(retry.code, retry.seconds >= 30) for retry in step.retry][0] == ("ConflictException", True)


def test_an_api_of_the_same_name_that_is_not_ours_stays_untouched(runner: Runner) -> None:
    theirs = runner.client("apigateway").create_rest_api(name="api-foreign", tags={"Project": "theirs"})["id"]
    made = runner(TYPE, **api("foreign"))[TYPE]
    assert made["api_id"] != theirs
    runner(TYPE, **api("foreign", state="absent"))
    assert left(runner, "api-foreign") == [theirs]
    assert not runner(TYPE, **api("another", name="api-foreign", state="absent"))["changed"]


VALID = {
    **{name: option.get("default") for name, option in RestApi.options.items()},
    "cluster": "pure",
    "engine": "weka",
    "state": "present",
    "purge_tags": True,
    "lambda_function_arn": FUNCTION,
    "throttle": {"rate_limit": 10, "burst_limit": 20},
}


def test_every_part_is_tagged_when_tags_change(runner: Runner) -> None:
    runner(TYPE, **api("tagged"))
    planned = runner(TYPE, check=True, **api("tagged", tags={"new": "1"}))
    assert actions(planned) == ["TagResource"] * 4
    made = RestApi({**VALID, **api("tagged"), "tags": {}}, Aws({}))
    observed = made.observe()
    assert observed is not None
    paths = sorted(observed["_part_tags"])
    assert [path.split("/")[1] for path in paths] == ["apikeys", "restapis", "restapis", "usageplans"]
    observed["_part_tags"] = {path: {**tags, "old": "1"} for path, tags in observed["_part_tags"].items()}
    assert [step.params["tagKeys"] for step in made.plan(observed)] == [["old"]] * 4
    assert made.plan(observed)[0].params["resourceArn"] == f"arn:aws:apigateway:us-east-1::{list(paths)[1]}"


def test_a_private_api_adds_endpoints_before_it_removes_others() -> None:
    """On the plan alone: moto keeps no changes of VPC endpoints."""
    options = {**VALID, "name": "x", "endpoint_type": "private", "vpc_endpoint_ids": ["vpce-2"]}
    private = RestApi(options, None)  # type: ignore[arg-type]
    wanted = private.desired()
    observed = {**reading.NOTHING, **wanted, "api_id": "a", "vpc_endpoint_ids": ["vpce-1"], "_address": "dualstack"}
    (step,) = [step for step in private.plan(observed) if step.method == "update_rest_api"]
    operations = step.params(observed)["patchOperations"]
    assert [(operation["op"], operation["value"]) for operation in operations] == [
        ("add", "vpce-2"),
        ("remove", "vpce-1"),
    ]


def test_becoming_private_sets_policy_and_addresses_too() -> None:
    private = RestApi({**VALID, "name": "x", "endpoint_type": "private", "vpc_id": "vpc-1"}, None)  # type: ignore[arg-type]
    regional = RestApi({**VALID, "name": "x"}, None).desired()  # type: ignore[arg-type]
    observed = {**reading.NOTHING, **regional, "api_id": "a", "_address": "ipv4", "_deployment_id": "d"}
    operations = private.plan(observed)[0].params(observed)["patchOperations"]
    assert {operation["path"] for operation in operations} == {
        "/endpointConfiguration/ipAddressType",
        "/endpointConfiguration/types/REGIONAL",
        "/policy",
    }


def test_policies_read_back_in_awss_form_are_the_same() -> None:
    sent = policies.of_network("vpc-1", ["vpce-1"])
    whole = json.dumps(sent).replace("execute-api:/*", "arn:aws:execute-api:us-east-1:123456789012:abc/*")
    escaped = whole.replace('"', '\\"').replace("/", "\\/")
    for text in (whole, escaped):
        assert policies.read(text) == sent
    assert policies.read(None) == {}


def test_an_api_that_failed_ends_the_wait_with_awss_reason() -> None:
    failed = RestApi({**VALID, "name": "x"}, None)  # type: ignore[arg-type]
    with pytest.raises(ResourceError, match="no endpoint"):
        failed.ready({"api_id": "a", "_status": "FAILED", "_why": "no endpoint"})
    assert not failed.ready({"api_id": "a", "_status": "UPDATING"})


def test_placeholders_are_accepted_in_check_mode(runner: Runner) -> None:
    planned = runner(TYPE, check=True, **api("planned", lambda_function_arn=unknown("function_arn")))
    assert actions(planned) == WHOLE
    for prop in ("api_id", "invoke_url", "execute_arn", "api_key_id", "usage_plan_id"):
        assert "known after apply" in planned[TYPE][prop]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"path": "join"}, "must be a slash"),
        ({"path": "/a/b"}, "must be a slash"),
        ({"stage": "a b"}, "1 to 128"),
        ({"name": ""}, "1 to 1024"),
        ({"throttle": {"rate_limit": 0}}, "greater than 0"),
        ({"vpc_id": "vpc-1"}, "endpoint_type: private"),
        ({"endpoint_type": "private"}, "to admit its callers"),
        ({"policy": "{"}, "not a JSON object"),
        ({"policy": json.dumps({"Statement": "x" * 8192})}, "accepts 8192"),
        ({"lambda_function_arn": "joins"}, "not the ARN"),
        ({"lambda_function_arn": None}, "lambda_function_arn"),
    ],
)
def test_bad_input_fails_before_the_first_call(runner: Runner, bad: dict[str, Any], words: str) -> None:
    given = {key: value for key, value in {**api("bad"), **bad}.items() if value is not None}
    runner.cloud.control("calls/reset", method="POST")
    with pytest.raises(ResourceError, match=words):
        runner(TYPE, **given)
    assert runner.cloud.control("calls")["total"] == 0
