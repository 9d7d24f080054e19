"""stateful.aws.route53_record on the wire."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._resources.route53_record import Route53Record

from tests.unit.harness import Runner

BALANCER = "internal-stateful-demo-1234.us-east-1.elb.amazonaws.com"
BALANCER_ZONE = "Z35SXDOTRQ7X7K"
CHANGE = "route53:ChangeResourceRecordSets"


class Zone:
    """A hosted zone of the test's own."""

    def __init__(self, runner: Runner, domain: str) -> None:
        self.client, self.domain = runner.client("route53"), domain
        answer = self.client.create_hosted_zone(Name=domain, CallerReference=domain)
        self.id = answer["HostedZone"]["Id"].rpartition("/")[2]

    def options(self, **more: Any) -> dict[str, Any]:
        usual = {"cluster": "demo", "name": f"weka.{self.domain}", "zone_id": self.id, "alias_dns_name": BALANCER}
        return {**usual, "alias_zone_id": BALANCER_ZONE, **more}

    def put(self, kind: str, **record: Any) -> None:
        change = {"Action": "CREATE", "ResourceRecordSet": {"Name": f"weka.{self.domain}", "Type": kind, **record}}
        self.client.change_resource_record_sets(HostedZoneId=self.id, ChangeBatch={"Changes": [change]})

    def alias(self, target: str) -> dict[str, Any]:
        return {"AliasTarget": {"HostedZoneId": BALANCER_ZONE, "DNSName": target, "EvaluateTargetHealth": False}}

    def records(self) -> list[dict[str, Any]]:
        found = self.client.list_resource_record_sets(HostedZoneId=self.id)["ResourceRecordSets"]
        return [record for record in found if record["Type"] not in ("NS", "SOA")]


@pytest.fixture
def zone(runner: Runner, request: pytest.FixtureRequest) -> Zone:
    """The test's hosted zone."""
    label = "".join(letter if letter.isalnum() else "-" for letter in request.node.name.lower())[5:60].strip("-")
    return Zone(runner, f"{label}.example.com")


def actions(result: dict[str, Any]) -> list[str]:
    return [step["action"] for step in result["actions"]]


def test_an_alias_goes_through_its_whole_life(runner: Runner, zone: Zone) -> None:
    runner.check_lifecycle(
        "route53_record", zone.options(), [{"evaluate_target_health": True}, {"alias_zone_id": "Z2"}]
    )
    assert zone.records() == []


def test_the_record_is_a_simple_alias_to_the_balancer(runner: Runner, zone: Zone) -> None:
    made = runner("route53_record", **zone.options())["route53_record"]
    (record,) = zone.records()
    assert record["Type"] == "A" and "TTL" not in record
    assert record["AliasTarget"] == {
        "HostedZoneId": BALANCER_ZONE,
        "DNSName": BALANCER,
        "EvaluateTargetHealth": False,
    }
    assert made == {
        "name": f"weka.{zone.domain}",
        "zone_id": zone.id,
        "alias_dns_name": BALANCER,
        "alias_zone_id": BALANCER_ZONE,
        "evaluate_target_health": False,
    }


def test_names_written_differently_are_no_change(runner: Runner, zone: Zone) -> None:
    zone.put("A", **zone.alias(f"dualstack.{BALANCER.upper()}."))
    written = {"name": f"WEKA.{zone.domain}.", "zone_id": f"/hostedzone/{zone.id}"}
    assert actions(runner("route53_record", **zone.options(**written))) == []
    assert actions(runner("route53_record", **zone.options(alias_dns_name=f"{BALANCER}."))) == []


def test_an_asterisk_reads_back_escaped(runner: Runner, zone: Zone) -> None:
    records = [{"Name": f"\\052.{zone.domain}.", "Type": "A", **zone.alias(f"{BALANCER}.")}]

    class Client:
        """Route 53 as it lists an asterisk; moto keeps it as it was written."""

        def get_paginator(self, method: str) -> Client:
            return self

        def paginate(self, **asked: Any) -> list[dict[str, Any]]:
            return [{"ResourceRecordSets": records}]

    class Session:
        def client(self, service: str) -> Client:
            return Client()

    found = Route53Record(zone.options(name=f"*.{zone.domain}"), Session())  # type: ignore[arg-type]
    observed = found.observe()
    assert observed is not None and observed["_strangers"] == []
    assert found.plan_absent(observed)[0].params["ChangeBatch"]["Changes"][0]["ResourceRecordSet"] == records[0]


def test_the_next_name_in_the_zone_is_not_taken_for_ours(runner: Runner, zone: Zone) -> None:
    neighbour = {"Name": f"zzz.{zone.domain}", "Type": "A", **zone.alias(BALANCER)}
    changes = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": neighbour}]}
    zone.client.change_resource_record_sets(HostedZoneId=zone.id, ChangeBatch=changes)
    assert runner("route53_record", **zone.options(state="absent"))["changed"] is False
    assert runner("route53_record", **zone.options())["changed"] is True
    assert runner("route53_record", **zone.options(state="absent"))["changed"] is True
    assert [record["Name"] for record in zone.records()] == [f"zzz.{zone.domain}."]


@pytest.mark.parametrize(
    ("kind", "record", "words"),
    [
        ("A", {"TTL": 60, "ResourceRecords": [{"Value": "192.0.2.7"}]}, "A to 192.0.2.7"),
        ("CNAME", {"TTL": 60, "ResourceRecords": [{"Value": "other.example.com"}]}, "CNAME to other.example.com"),
        ("A", {"alias": "another.us-east-1.elb.amazonaws.com"}, "A to another.us-east-1.elb.amazonaws.com"),
        ("AAAA", {"alias": "another.us-east-1.elb.amazonaws.com"}, "AAAA to another"),
        ("A", {"alias": BALANCER, "SetIdentifier": "blue", "Weight": 1}, "not the simple alias"),
    ],
)
def test_a_name_that_points_elsewhere_is_refused(
    runner: Runner, zone: Zone, kind: str, record: dict[str, Any], words: str
) -> None:
    target = record.pop("alias", None)
    zone.put(kind, **record, **(zone.alias(target) if target else {}))
    before = zone.records()
    runner.check_refused("route53_record", zone.options(), "exists and is not ours", words, "delete that record")
    assert zone.records() == before


def test_somebodys_second_alias_to_the_balancer_is_left_alone(runner: Runner, zone: Zone) -> None:
    zone.put("AAAA", **zone.alias(BALANCER))
    assert actions(runner("route53_record", **zone.options())) == [CHANGE]
    assert actions(runner("route53_record", **zone.options(state="absent"))) == [CHANGE]
    assert [record["Type"] for record in zone.records()] == ["AAAA"]


def test_a_record_made_meanwhile_is_not_taken_over() -> None:
    """Planned only: moto's CREATE takes a name that is in use."""
    options = {"cluster": "demo", "name": "weka.example.com", "zone_id": "Z1", "alias_dns_name": BALANCER}
    create = Route53Record({**options, "alias_zone_id": "Z2", "evaluate_target_health": False}, None)  # type: ignore[arg-type]
    (step,) = create.plan(None)
    assert step.params["ChangeBatch"]["Changes"][0]["Action"] == "CREATE"
    assert (step.repeatable, step.doubt) == (False, ("InvalidChangeBatch",))


def test_a_change_is_waited_for_until_all_servers_know(
    runner: Runner, zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    ready = Route53Record.ready

    def watched(self: Route53Record, observed: Any) -> bool:
        seen.append(self._in_sync)
        if len(seen) == 1:
            return False
        return ready(self, observed)

    monkeypatch.setattr(Route53Record, "ready", watched)
    runner.cloud.control("calls/reset", method="POST")
    runner("route53_record", **zone.options())
    assert runner.cloud.control("calls")["by"]["route53:GetChange"] == 2
    pending = Route53Record(zone.options(), None)  # type: ignore[arg-type]
    pending._sent({"ChangeInfo": {"Id": "/change/C1"}})
    assert not ready(pending, {"name": "x"}) and not pending.gone(None)


def test_a_zone_that_is_not_there(runner: Runner) -> None:
    options = {"cluster": "demo", "name": "weka.example.org", "zone_id": "ZNOWHERE", "alias_dns_name": BALANCER}
    with pytest.raises(ResourceError, match="no hosted zone ZNOWHERE"):
        runner("route53_record", **options, alias_zone_id=BALANCER_ZONE)
    assert runner("route53_record", **options, state="absent")["changed"] is False


def test_a_balancer_that_is_not_made_yet_is_accepted_in_check_mode(runner: Runner, zone: Zone) -> None:
    later = {"alias_dns_name": "(known after apply) dns_name", "alias_zone_id": "(known after apply) zone"}
    assert actions(runner("route53_record", check=True, **zone.options(**later))) == [CHANGE]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": "weka"}, "full name"),
        ({"name": "we ka.example.com"}, "full name"),
        ({"name": f"{'x' * 64}.example.com"}, "full name"),
        ({"zone_id": "zone-1"}, "not the id of a hosted zone"),
        ({"alias_zone_id": ...}, "alias_zone_id"),
    ],
)
def test_what_route53_refuses_fails_before_the_first_call(runner: Runner, wrong: dict[str, Any], words: str) -> None:
    usual = {"name": "weka.example.com", "zone_id": "Z1", "alias_dns_name": BALANCER, "alias_zone_id": "Z2"}
    options = {name: value for name, value in {**usual, **wrong}.items() if value is not ...}
    runner.cloud.control("calls/reset", method="POST")
    with pytest.raises(ResourceError, match=words):
        runner("route53_record", cluster="demo", **options)
    assert runner.cloud.control("calls")["total"] == 0
