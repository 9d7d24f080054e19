"""Instances of a group boot for real: user data, metadata, the join function and its script against the simulator."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cloud.client import start
from tests.local_cloud.agent_world import API_KEY, GROUP, JoinApi, World, eventually


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
    made = world.ec2.describe_network_interfaces(NetworkInterfaceIds=[nic["NetworkInterfaceId"] for nic in nics[1:]])[
        "NetworkInterfaces"
    ]
    for nic in made:
        assert {"Key": "stateful:cluster", "Value": "demo"} in nic["TagSet"]
        assert {group["GroupId"] for group in nic["Groups"]} == set(world.document["security_group_ids"])

    assert sorted(container["container_name"] for container in world.containers(machine["PrivateIpAddress"])) == [
        "compute0",
        "drives0",
        "frontend0",
    ]
    assert {container["status"] for container in world.containers(machine["PrivateIpAddress"])} == {"UP"}


def with_weka(script: str, what: str) -> str:
    """User data in which `what` happens when compute0 is set up for the first time."""
    return script.replace(
        "umask 077\n",
        f"""umask 077
mkdir "$HOME/bin"
WEKA=$(command -v weka)
export WEKA PATH="$HOME/bin:$PATH"
cat >"$HOME/bin/weka" <<'WRAPPER'
#!/bin/sh
if [ "$1 $2 $5" = "local setup compute0" ] && [ ! -e "$HOME/once" ]; then touch "$HOME/once"; {what}; fi
exec "$WEKA" "$@"
WRAPPER
chmod +x "$HOME/bin/weka"
""",
        1,
    )


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
            [("drives0", "DEACTIVATING")],
            [("drives0", "INACTIVE")],
        )


def test_an_instance_without_the_right_key_shuts_down(world):
    script = world.script(key="wrong" * 8).replace("interfaces=4", "interfaces=1")
    with world.doomed(script) as instance_id:
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
    ended = world.finished(world.launch(world.client_script()))
    assert ended["status"] == 0, ended["log"]
    assert "/default is mounted on" in ended["log"]


def test_the_log_of_an_instance_that_ran_nothing_is_not_found(world):
    answer = subprocess.run(
        ["curl", "--silent", f"{world.cloud.url}/_local/instances/{world.backend['InstanceId']}/log"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "has not run any user data" in answer.stdout
