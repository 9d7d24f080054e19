"""What import.yml refuses: each with a sentence that says what to do, and before anything is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_cloud.client import Cloud
from local_cloud.stack import IMAGE_ID, Stack, create_stack
from tests.integration.conftest import Playbooks


def check_refusal(playbooks: Playbooks, *words: str, env: dict[str, str] | None = None, **variables: Any) -> str:
    """Run import.yml, which must fail with a message that holds ``words``, without a write; return the message."""
    done, written = playbooks.writes(lambda: playbooks("import", ok=False, env=env, **variables))
    assert done.status != 0
    assert written == []
    message = done.failure()
    for word in words:
        assert word in message, f"{word!r} is not in {message!r}"
    assert "Traceback" not in done.output
    return message


@pytest.fixture(scope="module")
def other(cloud: Cloud) -> Stack:
    """A stack of five backends, of which one has another image and one another type."""
    images = [
        image["ImageId"] for image in cloud.client("ec2").describe_images()["Images"] if image["ImageId"] != IMAGE_ID
    ]
    overrides = {"Backend1": {"ImageId": images[0]}, "Backend2": {"InstanceType": "i3en.3xlarge"}}
    return create_stack(cloud.url, "bent", backends=5, clients=0, overrides=overrides)


def test_a_stack_that_does_not_exist(playbooks: Playbooks) -> None:
    check_refusal(playbooks, "no CloudFormation stack nowhere", "instance_ids", cluster="nowhere")


def test_instances_that_do_not_exist(playbooks: Playbooks) -> None:
    check_refusal(
        playbooks, "i-0123456789abcdef0", "Check instance_ids", cluster="x", instance_ids=["i-0123456789abcdef0"]
    )


def test_fewer_than_five_backends(playbooks: Playbooks, cloud: Cloud) -> None:
    create_stack(cloud.url, "small", backends=4, clients=1)
    check_refusal(playbooks, "has 4 running backends", "at least 5", cluster="small")


def test_backends_that_differ(playbooks: Playbooks, other: Stack) -> None:
    message = check_refusal(
        playbooks, "image: ", "instance type: ", "i3en.3xlarge", "reference_instance", cluster="bent"
    )
    assert message.count("i-") >= 5


def test_a_reference_instance_that_is_no_backend(playbooks: Playbooks, other: Stack) -> None:
    check_refusal(playbooks, "i-0123456789abcdef0 is not", cluster="bent", reference_instance="i-0123456789abcdef0")


def test_an_unsupported_instance_type(playbooks: Playbooks, cloud: Cloud) -> None:
    create_stack(cloud.url, "odd", backends=5, clients=0, instance_type="m5.large")
    check_refusal(playbooks, "m5.large is not supported", "i3en.2xlarge", cluster="odd")


def test_no_second_subnet(playbooks: Playbooks, cloud: Cloud) -> None:
    stack = create_stack(cloud.url, "lonely", backends=5, clients=0)
    for subnet in stack.network.sharing_subnet_ids:
        cloud.client("ec2").delete_subnet(SubnetId=subnet)
    check_refusal(playbooks, "second subnet", "additional_alb_subnet", cluster="lonely")


def test_a_second_subnet_in_the_same_zone(playbooks: Playbooks, cloud: Cloud) -> None:
    ec2 = cloud.client("ec2")
    instance = _a_backend(cloud, "demo")
    same = ec2.describe_subnets(
        Filters=[
            {"Name": "vpc-id", "Values": [instance["VpcId"]]},
            {"Name": "availability-zone", "Values": [instance["Placement"]["AvailabilityZone"]]},
        ]
    )["Subnets"]
    check_refusal(playbooks, "two zones", cluster="demo", additional_alb_subnet=same[0]["SubnetId"])


def test_a_dns_alias_that_exists(playbooks: Playbooks, cloud: Cloud) -> None:
    route53 = cloud.client("route53")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"].rpartition("/")[2]
    record = {
        "Name": "weka.example.com",
        "Type": "CNAME",
        "TTL": 60,
        "ResourceRecords": [{"Value": "elsewhere.example.com"}],
    }
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)
    check_refusal(
        playbooks,
        "weka.example.com exists",
        "elsewhere.example.com",
        "not ours",
        cluster="demo",
        dns_alias="weka.example.com",
        dns_zone_id=zone,
    )


def test_credentials_that_the_cluster_rejects(playbooks: Playbooks, cloud: Cloud) -> None:
    message = check_refusal(
        playbooks, "rejects the user admin", "five wrong logins", cluster="demo", weka_password="wrong-password-1"
    )
    assert "wrong-password-1" not in message
    assert cloud.control("weka/demo")["locked"] == {}


def test_a_certificate_that_is_not_trusted(playbooks: Playbooks) -> None:
    check_refusal(
        playbooks, "not trusted", "weka_certificate", "weka_validate_certs", cluster="demo", weka_validate_certs=True
    )


@pytest.mark.parametrize(
    ("status", "word"), [("UPDATE_IN_PROGRESS", "Wait until"), ("ROLLBACK_COMPLETE", "Repair the stack")]
)
def test_a_busy_or_failed_stack(playbooks: Playbooks, cloud: Cloud, status: str, word: str) -> None:
    cloud.control("stack/demo", {"status": status})
    try:
        check_refusal(playbooks, status, word, cluster="demo")
    finally:
        cloud.control("stack/demo", {"status": "CREATE_COMPLETE"})


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"cluster": "9lives"}, ["letters, digits and hyphens"]),
        ({"cluster": "a" * 129}, ["128"]),
        ({"cluster": "demo", "tags": {"aws:x": "y"}}, ["reserved"]),
        ({"cluster": "demo", "tags": {"a": "b;c"}}, ["letters, digits, spaces"]),
        ({"cluster": "demo", "dns_alias": "weka.example.com"}, ["go together"]),
        ({"cluster": "demo", "dns_alias": "weka", "dns_zone_id": "Z1"}, ["full DNS name"]),
        ({"cluster": "demo", "instance_ids": ["backend-1"]}, ["i-0123456789abcdef0"]),
        ({"cluster": "demo", "additional_alb_subnet": "net-1"}, ["subnet-0123456789abcdef0"]),
        ({"cluster": "demo", "max_size": 3}, ["5 to 10000"]),
        ({"cluster": "demo", "max_size": "many"}, ["max_size"]),
        ({"cluster": "demo", "memory_size": 64}, ["128 to 10240"]),
        ({"cluster": "demo", "memory_size": 0}, ["128 to 10240"]),
        ({"cluster": "demo", "weka_port": 0}, ["weka_port a port"]),
        ({"cluster": "demo", "private_subnet": "perhaps"}, ["private_subnet"]),
        ({"cluster": "demo", "weka_scheme": "ftp"}, ["weka_scheme"]),
        ({"cluster": "demo", "scaling_policy": {"min_members": "few"}}, ["min_members"]),
    ],
    ids=json.dumps,
)
def test_a_variable_that_cannot_be_right_fails_before_the_first_call(
    playbooks: Playbooks, cloud: Cloud, variables: dict[str, Any], words: list[str]
) -> None:
    cloud.control("calls/reset", method="POST")
    done = playbooks("import", ok=False, **variables)
    assert done.status != 0
    for word in words:
        assert word in done.failure()
    assert cloud.control("calls")["total"] == 0


def test_no_weka_user_where_nobody_can_be_asked(playbooks: Playbooks, cloud: Cloud) -> None:
    check_refusal(playbooks, "A WEKA user is needed", cluster="demo", env={"WEKA_USERNAME": "", "WEKA_PASSWORD": ""})


def _a_backend(cloud: Cloud, stack: str) -> dict[str, Any]:
    resources = cloud.client("cloudformation").list_stack_resources(StackName=stack)["StackResourceSummaries"]
    found = next(r["PhysicalResourceId"] for r in resources if r["LogicalResourceId"] == "Backend0")
    answer = cloud.client("ec2").describe_instances(InstanceIds=[found])
    return dict(answer["Reservations"][0]["Instances"][0])
