"""Attaching, detaching, protecting, and the settings and deletion of groups."""

from __future__ import annotations

from local_cloud import stack as stacks
from tests.local_cloud.ec2.world import World, refused


def test_attached_instances_take_the_groups_tags_and_protection(world: World) -> None:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "from", "Value": "user"}, {"Key": "own", "Value": "1"}]}]
    ids = world.run(2, TagSpecifications=tags)
    world.attach(ids)
    world.settle()
    members = world.members()
    assert set(members) == set(ids) and world.group()["DesiredCapacity"] == 2
    assert all(each["ProtectedFromScaleIn"] and "LaunchTemplate" not in each for each in members.values())
    assert world.tags(ids[0]) == {"from": "group", "g": "1", "own": "1", "aws:autoscaling:groupName": world.name}
    registered = world.elb.describe_target_health(TargetGroupArn=world.target_group)["TargetHealthDescriptions"]
    assert {each["Target"]["Id"] for each in registered} == set(ids)
    assert {each["TargetHealth"]["Reason"] for each in registered} == {"Target.NotInUse"}


def test_attach_refuses_as_aws_does(world: World) -> None:
    ids = world.run(3)
    attach = world.asg.attach_instances

    def words(wanted: list[str]) -> str:
        return refused("ValidationError", attach, AutoScalingGroupName=world.name, InstanceIds=wanted)

    assert "length between 1 and 20" in words([f"i-{number:017x}" for number in range(21)])
    assert "Invalid Instance ID" in words(["i-00000000000000000"])
    world.attach(ids[:1])
    assert f"already part of AutoScalingGroup:{world.name}" in words(ids[:1])
    world.ec2.stop_instances(InstanceIds=ids[2:])
    assert "not in correct state" in words(ids[1:])
    world.asg.update_auto_scaling_group(AutoScalingGroupName=world.name, MaxSize=1)
    assert "max-size=1" in words(ids[1:2])
    elsewhere = world.ec2.run_instances(
        ImageId=stacks.IMAGE_ID, MinCount=1, MaxCount=1, SubnetId=world.network.sharing_subnet_ids[0]
    )["Instances"][0]["InstanceId"]
    assert "Availability Zones" in words([elsewhere])
    assert set(world.members()) == set(ids[:1])


def test_detach_with_and_without_decrement(world: World) -> None:
    first, second, third = world.grow(3)
    detach = world.asg.detach_instances
    options = {"AutoScalingGroupName": world.name, "ShouldDecrementDesiredCapacity": True}
    words = refused("ValidationError", detach, InstanceIds=["i-00000000000000000"], **options)
    assert "is not part of Auto Scaling group" in words
    refused("ValidationError", detach, InstanceIds=[f"i-{number:017x}" for number in range(21)], **options)

    activity = detach(InstanceIds=[first], **options)["Activities"][0]
    assert activity["Description"] == f"Detaching EC2 instance: {first}"
    assert world.group()["DesiredCapacity"] == 2 and first not in world.members()
    assert world.state(first) == "running" and "aws:autoscaling:groupName" not in world.tags(first)
    assert world.tags(first)["g"] == "1"

    world.asg.suspend_processes(AutoScalingGroupName=world.name, ScalingProcesses=["Launch"])
    detach(InstanceIds=[second], **{**options, "ShouldDecrementDesiredCapacity": False})
    assert list(world.members()) == [third] and world.group()["DesiredCapacity"] == 2
    world.asg.resume_processes(AutoScalingGroupName=world.name, ScalingProcesses=["Launch"])
    world.settle()
    assert len(world.members()) == 2 and second not in world.members()

    world.asg.update_auto_scaling_group(AutoScalingGroupName=world.name, MinSize=2)
    assert "min-size=2" in refused("ValidationError", detach, InstanceIds=[third], **options)
    world.attach([first])
    world.settle()
    assert world.members()[first]["ProtectedFromScaleIn"] is True


def test_protection_takes_50_members_of_this_group(world: World) -> None:
    options = {"AutoScalingGroupName": world.name, "ProtectedFromScaleIn": False}
    protect = world.asg.set_instance_protection
    refused("ValidationError", protect, InstanceIds=[f"i-{number:017x}" for number in range(51)], **options)
    words = refused("ValidationError", protect, InstanceIds=["i-00000000000000000"], **options)
    assert "is not part of Auto Scaling group" in words


def test_a_group_that_is_not_empty_is_deleted_by_force_only(world: World) -> None:
    (only,) = world.grow(1)
    delete = world.asg.delete_auto_scaling_group
    refused("ResourceInUse", delete, AutoScalingGroupName=world.name)
    update = world.asg.update_auto_scaling_group
    policy = {"RetentionTriggers": {"TerminateHookAbandon": "retain"}}
    update(AutoScalingGroupName=world.name, DeletionProtection="prevent-force-deletion", InstanceLifecyclePolicy=policy)
    assert world.group()["DeletionProtection"] == "prevent-force-deletion"
    assert world.group()["InstanceLifecyclePolicy"] == policy
    refused("ValidationError", delete, AutoScalingGroupName=world.name, ForceDelete=True)
    update(AutoScalingGroupName=world.name, DeletionProtection="none")
    delete(AutoScalingGroupName=world.name, ForceDelete=True)
    assert world.state(only) == "terminated"
    words = refused("ValidationError", delete, AutoScalingGroupName=world.name)
    assert "not found" in words
    told = world.asg.describe_scaling_activities(AutoScalingGroupName=world.name, IncludeDeletedGroups=True)
    assert told["Activities"]


def test_prevent_all_deletion_refuses_an_empty_group(world: World) -> None:
    world.asg.update_auto_scaling_group(AutoScalingGroupName=world.name, DeletionProtection="prevent-all-deletion")
    refused("ValidationError", world.asg.delete_auto_scaling_group, AutoScalingGroupName=world.name)


def test_settings_are_kept_and_updates_change_only_what_is_sent(world: World) -> None:
    told = world.group()
    assert (told["HealthCheckGracePeriod"], told["DefaultCooldown"], told["DeletionProtection"]) == (0, 300, "none")
    world.asg.update_auto_scaling_group(
        AutoScalingGroupName=world.name, TerminationPolicies=["OldestInstance"], HealthCheckGracePeriod=60
    )
    told = world.group()
    assert (told["TerminationPolicies"], told["HealthCheckGracePeriod"]) == (["OldestInstance"], 60)
    assert (told["MaxSize"], told["VPCZoneIdentifier"]) == (12, world.network.subnet_id)
    assert told["LaunchTemplate"]["Version"] == "$Latest" and told["NewInstancesProtectedFromScaleIn"] is True
