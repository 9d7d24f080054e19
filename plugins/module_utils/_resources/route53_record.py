"""An alias record that leads clients to the load balancer.

Records bear no tags: one is ours when it is an alias to our load balancer. Lists start at a name, they are no lookup;
names read back in lower case with a trailing dot, the target may gain ``dualstack.`` (terraform-provider-aws
route53/record.go; Route 53 API reference).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.placeholder import has_unknown
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Retry, Step
from ansible_collections.stateful.aws.plugins.module_utils._resources._dns import canonical
from botocore.exceptions import ClientError

BUSY = Retry("PriorRequestNotComplete", "", 300, "Route 53 works on one change of a zone at a time")
TYPES = ("A", "AAAA", "CNAME")


class Route53Record(Resource):
    """Alias A record."""

    name = "route53_record"
    title = "DNS record"
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
        "alias_zone_id": {"type": "str", "required": True},
        "evaluate_target_health": {"type": "bool", "default": False},
    }

    def __init__(self, options: Mapping[str, Any], aws: Any) -> None:
        super().__init__(options, aws)
        self.change_id: str | None = None

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse a name that is no full DNS name."""
        name = options["name"]
        if not has_unknown(name) and ("." not in name.rstrip(".") or len(name) > 255 or ".." in name):
            raise ResourceError(f"name is {name!r}; give a full DNS name such as weka.example.com.")

    def observe(self) -> Observed | None:
        """Return the record of that name, of any type that answers an address, with the record as AWS lists it."""
        if self.undetermined("name", "zone_id"):
            return None
        try:
            answer = self.aws.client("route53").list_resource_record_sets(
                HostedZoneId=self.option("zone_id"), StartRecordName=self.option("name"), MaxItems="10"
            )
        except ClientError as error:
            if error_code(error) == "NoSuchHostedZone":
                raise ResourceError(f"There is no hosted zone {self.option('zone_id')}. Check zone_id.") from error
            raise
        for record in answer["ResourceRecordSets"]:
            if canonical(record["Name"]) == canonical(self.option("name")) and record["Type"] in TYPES:
                return self._described(record)
        return None

    def _described(self, record: dict[str, Any]) -> Observed:
        alias = record.get("AliasTarget", {})
        return {
            "name": canonical(record["Name"]),
            "type": record["Type"],
            "alias_dns_name": canonical(alias["DNSName"]) if alias else None,
            "alias_zone_id": alias.get("HostedZoneId"),
            "evaluate_target_health": alias.get("EvaluateTargetHealth"),
            "_record": record,
        }

    def desired(self) -> dict[str, Any]:
        """Return name, type and target."""
        return {
            "name": canonical(self.option("name")),
            "type": "A",
            "alias_dns_name": canonical(self.option("alias_dns_name")),
            "alias_zone_id": self.option("alias_zone_id"),
            "evaluate_target_health": self.option("evaluate_target_health"),
        }

    def refuse_foreign(self, observed: Observed | None) -> None:
        """Refuse a record that does not lead to our load balancer.

        Raises:
            ResourceError: with where it leads.
        """
        if observed is None or (
            observed["type"] == "A" and observed["alias_dns_name"] == self.desired()["alias_dns_name"]
        ):
            return
        values = ", ".join(value["Value"] for value in observed["_record"].get("ResourceRecords", []))
        raise ResourceError(
            f"The DNS alias {self.option('name')} exists ({observed['type']} to {observed['alias_dns_name'] or values}) and "
            "is not ours, so it stays untouched. Choose another name, or delete that record first."
        )

    def plan(self, observed: Observed | None) -> list[Step]:
        """Create the record, or change it; an UPSERT would take a foreign one over, so a new one is a CREATE."""
        different = self.differences(observed)
        if not different:
            return []
        wanted = self.desired()
        record = {
            "Name": self.option("name"),
            "Type": "A",
            "AliasTarget": {
                "HostedZoneId": wanted["alias_zone_id"],
                "DNSName": self.option("alias_dns_name"),
                "EvaluateTargetHealth": wanted["evaluate_target_health"],
            },
        }
        verb = "UPSERT" if observed else "CREATE"
        return [self._change(verb, record, "lead clients to the load balancer", different)]

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Delete the record, which must be repeated exactly as it is listed."""
        before = {key: (value, None) for key, value in observed.items() if not key.startswith("_")}
        return [self._change("DELETE", observed["_record"], "free the name", before)]

    def _change(self, verb: str, record: dict[str, Any], reason: str, different: Mapping[str, tuple[Any, Any]]) -> Step:
        batch = {"Comment": "stateful.aws", "Changes": [{"Action": verb, "ResourceRecordSet": record}]}
        return self.change(
            "route53",
            "change_resource_record_sets",
            {"HostedZoneId": self.option("zone_id"), "ChangeBatch": batch},
            reason,
            different,
            learn=self._remember,
            retry=(BUSY,),
            repeatable=False,
        )

    def _remember(self, answer: dict[str, Any]) -> dict[str, Any]:
        self.change_id = answer["ChangeInfo"]["Id"]
        return {}

    def ready(self, observed: Observed | None) -> bool:
        """A record can be used when every name server of the zone has it."""
        return observed is not None and self._in_sync()

    def gone(self, observed: Observed | None) -> bool:
        """A record is gone when no name server has it any more."""
        return observed is None and self._in_sync()

    def _in_sync(self) -> bool:
        if self.change_id is None:
            return True
        status = self.aws.client("route53").get_change(Id=self.change_id)["ChangeInfo"]["Status"]
        return bool(status == "INSYNC")


RESOURCE = Route53Record
