"""Launch templates, groups and instances, made behind the modules' back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from local_cloud.stack import IMAGE_ID
from tests.unit.harness import Runner
from tests.unit.resources.network import place


def template(runner: Runner, name: str) -> str:
    """Return the id of a launch template with two versions."""
    ec2, data = runner.client("ec2"), {"ImageId": IMAGE_ID, "InstanceType": "i3en.2xlarge"}
    made = ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)["LaunchTemplate"]
    ec2.create_launch_template_version(LaunchTemplateName=name, LaunchTemplateData={**data, "EbsOptimized": True})
    return str(made["LaunchTemplateId"])


def target_group(runner: Runner, name: str) -> str:
    """Return the ARN of a target group."""
    made = runner.client("elbv2").create_target_group(
        Name=name, Protocol="HTTP", Port=14000, VpcId=place(runner).network.vpc_id
    )
    return str(made["TargetGroups"][0]["TargetGroupArn"])


def instances(runner: Runner, count: int, tags: dict[str, str] | None = None, subnet: str | None = None) -> list[str]:
    """Return the ids of running instances."""
    pairs = [{"Key": key, "Value": value} for key, value in (tags or {"Name": "backend"}).items()]
    answer = runner.client("ec2").run_instances(
        ImageId=IMAGE_ID,
        InstanceType="i3en.2xlarge",
        MinCount=count,
        MaxCount=count,
        SubnetId=subnet or place(runner).network.subnet_id,
        TagSpecifications=[{"ResourceType": "instance", "Tags": pairs}],
    )
    return sorted(each["InstanceId"] for each in answer["Instances"])


def imported(runner: Runner, cluster: str, count: int) -> dict[str, Any]:
    """Make a group of the cluster with so many members, and return the options that name them."""
    name = f"stateful-{cluster}"
    runner(
        "autoscaling_group",
        cluster=cluster,
        name=name,
        launch_template_id=template(runner, cluster),
        max_size=100,
        vpc_zone_identifier=[place(runner).network.subnet_id],
    )
    ids = instances(runner, count, {"stateful:cluster": cluster})
    runner.client("ec2").get_waiter("instance_running").wait(InstanceIds=ids, WaiterConfig={"Delay": 1})
    runner("autoscaling_attachment", cluster=cluster, group=name, instance_ids=ids)
    return {"cluster": cluster, "group": name, "instance_ids": ids}


def described(runner: Runner, group: str) -> dict[str, Any]:
    """Return a group as AWS describes it."""
    answer = runner.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])
    return dict(answer["AutoScalingGroups"][0])


def until(true: Callable[[], bool], seconds: float = 8) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to be in time"
        time.sleep(0.05)


def actions(result: dict[str, Any]) -> list[str]:
    """Return the AWS calls of a module's result."""
    return [step["action"].partition(":")[2] for step in result["actions"]]
