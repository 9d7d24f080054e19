"""What the import leaves behind for the functions, in moto: a group with its instances, a table and a key."""

from __future__ import annotations

import socket

from wire import own_client

NAME = "demo"
BASE = f"stateful-{NAME}"
TAG = {"Key": "stateful:cluster", "Value": NAME}


def free_block() -> tuple[int, int]:
    """A loopback block and a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    return 64 + port % 128, port


def instances(count: int, block: int) -> tuple[list[str], list[str]]:
    """Ids and addresses of instances in a group of their own, all protected."""
    ec2, autoscaling = own_client("ec2"), own_client("autoscaling")
    vpc = ec2.create_vpc(CidrBlock=f"127.{block}.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"127.{block}.0.0/20")["Subnet"]["SubnetId"]
    image = ec2.register_image(Name=BASE)["ImageId"]
    made = ec2.run_instances(
        ImageId=image,
        MinCount=count,
        MaxCount=count,
        SubnetId=subnet,
        InstanceType="i3en.2xlarge",
        TagSpecifications=[{"ResourceType": "instance", "Tags": [TAG]}],
    )["Instances"]
    ids = [instance["InstanceId"] for instance in made]
    for instance_id in ids:  # moto takes no notice of it in RunInstances
        ec2.modify_instance_attribute(InstanceId=instance_id, DisableApiTermination={"Value": True})
    template = ec2.create_launch_template(
        LaunchTemplateName=BASE, LaunchTemplateData={"ImageId": image, "InstanceType": "i3en.2xlarge"}
    )["LaunchTemplate"]["LaunchTemplateId"]
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=BASE,
        MinSize=0,
        MaxSize=max(50, count),
        DesiredCapacity=0,
        VPCZoneIdentifier=subnet,
        LaunchTemplate={"LaunchTemplateId": template},
        NewInstancesProtectedFromScaleIn=True,
        Tags=[{**TAG, "PropagateAtLaunch": True, "ResourceId": BASE, "ResourceType": "auto-scaling-group"}],
    )
    for start in range(0, count, 20):
        autoscaling.attach_instances(AutoScalingGroupName=BASE, InstanceIds=ids[start : start + 20])
    return ids, [instance["PrivateIpAddress"] for instance in made]


def records() -> None:
    """The cluster's table and the key of its credentials."""
    dynamodb, kms = own_client("dynamodb"), own_client("kms")
    dynamodb.create_table(
        TableName=BASE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "Key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Key", "AttributeType": "S"}],
    )
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/" + BASE, TargetKeyId=key)
