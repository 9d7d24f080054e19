"""Ports made from the function's environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from environment import Environment
from ports import Clock
from ports.bundle import Ports

from adapters.aws.clients import client
from adapters.aws.compute import AwsCompute
from adapters.aws.lease import DynamoLease
from adapters.aws.store import DynamoStore
from adapters.clock import SystemClock
from adapters.weka.client import WekaClient
from adapters.weka.cluster import WekaCluster
from adapters.weka.guard import LoginGuard
from adapters.weka.login import Login
from adapters.weka.pool import Pool
from adapters.weka.rpc import Rpc
from adapters.weka.tls import Transport


def ports(environment: Environment | None = None) -> Ports:
    """The real ports, from the environment's variables; raises EnvironmentIncomplete."""
    environment = environment or Environment.from_env()
    clock = SystemClock()
    dynamodb = client("dynamodb")
    store = DynamoStore(dynamodb, client("kms"), environment.table, environment.cluster)

    def cluster(addresses: Sequence[str], guid: str | None, fence: Callable[[], None]) -> WekaCluster:
        return WekaCluster(weka_client(store, clock, addresses, guid), fence)

    return Ports(
        environment=environment,
        clock=clock,
        compute=AwsCompute(client("autoscaling"), client("ec2"), environment.group, environment.cluster),
        lease=DynamoLease(dynamodb, environment.table, clock),
        store=store,
        cluster=cluster,
    )


def weka_client(store: DynamoStore, clock: Clock, addresses: Sequence[str], guid: str | None = None) -> WekaClient:
    """A client of the cluster behind these addresses, with the stored settings and credentials."""
    transport = Transport.from_settings(store.settings())
    credentials = store.credentials()
    return WekaClient(Rpc(transport), Pool(addresses), Login(credentials, LoginGuard(credentials, store, clock)), guid)
