"""Groups launch and end members as the launch template and the protections say."""

from __future__ import annotations

import base64
import time

from tests.local_cloud.ec2.world import USER_DATA, World, refused


def test_launched_members_follow_the_template_and_the_group(world: World) -> None:
    before = time.monotonic()
    world.asg.set_desired_capacity(AutoScalingGroupName=world.name, DesiredCapacity=2)
    assert {each["LifecycleState"] for each in world.members().values()} == {"Pending"}
    assert {world.state(each) for each in world.members()} == {"pending"}
    world.settle()
    assert time.monotonic() - before >= 0.3
    (first, member), *_ = world.members().items()
    instance = world.instance(first)
    assert instance["State"]["Name"] == "running"
    assert instance["SubnetId"] == world.network.subnet_id
    assert {each["GroupId"] for each in instance["SecurityGroups"]} == set(world.groups)
    assert instance["IamInstanceProfile"]["Arn"] == world.profile
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert instance["MetadataOptions"]["HttpPutResponseHopLimit"] == 2
    assert instance["InstanceType"] == "i3en.2xlarge" and "KeyName" not in instance
    assert "PublicIpAddress" not in instance
    disks = world.ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [first]}])["Volumes"]
    assert sorted((each["Size"], each["VolumeType"]) for each in disks) == [(20, "gp3"), (48, "gp3")]
    assert all({"Key": "from", "Value": "template"} in each["Tags"] for each in disks)
    tags = world.tags(first)
    assert tags["from"] == "group" and tags["t"] == "1" and tags["g"] == "1"
    assert tags["aws:autoscaling:groupName"] == world.name
    assert tags["aws:ec2launchtemplate:version"] == "2"
    assert world.attribute(first, "disableApiTermination") is True
    assert world.attribute(first, "instanceInitiatedShutdownBehavior") == "terminate"
    assert base64.b64decode(world.attribute(first, "userData")).decode() == USER_DATA
    assert member["LaunchTemplate"] == {
        "LaunchTemplateId": world.template_id, "LaunchTemplateName": world.name, "Version": "2"
    }  # fmt: skip
    assert member["ProtectedFromScaleIn"] is True
    assert [each["StatusCode"] for each in world.activities()] == ["Successful", "Successful"]
    assert f"Launching a new EC2 instance: {first}" in {each["Description"] for each in world.activities()}


def test_a_launch_that_fails_is_an_activity(world: World) -> None:
    world.ec2.delete_launch_template(LaunchTemplateName=world.name)
    world.asg.set_desired_capacity(AutoScalingGroupName=world.name, DesiredCapacity=1)
    assert world.members() == {} and world.group()["DesiredCapacity"] == 1
    assert world.activities()[0]["StatusCode"] == "Failed"


def test_creation_is_refused_for_a_bad_template_a_taken_name_and_bad_sizes(world: World) -> None:
    options = world.group_options()
    refused("AlreadyExists", world.asg.create_auto_scaling_group, **options)
    options["AutoScalingGroupName"] = f"{world.name}-2"
    refused("ValidationError", world.asg.create_auto_scaling_group, **{**options, "MinSize": 20})
    data = {**world.template_data(), "IamInstanceProfile": {"Arn": f"{world.profile}x"}}
    world.ec2.create_launch_template_version(LaunchTemplateName=world.name, LaunchTemplateData=data)
    words = refused("ValidationError", world.asg.create_auto_scaling_group, **options)
    assert "Invalid IAM Instance Profile" in words


def test_desired_capacity_stays_within_the_bounds(world: World) -> None:
    change = world.asg.set_desired_capacity
    words = refused("ValidationError", change, AutoScalingGroupName=world.name, DesiredCapacity=13)
    assert "above max value 12" in words
    refused("ValidationError", change, AutoScalingGroupName=f"{world.name}-none", DesiredCapacity=1)


def test_lowering_desired_keeps_protected_members_and_ends_unprotected_ones(world: World) -> None:
    first, second = world.grow(2)
    world.asg.set_desired_capacity(AutoScalingGroupName=world.name, DesiredCapacity=1)
    assert world.group()["DesiredCapacity"] == 1
    assert {world.state(first), world.state(second)} == {"running"} and len(world.members()) == 2
    assert "protected from scale-in" in world.activities()[0]["StatusMessage"]
    world.asg.set_desired_capacity(AutoScalingGroupName=world.name, DesiredCapacity=2)
    world.asg.set_instance_protection(AutoScalingGroupName=world.name, InstanceIds=[second], ProtectedFromScaleIn=False)
    world.asg.set_desired_capacity(AutoScalingGroupName=world.name, DesiredCapacity=1)
    assert list(world.members()) == [first]
    # Auto Scaling does not ask for API termination protection, which the template set.
    assert world.state(second) == "terminated"


def test_a_dead_member_stays_unhealthy_while_replacement_is_suspended(world: World) -> None:
    world.asg.suspend_processes(AutoScalingGroupName=world.name, ScalingProcesses=["ReplaceUnhealthy"])
    first, second = world.grow(2)
    world.cloud.control(f"instances/{first}/die", method="POST")
    assert world.state(first) == "terminated"
    assert world.members()[first]["HealthStatus"] == "Unhealthy"
    assert world.members()[second]["HealthStatus"] == "Healthy"
    assert world.group()["DesiredCapacity"] == 2 and len(world.members()) == 2
    registered = world.elb.describe_target_health(TargetGroupArn=world.target_group)["TargetHealthDescriptions"]
    assert {each["Target"]["Id"] for each in registered} == {second}
    world.asg.detach_instances(
        AutoScalingGroupName=world.name, InstanceIds=[first], ShouldDecrementDesiredCapacity=False
    )
    world.settle()
    assert first not in world.members() and len(world.members()) == 2


def test_a_terminated_member_is_replaced_when_it_may_be(world: World) -> None:
    (only,) = world.grow(1)
    words = refused("OperationNotPermitted", world.ec2.terminate_instances, InstanceIds=[only])
    assert words == (
        f"The instance '{only}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try "
        "again."
    )
    world.ec2.modify_instance_attribute(InstanceId=only, DisableApiTermination={"Value": False})
    world.ec2.terminate_instances(InstanceIds=[only])
    world.settle()
    assert len(world.members()) == 1 and only not in world.members()


def test_terminate_in_group_overrides_every_protection(world: World) -> None:
    (only,) = world.grow(1)
    world.asg.terminate_instance_in_auto_scaling_group(InstanceId=only, ShouldDecrementDesiredCapacity=True)
    assert world.state(only) == "terminated" and world.group()["DesiredCapacity"] == 0


def test_target_health_is_what_the_target_answers(world: World) -> None:
    (only,) = world.grow(1)
    balancer = world.elb.create_load_balancer(
        Name=world.name,
        Subnets=[world.network.subnet_id, world.network.sharing_subnet_ids[0]],
        SecurityGroups=world.groups,
        Scheme="internal",
    )["LoadBalancers"][0]["LoadBalancerArn"]
    world.elb.create_listener(
        LoadBalancerArn=balancer,
        Protocol="HTTP",
        Port=14000,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": world.target_group}],
    )
    (told,) = world.elb.describe_target_health(TargetGroupArn=world.target_group)["TargetHealthDescriptions"]
    assert told["Target"]["Id"] == only
    assert (told["TargetHealth"]["State"], told["TargetHealth"]["Reason"]) == (
        "unhealthy", "Target.FailedHealthChecks"
    )  # fmt: skip
