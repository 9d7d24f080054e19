"""A group beside the demo stack whose instances boot: the join API is a small server here that calls the function's
handler in this process, everything else is the cloud's.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from local_cloud.client import Cloud

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "lambda_files"))

from join import handler as join_handler
from join.scripts import client_mount, user_data

GROUP = "stateful-demo"
API_KEY = "k" * 40


def eventually(check: Callable[[], Any], seconds: float, what: Callable[[], str]) -> Any:
    """The first true value of check within the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := check():
            return found
        time.sleep(0.25)
    raise AssertionError(f"not within {seconds:.0f} s:\n{what()}")


class JoinApi(ThreadingHTTPServer):
    """GET /join with the right x-api-key calls the handler; `keys` are the keys that came."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        super().__init__(("127.0.0.1", 0), self.handler())
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/default/join"

    def handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                api.keys.append(self.headers.get("x-api-key", ""))
                query = dict(parse_qsl(urlsplit(self.path).query))
                answer = join_handler.handler({"queryStringParameters": query}, None)
                if api.keys[-1] != API_KEY:
                    answer = {"statusCode": 403, "body": '{"message":"Forbidden"}'}
                self.send_response(answer["statusCode"])
                self.end_headers()
                self.wfile.write(answer["body"].encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Stay quiet."""

        return Handler


class World:
    """The demo stack, its settings and credentials in a table, and a group without instances."""

    def __init__(self, cloud: Cloud, api: JoinApi) -> None:
        self.cloud, self.api = cloud, api
        self.ec2, self.autoscaling = cloud.client("ec2"), cloud.client("autoscaling")
        stack = [{"Name": "tag:aws:cloudformation:stack-name", "Values": ["demo"]}]
        found = self.ec2.describe_instances(Filters=stack)["Reservations"]
        instances = [instance for reservation in found for instance in reservation["Instances"]]
        self.backend = next(each for each in instances if each["InstanceType"] == "i3en.2xlarge")
        self.backends = [each for each in instances if each["InstanceType"] == "i3en.2xlarge"]
        self.document = {
            "schema": 1,
            "cluster": "demo",
            "subnet_id": self.backend["SubnetId"],
            "security_group_ids": [group["GroupId"] for group in self.backend["SecurityGroups"]],
            "instance_type": "i3en.2xlarge",
            "weka": {"scheme": "https", "port": 14000, "validate_certs": True, "certificate": self.certificate()},
        }
        self.records()
        self.group()

    def certificate(self) -> str:
        import ssl

        return ssl.get_server_certificate((self.backend["PrivateIpAddress"], 14000))

    def records(self) -> None:
        dynamodb, kms = self.cloud.client("dynamodb"), self.cloud.client("kms")
        dynamodb.create_table(
            TableName=GROUP,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "Key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "Key", "AttributeType": "S"}],
        )
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        blob = kms.encrypt(
            KeyId=key,
            EncryptionContext={"stateful:cluster": "demo"},
            Plaintext=json.dumps({"username": "admin", "password": "WEKA-demo-1"}).encode(),
        )["CiphertextBlob"]
        for item in (
            {"Key": {"S": "settings"}, "Document": {"S": json.dumps(self.document)}},
            {"Key": {"S": "credentials"}, "Ciphertext": {"B": blob}},
        ):
            dynamodb.put_item(TableName=GROUP, Item=item)

    def script(self, key: str = API_KEY) -> str:
        tags = {"stateful:cluster": "demo", "stateful:component": "member"}
        return user_data(self.document, "us-east-1", self.api.url, tags).replace("@API_KEY@", key)

    def client_script(self) -> str:
        """The client mount script with a backend's address, its mount point in the instance's own root."""
        script = client_mount(self.backend["PrivateIpAddress"])
        return script.replace("MOUNT_POINT=/mnt/weka", 'MOUNT_POINT="$LOCAL_CLOUD_ROOT/mnt/weka"')

    def template(self, script: str) -> dict[str, Any]:
        return {
            "ImageId": self.backend["ImageId"],
            "InstanceType": "i3en.2xlarge",
            "IamInstanceProfile": {"Arn": self.backend["IamInstanceProfile"]["Arn"]},
            "InstanceInitiatedShutdownBehavior": "terminate",
            "NetworkInterfaces": [
                {
                    "DeviceIndex": 0,
                    "SubnetId": self.backend["SubnetId"],
                    "DeleteOnTermination": True,
                    "Groups": self.document["security_group_ids"],
                }
            ],
            "TagSpecifications": [
                {
                    "ResourceType": "instance",
                    "Tags": [{"Key": "stateful:cluster", "Value": "demo"}],
                }
            ],
            "UserData": base64.b64encode(script.encode()).decode(),
        }

    def group(self) -> None:
        self.ec2.create_launch_template(LaunchTemplateName=GROUP, LaunchTemplateData=self.template(self.script()))
        self.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=GROUP,
            MinSize=0,
            MaxSize=20,
            DesiredCapacity=0,
            VPCZoneIdentifier=self.backend["SubnetId"],
            LaunchTemplate={"LaunchTemplateName": GROUP, "Version": "$Latest"},
        )
        self.autoscaling.attach_instances(
            AutoScalingGroupName=GROUP, InstanceIds=[each["InstanceId"] for each in self.backends]
        )

    def launch(self, script: str) -> str:
        """One more instance with this user data; its id."""
        self.next_user_data(script)
        before = self.members()
        self.autoscaling.set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=len(before) + 1)
        return eventually(lambda: self.members() - before, 20, lambda: "no new member").pop()

    def members(self) -> set[str]:
        groups = self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[GROUP])["AutoScalingGroups"]
        return {instance["InstanceId"] for instance in groups[0]["Instances"]}

    def next_user_data(self, script: str) -> None:
        self.ec2.create_launch_template_version(LaunchTemplateName=GROUP, LaunchTemplateData=self.template(script))

    @contextmanager
    def doomed(self, script: str) -> Iterator[str]:
        """launch() for an instance that ends within the block; one that runs nothing replaces it afterwards."""
        instance_id = self.launch(script)
        self.autoscaling.suspend_processes(AutoScalingGroupName=GROUP, ScalingProcesses=["Launch"])
        try:
            yield instance_id
        finally:
            self.next_user_data("#!/bin/bash\n")
            self.autoscaling.resume_processes(AutoScalingGroupName=GROUP)

    def log(self, instance_id: str) -> dict[str, Any]:
        try:
            return self.cloud.control(f"instances/{instance_id}/log")
        except Exception as error:
            return {"running": True, "status": None, "log": str(error)}

    def finished(self, instance_id: str, seconds: float = 60) -> dict[str, Any]:
        """The log of user data that has ended."""
        return eventually(
            lambda: (log := self.log(instance_id)) and not log["running"] and log,
            seconds,
            lambda: self.log(instance_id)["log"],
        )

    def address(self, instance_id: str) -> str:
        found = self.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
        return found["PrivateIpAddress"]

    def containers(self, address: str) -> list[dict[str, Any]]:
        """The simulated cluster's containers of one machine."""
        return [each for each in self.cloud.control("weka/demo")["hosts"].values() if each["host_ip"] == address]

    def shut_down(self, instance_id: str) -> str:
        """The log of an instance once it has shut itself down."""
        eventually(lambda: self.state(instance_id) == "terminated", 60, lambda: self.log(instance_id)["log"])
        return self.log(instance_id)["log"]

    def state(self, instance_id: str) -> str:
        found = self.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
        return found["State"]["Name"]
