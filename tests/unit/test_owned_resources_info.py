"""stateful.aws.owned_resources_info: everything of one cluster, whatever there is of others, and all pages."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.aws import Aws
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.options import validate
from ansible_collections.stateful.aws.plugins.module_utils._engine.run import kind_of

from local_cloud.stack import IMAGE_ID
from tests.unit.harness import Runner
from tests.unit.resources.network import place
from tests.unit.resources.roles import role_for

OURS, SIMILAR = "owned", "owned-2"
TYPES = {
    "apigateway_rest_api": 3,
    "autoscaling_group": 1,
    "cloudwatch_metric_alarm": 1,
    "dynamodb_table": 1,
    "ec2_instance": 1,
    "ec2_launch_template": 1,
    "ec2_network_interface": 1,
    "elbv2_load_balancer": 1,
    "elbv2_target_group": 1,
    "events_rule": 1,
    "iam_role": 1,
    "kms_key": 1,
    "lambda_function": 1,
    "logs_group": 2,
    "sns_topic": 1,
    "stepfunctions_state_machine": 1,
}


class Making:
    """Makes resources of a cluster behind the modules' back."""

    def __init__(self, runner: Runner, cluster: str) -> None:
        self.client = runner.client
        self.runner = runner
        self.cluster = cluster
        self.name = f"stateful-{cluster}"
        self.tags = {"stateful:cluster": cluster, "stateful:name": f"alias/{self.name}"}

    def pairs(self, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
        return [{key: name, value: text} for name, text in self.tags.items()]

    def specification(self, kind: str) -> list[dict[str, Any]]:
        return [{"ResourceType": kind, "Tags": self.pairs()}]

    def everything(self) -> None:
        self.stored()
        self.running()
        self.standing()

    def stored(self) -> None:
        self.key()
        attributes = [{"AttributeName": "Key", "AttributeType": "S"}]
        keys = [{"AttributeName": "Key", "KeyType": "HASH"}]
        self.client("dynamodb").create_table(
            TableName=self.name,
            AttributeDefinitions=attributes,
            KeySchema=keys,
            BillingMode="PAY_PER_REQUEST",
            Tags=self.pairs(),
        )
        self.logs([f"/aws/lambda/{self.name}-fetch", f"/aws/vendedlogs/states/{self.name}"])
        self.roles([f"{self.name}-fetch"])
        self.apis(1)

    def key(self) -> str:
        made = self.client("kms").create_key(Tags=self.pairs("TagKey", "TagValue"))["KeyMetadata"]
        return str(made["KeyId"])

    def logs(self, names: Iterable[str]) -> None:
        for name in names:
            self.client("logs").create_log_group(logGroupName=name, tags=self.tags)

    def roles(self, names: Iterable[str]) -> None:
        for name in names:
            self.client("iam").create_role(
                Path=f"/stateful/{self.cluster}/", RoleName=name, AssumeRolePolicyDocument="{}", Tags=self.pairs()
            )

    def apis(self, count: int) -> None:
        client = self.client("apigateway")
        for number in range(count):
            name = f"{self.name}{number or ''}"
            client.create_rest_api(name=name, tags=self.tags)
            client.create_api_key(name=name, tags=self.tags)
            client.create_usage_plan(name=name, tags=self.tags)

    def running(self) -> None:
        package = self.runner.cloud.client("lambda")
        package.create_function(
            FunctionName=f"{self.name}-fetch",
            Runtime="python3.13",
            Handler="handler.handler",
            Role=role_for(self.runner, "owned-function", "lambda.amazonaws.com"),
            Code={"ZipFile": _zip()},
            Tags=self.tags,
        )
        definition = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
        self.client("stepfunctions").create_state_machine(
            name=self.name,
            definition=json.dumps(definition),
            roleArn=role_for(self.runner, "owned-states", "states.amazonaws.com"),
            tags=self.pairs("key", "value"),
        )
        self.client("events").put_rule(Name=self.name, ScheduleExpression="rate(1 minute)", Tags=self.pairs())

        self.client("sns").create_topic(Name=self.name, Tags=self.pairs())
        self.client("cloudwatch").put_metric_alarm(
            AlarmName=f"{self.name}-missing",
            Namespace="AWS/States",
            MetricName="ExecutionsSucceeded",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="LessThanThreshold",
            Tags=self.pairs(),
        )

    def standing(self) -> None:
        ec2, elb, where = self.client("ec2"), self.client("elbv2"), place(self.runner)
        data = {"ImageId": IMAGE_ID, "InstanceType": "i3en.2xlarge"}
        template = ec2.create_launch_template(
            LaunchTemplateName=self.name,
            LaunchTemplateData=data,
            TagSpecifications=self.specification("launch-template"),
        )["LaunchTemplate"]["LaunchTemplateId"]
        self.client("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName=self.name,
            MinSize=0,
            MaxSize=0,
            LaunchTemplate={"LaunchTemplateId": template, "Version": "1"},
            VPCZoneIdentifier=where.network.subnet_id,
            Tags=self.pairs(),
        )
        elb.create_load_balancer(Name=self.name, Subnets=where.subnets, Scheme="internal", Tags=self.pairs())
        elb.create_target_group(
            Name=self.name, Protocol="HTTP", Port=14000, VpcId=where.network.vpc_id, Tags=self.pairs()
        )
        ec2.create_network_interface(
            SubnetId=where.network.subnet_id, TagSpecifications=self.specification("network-interface")
        )
        instances = ec2.run_instances(
            **data,
            MinCount=2,
            MaxCount=2,
            SubnetId=where.network.subnet_id,
            TagSpecifications=self.specification("instance"),
        )["Instances"]
        ec2.terminate_instances(InstanceIds=[instances[0]["InstanceId"]])


@cache
def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("handler.py", "def handler(event, context):\n    return event\n")
    return buffer.getvalue()


@cache
def _made(cloud: Any) -> None:
    runner = Runner(cloud)
    for cluster in (OURS, SIMILAR):
        Making(runner, cluster).everything()


@pytest.fixture
def both(runner: Runner) -> Runner:
    """A cloud with all types of resources of two clusters, one's name being the beginning of the other's."""
    _made(runner.cloud)
    return runner


def owned(runner: Runner, cluster: str) -> dict[str, Any]:
    return runner("owned_resources_info", cluster=cluster)


@pytest.mark.parametrize("cluster", [OURS, SIMILAR])
def test_everything_of_each_type_is_found_and_nothing_of_another_cluster(both: Runner, cluster: str) -> None:
    found = owned(both, cluster)
    assert Counter(each["type"] for each in found["owned"]) == TYPES
    assert {each["tags"]["stateful:cluster"] for each in found["owned"]} == {cluster}
    parts = {each["part"] for each in found["owned"] if each["type"] == "apigateway_rest_api"}
    assert parts == {"rest_api", "usage_plan", "api_key"}
    assert not found["changed"] and found["pending_deletion"] == []


def test_the_rights_named_are_those_that_it_uses(both: Runner) -> None:
    kind = kind_of("owned_resources_info")
    options, _ = validate(kind, {"cluster": OURS})
    aws = Aws(options)
    kind(options, aws).read()  # type: ignore[union-attr]
    used = {"apigateway:GET" if name.startswith("apigateway:") else name for name in aws.calls}
    # sts:GetCallerIdentity needs no right (STS API reference).
    assert used - {"sts:GetCallerIdentity"} == set(kind.iam_actions["read"])


def test_what_it_lists_can_be_given_to_resources(both: Runner) -> None:
    found = owned(both, OURS)["by_type"]
    assert found["apigateway_rest_api"] == [{"apigateway_rest_api": {"name": "stateful-owned"}}]
    assert found["kms_key"] == [{"kms_key": {"alias": "alias/stateful-owned"}}]
    assert [each["logs_group"]["name"] for each in found["logs_group"]] == [
        "/aws/lambda/stateful-owned-fetch",
        "/aws/vendedlogs/states/stateful-owned",
    ]


def test_a_resource_with_our_name_and_without_our_tag_is_not_ours(runner: Runner) -> None:
    runner.client("logs").create_log_group(logGroupName="/aws/lambda/stateful-owned-foreign-fetch")
    runner.client("iam").create_role(
        Path="/stateful/owned-foreign/", RoleName="stateful-owned-foreign", AssumeRolePolicyDocument="{}"
    )
    runner.client("events").put_rule(Name="stateful-owned-foreign", ScheduleExpression="rate(1 minute)")
    runner.client("apigateway").create_rest_api(name="stateful-owned-foreign")
    assert owned(runner, "owned-foreign")["owned"] == []


def test_all_pages_are_read(runner: Runner) -> None:
    """CloudWatch Logs gives 50 a page, API Gateway 25, IAM 100."""
    making = Making(runner, "owned-many")
    making.logs(f"/aws/lambda/stateful-owned-many-{number}" for number in range(60))
    making.roles(f"stateful-owned-many-{number}" for number in range(105))
    making.apis(30)
    counted = Counter(each["type"] for each in owned(runner, "owned-many")["owned"])
    assert counted == {"logs_group": 60, "iam_role": 105, "apigateway_rest_api": 90}


def test_a_key_that_will_be_deleted_is_listed_apart(runner: Runner) -> None:
    making = Making(runner, "owned-pending")
    pending, kept = making.key(), making.key()
    runner.client("kms").schedule_key_deletion(KeyId=pending)
    found = owned(runner, "owned-pending")
    assert [each["arn"].rpartition("/")[2] for each in found["pending_deletion"]] == [pending]
    assert [each["arn"].rpartition("/")[2] for each in found["owned"]] == [kept]
    assert len(found["by_type"]["kms_key"]) == 1


STALE = (
    "arn:aws:kms:us-east-1:123456789012:key/5b0b1b3e-0000-4000-8000-000000000000",
    "arn:aws:dynamodb:us-east-1:123456789012:table/owned-stale",
    "arn:aws:lambda:us-east-1:123456789012:function:owned-stale",
    "arn:aws:states:us-east-1:123456789012:stateMachine:owned-stale",
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/owned-stale/0123456789abcdef",
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/owned-stale/0123456789abcdef",
    "arn:aws:sns:us-east-1:123456789012:owned-stale",
)


@pytest.fixture
def stale(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tagging API still lists resources for a while after their deletion."""
    pages = Aws.pages

    def with_stale(self: Aws, service: str, method: str, key: str, **params: Any) -> list[Any]:
        found = pages(self, service, method, key, **params)
        tags = [{"Key": "stateful:cluster", "Value": "owned-stale"}]
        more = [{"ResourceARN": arn, "Tags": tags} for arn in STALE]
        return found + (more if service == "resourcegroupstaggingapi" else [])

    monkeypatch.setattr(Aws, "pages", with_stale)


def test_what_the_tagging_api_still_lists_is_left_out(runner: Runner, stale: None) -> None:
    runner.cloud.control("calls/reset", method="POST")
    assert owned(runner, "owned-stale")["owned"] == []
    looked = runner.cloud.control("calls")["by"]
    assert looked["states:DescribeStateMachine"] >= 1 and looked["kms:DescribeKey"] >= 1


def test_a_refusal_is_no_absence(runner: Runner) -> None:
    """A list that cannot be read would else look as if nothing were left."""
    runner.cloud.control("faults", {"error_5xx": 1, "only": ["iam:ListRoles"]})
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ansible_collections.stateful.aws.plugins.module_utils._engine.aws.ATTEMPTS", 1)
            with pytest.raises(ResourceError, match="Reading the cluster's resources failed. AWS said"):
                owned(runner, "owned-refused")
    finally:
        runner.cloud.control("faults", method="DELETE")
