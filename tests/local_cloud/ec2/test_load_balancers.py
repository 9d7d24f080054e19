"""Load balancers, target groups and listeners: what is one of a name, and what is refused."""

from __future__ import annotations

from typing import Any

from tests.local_cloud.ec2.world import World, refused


def balancer_options(world: World) -> dict[str, Any]:
    return {
        "Name": world.name,
        "Subnets": [world.network.subnet_id, world.network.sharing_subnet_ids[0]],
        "SecurityGroups": world.groups,
        "Scheme": "internal",
    }


def test_a_load_balancer_is_one_of_its_name(world: World) -> None:
    create, options = world.elb.create_load_balancer, balancer_options(world)
    first = create(**options)["LoadBalancers"][0]
    assert first["State"]["Code"] == "provisioning" and first["DNSName"].startswith("internal-")
    assert create(**options)["LoadBalancers"][0]["LoadBalancerArn"] == first["LoadBalancerArn"]
    refused("DuplicateLoadBalancerName", create, **{**options, "Scheme": "internet-facing"})
    assert len(world.elb.describe_load_balancers(Names=[world.name])["LoadBalancers"]) == 1
    protection = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    world.elb.modify_load_balancer_attributes(LoadBalancerArn=first["LoadBalancerArn"], Attributes=protection)
    refused("OperationNotPermitted", world.elb.delete_load_balancer, LoadBalancerArn=first["LoadBalancerArn"])


def test_a_load_balancer_needs_two_zones_of_one_vpc(world: World) -> None:
    create, options = world.elb.create_load_balancer, balancer_options(world)
    cluster = world.network.subnet_id
    refused("ValidationError", create, **{**options, "Subnets": [cluster]})
    same_zone = world.network.other_subnet_ids[1]
    refused("InvalidConfigurationRequest", create, **{**options, "Subnets": [cluster, same_zone]})
    refused("ValidationError", create, **{**options, "Name": "internal-x"})
    refused("InvalidSecurityGroup", create, **{**options, "SecurityGroups": ["sg-00000000000000000"]})


def test_target_groups_and_listeners_repeat_and_read_back(world: World) -> None:
    options = {
        "Name": world.name,
        "Protocol": "HTTP",
        "Port": 14000,
        "VpcId": world.network.vpc_id,
        "HealthCheckPath": "/api/v2/healthcheck/",
    }
    again = world.elb.create_target_group(**options)["TargetGroups"][0]
    assert again["TargetGroupArn"] == world.target_group
    refused("DuplicateTargetGroupName", world.elb.create_target_group, **{**options, "Port": 80})

    arn = world.elb.create_load_balancer(**balancer_options(world))["LoadBalancers"][0]["LoadBalancerArn"]
    listener = {
        "LoadBalancerArn": arn,
        "Protocol": "HTTP",
        "Port": 14000,
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": world.target_group}],
    }
    first = world.elb.create_listener(**listener)["Listeners"][0]
    assert world.elb.create_listener(**listener)["Listeners"][0]["ListenerArn"] == first["ListenerArn"]
    (action,) = first["DefaultActions"]
    assert action["TargetGroupArn"] == world.target_group
    assert action["ForwardConfig"]["TargetGroups"] == [{"TargetGroupArn": world.target_group, "Weight": 1}]
    other = world.elb.create_target_group(**{**options, "Name": "another-target-group"})["TargetGroups"][0]
    changed = [{"Type": "forward", "TargetGroupArn": other["TargetGroupArn"]}]
    refused("DuplicateListener", world.elb.create_listener, **{**listener, "DefaultActions": changed})

    def balancers() -> list[str]:
        told = world.elb.describe_target_groups(TargetGroupArns=[world.target_group])["TargetGroups"][0]
        return list(told["LoadBalancerArns"])

    assert balancers() == [arn]
    refused("ResourceInUse", world.elb.delete_target_group, TargetGroupArn=world.target_group)
    world.elb.delete_listener(ListenerArn=first["ListenerArn"])
    assert balancers() == []
    world.elb.delete_target_group(TargetGroupArn=world.target_group)


def test_tags_have_awss_limits(world: World) -> None:
    tags = [{"Key": f"k{number}", "Value": "v"} for number in range(50)]
    world.elb.add_tags(ResourceArns=[world.target_group], Tags=tags)
    told = world.elb.describe_tags(ResourceArns=[world.target_group])["TagDescriptions"][0]
    assert len(told["Tags"]) == 50
    one_more = [{"Key": "more", "Value": "v"}]
    refused("TooManyTags", world.elb.add_tags, ResourceArns=[world.target_group], Tags=one_more)
    refused("ValidationError", world.elb.describe_tags, ResourceArns=[world.target_group] * 21)
    refused("TargetGroupNotFound", world.elb.describe_tags, ResourceArns=[f"{world.target_group}x"])
