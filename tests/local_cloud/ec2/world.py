"""Short names for what the tests of EC2 and Auto Scaling do and ask."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import stack as stacks
from local_cloud.client import Cloud

USER_DATA = "#!/bin/sh\nexit 0\n"


class World:
    """A group of its own over the stack's network, and short names for what the tests ask."""

    def __init__(self, cloud: Cloud, made: stacks.Stack, name: str) -> None:
        self.cloud, self.name, self.network = cloud, name, made.network
        self.ec2, self.asg, self.elb = (cloud.client(each) for each in ("ec2", "autoscaling", "elbv2"))
        backend = self.instance(resources(cloud)["Backend0"])
        self.groups = [each["GroupId"] for each in backend["SecurityGroups"]]
        self.profile = backend["IamInstanceProfile"]["Arn"]
        self.ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData={"ImageId": stacks.IMAGE_ID})
        self.template_id = self.ec2.create_launch_template_version(
            LaunchTemplateName=name, LaunchTemplateData=self.template_data()
        )["LaunchTemplateVersion"]["LaunchTemplateId"]
        self.target_group = self.elb.create_target_group(
            Name=name, Protocol="HTTP", Port=14000, VpcId=made.network.vpc_id, HealthCheckPath="/api/v2/healthcheck/"
        )["TargetGroups"][0]["TargetGroupArn"]
        self.asg.create_auto_scaling_group(**self.group_options())

    def template_data(self) -> dict[str, Any]:
        return {
            "ImageId": stacks.IMAGE_ID,
            "InstanceType": "i3en.2xlarge",
            "UserData": base64.b64encode(USER_DATA.encode()).decode(),
            "IamInstanceProfile": {"Arn": self.profile},
            "DisableApiTermination": True,
            "InstanceInitiatedShutdownBehavior": "terminate",
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
            "NetworkInterfaces": [
                {
                    "DeviceIndex": 0,
                    "Groups": self.groups,
                    "AssociatePublicIpAddress": False,
                    "DeleteOnTermination": True,
                }
            ],
            "BlockDeviceMappings": [
                {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20, "VolumeType": "gp3"}},
                {"DeviceName": "/dev/xvdp", "Ebs": {"VolumeSize": 48, "VolumeType": "gp3"}},
            ],
            "TagSpecifications": [
                {
                    "ResourceType": "instance",
                    "Tags": [{"Key": "from", "Value": "template"}, {"Key": "t", "Value": "1"}],
                },
                {"ResourceType": "volume", "Tags": [{"Key": "from", "Value": "template"}]},
            ],
        }

    def group_options(self) -> dict[str, Any]:
        tags = {"from": "group", "g": "1"}
        return {
            "AutoScalingGroupName": self.name,
            "MinSize": 0,
            "MaxSize": 12,
            "LaunchTemplate": {"LaunchTemplateId": self.template_id, "Version": "$Latest"},
            "VPCZoneIdentifier": self.network.subnet_id,
            "NewInstancesProtectedFromScaleIn": True,
            "TargetGroupARNs": [self.target_group],
            "Tags": [{"Key": key, "Value": value, "PropagateAtLaunch": True} for key, value in tags.items()],
        }

    def group(self) -> dict[str, Any]:
        return self.asg.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])["AutoScalingGroups"][0]

    def members(self) -> dict[str, dict[str, Any]]:
        return {each["InstanceId"]: each for each in self.group()["Instances"]}

    def instance(self, instance_id: str) -> dict[str, Any]:
        return self.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]

    def tags(self, instance_id: str) -> dict[str, str]:
        return {each["Key"]: each["Value"] for each in self.instance(instance_id).get("Tags", [])}

    def state(self, instance_id: str) -> str:
        return self.instance(instance_id)["State"]["Name"]

    def attribute(self, instance_id: str, name: str) -> Any:
        answer = self.ec2.describe_instance_attribute(InstanceId=instance_id, Attribute=name)
        return answer[name[0].upper() + name[1:]]["Value"]

    def activities(self) -> list[dict[str, Any]]:
        return self.asg.describe_scaling_activities(AutoScalingGroupName=self.name)["Activities"]

    def run(self, count: int = 1, **options: Any) -> list[str]:
        answer = self.ec2.run_instances(
            ImageId=stacks.IMAGE_ID,
            InstanceType="i3en.2xlarge",
            MinCount=count,
            MaxCount=count,
            SubnetId=self.network.subnet_id,
            **options,
        )
        return [each["InstanceId"] for each in answer["Instances"]]

    def attach(self, ids: list[str]) -> None:
        self.asg.attach_instances(AutoScalingGroupName=self.name, InstanceIds=ids)

    def grow(self, count: int) -> list[str]:
        """Launch `count` members and wait until they are in service."""
        before = set(self.members())
        self.asg.set_desired_capacity(AutoScalingGroupName=self.name, DesiredCapacity=len(before) + count)
        self.settle()
        return [each for each in self.members() if each not in before]

    def settle(self) -> None:
        until(lambda: all(each["LifecycleState"] == "InService" for each in self.members().values()))


def until(true: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to be in time"
        time.sleep(0.05)


def resources(cloud: Cloud) -> dict[str, str]:
    pages = cloud.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName="weka")
    return {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for page in pages
        for each in page["StackResourceSummaries"]
    }


def refused(code: str, call: Callable[..., Any], **options: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**options)
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response["Error"]["Message"]
