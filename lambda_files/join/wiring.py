"""The real adapters behind the join function."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.aws.clients import client
from adapters.aws.compute import AwsCompute
from adapters.aws.store import DynamoStore
from adapters.clock import SystemClock
from adapters.weka.client import WekaClient
from adapters.weka.cluster import WekaCluster
from adapters.weka.login import Login
from adapters.weka.pool import Pool
from adapters.weka.rpc import Rpc
from adapters.weka.tls import Transport
from environment import Environment
from ports.store import Credentials

from .service import script_for

WEKA_SECONDS = 15.0
"""For all calls to the cluster: API Gateway waits 29 seconds for the whole answer."""


def join_script_of(instance_id: str) -> str:
    """The join script of the instance, for the cluster that the environment names; raises as script_for does."""
    environment, clock = Environment.from_env(), SystemClock()
    compute = AwsCompute(client("autoscaling"), client("ec2"), environment.group, environment.cluster)
    store = DynamoStore(client("dynamodb"), client("kms"), environment.table, environment.cluster)

    def open_cluster(document: Mapping[str, Any], credentials: Credentials, addresses: Sequence[str]) -> WekaCluster:
        rpc = Rpc(Transport.from_settings(dict(document)), WEKA_SECONDS)
        login = Login(credentials, store, clock)
        # Nothing is changed through this client, so there is no lease to check.
        return WekaCluster(WekaClient(rpc, Pool(addresses), login, store.journal().guid), fence=lambda: None)

    region = os.environ["AWS_REGION"]
    return script_for(instance_id, environment.cluster, region, clock.now(), compute, store, open_cluster)
