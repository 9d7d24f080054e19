"""Lifecycle hooks and what the group's InstanceLifecyclePolicy makes of an abandoned termination."""

from __future__ import annotations

from tests.local_cloud.ec2.world import World, refused, until

TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"
LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"


def put_hook(world: World, transition: str, **options: object) -> None:
    world.asg.put_lifecycle_hook(
        AutoScalingGroupName=world.name, LifecycleHookName="hook", LifecycleTransition=transition, **options
    )


def complete(world: World, instance_id: str, result: str) -> None:
    world.asg.complete_lifecycle_action(
        AutoScalingGroupName=world.name,
        LifecycleHookName="hook",
        InstanceId=instance_id,
        LifecycleActionResult=result,
    )


def shrink(world: World) -> None:
    world.asg.set_instance_protection(
        AutoScalingGroupName=world.name, InstanceIds=list(world.members()), ProtectedFromScaleIn=False
    )
    world.asg.set_desired_capacity(AutoScalingGroupName=world.name, DesiredCapacity=0)


def test_an_abandoned_termination_retains_the_instance_when_the_policy_says_so(world: World) -> None:
    policy = {"RetentionTriggers": {"TerminateHookAbandon": "retain"}}
    world.asg.update_auto_scaling_group(AutoScalingGroupName=world.name, InstanceLifecyclePolicy=policy)
    put_hook(world, TERMINATING)
    (only,) = world.grow(1)
    shrink(world)
    assert world.members()[only]["LifecycleState"] == "Terminating:Wait" and world.state(only) == "running"
    complete(world, only, "ABANDON")
    assert world.members()[only]["LifecycleState"] == "Terminating:Retained" and world.state(only) == "running"
    refused("ResourceInUse", world.asg.delete_auto_scaling_group, AutoScalingGroupName=world.name)
    world.asg.terminate_instance_in_auto_scaling_group(InstanceId=only, ShouldDecrementDesiredCapacity=False)
    assert world.state(only) == "terminated" and world.members() == {}
    assert world.group()["DesiredCapacity"] == 0


def test_a_continued_termination_terminates_whatever_the_policy(world: World) -> None:
    policy = {"RetentionTriggers": {"TerminateHookAbandon": "retain"}}
    world.asg.update_auto_scaling_group(AutoScalingGroupName=world.name, InstanceLifecyclePolicy=policy)
    put_hook(world, TERMINATING)
    (only,) = world.grow(1)
    shrink(world)
    complete(world, only, "CONTINUE")
    assert world.state(only) == "terminated" and world.members() == {}


def test_the_default_result_holds_after_the_timeout(world: World) -> None:
    put_hook(world, TERMINATING, HeartbeatTimeout=1)
    (only,) = world.grow(1)
    shrink(world)
    until(lambda: world.state(only) == "terminated")
    assert world.members() == {}


def test_a_launch_hook_holds_the_instance_and_abandoning_replaces_it(world: World) -> None:
    put_hook(world, LAUNCHING)
    world.asg.set_desired_capacity(AutoScalingGroupName=world.name, DesiredCapacity=1)

    def waiting() -> list[str]:
        return [name for name, each in world.members().items() if each["LifecycleState"] == "Pending:Wait"]

    until(lambda: bool(waiting()))
    (first,) = waiting()
    assert world.state(first) == "running"
    complete(world, first, "ABANDON")
    assert world.state(first) == "terminated"
    until(lambda: bool(waiting()))
    (second,) = waiting()
    complete(world, second, "CONTINUE")
    assert world.members()[second]["LifecycleState"] == "InService" and second != first
    world.asg.delete_lifecycle_hook(AutoScalingGroupName=world.name, LifecycleHookName="hook")
