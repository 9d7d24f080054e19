"""A VPC with subnets and a security group, made behind the modules' back, once for each cloud."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from local_cloud.network import Network, make_network
from tests.unit.harness import Runner


@dataclass(frozen=True)
class Place:
    """Where the tests' resources go."""

    network: Network
    security_group_ids: tuple[str, str]

    @property
    def subnets(self) -> list[str]:
        """Two subnets in different zones."""
        return [self.network.subnet_id, self.network.sharing_subnet_ids[0]]


def place(runner: Runner) -> Place:
    """Return the place in this runner's cloud."""
    return _made(runner.cloud)


@cache
def _made(cloud: Any) -> Place:
    ec2 = cloud.client("ec2")
    network = make_network(ec2, cloud.control("network/block", method="POST")["cidr"], "unit")
    groups = [
        ec2.create_security_group(GroupName=name, Description=name, VpcId=network.vpc_id)["GroupId"]
        for name in ("backends", "clients")
    ]
    return Place(network, (groups[0], groups[1]))
