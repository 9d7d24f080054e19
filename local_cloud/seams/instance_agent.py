"""Instances that a group launches boot: they run their user data."""

from __future__ import annotations

from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import Instance

from .. import lifecycle
from ..agent import agent
from . import require

GAP = "moto's instances run no user data and have no metadata service"
MOTO = "5.2.5"


def check() -> None:
    """Raise when what the metadata service reads of an instance has moved."""
    require(Instance, "private_ip", "private_dns_name", "get_tags")
    if "VCpuInfo" not in INSTANCE_TYPES.get("i3en.2xlarge", {}):
        raise AttributeError("moto's INSTANCE_TYPES say nothing of i3en.2xlarge's processors")


def install() -> None:
    """Have the agent told of every instance that runs or is gone."""
    lifecycle.on_instance_running(agent.started)
    lifecycle.on_instance_gone(agent.ended)
