"""The WEKA stack, made and changed by CloudFormation calls."""

from __future__ import annotations

import json
from typing import Any

from local_cloud import stack as stacks
from local_cloud.client import Cloud
from tests.local_cloud.ec2.world import refused, resources


def test_stack_instances_are_as_the_template_says(cloud: Cloud, made: stacks.Stack) -> None:
    ec2, ids = cloud.client("ec2"), resources(cloud)
    backend = ec2.describe_instances(InstanceIds=[ids["Backend0"]])["Reservations"][0]["Instances"][0]
    assert backend["SubnetId"] == made.network.subnet_id
    assert backend["PrivateIpAddress"].startswith(made.network.cidr.removesuffix("0.0/16"))
    assert {each["GroupId"] for each in backend["SecurityGroups"]} == {ids["SecurityGroup"], ids["SecurityGroup1"]}
    assert "InstanceProfileBackend" in backend["IamInstanceProfile"]["Arn"]
    assert backend["Placement"]["GroupName"] == ids["PlacementGroup"]
    assert "KeyName" not in backend
    volumes = ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [ids["Backend0"]]}])["Volumes"]
    found = {each["Attachments"][0]["Device"]: (each["Size"], each["VolumeType"]) for each in volumes}
    assert found == {"/dev/xvda": (16, "gp2"), "/dev/xvdp": (48, "gp2")}
    protected = ec2.describe_instance_attribute(InstanceId=ids["Backend0"], Attribute="disableApiTermination")
    assert protected["DisableApiTermination"]["Value"] is True
    client = ec2.describe_instances(InstanceIds=[ids["Client0"]])["Reservations"][0]["Instances"][0]
    assert "InstanceProfileClient" in client["IamInstanceProfile"]["Arn"]


def test_weka_adds_an_interface_for_each_core_to_backends_only(cloud: Cloud, made: stacks.Stack) -> None:
    ec2, ids = cloud.client("ec2"), resources(cloud)
    pages = ec2.describe_instances(InstanceIds=[ids["Backend1"], ids["Client0"]])["Reservations"]
    found = {each["InstanceId"]: each["NetworkInterfaces"] for page in pages for each in page["Instances"]}
    assert sorted(each["Attachment"]["DeviceIndex"] for each in found[ids["Backend1"]]) == [0, 1, 2, 3]
    assert all(each["Attachment"]["DeleteOnTermination"] for each in found[ids["Backend1"]])
    assert len(found[ids["Client0"]]) == 1
    addresses = [each["PrivateIpAddress"] for each in ec2.describe_network_interfaces()["NetworkInterfaces"]]
    assert len(set(addresses)) == len(addresses)


def test_stack_states_and_the_description(cloud: Cloud, made: stacks.Stack) -> None:
    cloudformation = cloud.client("cloudformation")

    def told() -> dict[str, Any]:
        return cloudformation.describe_stacks(StackName="weka")["Stacks"][0]

    assert told()["StackStatus"] == "CREATE_COMPLETE"
    assert told()["Description"] == stacks.DESCRIPTION
    assert told()["Capabilities"] == ["CAPABILITY_NAMED_IAM"]
    cloud.control("stack/weka", {"status": "UPDATE_IN_PROGRESS"})
    assert told()["StackStatus"] == "UPDATE_IN_PROGRESS"
    cloud.control("stack/weka", {"status": "CREATE_COMPLETE"})
    refused("InsufficientCapabilitiesException", cloudformation.create_stack, StackName="no",
            TemplateBody=json.dumps(stacks.template()))  # fmt: skip


def test_an_update_adds_backends_and_keeps_the_others(cloud: Cloud) -> None:
    small = stacks.create_stack(cloud.url, "small", backends=1, clients=0, key_name="pair")
    cloudformation, ec2 = cloud.client("cloudformation"), cloud.client("ec2")

    def ids() -> dict[str, str]:
        listed = cloudformation.list_stack_resources(StackName="small")["StackResourceSummaries"]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in listed}

    before = ids()
    stacks.update_stack(cloud.url, "small", backends=2, clients=0, key_name="pair", protected=True, extra_resources=150)
    listed = cloudformation.list_stack_resources(StackName="small")
    assert len(listed["StackResourceSummaries"]) == 100
    second = cloudformation.list_stack_resources(StackName="small", NextToken=listed["NextToken"])
    assert len(second["StackResourceSummaries"]) == 150 + len(before) + 1 - 100
    described = cloudformation.describe_stack_resources(StackName="small")["StackResources"]
    assert len(described) == 100
    owner = cloudformation.describe_stack_resources(PhysicalResourceId=before["Backend0"])["StackResources"]
    assert owner[0]["StackName"] == "small"
    assert ids()["Backend0"] == before["Backend0"]
    protected = ec2.describe_instance_attribute(InstanceId=before["Backend0"], Attribute="disableApiTermination")
    assert protected["DisableApiTermination"]["Value"] is True
    fresh = ec2.describe_instances(InstanceIds=[ids()["Backend1"]])["Reservations"][0]["Instances"][0]
    assert {"Key": "aws:cloudformation:stack-name", "Value": "small"} in fresh["Tags"]
    assert fresh["KeyName"] == "pair" and len(fresh["NetworkInterfaces"]) == 4
    assert fresh["PrivateIpAddress"].startswith(small.network.cidr.removesuffix("0.0/16"))

    cloudformation.delete_stack(StackName="small")
    told = cloudformation.describe_stacks(StackName="small")["Stacks"][0]
    assert told["StackStatus"] == "DELETE_FAILED"
    for name in ("Backend0", "Backend1"):
        ec2.modify_instance_attribute(InstanceId=ids()[name], DisableApiTermination={"Value": False})
    cloudformation.delete_stack(StackName="small")
    refused("ValidationError", cloudformation.describe_stacks, StackName="small")
    kept = ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [small.network.vpc_id]}])
    assert kept["NetworkInterfaces"] == []
