"""Instances, their interfaces, security groups and launch templates."""

from __future__ import annotations

from local_cloud import stack as stacks
from tests.local_cloud.ec2.world import World, refused


def test_termination_with_one_protected_spares_its_zone(world: World) -> None:
    kept, spared = world.run(2)
    other = world.ec2.run_instances(
        ImageId=stacks.IMAGE_ID, MinCount=1, MaxCount=1, SubnetId=world.network.sharing_subnet_ids[0]
    )["Instances"][0]["InstanceId"]
    world.ec2.modify_instance_attribute(InstanceId=kept, DisableApiTermination={"Value": True})
    refused("OperationNotPermitted", world.ec2.terminate_instances, InstanceIds=[kept, spared, other])
    assert [world.state(each) for each in (kept, spared, other)] == ["running", "running", "terminated"]
    refused("InvalidInstanceID.NotFound", world.ec2.terminate_instances, InstanceIds=[spared, "i-00000000000000000"])
    assert world.state(spared) == "running"


def test_interfaces_and_volumes_go_with_the_instance_unless_they_say_otherwise(world: World) -> None:
    (instance_id,) = world.run()
    created = [
        world.ec2.create_network_interface(SubnetId=world.network.subnet_id, Groups=world.groups)["NetworkInterface"]
        for _ in range(2)
    ]
    ids = [each["NetworkInterfaceId"] for each in created]
    for index, eni in enumerate(ids, 1):
        attachment = world.ec2.attach_network_interface(
            NetworkInterfaceId=eni, InstanceId=instance_id, DeviceIndex=index
        )
    refused("InvalidParameterValue", world.ec2.attach_network_interface,
            NetworkInterfaceId=world.ec2.create_network_interface(SubnetId=world.network.subnet_id)["NetworkInterface"][
                "NetworkInterfaceId"], InstanceId=instance_id, DeviceIndex=1)  # fmt: skip
    refused("InvalidNetworkInterface.InUse", world.ec2.delete_network_interface, NetworkInterfaceId=ids[0])
    world.ec2.modify_network_interface_attribute(
        NetworkInterfaceId=ids[1], Attachment={"AttachmentId": attachment["AttachmentId"], "DeleteOnTermination": True}
    )
    primary = world.instance(instance_id)["NetworkInterfaces"][0]["NetworkInterfaceId"]
    volume = world.instance(instance_id)["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    world.ec2.terminate_instances(InstanceIds=[instance_id])
    gone = world.instance(instance_id)
    assert "PrivateIpAddress" not in gone and gone["NetworkInterfaces"] == []
    left = world.ec2.describe_network_interfaces(NetworkInterfaceIds=[ids[0]])["NetworkInterfaces"][0]
    assert left["Status"] == "available"
    for eni in (primary, ids[1]):
        refused("InvalidNetworkInterfaceID.NotFound", world.ec2.describe_network_interfaces, NetworkInterfaceIds=[eni])
    refused("InvalidVolume.NotFound", world.ec2.describe_volumes, VolumeIds=[volume])


def test_a_security_group_in_use_cannot_be_deleted(world: World) -> None:
    group_id = world.ec2.create_security_group(GroupName=world.name, Description="in use", VpcId=world.network.vpc_id)[
        "GroupId"
    ]
    (instance_id,) = world.run(SecurityGroupIds=[group_id])
    refused("DependencyViolation", world.ec2.delete_security_group, GroupId=group_id)
    world.ec2.terminate_instances(InstanceIds=[instance_id])
    world.ec2.delete_security_group(GroupId=group_id)


def test_instance_attributes_and_exclusive_parameters(world: World) -> None:
    (instance_id,) = world.run(SecurityGroupIds=world.groups)
    change = world.ec2.modify_instance_attribute
    change(InstanceId=instance_id, InstanceInitiatedShutdownBehavior={"Value": "terminate"})
    assert world.attribute(instance_id, "instanceInitiatedShutdownBehavior") == "terminate"
    assert {each["GroupId"] for each in world.instance(instance_id)["SecurityGroups"]} == set(world.groups)
    assert world.attribute(instance_id, "disableApiTermination") is False
    refused("InvalidParameterCombination", change, InstanceId=instance_id,
            DisableApiTermination={"Value": True}, EbsOptimized={"Value": True})  # fmt: skip
    refused("InvalidParameterCombination", world.ec2.describe_instances, InstanceIds=[instance_id], MaxResults=5)


def test_launch_template_data_is_what_was_sent(world: World) -> None:
    made = world.ec2.create_launch_template(
        LaunchTemplateName=f"{world.name}-lt",
        LaunchTemplateData={"ImageId": stacks.IMAGE_ID, "InstanceType": "i3.2xlarge"},
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": [{"Key": "mine", "Value": "1"}]}],
    )["LaunchTemplate"]
    world.ec2.create_tags(Resources=[made["LaunchTemplateId"]], Tags=[{"Key": "more", "Value": "2"}])
    based = world.ec2.create_launch_template_version(
        LaunchTemplateId=made["LaunchTemplateId"],
        SourceVersion="1",
        LaunchTemplateData={"InstanceType": "i3en.2xlarge"},
    )["LaunchTemplateVersion"]
    assert based["LaunchTemplateData"] == {"ImageId": stacks.IMAGE_ID, "InstanceType": "i3en.2xlarge"}
    first = world.ec2.describe_launch_template_versions(LaunchTemplateId=made["LaunchTemplateId"], Versions=["1"])
    assert first["LaunchTemplateVersions"][0]["LaunchTemplateData"] == {
        "ImageId": stacks.IMAGE_ID, "InstanceType": "i3.2xlarge"
    }  # fmt: skip
    told = world.ec2.describe_launch_templates(LaunchTemplateIds=[made["LaunchTemplateId"]])["LaunchTemplates"][0]
    assert {each["Key"]: each["Value"] for each in told["Tags"]} == {"mine": "1", "more": "2"}


def test_an_instance_that_shuts_itself_down_stops_or_terminates(world: World) -> None:
    stopping, terminating = world.run(2)
    world.ec2.modify_instance_attribute(
        InstanceId=terminating, InstanceInitiatedShutdownBehavior={"Value": "terminate"}
    )
    # API termination protection does not keep a machine from shutting itself down.
    world.ec2.modify_instance_attribute(InstanceId=terminating, DisableApiTermination={"Value": True})
    for instance_id in (stopping, terminating):
        world.cloud.control(f"instances/{instance_id}/shutdown", method="POST")
    assert [world.state(stopping), world.state(terminating)] == ["stopped", "terminated"]
    assert world.instance(stopping)["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"


def test_addresses_are_not_handed_out_again_at_once(world: World) -> None:
    (first,) = world.run()
    address = world.instance(first)["PrivateIpAddress"]
    world.ec2.terminate_instances(InstanceIds=[first])
    assert address not in {world.instance(each)["PrivateIpAddress"] for each in world.run(3)}


def test_placement_groups(world: World) -> None:
    world.ec2.create_placement_group(GroupName=world.name, Strategy="cluster")
    refused(
        "InvalidPlacementGroup.Duplicate", world.ec2.create_placement_group, GroupName=world.name, Strategy="cluster"
    )
    (told,) = world.ec2.describe_placement_groups(GroupNames=[world.name])["PlacementGroups"]
    assert (told["GroupName"], told["Strategy"], told["State"]) == (world.name, "cluster", "available")
    (instance_id,) = world.run(Placement={"GroupName": world.name})
    assert world.instance(instance_id)["Placement"]["GroupName"] == world.name
    refused("InvalidPlacementGroup.InUse", world.ec2.delete_placement_group, GroupName=world.name)
    world.ec2.terminate_instances(InstanceIds=[instance_id])
    world.ec2.delete_placement_group(GroupName=world.name)
    refused("InvalidPlacementGroup.Unknown", world.ec2.describe_placement_groups, GroupNames=[world.name])
