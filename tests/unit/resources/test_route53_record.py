"""stateful.aws.route53_record on the wire."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError

from tests.unit.harness import Runner

BALANCER = {"alias_dns_name": "internal-demo-1.us-east-1.elb.amazonaws.com", "alias_zone_id": "Z35SXDOTRQ7X7K"}


@pytest.fixture
def zone(runner: Runner, request: pytest.FixtureRequest) -> str:
    made = runner.client("route53").create_hosted_zone(Name="example.com", CallerReference=request.node.name)
    return str(made["HostedZone"]["Id"]).rpartition("/")[2]


def options(zone: str, **more: Any) -> dict[str, Any]:
    return {"cluster": "dns", "name": "weka.example.com", "zone_id": zone, **BALANCER, **more}


def test_a_record_goes_through_its_whole_life(runner: Runner, zone: str) -> None:
    runner.lifecycle(
        "route53_record", options(zone), [{"evaluate_target_health": True}, {"alias_zone_id": "Z2FDTNDATAQYW2"}]
    )


def test_a_name_written_differently_is_the_same_record(runner: Runner, zone: str) -> None:
    runner("route53_record", **options(zone))
    again = options(zone, name="WEKA.example.com.", alias_dns_name=f"dualstack.{BALANCER['alias_dns_name'].upper()}.")
    assert not runner("route53_record", **again)["changed"]


def test_a_record_that_leads_elsewhere_is_refused(runner: Runner, zone: str) -> None:
    record = {
        "Name": "weka.example.com",
        "Type": "CNAME",
        "TTL": 60,
        "ResourceRecords": [{"Value": "other.example.com"}],
    }
    route53 = runner.client("route53")
    route53.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )
    runner.refuses("route53_record", options(zone), "not ours", "CNAME to other.example.com")


def test_a_longer_name_that_sorts_behind_is_not_taken_for_it(runner: Runner, zone: str) -> None:
    runner("route53_record", **options(zone, name="weka2.example.com"))
    assert runner("route53_record", check=True, **options(zone))["changed"]
    assert not runner("route53_record", **options(zone, state="absent"))["changed"]


def test_a_zone_that_does_not_exist(runner: Runner) -> None:
    with pytest.raises(ResourceError, match="no hosted zone Z0NONE"):
        runner("route53_record", **options("Z0NONE"))


def test_a_name_that_is_none_fails_before_the_first_call(runner: Runner) -> None:
    with pytest.raises(ResourceError, match="full DNS name"):
        runner("route53_record", **options("Z1", name="weka"))
