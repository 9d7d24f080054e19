"""Instances of a group boot for real: user data, metadata, the join function and its script against the simulator.

The join API is a small server here that calls the function's handler in this process; everything else is the cloud's.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from local_cloud.client import Cloud, start

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
            "schema": 1, "cluster": "demo", "subnet_id": self.backend["SubnetId"],
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
            TableName=GROUP, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "Key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "Key", "AttributeType": "S"}],
        )
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        blob = kms.encrypt(
            KeyId=key, EncryptionContext={"stateful:cluster": "demo"},
            Plaintext=json.dumps({"username": "admin", "password": "WEKA-demo-1"}).encode(),
        )["CiphertextBlob"]
        for item in ({"Key": {"S": "settings"}, "Document": {"S": json.dumps(self.document)}},
                     {"Key": {"S": "credentials"}, "Ciphertext": {"B": blob}}):
            dynamodb.put_item(TableName=GROUP, Item=item)

    def script(self, key: str = API_KEY) -> str:
        tags = {"stateful:cluster": "demo", "stateful:component": "member"}
        return user_data(self.document, "us-east-1", self.api.url, tags).replace("@API_KEY@", key)

    def template(self, script: str) -> dict[str, Any]:
        return {
            "ImageId": self.backend["ImageId"], "InstanceType": "i3en.2xlarge",
            "IamInstanceProfile": {"Arn": self.backend["IamInstanceProfile"]["Arn"]},
            "InstanceInitiatedShutdownBehavior": "terminate",
            "NetworkInterfaces": [{
                "DeviceIndex": 0, "SubnetId": self.backend["SubnetId"], "DeleteOnTermination": True,
                "Groups": self.document["security_group_ids"],
            }],
            "TagSpecifications": [{
                "ResourceType": "instance", "Tags": [{"Key": "stateful:cluster", "Value": "demo"}],
            }],
            "UserData": base64.b64encode(script.encode()).decode(),
        }

    def group(self) -> None:
        self.ec2.create_launch_template(LaunchTemplateName=GROUP, LaunchTemplateData=self.template(self.script()))
        self.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=GROUP, MinSize=0, MaxSize=20, DesiredCapacity=0,
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
            lambda: (log := self.log(instance_id)) and not log["running"] and log, seconds,
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


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with start(stack="demo", mode="stepped") as cloud:
        api = JoinApi()
        variables = {**cloud.env, "STATEFUL_CLUSTER": "demo", "STATEFUL_TABLE": GROUP, "STATEFUL_GROUP": GROUP}
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        try:
            yield World(cloud, api)
        finally:
            api.shutdown()
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def test_a_new_member_becomes_a_backend(world):
    instance_id = world.launch(world.script())
    ended = world.finished(instance_id)
    assert ended["status"] == 0, ended["log"]
    assert f"{instance_id} has joined" in ended["log"]
    assert "WEKA-demo-1" not in ended["log"] and API_KEY not in ended["log"]
    assert set(world.api.keys) == {API_KEY}

    machine = world.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    nics = sorted(machine["NetworkInterfaces"], key=lambda nic: nic["Attachment"]["DeviceIndex"])
    assert [nic["Attachment"]["DeviceIndex"] for nic in nics] == [0, 1, 2, 3]
    assert all(nic["Attachment"]["DeleteOnTermination"] for nic in nics)
    made = world.ec2.describe_network_interfaces(
        NetworkInterfaceIds=[nic["NetworkInterfaceId"] for nic in nics[1:]]
    )["NetworkInterfaces"]
    for nic in made:
        assert {"Key": "stateful:cluster", "Value": "demo"} in nic["TagSet"]
        assert {group["GroupId"] for group in nic["Groups"]} == set(world.document["security_group_ids"])

    assert sorted(container["container_name"] for container in world.containers(machine["PrivateIpAddress"])) == [
        "compute0", "drives0", "frontend0",
    ]
    assert {container["status"] for container in world.containers(machine["PrivateIpAddress"])} == {"UP"}


def with_weka(script: str, what: str) -> str:
    """User data in which `what` happens when compute0 is set up for the first time."""
    return script.replace("umask 077\n", f"""umask 077
mkdir "$HOME/bin"
WEKA=$(command -v weka)
export WEKA PATH="$HOME/bin:$PATH"
cat >"$HOME/bin/weka" <<'WRAPPER'
#!/bin/sh
if [ "$1 $2 $5" = "local setup compute0" ] && [ ! -e "$HOME/once" ]; then touch "$HOME/once"; {what}; fi
exec "$WEKA" "$@"
WRAPPER
chmod +x "$HOME/bin/weka"
""", 1)


def test_a_join_that_was_killed_goes_on_where_it_stopped(world):
    run = 'bash "$work/join.sh"\n'
    script = world.script().replace(run, run.replace("\n", " || ") + run + run)
    ended = world.finished(world.launch(with_weka(script, 'kill -9 "$PPID"; exit 1')))
    log = ended["log"]
    assert ended["status"] == 0, log
    assert log.count("setting up container drives0") == 1
    assert log.count("setting up container compute0") == 2
    assert log.count("setting up container frontend0") == 1
    assert log.count("is a backend now") == 1
    assert log.count("is a backend already") == 1


def test_a_join_that_fails_takes_its_containers_out_again(world):
    with world.doomed(with_weka(world.script(), "exit 1")) as instance_id:
        address = world.address(instance_id)
        log = world.shut_down(instance_id)
        assert "withdrawing this machine's containers" in log
        assert "did not join: setting up container compute0 on port 15000 with cores 2 failed" in log
        assert [(each["container_name"], each["state"]) for each in world.containers(address)] in (
            [("drives0", "DEACTIVATING")], [("drives0", "INACTIVE")],
        )


def test_an_instance_without_the_right_key_shuts_down(world):
    with world.doomed(world.script(key="wrong" * 8)) as instance_id:
        log = world.shut_down(instance_id)
        assert f"the join API refused {instance_id} (403)" in log and "Forbidden" in log
        assert "did not become a backend" in log


def test_an_instance_that_dies_takes_its_processes_along(world):
    with world.doomed("#!/bin/bash\necho started in $PWD as $HOME\nsleep 1000\n") as instance_id:
        text = eventually(lambda: "started in" in (log := world.log(instance_id)["log"]) and log, 20, lambda: "no log")
        root = Path(text.split("started in ")[1].split(" as ")[0])
        assert root.is_dir()
        world.cloud.control(f"instances/{instance_id}/die", method="POST")
        assert world.finished(instance_id, 10)["status"] == -9
        eventually(lambda: not root.exists(), 5, lambda: f"{root} is still there")


def test_metadata_is_version_2_and_knows_the_role(world):
    instance_id = world.launch(
        "#!/bin/bash\n"
        "m=$AWS_EC2_METADATA_SERVICE_ENDPOINT/latest\n"
        'echo "without=$(curl -s -o /dev/null -w "%{http_code}" $m/meta-data/instance-id)"\n'
        't=$(curl -sf -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" $m/api/token)\n'
        "for p in meta-data/instance-id meta-data/instance-type meta-data/none; do\n"
        'echo "$p=$(curl -s -H "X-aws-ec2-metadata-token: $t" $m/$p)"; done\n'
        "AWS_DEFAULT_REGION=us-east-1 aws sts get-caller-identity --query Arn --output text\n"
    )
    log = world.finished(instance_id)["log"]
    assert "without=401\n" in log
    assert f"meta-data/instance-id={instance_id}\n" in log
    assert "meta-data/instance-type=i3en.2xlarge\n" in log
    assert "meta-data/none=Not Found\n" in log
    assert f":assumed-role/weka-demo-Backend/{instance_id}" in log


def test_a_client_mounts_with_the_printed_script(world):
    script = client_mount(world.backend["PrivateIpAddress"])
    instance_id = world.launch(script.replace("MOUNT_POINT=/mnt/weka", 'MOUNT_POINT="$LOCAL_CLOUD_ROOT/mnt/weka"'))
    ended = world.finished(instance_id)
    assert ended["status"] == 0, ended["log"]
    assert "/default is mounted on" in ended["log"]


def test_the_log_of_an_instance_that_ran_nothing_is_not_found(world):
    answer = subprocess.run(
        ["curl", "--silent", f"{world.cloud.url}/_local/instances/{world.backend['InstanceId']}/log"],
        capture_output=True, text=True, check=True,
    )
    assert "has not run any user data" in answer.stdout
