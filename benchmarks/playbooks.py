"""Runs playbooks against a local cloud and measures them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_cloud.client import ROOT, Cloud

HERE = Path(__file__).resolve().parent
DOMAIN = "bench.example"
USER = {"WEKA_USERNAME": "admin", "WEKA_PASSWORD": "WEKA-demo-1"}
# Pipelining spares both sides one file copy a module.
ANSIBLE = {
    "ANSIBLE_NOCOLOR": "1",
    "ANSIBLE_PIPELINING": "1",
    "ANSIBLE_LOCALHOST_WARNING": "false",
    "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
}


class PlaybookFailed(Exception):
    """A playbook did not end well; the message holds the end of its output."""


@dataclass(frozen=True)
class Run:
    """What one run cost: wall seconds, AWS calls, and peak memory in MB of its largest process."""

    seconds: float
    calls: int
    writes: int
    memory: float


def run(cloud: Cloud, playbook: Path, variables: dict[str, Any], env: dict[str, str] | None = None) -> Run:
    """Run a playbook once against `cloud`. Raises PlaybookFailed."""
    environment = {**os.environ, **cloud.env, **USER, **ANSIBLE, **(env or {})}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(playbook), "-e", json.dumps(variables)]
    cloud.control("calls/reset", method="POST")
    with tempfile.TemporaryFile("w+") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        # The usage of a waited-for process covers the processes that it waited for itself.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            message = f"{playbook.name} ended with status {process.returncode}: {output.read()[-3000:]}"
            if cloud.process.poll() is not None:
                message += f"\nThe local cloud had ended with status {cloud.process.returncode}: {cloud.log.read_text()[-3000:]}"
            raise PlaybookFailed(message)
    calls = cloud.control("calls")
    return Run(seconds, calls["total"], calls["writes"], usage.ru_maxrss / 1024)


def run_import(cloud: Cloud, cluster: str, env: dict[str, str] | None = None) -> Run:
    """Run playbooks/import.yml."""
    variables = {"cluster": cluster, "weka_validate_certs": False}
    return run(cloud, ROOT / "playbooks" / "import.yml", variables, env)


def run_destroy(cloud: Cloud, cluster: str) -> Run:
    """Run playbooks/destroy.yml."""
    return run(cloud, ROOT / "playbooks" / "destroy.yml", {"cluster": cluster, "confirm": cluster})


def compared_variables(cloud: Cloud, cluster: str, archive: Path) -> dict[str, Any]:
    """What resources.yml needs to know of the cloud; makes the hosted zone of its DNS alias."""
    stack = cloud.client("cloudformation").describe_stack_resources(StackName=cluster)["StackResources"]
    ids = [
        resource["PhysicalResourceId"]
        for resource in stack
        if resource["ResourceType"] == "AWS::EC2::Instance" and resource["LogicalResourceId"].startswith("Backend")
    ]
    ec2 = cloud.client("ec2")
    backend = ec2.describe_instances(InstanceIds=ids)["Reservations"][0]["Instances"][0]
    in_vpc = [{"Name": "vpc-id", "Values": [backend["VpcId"]]}]
    subnets = {
        subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in ec2.describe_subnets(Filters=in_vpc)["Subnets"]
    }
    own = backend["SubnetId"]
    zone = cloud.client("route53").create_hosted_zone(Name=DOMAIN, CallerReference=cluster)["HostedZone"]["Id"]
    return {
        "cluster": cluster,
        "account_id": cloud.client("sts").get_caller_identity()["Account"],
        "region": cloud.env["AWS_REGION"],
        "vpc_id": backend["VpcId"],
        "subnet_ids": [own, next(name for name, zone_name in subnets.items() if zone_name != subnets[own])],
        "security_group_ids": [group["GroupId"] for group in backend["SecurityGroups"]],
        "image_id": backend["ImageId"],
        "instance_type": backend["InstanceType"],
        "instance_ids": sorted(ids),
        "zone_id": zone.rpartition("/")[2],
        "domain": DOMAIN,
        "archive": str(archive),
    }
