"""A group in moto and a simulated WEKA cluster on real sockets, with the functions' tasks run in process."""

from __future__ import annotations

import json
import socket
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import boto3
from adapters.wiring import ports
from environment import Environment
from fetch.handler import fetch
from moto import mock_aws
from moto.autoscaling.models import AutoScalingBackend
from ports.bundle import Ports
from scale.handler import scale
from tasks import grant_of
from terminate.handler import terminate

from local_cloud.weka.model import Cluster, MachineSpec
from local_cloud.weka.registry import Registry

NAME = "demo"
BASE = f"stateful-{NAME}"
USER, PASSWORD = "admin", "correct-horse"


class Ticker:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


@dataclass
class Cloud:
    """Everything a test needs of the two worlds."""

    registry: Registry
    weka: Cluster
    ticker: Ticker
    ids: list[str]
    addresses: list[str]
    calls: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    function: str = ""

    def client(self, service: str) -> Any:
        """The test's own client; its calls count for no function."""
        self.function = ""
        return boto3.client(service)

    def record(self, model: Any, params: dict[str, Any], **_: Any) -> None:
        """Notes service, call and, for the table, the item's key."""
        call = f"{model.service_model.service_name}:{model.name}"
        item = params.get("Key") or params.get("Item") or {}
        self.calls[self.function].add(f"{call} {item['Key']['S']}" if "Key" in item else call)

    def ports(self) -> Ports:
        self.function = ""
        made = ports(Environment(NAME, BASE, BASE))
        object.__setattr__(made, "clock", self.ticker)
        made.lease._clock = self.ticker
        return made

    def as_function(self, name: str) -> Ports:
        made = self.ports()
        self.function = name
        return made

    def fetch(self, execution: str = "execution-1") -> dict[str, Any]:
        return self._state(fetch(execution, self.as_function("fetch")))

    def scale(self, event: dict[str, Any]) -> dict[str, Any]:
        desired = event["desired"]
        return self._state(scale(event["execution"], grant_of(event), desired, self.as_function("scale")))

    def terminate(self, event: dict[str, Any]) -> dict[str, Any]:
        made = self.as_function("terminate")
        return self._state(
            terminate(event["execution"], grant_of(event), event["terminate"], event["detach"], event, made)
        )

    def run_pass(self, execution: str = "execution-1") -> dict[str, Any]:
        return self.terminate(self.scale(self.fetch(execution)))

    def settle(self, passes: int = 6) -> list[dict[str, Any]]:
        """Passes a minute apart."""
        results = []
        for number in range(passes):
            results.append(self.run_pass(f"execution-{self.ticker.seconds}-{number}"))
            self.ticker.seconds += 60
        return results

    @staticmethod
    def _state(answer: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(answer)
        assert len(text) < 40_000, "S16: state data is bounded"
        assert PASSWORD not in text, "S12: no secret in state data"
        return json.loads(text)

    def desire(self, count: int) -> None:
        self.client("autoscaling").update_auto_scaling_group(
            AutoScalingGroupName=BASE, DesiredCapacity=count, MinSize=0, MaxSize=50
        )

    def members(self) -> dict[str, dict[str, Any]]:
        group = self.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[BASE])
        return {i["InstanceId"]: i for i in group["AutoScalingGroups"][0]["Instances"]}

    def ec2_state(self, instance_id: str) -> str:
        answer = self.client("ec2").describe_instances(InstanceIds=[instance_id])
        return answer["Reservations"][0]["Instances"][0]["State"]["Name"]

    def in_cluster(self) -> set[str]:
        return {c.machine.spec.instance_id for c in self.weka.backends()}

    def settings(self, **change: Any) -> None:
        weka = {
            "scheme": "https",
            "port": self.registry.port,
            "validate_certs": True,
            "certificate": self.weka.certificate,
            **change.pop("weka", {}),
        }
        document = {"schema": 1, "cluster": NAME, "engine": "weka", "weka": weka, **change}
        self.put("settings", Schema={"N": "1"}, Document={"S": json.dumps(document)})

    def credentials(self, password: str = PASSWORD) -> None:
        kms = self.client("kms")
        plain = json.dumps({"username": USER, "password": password}).encode()
        blob = kms.encrypt(KeyId="alias/" + BASE, Plaintext=plain, EncryptionContext={"stateful:cluster": NAME})
        self.put("credentials", Ciphertext={"B": blob["CiphertextBlob"]})

    def put(self, key: str, **attributes: Any) -> None:
        self.client("dynamodb").put_item(TableName=BASE, Item={"Key": {"S": key}, **attributes})

    def item(self, key: str) -> dict[str, Any]:
        return self.client("dynamodb").get_item(TableName=BASE, Key={"Key": {"S": key}}).get("Item", {})


def _free_block() -> tuple[int, int]:
    """A loopback block and a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    return 64 + port % 128, port


@contextmanager
def cloud(count: int = 8, desired: int | None = None) -> Iterator[Cloud]:
    """`count` backends in a group that wants `desired` of them, with records, key and cluster in place."""
    block, port = _free_block()
    # moto replaces a terminated member at once; AWS, with ReplaceUnhealthy suspended, leaves it in the group.
    with mock_aws(), patch.object(AutoScalingBackend, "notify_terminate_instances", lambda *_: None):
        boto3.setup_default_session(region_name="us-east-1")
        ids, addresses = _instances(count, block)
        _records()
        ticker = Ticker()
        registry = Registry(port, clock=ticker)
        specs = [MachineSpec(i, a) for i, a in zip(ids, addresses, strict=True)]
        try:
            weka = registry.form(NAME, specs, username=USER, password=PASSWORD, stripe=(3, 2))
            made = Cloud(registry, weka, ticker, ids, addresses)
            boto3.DEFAULT_SESSION.events.register("provide-client-params.*.*", made.record)
            made.settings()
            made.credentials()
            made.desire(count if desired is None else desired)
            yield made
        finally:
            registry.close()
            boto3.DEFAULT_SESSION = None


def _instances(count: int, block: int) -> tuple[list[str], list[str]]:
    ec2, autoscaling = boto3.client("ec2"), boto3.client("autoscaling")
    vpc = ec2.create_vpc(CidrBlock=f"127.{block}.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"127.{block}.1.0/24")["Subnet"]["SubnetId"]
    image = "ami-12c6146b"  # one that moto knows
    tags = [{"Key": "stateful:cluster", "Value": NAME}]
    instances = ec2.run_instances(
        ImageId=image,
        MinCount=count,
        MaxCount=count,
        SubnetId=subnet,
        InstanceType="i3en.2xlarge",
        DisableApiTermination=True,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )["Instances"]
    ids = [instance["InstanceId"] for instance in instances]
    template = ec2.create_launch_template(
        LaunchTemplateName=BASE, LaunchTemplateData={"ImageId": image, "InstanceType": "i3en.2xlarge"}
    )["LaunchTemplate"]["LaunchTemplateId"]
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=BASE,
        MinSize=0,
        MaxSize=50,
        DesiredCapacity=0,
        VPCZoneIdentifier=subnet,
        LaunchTemplate={"LaunchTemplateId": template},
        NewInstancesProtectedFromScaleIn=True,
    )
    for start in range(0, count, 20):
        autoscaling.attach_instances(AutoScalingGroupName=BASE, InstanceIds=ids[start : start + 20])
    return ids, [instance["PrivateIpAddress"] for instance in instances]


def _records() -> None:
    dynamodb, kms = boto3.client("dynamodb"), boto3.client("kms")
    dynamodb.create_table(
        TableName=BASE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "Key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Key", "AttributeType": "S"}],
    )
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/" + BASE, TargetKeyId=key)
