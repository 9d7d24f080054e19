"""stateful.aws.cluster_info: what an import would see, read from stacks and instances in a local cloud."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._resources import cluster_info

from local_cloud.stack import IMAGE_ID, Stack, create_stack, template
from tests.unit.harness import Runner
from tests.unit.resources.scaling import template as launch_template
from tests.unit.resources.scaling import until


def stack(url: str, name: str, backends: int = 5, clients: int = 1, **options: Any) -> Stack:
    return create_stack(url, name, backends, clients, **options)


unchanging = cache(stack)


@pytest.fixture
def plain(runner: Runner) -> Stack:
    """A stack of five backends and a client, which no test changes."""
    return unchanging(runner.cloud.url, "info-plain")


def info(runner: Runner, cluster: str, **options: Any) -> dict[str, Any]:
    return dict(runner("cluster_info", cluster=cluster, **options)["cluster_info"])


def refusal(runner: Runner, cluster: str, **options: Any) -> str:
    with pytest.raises(ResourceError) as refused:
        info(runner, cluster, **options)
    return str(refused.value)


def ids(runner: Runner, name: str, kind: str = "Backend") -> list[str]:
    """The ids of a stack's instances whose logical ids begin with ``kind``."""
    pages = runner.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=name)
    return sorted(
        each["PhysicalResourceId"]
        for page in pages
        for each in page["StackResourceSummaries"]
        if each["ResourceType"] == "AWS::EC2::Instance" and each["LogicalResourceId"].startswith(kind)
    )


def launched(runner: Runner, where: Stack, count: int, **more: Any) -> list[str]:
    """Instances without a profile, outside of any stack."""
    options = {"ImageId": IMAGE_ID, "InstanceType": "i3en.2xlarge", "SubnetId": where.network.subnet_id, **more}
    if "NetworkInterfaces" in more:
        options.pop("SubnetId")
    answer = runner.client("ec2").run_instances(MinCount=count, MaxCount=count, **options)
    return sorted(each["InstanceId"] for each in answer["Instances"])


# -- which instances -----------------------------------------------------------------------------------------------


def test_a_stack_is_seen_as_it_is(runner: Runner, plain: Stack) -> None:
    found = info(runner, "info-plain")
    assert found["stack_id"] == plain.stack_id and found["instance_ids"] is None
    assert sorted(found["to_attach"]) == ids(runner, "info-plain") and found["backend_count"] == 5
    assert found["vpc_id"] == plain.network.vpc_id and found["subnet_id"] == plain.network.subnet_id
    assert found["image_id"] == IMAGE_ID and found["instance_type"] == "i3en.2xlarge" and found["key_name"] is None
    assert found["account_id"] == "123456789012" and found["partition"] == "aws"
    assert "InstanceProfileBackend" in found["instance_profile_arn"] and found["members"] == []
    assert [each["termination_protected"] for each in found["backends"]] == [False] * 5
    assert found["weka"]["reachable"] is False


def test_reading_a_cluster_writes_nothing(runner: Runner, plain: Stack) -> None:
    _, written = runner.writes(lambda: info(runner, "info-plain"))
    assert written == []


def test_a_stack_that_does_not_exist_is_told(runner: Runner) -> None:
    assert "There is no CloudFormation stack info-none in us-east-1" in refusal(runner, "info-none")


def test_too_few_backends_are_refused(runner: Runner, plain: Stack) -> None:
    assert "has 5 running backends; WEKA needs at least 6" in refusal(runner, "info-plain", minimum_backends=6)


def nested(runner: Runner, where: Stack) -> None:
    inner = json.dumps(template(3, 1))
    runner.client("s3").create_bucket(Bucket="info-templates")
    runner.client("s3").put_object(Bucket="info-templates", Key="inner.json", Body=inner)
    outer = template(3, 1)
    parameters = {"VpcId": {"Ref": "VpcId"}, "SubnetId": {"Ref": "SubnetId"}}
    address = "https://info-templates.s3.amazonaws.com/inner.json"
    outer["Resources"]["More"] = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": address, "Parameters": parameters},
    }
    given = {"VpcId": where.network.vpc_id, "SubnetId": where.network.subnet_id}
    runner.client("cloudformation").create_stack(
        StackName="info-nested",
        TemplateBody=json.dumps(outer),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )


def test_backends_of_nested_stacks_are_found(runner: Runner, plain: Stack) -> None:
    nested(runner, plain)
    outer = ids(runner, "info-nested")
    found = info(runner, "info-nested", minimum_backends=6, reference_instance=outer[0])
    assert found["backend_count"] == 6 and len(outer) == 3 and set(outer) < set(found["to_attach"])


def test_backends_beyond_the_first_page_of_resources_are_found(runner: Runner) -> None:
    """DescribeStackResources would end at 100, and so does a page of ListStackResources."""
    name = "info-pages"
    stack(runner.cloud.url, name, backends=6, extra_resources=120)
    assert info(runner, name, minimum_backends=6)["backend_count"] == 6


def test_terminated_backends_are_left_out_and_stopped_ones_refused(runner: Runner) -> None:
    name = "info-dead"
    stack(runner.cloud.url, name, backends=7)
    ec2, (dead, stopped, *rest) = runner.client("ec2"), ids(runner, name)
    ec2.terminate_instances(InstanceIds=[dead])
    assert sorted(info(runner, name)["to_attach"]) == [stopped, *rest]
    ec2.stop_instances(InstanceIds=[stopped])
    assert f"Not every backend of {name} runs: {stopped} (stop" in refusal(runner, name)


def test_an_instance_that_ec2_forgot_does_not_hide_the_others(runner: Runner, plain: Stack) -> None:
    given = ids(runner, "info-plain")
    gone = "i-0123456789abcdef0"
    recorded = {"backends": [{"instance_id": gone, "termination_protected": True}]}
    found = info(runner, "x", instance_ids=[*given, gone], recorded=recorded)
    assert found["backend_count"] == 5
    assert f"EC2 knows no running instance {gone}" in refusal(runner, "x", instance_ids=[*given, gone])


def test_given_instances_need_no_stack_and_no_profile(runner: Runner, plain: Stack) -> None:
    bare = launched(runner, plain, 5)
    client = ids(runner, "info-plain", "Client")
    first = runner.client("ec2").describe_instances(InstanceIds=bare[:1])["Reservations"][0]["Instances"][0]
    found = info(runner, "info-bare", instance_ids=[*bare, *client])
    assert sorted(found["to_attach"]) == bare and found["instance_profile_arn"] is None
    assert found["stack_id"] is None and found["instance_ids"] == sorted([*bare, *client])
    assert found["security_group_ids"] == [each["GroupId"] for each in first["NetworkInterfaces"][0]["Groups"]]


def test_a_stacks_instances_without_profile_are_no_backends(runner: Runner) -> None:
    name = "info-mixed"
    stack(runner.cloud.url, name, backends=6, overrides={"Backend5": {"IamInstanceProfile": {"Ref": "AWS::NoValue"}}})
    assert info(runner, name)["backend_count"] == 5


def test_members_of_the_group_are_counted_and_not_attached_again(runner: Runner) -> None:
    name = "info-group"
    where = stack(runner.cloud.url, name, backends=5)
    scaling = runner.client("autoscaling")
    tags = [{"Key": "stateful:cluster", "Value": name, "PropagateAtLaunch": False}]
    for group, marks in (("info-group", tags), ("info-foreign", [])):
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=group,
            MinSize=0,
            MaxSize=9,
            DesiredCapacity=1,
            LaunchTemplate={"LaunchTemplateId": launch_template(runner, group), "Version": "1"},
            VPCZoneIdentifier=where.network.subnet_id,
            Tags=marks,
        )

    def running() -> bool:
        groups = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=["info-group", "info-foreign"])
        members = [each["InstanceId"] for group in groups["AutoScalingGroups"] for each in group["Instances"]]
        filters = [{"Name": "instance-state-name", "Values": ["running"]}, {"Name": "instance-id", "Values": members}]
        return len(members) == 2 and len(runner.client("ec2").describe_instances(Filters=filters)["Reservations"]) == 2

    until(running)
    attached = ids(runner, name)[0]
    scaling.attach_instances(AutoScalingGroupName=name, InstanceIds=[attached])
    chosen = ids(runner, name)[1]
    found = info(runner, name, group=name, reference_instance=chosen, minimum_backends=6)
    assert found["backend_count"] == 6 and len(found["members"]) == 2 and attached in found["members"]
    assert sorted(found["to_attach"]) == ids(runner, name)[1:]
    foreign = info(runner, name, group="info-foreign", reference_instance=chosen)
    assert foreign["members"] == [] and foreign["backend_count"] == 5


def test_recorded_backends_keep_what_was_recorded(runner: Runner) -> None:
    """After import they are protected by the group's own means; what counts is how they were before."""
    name = "info-recorded"
    stack(runner.cloud.url, name, backends=5, protected=True)
    first, *others = ids(runner, name)
    gone = {"instance_id": "i-0123456789abcdef0", "termination_protected": True}
    recorded = {"backends": [{"instance_id": first, "termination_protected": False}, gone]}
    backends = {each["instance_id"]: each["termination_protected"] for each in info(runner, name)["backends"]}
    assert backends == dict.fromkeys([first, *others], True)
    again = info(runner, name, recorded=recorded)["backends"]
    assert {each["instance_id"]: each["termination_protected"] for each in again} == {
        first: False,
        gone["instance_id"]: True,
        **dict.fromkeys(others, True),
    }


def test_many_instances_are_asked_about_in_batches(
    runner: Runner, plain: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DescribeInstances takes 200 values in a filter; here three, so that five instances need two calls."""
    monkeypatch.setattr(cluster_info, "FILTER_VALUES", 3)
    runner.cloud.control("calls/reset", method="POST")
    assert info(runner, "info-plain")["backend_count"] == 5
    assert runner.cloud.control("calls")["by"]["ec2:DescribeInstances"] == 2
    absent = [f"i-{number:017x}" for number in range(201)]
    monkeypatch.setattr(cluster_info, "FILTER_VALUES", 200)
    recorded = {"backends": [{"instance_id": each, "termination_protected": False} for each in absent]}
    instances = [*ids(runner, "info-plain"), *absent]
    assert info(runner, "info-plain", instance_ids=instances, recorded=recorded)["backend_count"] == 5


# -- what new instances copy ---------------------------------------------------------------------------------------


def differing(runner: Runner, name: str) -> None:
    stack(runner.cloud.url, name, backends=5, overrides={"Backend0": {"InstanceType": "i3en.3xlarge"}})


def test_backends_that_differ_need_a_choice(runner: Runner) -> None:
    name = "info-differ"
    differing(runner, name)
    text = refusal(runner, name)
    assert "differ in instance type: " in text and "i3en.3xlarge" in text and "Set reference_instance" in text
    chosen = next(each for each in ids(runner, name) if f"i3en.3xlarge ({each})" in text)
    assert info(runner, name, reference_instance=chosen)["instance_type"] == "i3en.3xlarge"
    client = ids(runner, name, "Client")[0]
    assert "is not a running backend" in refusal(runner, name, reference_instance=client)
    supported = {"supported_instance_types": ["i3en.2xlarge"], "reference_instance": chosen}
    assert "Instance type i3en.3xlarge is not supported" in refusal(runner, name, **supported)


def volumes(runner: Runner, where: Stack, root: dict[str, Any], **others: dict[str, Any]) -> list[dict[str, Any]]:
    """What an import sees of an instance with these volumes; ``others`` by the last letter of their devices."""
    ec2, mapping = runner.client("ec2"), {"DeviceName": "/dev/xvda", "Ebs": {"DeleteOnTermination": True, **root}}
    made = launched(runner, where, 5, BlockDeviceMappings=[mapping])
    for letter, options in others.items():
        volume = ec2.create_volume(AvailabilityZone="us-east-1a", **options)["VolumeId"]
        ec2.attach_volume(Device=f"/dev/xvd{letter}", InstanceId=made[0], VolumeId=volume)
    found = info(runner, "info-volumes", instance_ids=made, reference_instance=made[0])
    return list(found["block_device_mappings"])


def test_volumes_are_copied_and_a_small_root_raised(runner: Runner, plain: Stack) -> None:
    root, data, fast = volumes(
        runner,
        plain,
        {"VolumeSize": 8, "VolumeType": "gp2"},
        p={"Size": 8, "VolumeType": "gp3", "Iops": 3000, "Throughput": 125},
        q={"Size": 50, "VolumeType": "gp3", "Iops": 4000, "Throughput": 250},
    )
    kept = {"delete_on_termination": True}
    assert root == {"device_name": "/dev/xvda", "volume_size": 16, "volume_type": "gp2", **kept}
    assert data == {"device_name": "/dev/xvdp", "volume_size": 8, "volume_type": "gp3", **kept}
    figures = {"iops": 4000, "throughput": 250}
    assert fast == {"device_name": "/dev/xvdq", "volume_size": 50, "volume_type": "gp3", **figures, **kept}


def test_encrypted_volumes_stay_encrypted_with_their_key(runner: Runner, plain: Stack) -> None:
    key = runner.client("kms").create_key()["KeyMetadata"]["Arn"]
    root, data = volumes(
        runner,
        plain,
        {"VolumeSize": 20, "VolumeType": "gp3"},
        p={"Size": 48, "VolumeType": "io1", "Iops": 3000, "Encrypted": True, "KmsKeyId": key},
    )
    assert root["volume_size"] == 20 and "encrypted" not in root and "kms_key_id" not in root
    assert data["encrypted"] is True and data["kms_key_id"] == key and data["iops"] == 3000


def test_security_groups_are_those_of_the_primary_interface(runner: Runner) -> None:
    """WEKA adds an interface for each core that it uses, and those may have groups of their own."""
    name, ec2 = "info-interfaces", runner.client("ec2")
    where = stack(runner.cloud.url, name, backends=5, security_groups=2)
    before = info(runner, name)["security_group_ids"]
    other = ec2.create_security_group(GroupName="weka-cores", Description="cores", VpcId=where.network.vpc_id)
    for instance in ids(runner, name)[:3]:
        interface = ec2.create_network_interface(SubnetId=where.network.subnet_id, Groups=[other["GroupId"]])
        ec2.attach_network_interface(
            DeviceIndex=9,
            InstanceId=instance,
            NetworkInterfaceId=interface["NetworkInterface"]["NetworkInterfaceId"],
        )
    assert len(before) == 2 and info(runner, name)["security_group_ids"] == before


# -- the load balancer's second subnet -----------------------------------------------------------------------------


def test_the_second_subnet_shares_the_explicit_route_table(runner: Runner, plain: Stack) -> None:
    found = info(runner, "info-plain")["alb_subnet_id"]
    assert found == plain.network.sharing_subnet_ids[0] and found not in plain.network.other_subnet_ids
    assert info(runner, "info-plain", load_balancer_subnet=False)["alb_subnet_id"] is None


def test_a_subnet_of_the_main_route_table_is_not_taken_for_one_of_an_explicit_table(runner: Runner) -> None:
    """wekactl fell back to the main table for all, and so chose subnets that clients could not reach."""
    name, ec2 = "info-routes", runner.client("ec2")
    where = stack(runner.cloud.url, name)
    filters = [{"Name": "vpc-id", "Values": [where.network.vpc_id]}]
    links = {
        link["SubnetId"]: link["RouteTableAssociationId"]
        for table in ec2.describe_route_tables(Filters=filters)["RouteTables"]
        for link in table["Associations"]
        if link.get("SubnetId")
    }
    for subnet in where.network.sharing_subnet_ids:
        ec2.disassociate_route_table(AssociationId=links[subnet])
    text = refusal(runner, name)
    assert "needs a second subnet" in text and "additional_alb_subnet" in text
    ec2.disassociate_route_table(AssociationId=links[where.network.subnet_id])
    assert info(runner, name)["alb_subnet_id"] == where.network.sharing_subnet_ids[0]


def test_a_recorded_subnet_stays_and_a_chosen_one_wins(runner: Runner, plain: Stack) -> None:
    isolated, same_zone = plain.network.other_subnet_ids
    recorded = {"recorded": {"alb_subnet_id": isolated}}
    assert info(runner, "info-plain", **recorded)["alb_subnet_id"] == isolated
    chosen = plain.network.sharing_subnet_ids[-1]
    assert info(runner, "info-plain", **recorded, additional_alb_subnet=chosen)["alb_subnet_id"] == chosen
    forgotten = {"recorded": {"alb_subnet_id": "subnet-0123456789abcdef0"}}
    assert info(runner, "info-plain", **forgotten)["alb_subnet_id"] == plain.network.sharing_subnet_ids[0]
    assert "the zone of the cluster's own subnet" in refusal(runner, "info-plain", additional_alb_subnet=same_zone)
    assert "is not a subnet of VPC" in refusal(runner, "info-plain", additional_alb_subnet="subnet-0")
