"""An alias record of Route 53 that points to a load balancer.

A record bears no tags: it is ours when it is an alias to our load balancer, and only then. Any other record at the
name is refused, also for deletion. Route 53 writes names in lower case, with a trailing dot and an escaped asterisk.
Sources: Route 53 API reference; terraform-provider-aws route53/record.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.aws import Aws
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Step
from ansible_collections.stateful.aws.plugins.module_utils._resources._dns import canonical
from botocore.exceptions import ClientError

NAME = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# An alias cannot stand beside a CNAME, and clients with IPv6 would follow an AAAA elsewhere.
RIVALS = ("A", "AAAA", "CNAME")


class Route53Record(Resource):
    """Alias record of type A."""

    name = "route53_record"
    title = "DNS alias"
    tagged = False
    iam_actions = {
        "read": ("route53:ListResourceRecordSets", "route53:GetChange"),
        "write": ("route53:ChangeResourceRecordSets",),
        "delete": ("route53:ChangeResourceRecordSets",),
    }
    options = {
        "name": {"type": "str", "required": True},
        "zone_id": {"type": "str", "required": True},
        "alias_dns_name": {"type": "str", "required": True},
        "alias_zone_id": {"type": "str"},
        "evaluate_target_health": {"type": "bool", "default": False},
    }
    constraints = {"required_if": [("state", "present", ("alias_zone_id",))]}

    def __init__(self, options: Mapping[str, Any], aws: Aws) -> None:
        super().__init__(options, aws)
        self._change_id: str | None = None
        self._in_sync = True

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse what is no name in DNS, and what is no zone's id."""
        name, zone = _plain(options["name"]), options["zone_id"]
        if not NAME.fullmatch(name) or len(name) > 254:
            raise ResourceError(f"name {options['name']!r} is not a host's full name in DNS.")
        if not re.fullmatch(r"(/hostedzone/)?[A-Z0-9]{1,32}", zone):
            raise ResourceError(f"zone_id {zone!r} is not the id of a hosted zone, such as Z0123456789ABCDEFGHIJ.")

    def identifier(self) -> str:
        """The name in lower case, without the trailing dot."""
        return _plain(str(self.option("name")))

    @property
    def _zone(self) -> str:
        return str(self.option("zone_id")).removeprefix("/hostedzone/")

    def predict(self) -> dict[str, Any]:
        """The name and the zone are given."""
        return {"name": self.identifier(), "zone_id": self._zone}

    def observe(self) -> Observed | None:
        """Return our alias, or whatever else stands at the name, or None; and look whether our change is everywhere."""
        if self._change_id:
            change = self.aws.client("route53").get_change(Id=self._change_id)
            self._in_sync = change["ChangeInfo"]["Status"] == "INSYNC"
        records = self._records()
        strangers = [found for found in records if not self._ours(found)]
        # An AAAA alias to our load balancer is somebody's addition: neither in the way nor ours to delete.
        ours = [found for found in records if found["Type"] == "A" and self._ours(found)]
        if not strangers and not ours:
            return None
        record = [*ours, *strangers][0]
        target = record.get("AliasTarget", {})
        return {
            **self.predict(),
            "alias_dns_name": canonical(target["DNSName"]) if target else None,
            "alias_zone_id": target.get("HostedZoneId"),
            "evaluate_target_health": target.get("EvaluateTargetHealth"),
            "_record": record,
            "_strangers": strangers,
        }

    def _records(self) -> list[dict[str, Any]]:
        """Return the records at the name; the list starts at a name and goes on to others."""
        pages = self.aws.client("route53").get_paginator("list_resource_record_sets")
        found: list[dict[str, Any]] = []
        try:
            for page in pages.paginate(
                HostedZoneId=self._zone, StartRecordName=self.identifier(), PaginationConfig={"PageSize": 10}
            ):
                for record in page["ResourceRecordSets"]:
                    if _plain(record["Name"]) != self.identifier():
                        return found
                    if record["Type"] in RIVALS:
                        found.append(record)
        except ClientError as error:
            if error_code(error) != "NoSuchHostedZone":
                raise
            if self.option("state") == "present":
                raise ResourceError(f"There is no hosted zone {self._zone}. Check the zone's id.") from error
        return found

    def _ours(self, record: Mapping[str, Any]) -> bool:
        """An alias to our load balancer, and the only one of its kind (a weighted record has a set's identifier)."""
        target = record.get("AliasTarget", {}).get("DNSName", "")
        return canonical(target) == canonical(self.option("alias_dns_name")) and "SetIdentifier" not in record

    def refuse_foreign(self, observed: Observed | None) -> None:
        """Refuse the name when anything but our alias stands there."""
        if observed is None or not observed["_strangers"]:
            return
        theirs = " and ".join(f"{record['Type']} to {_points(record)}" for record in observed["_strangers"])
        raise ResourceError(
            f"The DNS alias {self.identifier()} exists and is not ours: it is {theirs}, and not the simple alias to "
            f"{self.option('alias_dns_name')}. It stays untouched. Choose another name, or delete that record if nobody "
            "needs it."
        )

    def desired(self) -> dict[str, Any]:
        """Return the target, written as Route 53 compares it."""
        return {
            "alias_dns_name": canonical(self.option("alias_dns_name")),
            "alias_zone_id": self.option("alias_zone_id"),
            "evaluate_target_health": self.option("evaluate_target_health"),
        }

    def plan(self, observed: Observed | None) -> list[Step]:
        """CREATE the record, which refuses one that came meanwhile; UPSERT only the one that is ours."""
        different = self.differences(observed)
        if not different:
            return []
        record = {
            "Name": self.identifier(),
            "Type": "A",
            "AliasTarget": {
                "HostedZoneId": self.option("alias_zone_id"),
                "DNSName": self.option("alias_dns_name"),
                "EvaluateTargetHealth": self.option("evaluate_target_health"),
            },
        }
        if observed is None:
            return [self._step("CREATE", record, "point the name to the load balancer", different)]
        return [self._step("UPSERT", record, "correct the alias", different)]

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Delete the record exactly as Route 53 lists it."""
        before = {prop: (observed[prop], None) for prop in ("name", "alias_dns_name")}
        return [self._step("DELETE", observed["_record"], "take the name away", before)]

    def _step(self, action: str, record: Mapping[str, Any], reason: str, differences: Any) -> Step:
        changes = [{"Action": action, "ResourceRecordSet": record}]
        return self.change(
            "route53",
            "change_resource_record_sets",
            {"HostedZoneId": self._zone, "ChangeBatch": {"Changes": changes}},
            reason,
            differences,
            learn=self._sent,
            repeatable=False,
            doubt=("InvalidChangeBatch",),
        )

    def _sent(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        self._change_id, self._in_sync = answer["ChangeInfo"]["Id"], False
        return {}

    def ready(self, observed: Observed | None) -> bool:
        """The record stands, and all of Route 53's servers know."""
        return observed is not None and self._in_sync

    def gone(self, observed: Observed | None) -> bool:
        """The record is away, and all of Route 53's servers know."""
        return observed is None and self._in_sync


def _plain(name: str) -> str:
    return name.lower().rstrip(".").replace("\\052", "*")


def _points(record: Mapping[str, Any]) -> str:
    values = ", ".join(value["Value"] for value in record.get("ResourceRecords", []))
    return str(record.get("AliasTarget", {}).get("DNSName") or values or "nothing")


RESOURCE = Route53Record
