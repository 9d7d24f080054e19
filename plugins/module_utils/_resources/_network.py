"""The load balancer's second subnet: another Availability Zone, the same route table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.aws import Aws
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError


def second_subnet(aws: Aws, settings: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """Return the id of the given subnet, the recorded one, or the first that fits (by zone, then id).

    An Application Load Balancer needs subnets in two zones; one with another route table may not reach the clients.

    Raises:
        ResourceError: none fits, or the given one does not.
    """
    filters = [{"Name": "vpc-id", "Values": [settings["vpc_id"]]}]
    subnets = {each["SubnetId"]: each for each in aws.pages("ec2", "describe_subnets", "Subnets", Filters=filters)}
    zone = settings["availability_zone"]
    chosen = options.get("additional_alb_subnet")
    if chosen:
        return _checked(chosen, subnets, settings)
    tables = aws.pages("ec2", "describe_route_tables", "RouteTables", Filters=filters)
    explicit = {
        link["SubnetId"]: each["RouteTableId"]
        for each in tables
        for link in each["Associations"]
        if link.get("SubnetId")
    }
    main = next((each["RouteTableId"] for each in tables for link in each["Associations"] if link.get("Main")), None)
    route_table = explicit.get(settings["subnet_id"], main)
    fitting = sorted(
        (each["AvailabilityZone"], name)
        for name, each in subnets.items()
        if each["AvailabilityZone"] != zone and explicit.get(name, main) == route_table
    )
    recorded = options["recorded"].get("alb_subnet_id")
    if recorded and recorded in subnets:
        return str(recorded)
    if not fitting:
        raise ResourceError(
            f"The load balancer needs a second subnet: VPC {settings['vpc_id']} has none in another zone than {zone} with the "
            f"route table {route_table} of {settings['subnet_id']}. Create one, or name one with additional_alb_subnet."
        )
    return str(fitting[0][1])


def _checked(chosen: str, subnets: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    if chosen not in subnets:
        raise ResourceError(f"additional_alb_subnet {chosen} is not a subnet of VPC {settings['vpc_id']}.")
    if subnets[chosen]["AvailabilityZone"] == settings["availability_zone"]:
        raise ResourceError(
            f"additional_alb_subnet {chosen} is in {settings['availability_zone']}, the zone of the cluster's own subnet; a "
            "load balancer needs two zones. Choose a subnet in another zone."
        )
    return chosen
