"""The core of the local cloud, over real HTTP."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, HTTPClientError

from local_cloud.client import Cloud
from tests.local_cloud.core_helpers import archive, execute, function, invoke, lines, role

SOURCE = """
import os, time, boto3

def handler(event, context):
    print("got", event.get("do"))
    match event.get("do"):
        case "raise": raise KeyError("nope")
        case "exit": os._exit(3)
        case "sleep": time.sleep(30)
        case "big": return "x" * 6_300_000
        case "requests":
            import requests
            return requests.__file__
    return {"pid": os.getpid(), "arn": boto3.client("sts").get_caller_identity()["Arn"]}
"""
ONCE = Config(retries={"total_max_attempts": 1})


def api(cloud: Cloud, name: str, function_arn: str) -> tuple[str, dict[str, str]]:
    """A REST API in front of a function, with a key and a plan of 1 request a second, 3 at once."""
    gateway = cloud.client("apigateway")
    made = gateway.create_rest_api(name=name, endpointConfiguration={"types": ["REGIONAL"]})
    where = {"restApiId": made["id"]}
    resource = gateway.create_resource(**where, parentId=made["rootResourceId"], pathPart="join")["id"]
    method = {**where, "resourceId": resource, "httpMethod": "GET"}
    gateway.put_method(**method, authorizationType="NONE", apiKeyRequired=True)
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function_arn}/invocations"
    gateway.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    gateway.create_deployment(**where, stageName="default")
    plan = gateway.create_usage_plan(
        name=name,
        apiStages=[{"apiId": made["id"], "stage": "default"}],
        throttle={"rateLimit": 1, "burstLimit": 3},
    )["id"]
    key = gateway.create_api_key(name=name, enabled=True)
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    return made["id"], {"x-api-key": key["value"]}


def machine(cloud: Cloud, name: str, function_arn: str) -> str:
    """A state machine of our shape: a task with Catch, a guarded Choice, Fail and Succeed."""
    states: dict[str, Any] = {
        "Work": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": function_arn, "Payload.$": "$"},
            "ResultSelector": {"value.$": "$.Payload"},
            "ResultPath": "$.work",
            "TimeoutSeconds": 10,
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Failed"}],
            "Next": "Errors",
        },
        "Errors": {
            "Type": "Choice",
            "Choices": [{"And": [{"Variable": "$.work.value.errors[0]", "IsPresent": True}], "Next": "Reported"}],
            "Default": "Done",
        },
        "Failed": {"Type": "Fail", "Error": "Work.Failed", "CausePath": "$.error.Cause"},
        "Reported": {"Type": "Fail", "Error": "Work.Reported"},
        "Done": {"Type": "Succeed"},
    }
    made = cloud.client("stepfunctions").create_state_machine(
        name=name,
        definition=json.dumps({"StartAt": "Work", "TimeoutSeconds": 60, "States": states}),
        roleArn=role(cloud, f"{name}-states", "states.amazonaws.com"),
    )
    return str(made["stateMachineArn"])


def test_a_function_runs_under_its_role_stays_warm_and_logs(cloud: Cloud) -> None:
    function(cloud, "runs", SOURCE)
    first, second = invoke(cloud, "runs", {"do": "a"}), invoke(cloud, "runs", {"do": "b"})
    assert first[0] is None and first[1]["arn"].endswith(":assumed-role/runs/runs")
    assert first[1]["pid"] == second[1]["pid"]
    assert [line for line in lines(cloud, "runs") if line.startswith("got")] == ["got a", "got b"]
    assert cloud.control("calls")["by_caller"]["runs"]["sts:GetCallerIdentity"] >= 2


def test_failures_have_the_types_that_lambda_reports(cloud: Cloud) -> None:
    function(cloud, "fails", SOURCE, timeout=1)
    found = {do: invoke(cloud, "fails", {"do": do}) for do in ("raise", "exit", "sleep", "big")}
    assert {kind for kind, _ in found.values()} == {"Unhandled"}
    types = {do: answer["errorType"] for do, (_, answer) in found.items()}
    assert types == {
        "raise": "KeyError",
        "exit": "Runtime.ExitError",
        "sleep": "Sandbox.Timedout",
        "big": "Function.ResponseSizeTooLarge",
    }
    assert invoke(cloud, "fails", {})[0] is None, "a new child takes the place of an ended one"
    for _ in range(2):
        invoke(cloud, "fails", {"do": "sleep"})
        assert invoke(cloud, "fails", {})[0] is None, "a killed child that still ends is not given the next event"


def test_only_boto3_is_offered_the_rest_comes_from_the_zip(cloud: Cloud) -> None:
    function(cloud, "bare", SOURCE)
    assert invoke(cloud, "bare", {"do": "requests"})[1]["errorType"] == "ModuleNotFoundError"
    function(cloud, "vendored", SOURCE, requests="x = 1\n")
    assert invoke(cloud, "vendored", {"do": "requests"})[1].endswith("/requests.py")


def test_a_new_zip_is_run_and_a_deleted_function_is_gone(cloud: Cloud) -> None:
    function(cloud, "renewed", "def handler(event, context): return 1\n")
    assert invoke(cloud, "renewed", {}) == (None, 1)
    client = cloud.client("lambda")
    client.update_function_code(
        FunctionName="renewed", ZipFile=archive(handler="def handler(event, context): return 2\n")
    )
    assert invoke(cloud, "renewed", {}) == (None, 2)
    client.delete_function(FunctionName="renewed")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        invoke(cloud, "renewed", {})


def test_a_state_machine_catches_fails_and_succeeds(cloud: Cloud) -> None:
    source = """
def handler(event, context):
    if event["do"] == "raise": raise ValueError("broken")
    return {"errors": ["one"]} if event["do"] == "report" else {}
"""
    arn = machine(cloud, "machine", function(cloud, "worked", source))
    good, caught, reported = (execute(cloud, arn, {"do": do}) for do in ("fine", "raise", "report"))
    assert good["status"] == "SUCCEEDED" and good["name"] != "None"
    assert caught["error"] == "Work.Failed" and "broken" in caught["cause"]
    assert (reported["status"], reported["error"]) == ("FAILED", "Work.Reported")


def test_a_tick_fires_enabled_rules_and_waits(cloud: Cloud) -> None:
    arn = machine(cloud, "ticked", function(cloud, "ticks", "def handler(event, context): return {}\n"))
    events = cloud.client("events")
    events.put_rule(Name="tick", ScheduleExpression="rate(1 minute)", State="ENABLED")
    target = {"Id": "state-machine", "Arn": arn, "RoleArn": role(cloud, "tick-events", "events.amazonaws.com")}
    events.put_targets(Rule="tick", Targets=[target])
    fired = cloud.control("schedule/tick", method="POST")
    assert [(item["status"], ":ticked:" in item["execution_arn"]) for item in fired] == [("SUCCEEDED", True)]
    assert json.loads(fired[0]["output"])["source"] == "aws.events"
    events.disable_rule(Name="tick")
    assert cloud.control("schedule/tick", method="POST") == []


def test_a_rest_api_wants_key_permission_and_a_sound_answer(cloud: Cloud) -> None:
    source = """
def handler(event, context):
    asked = (event["queryStringParameters"] or {}).get("instance_id")
    return {"statusCode": 200, "headers": {"Content-Type": "text/plain"}, "body": asked} if asked else "malformed"
"""
    arn = function(cloud, "answers", source)
    api_id, key = api(cloud, "answers", arn)
    url = f"{cloud.url}/restapis/{api_id}/default/_user_request_/join"
    assert requests.get(url, timeout=10).status_code == 403
    assert requests.get(url, headers={"x-api-key": "wrong"}, timeout=10).status_code == 403
    assert requests.get(url, headers=key, timeout=10).status_code == 500, "no lambda permission yet"
    cloud.client("lambda").add_permission(
        FunctionName="answers",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:123456789012:{api_id}/*/GET/join",
    )
    good = requests.get(f"{url}?instance_id=i-1", headers=key, timeout=10)
    assert (good.status_code, good.text, good.headers["Content-Type"]) == (200, "i-1", "text/plain")
    assert requests.get(url, headers=key, timeout=10).status_code == 502
    assert requests.get(url, headers=key, timeout=10).status_code == 429, "the plan's burst is used up"


def test_a_resource_policy_counts_once_it_is_deployed(cloud: Cloud) -> None:
    arn = function(cloud, "guarded", 'def handler(event, context): return {"statusCode": 200, "body": "in"}\n')
    api_id, key = api(cloud, "guarded", arn)
    cloud.client("lambda").add_permission(
        FunctionName="guarded", StatementId="a", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
    )
    url = f"{cloud.url}/restapis/{api_id}/default/_user_request_/join"
    gateway = cloud.client("apigateway")
    allow = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
    deny = {**allow, "Effect": "Deny", "Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow, deny]})
    gateway.update_rest_api(restApiId=api_id, patchOperations=[{"op": "replace", "path": "/policy", "value": policy}])
    assert requests.get(url, headers=key, timeout=10).status_code == 200
    gateway.create_deployment(restApiId=api_id, stageName="default")
    refused = requests.get(url, headers=key, timeout=10)
    assert refused.status_code == 403 and "explicit deny" in refused.json()["Message"]
    change = {"op": "replace", "path": "/endpointConfiguration/types/REGIONAL", "value": "PRIVATE"}
    gateway.update_rest_api(restApiId=api_id, patchOperations=[change, {**change, "path": "/policy", "value": ""}])
    with pytest.raises(gateway.exceptions.BadRequestException, match="resource policy"):
        gateway.create_deployment(restApiId=api_id, stageName="default")


def test_botocore_survives_a_throttling_storm(faultless: Cloud) -> None:
    faultless.control("faults", {"seed": 1, "throttle": 0.4, "error_5xx": 0.1})
    patient = Config(retries={"mode": "standard", "total_max_attempts": 12})
    calls = (("ec2", "describe_vpcs"), ("dynamodb", "list_tables"), ("apigateway", "get_rest_apis"))
    for service, call in calls + (("cloudwatch", "list_metrics"), ("route53", "list_hosted_zones")):
        getattr(faultless.client(service, config=patient), call)()
    report = faultless.control("faults")
    assert report["injected"] == report["calls"] - 5 > 0


def test_a_dropped_reply_did_write(faultless: Cloud) -> None:
    faultless.control("faults", {"drop_reply_after_write": 1.0})
    iam = faultless.client("iam", config=ONCE)
    with pytest.raises((ConnectionClosedError, HTTPClientError, EndpointConnectionError)):
        iam.create_role(RoleName="dropped", AssumeRolePolicyDocument="{}")
    assert iam.get_role(RoleName="dropped")["Role"]["RoleName"] == "dropped"


@pytest.mark.parametrize(("hold", "written"), [("before", False), ("after", True)])
def test_a_caller_that_dies_while_held(faultless: Cloud, hold: str, written: bool) -> None:
    faultless.control("faults", {"hold_at": 1, "hold": hold, "only": ["iam:CreateRole"]})
    name = f"held-{hold}"
    impatient = faultless.client("iam", config=Config(retries={"total_max_attempts": 1}, read_timeout=0.5))

    def call() -> None:
        with pytest.raises(HTTPClientError):
            impatient.create_role(RoleName=name, AssumeRolePolicyDocument="{}")

    caller = threading.Thread(target=call)
    caller.start()
    time.sleep(0.2)
    report = faultless.control("faults")
    assert (report["held"], report["held_call"]) == (True, "iam:CreateRole")
    caller.join()
    faultless.control("faults", method="DELETE")
    time.sleep(0.2)
    names = [item["RoleName"] for item in faultless.client("iam").list_roles()["Roles"]]
    assert (name in names) is written


def test_new_roles_functions_and_tags_need_a_moment(faultless: Cloud) -> None:
    faultless.control("faults", {"propagation_s": 1.0})
    arn = role(faultless, "fresh", "lambda.amazonaws.com")
    client = faultless.client("lambda", config=ONCE)
    options = {"FunctionName": "fresh", "Role": arn, "Runtime": "python3.13", "Handler": "handler.handler"}
    code = archive(handler="def handler(event, context): return 1\n")
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        client.create_function(**options, Code={"ZipFile": code})
    with pytest.raises(ClientError, match="Neither the global service principal"):
        machine(faultless, "fresh", arn)
    time.sleep(1.1)
    made = client.create_function(**options, Code={"ZipFile": code}, Tags={"a": "b"})
    assert made["State"] == "Pending"
    with pytest.raises(client.exceptions.ResourceConflictException):
        client.update_function_configuration(FunctionName="fresh", Timeout=5)
    tagging = faultless.client("resourcegroupstaggingapi")
    wanted = {"TagFilters": [{"Key": "a", "Values": ["b"]}]}
    assert tagging.get_resources(**wanted)["ResourceTagMappingList"] == []
    time.sleep(1.1)
    assert client.get_function_configuration(FunctionName="fresh")["State"] == "Active"
    client.update_function_configuration(FunctionName="fresh", Timeout=5)
    assert client.get_function_configuration(FunctionName="fresh")["LastUpdateStatus"] == "InProgress"
    assert len(tagging.get_resources(**wanted)["ResourceTagMappingList"]) == 1


def test_calls_are_counted_with_their_writes(cloud: Cloud) -> None:
    cloud.control("calls/reset", method="POST")
    cloud.client("ec2").describe_instances()
    cloud.client("logs").create_log_group(logGroupName="counted")
    report = cloud.control("calls")
    assert report["by"] == {"ec2:DescribeInstances": 1, "logs:CreateLogGroup": 1}
    assert (report["total"], report["writes"], report["write_names"]) == (2, 1, ["logs:CreateLogGroup"])


def test_an_unknown_control_call_is_refused_with_a_sentence(cloud: Cloud) -> None:
    answer = requests.post(f"{cloud.url}/_local/faults", json={"thorttle": 1}, timeout=10)
    assert answer.status_code == 400 and "thorttle" in answer.json()["error"]
    assert requests.get(f"{cloud.url}/_local/nothing", timeout=10).status_code == 404


def test_step_functions_refuses_what_aws_refuses(cloud: Cloud) -> None:
    states = cloud.client("stepfunctions")
    arn = role(cloud, "refusing", "states.amazonaws.com")
    broken = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "Nowhere"}}}
    with pytest.raises(ClientError, match="Nowhere"):
        states.create_state_machine(name="refusing", definition=json.dumps(broken), roleArn=arn)
    sound = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
    made = states.create_state_machine(name="refusing", definition=json.dumps(sound), roleArn=arn)
    with pytest.raises(ClientError, match="262144"):
        states.start_execution(stateMachineArn=made["stateMachineArn"], input=json.dumps("x" * 262144))


def test_rules_fire_by_the_clock_when_asked_to(cloud: Cloud) -> None:
    states, events = cloud.client("stepfunctions"), cloud.client("events")
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    arn = role(cloud, "clock", "states.amazonaws.com")
    made = states.create_state_machine(name="clock", definition=definition, roleArn=arn)["stateMachineArn"]
    events.put_rule(Name="clock", ScheduleExpression="rate(1 minute)")
    events.put_targets(Rule="clock", Targets=[{"Id": "state-machine", "Arn": made}])
    cloud.control("schedule", {"mode": "realtime", "speed": 120})
    try:
        deadline = time.monotonic() + 10
        while len(states.list_executions(stateMachineArn=made)["executions"]) < 2:
            assert time.monotonic() < deadline, "the rule did not fire twice in 10 s"
            time.sleep(0.1)
    finally:
        cloud.control("schedule", {"mode": "stepped"})
        events.disable_rule(Name="clock")


def test_a_stop_shows_at_once_and_a_deletion_waits_for_what_runs(cloud: Cloud) -> None:
    slow = function(cloud, "slow", "import time\ndef handler(event, context):\n    time.sleep(1)\n    return {}\n")
    arn = machine(cloud, "ending", slow)
    states = cloud.client("stepfunctions")
    stopped = states.start_execution(stateMachineArn=arn, input="{}")["executionArn"]
    states.stop_execution(executionArn=stopped, error="Enough", cause="the test is over")
    found = states.describe_execution(executionArn=stopped)
    assert (found["status"], found["error"]) == ("ABORTED", "Enough")
    busy = states.start_execution(stateMachineArn=arn, input="{}")["executionArn"]
    deadline = time.monotonic() + 10
    while not any(e["type"] == "TaskStarted" for e in states.get_execution_history(executionArn=busy)["events"]):
        assert time.monotonic() < deadline, "the execution's task did not start within 10 s"
        time.sleep(0.02)
    states.delete_state_machine(stateMachineArn=arn)
    assert states.describe_state_machine(stateMachineArn=arn)["status"] == "DELETING"
    with pytest.raises(states.exceptions.StateMachineDeleting):
        states.start_execution(stateMachineArn=arn)
    deadline = time.monotonic() + 10
    while any(item["name"] == "ending" for item in states.list_state_machines()["stateMachines"]):
        assert time.monotonic() < deadline, "the machine is still there 10 s after its deletion"
        time.sleep(0.1)


def test_an_unusable_key_and_an_unsound_rate_are_refused(cloud: Cloud) -> None:
    kms = cloud.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    secret = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    for call in (lambda: kms.encrypt(KeyId=key, Plaintext=b"x"), lambda: kms.decrypt(CiphertextBlob=secret)):
        with pytest.raises(kms.exceptions.KMSInvalidStateException):
            call()
    for rate in ("rate(1 minutes)", "rate(5 minute)", "rate(0 minutes)"):
        with pytest.raises(ClientError, match="ScheduleExpression is not valid"):
            cloud.client("events").put_rule(Name="unsound", ScheduleExpression=rate)


def test_the_tagging_api_finds_rules_templates_and_apis(cloud: Cloud) -> None:
    pair = {"Key": "found", "Value": "yes"}
    cloud.client("events").put_rule(Name="found", ScheduleExpression="rate(1 hour)", State="DISABLED", Tags=[pair])
    cloud.client("ec2").create_launch_template(
        LaunchTemplateName="found",
        LaunchTemplateData={"InstanceType": "t3.micro"},
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": [pair]}],
    )
    api_id = cloud.client("apigateway").create_rest_api(name="found", tags={"found": "yes"})["id"]
    pages = cloud.client("resourcegroupstaggingapi").get_paginator("get_resources")
    wanted = [{"Key": "found", "Values": ["yes"]}]
    found = [
        item["ResourceARN"] for page in pages.paginate(TagFilters=wanted) for item in page["ResourceTagMappingList"]
    ]
    kinds = sorted(arn.split(":", 5)[2] + ":" + arn.split(":", 5)[5].split("/")[-2] for arn in found)
    assert kinds == ["apigateway:restapis", "ec2:launch-template", "events:rule"]
    assert any(arn.endswith(f"/restapis/{api_id}") for arn in found)
