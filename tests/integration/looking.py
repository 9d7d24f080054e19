"""How the tests look at what a run did: its results, and AWS's own lists."""

from __future__ import annotations

import time
from typing import Any

from local_cloud.client import Cloud
from tests.integration.conftest import Done


def actions(done: Done) -> list[str]:
    """The AWS actions that a run made, or in check mode would make."""
    results = [result for task in done.results() for result in (task, *task.get("results", []))]
    return [step["action"] for result in results for step in result.get("actions", [])]


def members(cloud: Cloud, cluster: str) -> dict[str, Any]:
    """Members of the cluster's group, by id."""
    answer = cloud.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[f"stateful-{cluster}"])
    return {
        instance["InstanceId"]: instance for group in answer["AutoScalingGroups"] for instance in group["Instances"]
    }


def group(cloud: Cloud, cluster: str) -> dict[str, Any]:
    """The cluster's group."""
    answer = cloud.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[f"stateful-{cluster}"])
    return dict(answer["AutoScalingGroups"][0])


def backends(cloud: Cloud, stack: str) -> list[str]:
    """The stack's backends that run."""
    pages = cloud.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    ids = {
        resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::EC2::Instance" and resource["LogicalResourceId"].startswith("Backend")
    }
    return sorted(name for name, state in states(cloud, ids).items() if state == "running")


def states(cloud: Cloud, ids: set[str]) -> dict[str, str]:
    """EC2's states of instances."""
    answer = cloud.client("ec2").describe_instances(Filters=[{"Name": "instance-id", "Values": sorted(ids)}])
    return {i["InstanceId"]: i["State"]["Name"] for r in answer["Reservations"] for i in r["Instances"]}


def protected(cloud: Cloud, instance_id: str) -> bool:
    """Whether an instance is protected from termination."""
    ec2 = cloud.client("ec2")
    answer = ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="disableApiTermination")
    return bool(answer["DisableApiTermination"]["Value"])


def joined(cloud: Cloud, cluster: str, seconds: float = 60) -> set[str]:
    """Wait until every instance that the group launched has joined the simulated cluster; return their ids."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        launched = set(members(cloud, cluster)) - set(backends(cloud, cluster))
        drives = cloud.control(f"weka/{cluster}")["drives"].values()
        hosts = cloud.control(f"weka/{cluster}")["hosts"]
        with_drives = {hosts[d["host_id"]]["aws"]["instance_id"] for d in drives if d["host_id"] in hosts}
        if launched and launched <= with_drives:
            return launched
        time.sleep(0.5)
    raise AssertionError(f"No launched instance joined within {seconds:.0f} s: {members(cloud, cluster)}")
