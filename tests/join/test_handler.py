"""The join function from API Gateway's event to its answer: AWS is moto in this process, the cluster a port."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from adapters import wiring
from errors import ClusterUnreachable, CredentialsRejected
from join import handler as module
from moto import mock_aws
from scaling.model import ClusterView, Container, Drive, Gates, Machine

NAME = "stateful-demo"
PASSWORD = "the'secret$1"


def event(instance_id: str | None) -> dict[str, Any]:
    query = {"instance_id": instance_id} if instance_id is not None else None
    return {"httpMethod": "GET", "path": "/join", "queryStringParameters": query, "body": None}


class Cluster:
    """The cluster as the function sees it: what view() gives, or raises."""

    def __init__(self) -> None:
        self.machines: list[Machine] = []
        self.failure: Exception | None = None
        self.asked: list[str] = []

    def view(self) -> ClusterView:
        if self.failure:
            raise self.failure
        return ClusterView("guid", Gates("STARTED", "OK", False, (), False, True), tuple(self.machines))

    def has(self, address: str, instance_id: str) -> None:
        drives = (Drive("uuid", "ACTIVE", True),)
        container = Container(len(self.machines), "drives0", address, "ACTIVE", "UP", instance_id, "m", drives=drives)
        self.machines.append(Machine(address, instance_id, "m", (container,)))


class World:
    """A group of two instances: `old` serves in the cluster, `new` is launching."""

    def __init__(self, document: dict[str, Any], cluster: Cluster) -> None:
        self.cluster, self.document = cluster, document
        self.ec2, self.autoscaling = boto3.client("ec2"), boto3.client("autoscaling")
        self.dynamodb, self.kms = boto3.client("dynamodb"), boto3.client("kms")
        subnet = self.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "stateful:cluster", "Value": "demo"}]}]
        self.ec2.create_launch_template(
            LaunchTemplateName=NAME,
            LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": "i3en.2xlarge", "TagSpecifications": tags},
        )
        self.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=NAME,
            MinSize=0,
            MaxSize=5,
            DesiredCapacity=2,
            VPCZoneIdentifier=subnet,
            LaunchTemplate={"LaunchTemplateName": NAME},
        )
        group = self.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"][0]
        self.old, self.new = (instance["InstanceId"] for instance in group["Instances"])
        cluster.has(self.address(self.old), self.old)
        self.dynamodb.create_table(
            TableName=NAME,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "Key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "Key", "AttributeType": "S"}],
        )
        self.put("settings", Schema={"N": "1"}, Document={"S": json.dumps(document)})
        key = self.kms.create_key()["KeyMetadata"]["KeyId"]
        blob = self.kms.encrypt(
            KeyId=key,
            EncryptionContext={"stateful:cluster": "demo"},
            Plaintext=json.dumps({"username": "admin", "password": PASSWORD}).encode(),
        )["CiphertextBlob"]
        self.put("credentials", Ciphertext={"B": blob})

    def put(self, key: str, **attributes: Any) -> None:
        self.dynamodb.put_item(TableName=NAME, Item={"Key": {"S": key}, **attributes})

    def delete(self, key: str) -> None:
        self.dynamodb.delete_item(TableName=NAME, Key={"Key": {"S": key}})

    def address(self, instance_id: str) -> str:
        found = self.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
        return found["PrivateIpAddress"]


@pytest.fixture
def world(document, monkeypatch):
    for name, value in {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "STATEFUL_CLUSTER": "demo",
        "STATEFUL_TABLE": NAME,
        "STATEFUL_GROUP": NAME,
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    cluster = Cluster()
    monkeypatch.setattr(wiring, "Pool", lambda addresses: cluster.asked.extend(addresses))
    monkeypatch.setattr(wiring, "WekaCluster", lambda client, fence: cluster)
    with mock_aws():
        yield World(document, cluster)


def refused(answer: dict[str, Any], status: int, words: str) -> None:
    assert answer["statusCode"] == status
    assert answer["headers"]["Content-Type"] == "application/json"
    assert words in json.loads(answer["body"])["error"]
    assert PASSWORD not in answer["body"]


def test_a_launching_member_gets_the_script(world, capfd):
    answer = module.handler(event(world.new), None)
    assert answer["statusCode"] == 200, answer["body"]
    assert answer["headers"] == {"Content-Type": "text/plain", "Cache-Control": "no-store"}
    assert answer["body"].startswith("#!/bin/bash\n")
    assert f"backends=('{world.address(world.old)}')" in answer["body"]
    assert "weka_username='admin'" in answer["body"]
    assert world.cluster.asked == [world.address(world.old)]
    assert PASSWORD not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("instance_id", "words"),
    [
        (None, "names no instance"),
        ("", "names no instance"),
        ("i-1; reboot", "not an EC2 instance id"),
    ],
)
def test_a_request_without_an_instance_is_a_400(world, instance_id, words):
    refused(module.handler(event(instance_id), None), 400, words)


def test_a_stranger_is_a_403(world):
    refused(module.handler(event("i-0123456789abcdef0"), None), 403, "not a member of the Auto Scaling group")


def test_an_instance_without_our_tag_is_a_403(world):
    world.ec2.delete_tags(Resources=[world.new], Tags=[{"Key": "stateful:cluster"}])
    refused(module.handler(event(world.new), None), 403, "does not carry the tag")


def test_a_stopped_instance_is_a_409(world):
    world.ec2.stop_instances(InstanceIds=[world.new])
    refused(module.handler(event(world.new), None), 409, "is stopped: only a pending or running one can join")


def test_an_old_member_is_a_409(world, monkeypatch):
    class Later:
        def now(self) -> datetime:
            return datetime.now(UTC) + timedelta(minutes=31)

    monkeypatch.setattr(wiring, "SystemClock", Later)
    refused(module.handler(event(world.new), None), 409, "more than 30 minutes ago")


def test_a_backend_of_the_cluster_is_a_409(world):
    refused(module.handler(event(world.old), None), 409, "is a backend of the cluster already")


def test_an_address_that_the_cluster_still_lists_is_a_409(world):
    world.cluster.has(world.address(world.new), "i-0000000000000000d")
    refused(module.handler(event(world.new), None), 409, "still lists another machine")


def test_no_serving_member_is_a_503(world):
    world.cluster.machines = [replace(world.cluster.machines[0], address="10.9.9.9")]
    refused(module.handler(event(world.new), None), 503, "No running member of stateful-demo serves")


@pytest.mark.parametrize("failure", [ClusterUnreachable("No address answers"), CredentialsRejected("wrong password")])
def test_a_cluster_that_cannot_be_asked_is_a_503(world, failure):
    world.cluster.failure = failure
    refused(module.handler(event(world.new), None), 503, str(failure))


def test_a_missing_group_is_a_500(world, monkeypatch):
    monkeypatch.setenv("STATEFUL_GROUP", "stateful-other")
    refused(module.handler(event(world.new), None), 500, "0 groups of the name stateful-other")


@pytest.mark.parametrize("item", ["settings", "credentials"])
def test_a_missing_record_is_a_500(world, item):
    world.delete(item)
    refused(module.handler(event(world.new), None), 500, f"has no item {item}")


def test_a_missing_table_is_a_503_with_awss_own_words(world):
    world.dynamodb.delete_table(TableName=NAME)
    refused(module.handler(event(world.new), None), 503, "ResourceNotFoundException")


def test_an_incomplete_environment_is_a_500(world, monkeypatch):
    monkeypatch.delenv("STATEFUL_TABLE")
    refused(module.handler(event(world.new), None), 500, "lacks STATEFUL_TABLE")


def test_a_surprise_is_a_500_that_tells_only_the_log(world, caplog):
    world.cluster.failure = KeyError(PASSWORD)
    refused(module.handler(event(world.new), None), 500, "failed unexpectedly")
    assert "join failed" in caplog.text
