"""What the functions need from the world, as protocols; adapters/ implements them."""

from __future__ import annotations

from ports.cluster import Cluster
from ports.compute import Compute, Group, GroupInstance, Instance
from ports.lease import Clock, Grant, Lease
from ports.store import Attempts, Credentials, LoginMemory, Records, Store

__all__ = [
    "Attempts",
    "Clock",
    "Cluster",
    "Compute",
    "Credentials",
    "Grant",
    "Group",
    "GroupInstance",
    "Instance",
    "Lease",
    "LoginMemory",
    "Records",
    "Store",
]
