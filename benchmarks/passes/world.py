"""A group and a WEKA cluster of a given size, on real sockets: python -m benchmarks.passes.world MACHINES REMOVED.

Prints one line of JSON, the environment of the functions, and stays until its standard input ends. REMOVED more
instances are in the group, which by the journal were removed from the cluster and wait to be terminated. Each line of
standard input is a number, which becomes the group's desired capacity, or the word down, after which a container of the
youngest machine does not answer; it is answered by the same line.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
from moto import mock_aws
from moto.autoscaling.models import AutoScalingBackend
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "scaling"), str(ROOT / "lambda_files")]

import ground  # noqa: E402

from local_cloud.weka.model import Cluster, MachineSpec  # noqa: E402
from local_cloud.weka.registry import Registry  # noqa: E402
from local_cloud.weka.transitions import container_down  # noqa: E402

CLIENTS = 5_000
# Eight drives in three containers.
INSTANCE_TYPE = "i3en.24xlarge"
PASSWORD = "WEKA-benchmark-1"


def form(machines: int, removed: int) -> tuple[Cluster, dict[str, str]]:
    """Make everything; returns the cluster and the environment of the functions."""
    block, port = ground.free_block()
    ids, addresses = ground.instances(machines + removed, block)
    ground.records()
    specs = [MachineSpec(i, a, instance_type=INSTANCE_TYPE) for i, a in zip(ids, addresses, strict=True)]
    clients = [
        MachineSpec(f"i-c{n:016x}", f"10.9.{n // 250}.{n % 250 + 1}") for n in range(CLIENTS if machines > 6 else 6)
    ]
    weka = Registry(port).form(
        ground.NAME, specs[:machines], password=PASSWORD, stripe=(3, 2) if machines < 20 else (16, 4), clients=clients
    )
    trust = {"scheme": "https", "port": port, "validate_certs": True, "certificate": weka.certificate}
    put("settings", {"schema": 1, "cluster": ground.NAME, "engine": "weka", "weka": trust, "original_size": machines})
    gone = {
        spec.instance_id: {
            "address": spec.address,
            "machine_identifier": f"removed-{spec.instance_id}",
            "since": int(time.time()),
            "acknowledged": True,
        }
        for spec in specs[machines:]
    }
    put("journal", {"guid": weka.guid, "starts": [], "removed": gone, "cluster_time": None}, Fence={"N": "0"})
    encrypt()
    desire(machines)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    _, moto_port = server.get_host_and_port()
    return weka, {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{moto_port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "STATEFUL_CLUSTER": ground.NAME,
        "STATEFUL_TABLE": ground.BASE,
        "STATEFUL_GROUP": ground.BASE,
    }


def put(key: str, document: Any, **more: Any) -> None:
    """Write an item of the cluster's table."""
    item = {"Key": {"S": key}, "Document": {"S": json.dumps(document)}, **more}
    boto3.client("dynamodb").put_item(TableName=ground.BASE, Item=item)


def encrypt() -> None:
    """Write the credentials."""
    plain = json.dumps({"username": "admin", "password": PASSWORD}).encode()
    context = {"stateful:cluster": ground.NAME}
    answer = boto3.client("kms").encrypt(KeyId=f"alias/{ground.BASE}", Plaintext=plain, EncryptionContext=context)
    item = {"Key": {"S": "credentials"}, "Ciphertext": {"B": answer["CiphertextBlob"]}}
    boto3.client("dynamodb").put_item(TableName=ground.BASE, Item=item)


def desire(count: int) -> None:
    """Set the group's desired capacity."""
    boto3.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=ground.BASE, DesiredCapacity=count)


def let_fall(weka: Cluster) -> None:
    """A container without drives of the youngest machine does not answer any more."""
    container_down(weka, [each for each in weka.backends() if each.name == "compute0"][-1])


def main() -> None:
    """Form, tell, and obey until the input ends."""
    machines, removed = map(int, sys.argv[1:])
    # moto replaces a terminated member at once; AWS, with ReplaceUnhealthy suspended, leaves it in the group.
    with mock_aws(), patch.object(AutoScalingBackend, "notify_terminate_instances", lambda *_: None):
        boto3.setup_default_session(region_name="us-east-1")
        weka, environment = form(machines, removed)
        print(json.dumps(environment), flush=True)
        for line in sys.stdin:
            let_fall(weka) if line.strip() == "down" else desire(int(line))
            print(line.strip(), flush=True)


if __name__ == "__main__":
    main()
