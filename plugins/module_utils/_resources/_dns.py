"""Whether a DNS alias may be ours, asked before anything is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.aws import Aws
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code
from botocore.exceptions import ClientError


def canonical(name: str) -> str:
    """Return a DNS name as Route 53 compares it: lower case, no trailing dot, no ``dualstack.`` that AWS may add."""
    return name.lower().rstrip(".").replace("\\052", "*").removeprefix("dualstack.")


def check_alias(aws: Aws, options: Mapping[str, Any]) -> None:
    """Refuse an alias that exists and does not point to the cluster's own load balancer.

    Raises:
        ResourceError: it is somebody else's, or there is no such zone.
    """
    alias, zone = options.get("dns_alias"), options.get("dns_zone_id")
    if not alias:
        return
    try:
        answer = aws.client("route53").list_resource_record_sets(HostedZoneId=zone, StartRecordName=alias, MaxItems="5")
    except ClientError as error:
        if error_code(error) == "NoSuchHostedZone":
            raise ResourceError(f"There is no hosted zone {zone}. Check dns_zone_id.") from error
        raise
    # The list starts at the name; it is not a lookup.
    for record in answer["ResourceRecordSets"]:
        if canonical(record["Name"]) != canonical(alias) or record["Type"] not in ("A", "AAAA", "CNAME"):
            continue
        target = record.get("AliasTarget", {}).get("DNSName") or ", ".join(
            value["Value"] for value in record.get("ResourceRecords", [])
        )
        if canonical(target) not in _own_balancer(aws, options):
            raise ResourceError(
                f"The DNS alias {alias} exists ({record['Type']} to {target}) and is not ours. Choose another dns_alias, or "
                "delete that record first."
            )


def _own_balancer(aws: Aws, options: Mapping[str, Any]) -> list[str]:
    try:
        found = aws.client("elbv2").describe_load_balancers(Names=[options["load_balancer"]])["LoadBalancers"]
    except ClientError as error:
        if error_code(error) == "LoadBalancerNotFound":
            return []
        raise
    return [canonical(each["DNSName"]) for each in found]
