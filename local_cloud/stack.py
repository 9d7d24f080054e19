"""The WEKA CloudFormation stack: its template, and creating and updating it through the cloud's own endpoint.

The template has the shape of WEKA's. Its instances have no user data: the simulated cluster forms itself when the
stack's instances run.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

import boto3
import requests
from botocore.exceptions import ClientError

from .network import Network, make_network
from .process import OWN_WORK

DESCRIPTION = "[WekaIO] To learn more about this template visit https://docs.weka.io/install/aws/cloudformation"
CAPABILITY = "CAPABILITY_NAMED_IAM"
IMAGE_ID = "ami-04681a1dbd79675a5"  # Amazon Linux 2 in moto's catalogue; its root device is /dev/xvda
ROOT_DEVICE, WEKA_DEVICE = "/dev/xvda", "/dev/xvdp"
ROOT_GB, WEKA_GB = 16, 48
INTERFACE_ACTIONS = [
    "ec2:DescribeInstances",
    "ec2:DescribeNetworkInterfaces",
    "ec2:CreateNetworkInterface",
    "ec2:AttachNetworkInterface",
    "ec2:ModifyNetworkInterfaceAttribute",
    "ec2:DeleteNetworkInterface",
]
LOG_ACTIONS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]


@dataclass(frozen=True)
class Stack:
    """A created stack and the network that it stands in."""

    name: str
    stack_id: str
    network: Network


def template(
    backends: int = 6,
    clients: int = 2,
    instance_type: str = "i3en.2xlarge",
    client_type: str = "c5.2xlarge",
    image_id: str = IMAGE_ID,
    key_name: str | None = None,
    security_groups: int = 1,
    volume_type: str = "gp3",
    protected: bool = False,
    extra_resources: int = 0,
    overrides: dict[str, dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """The template as WEKA's generator makes it.

    `key_name` becomes the default of the parameter KeyName (absent: no key pair); `protected` sets
    DisableApiTermination; `extra_resources` wait handles make stacks of hundreds of resources; `overrides` replaces
    properties of single instances, by logical id.
    """
    groups = [f"SecurityGroup{index or ''}" for index in range(security_groups)]
    resources: dict[str, Any] = {
        "PlacementGroup": {"Type": "AWS::EC2::PlacementGroup", "Properties": {"Strategy": "cluster"}},
        "LogGroup": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": {"Fn::Join": ["", ["/wekaio/", {"Ref": "AWS::StackName"}]]}},
        },
        **{name: _security_group(number) for number, name in enumerate(groups)},
        **_role("Backend", INTERFACE_ACTIONS + LOG_ACTIONS),
        **_role("Client", INTERFACE_ACTIONS),
    }
    for kind, count, size in (("Backend", backends, instance_type), ("Client", clients, client_type)):
        for number in range(count):
            name = f"{kind}{number}"
            resources[name] = _instance(kind, name, size, image_id, groups, protected)
            resources[name]["Properties"].update((overrides or {}).get(name, {}))
    resources["ClusterBootCondition"] = {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": [f"Backend{number}" for number in range(backends)],
        "CreationPolicy": {"ResourceSignal": {"Count": 1, "Timeout": "PT30M"}},
    }
    for number in range(extra_resources):
        resources[f"Handle{number}"] = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": DESCRIPTION,
        "Parameters": _parameters(key_name, volume_type),
        "Conditions": {"HasKey": {"Fn::Not": [{"Fn::Equals": [{"Ref": "KeyName"}, ""]}]}},
        "Resources": resources,
    }


def _parameters(key_name: str | None, volume_type: str) -> dict[str, Any]:
    return {
        "VpcId": {"Type": "AWS::EC2::VPC::Id", "Description": "VPC of the cluster"},
        "SubnetId": {"Type": "AWS::EC2::Subnet::Id", "Description": "Subnet of the cluster"},
        "NetworkTopology": {
            "Type": "String",
            "Default": "Public",
            "AllowedValues": ["Public", "Private with NAT", "Private without NAT"],
            "Description": "How the subnet reaches the Internet",
        },
        "CustomProxy": {"Type": "String", "Default": "", "Description": "Proxy for the private topologies"},
        "KeyName": {"Type": "String", "Default": key_name or "", "Description": "EC2 key pair; empty for none"},
        "DistToken": {"Type": "String", "Default": "token", "NoEcho": True, "Description": "Token of get.weka.io"},
        "WekaVolumeType": {
            "Type": "String",
            "Default": volume_type,
            "AllowedValues": ["gp2", "gp3"],
            "Description": "Type of the volumes",
        },
    }


def _security_group(number: int) -> dict[str, Any]:
    return {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {
            "GroupDescription": f"WEKA cluster {number}",
            "VpcId": {"Ref": "VpcId"},
            "SecurityGroupIngress": [
                {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"},
                {"IpProtocol": "tcp", "FromPort": 14000, "ToPort": 14000, "CidrIp": "0.0.0.0/0"},
            ],
        },
    }


def _role(kind: str, actions: list[str]) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    name = {"Fn::Join": ["", ["weka-", {"Ref": "AWS::StackName"}, f"-{kind}"]]}
    policy = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return {
        f"InstanceRole{kind}": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": name,
                "Path": "/",
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
                "Policies": [
                    {"PolicyName": "weka", "PolicyDocument": {"Version": "2012-10-17", "Statement": [policy]}}
                ],
            },
        },
        f"InstanceProfile{kind}": {
            "Type": "AWS::IAM::InstanceProfile",
            "Properties": {"Path": "/", "Roles": [{"Ref": f"InstanceRole{kind}"}]},
        },
    }


def _instance(kind: str, name: str, size: str, image_id: str, groups: list[str], protected: bool) -> dict[str, Any]:
    disk = {"VolumeType": {"Ref": "WekaVolumeType"}, "DeleteOnTermination": True}
    return {
        "Type": "AWS::EC2::Instance",
        "Properties": {
            "ImageId": image_id,
            "InstanceType": size,
            "KeyName": {"Fn::If": ["HasKey", {"Ref": "KeyName"}, {"Ref": "AWS::NoValue"}]},
            "IamInstanceProfile": {"Ref": f"InstanceProfile{kind}"},
            "PlacementGroupName": {"Ref": "PlacementGroup"},
            "DisableApiTermination": protected,
            "BlockDeviceMappings": [
                {"DeviceName": ROOT_DEVICE, "Ebs": {**disk, "VolumeSize": ROOT_GB}},
                {"DeviceName": WEKA_DEVICE, "Ebs": {**disk, "VolumeSize": WEKA_GB}},
            ],
            "NetworkInterfaces": [
                {
                    "DeviceIndex": "0",
                    "AssociatePublicIpAddress": True,
                    "DeleteOnTermination": True,
                    "SubnetId": {"Ref": "SubnetId"},
                    "GroupSet": [{"Ref": each} for each in groups],
                }
            ],
            "Tags": [{"Key": "Name", "Value": {"Fn::Join": ["-", [{"Ref": "AWS::StackName"}, name]]}}],
        },
    }


def create_stack(cloud_url: str, name: str, backends: int = 6, clients: int = 2, **options: Any) -> Stack:
    """Make a network and in it the stack `name`; returns when it is CREATE_COMPLETE.

    `options` are those of template(). Raises RuntimeError when the stack does not become complete.
    """
    ec2 = client(cloud_url, "ec2")
    block = requests.post(f"{cloud_url}/_local/network/block", timeout=30)
    block.raise_for_status()
    network = make_network(ec2, block.json()["cidr"], f"weka-{name}")
    if options.get("key_name"):
        _key_pair(ec2, options["key_name"])
    cloudformation = client(cloud_url, "cloudformation")
    made = cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(template(backends, clients, **options)),
        Parameters=_values(VpcId=network.vpc_id, SubnetId=network.subnet_id),
        Capabilities=[CAPABILITY],
    )
    _complete(cloudformation, name, "CREATE_COMPLETE")
    return Stack(name, made["StackId"], network)


def update_stack(cloud_url: str, name: str, backends: int = 6, clients: int = 2, **options: Any) -> None:
    """Update the stack to template(backends, clients, **options), with the network that it has."""
    cloudformation = client(cloud_url, "cloudformation")
    cloudformation.update_stack(
        StackName=name,
        TemplateBody=json.dumps(template(backends, clients, **options)),
        Parameters=[{"ParameterKey": key, "UsePreviousValue": True} for key in ("VpcId", "SubnetId")],
        Capabilities=[CAPABILITY],
    )
    _complete(cloudformation, name, "UPDATE_COMPLETE")


def client(cloud_url: str, service: str) -> Any:
    """A boto3 client of the cloud, with the cloud's own credentials whatever the environment holds."""
    return boto3.client(
        service,
        endpoint_url=cloud_url,
        region_name=os.environ.get("AWS_DEFAULT_REGION") or "us-east-1",
        aws_access_key_id=OWN_WORK,
        aws_secret_access_key=OWN_WORK,
    )


def _key_pair(ec2: Any, name: str) -> None:
    try:
        ec2.create_key_pair(KeyName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidKeyPair.Duplicate":
            raise


def _values(**parameters: str) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]


def _complete(cloudformation: Any, name: str, wanted: str) -> None:
    status = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    if status != wanted:
        raise RuntimeError(f"The stack {name} is {status}, not {wanted}.")
