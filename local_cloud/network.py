"""A VPC for a stack: a loopback block of its own, so that every instance's address can be bound and reached here."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

from .control import ControlError, ControlRequest, route

FIRST_BLOCK, LAST_BLOCK = 16, 250
WEKA_PORT = 14000

_claims: list[socket.socket] = []


@dataclass(frozen=True)
class Network:
    """The ids of what make_network made; the cluster's instances go into `subnet_id`."""

    vpc_id: str
    cidr: str
    subnet_id: str
    sharing_subnet_ids: tuple[str, ...]
    """Subnets in other zones with the cluster's route table: either may be the load balancer's second one."""
    other_subnet_ids: tuple[str, ...]
    """Subnets that are no choice: another route table, or the cluster's own zone."""


def claim_block() -> str:
    """A /16 of 127.0.0.0/8 that no other cloud on this machine has, held until this process ends.

    A bound socket on the block's first address is the claim: AWS gives that address to no instance.
    """
    for number in range(FIRST_BLOCK, LAST_BLOCK + 1):
        claim = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            claim.bind((f"127.{number}.0.1", WEKA_PORT))
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return f"127.{number}.0.0/16"
    raise OSError(f"Every block from 127.{FIRST_BLOCK}.0.0/16 to 127.{LAST_BLOCK}.0.0/16 is taken by another cloud.")


@route("POST", "network/block")
def _claim(request: ControlRequest) -> Any:
    try:
        return {"cidr": claim_block()}
    except OSError as error:
        raise ControlError(409, str(error)) from None


def make_network(ec2: Any, cidr: str, name: str) -> Network:
    """Make the VPC `name` with its subnets and route tables through the boto3 client `ec2`."""
    base = ".".join(cidr.split(".")[:2])
    zones = [each["ZoneName"] for each in ec2.describe_availability_zones()["AvailabilityZones"]]
    vpc_id = ec2.create_vpc(CidrBlock=cidr, TagSpecifications=_named("vpc", name))["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    gateway = ec2.create_internet_gateway(TagSpecifications=_named("internet-gateway", name))
    gateway_id = gateway["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(VpcId=vpc_id, InternetGatewayId=gateway_id)

    def table(suffix: str) -> str:
        made = ec2.create_route_table(VpcId=vpc_id, TagSpecifications=_named("route-table", f"{name}-{suffix}"))
        return str(made["RouteTable"]["RouteTableId"])

    def subnet(block: str, zone: str, table_id: str, suffix: str) -> str:
        tags = _named("subnet", f"{name}-{suffix}")
        made = ec2.create_subnet(VpcId=vpc_id, CidrBlock=block, AvailabilityZone=zone, TagSpecifications=tags)
        ec2.associate_route_table(RouteTableId=table_id, SubnetId=made["Subnet"]["SubnetId"])
        return str(made["Subnet"]["SubnetId"])

    shared, isolated = table("public"), table("isolated")
    ec2.create_route(RouteTableId=shared, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)
    second, third = zones[1], zones[2 % len(zones)]
    # Those that are no choice come first, as a wrong choice would take the first that it finds.
    others = (
        subnet(f"{base}.34.0/24", second, isolated, "isolated"),
        subnet(f"{base}.35.0/24", zones[0], shared, "same-zone"),
    )
    cluster = subnet(f"{base}.16.0/20", zones[0], shared, "cluster")
    sharing = [subnet(f"{base}.32.0/24", second, shared, "second")]
    if third not in (zones[0], second):
        sharing.append(subnet(f"{base}.33.0/24", third, shared, "third"))
    return Network(vpc_id, cidr, cluster, tuple(sharing), others)


def _named(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]
