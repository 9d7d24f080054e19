"""The functions' handlers, with ports on the world instead of AWS and sockets."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import fetch.handler
import scale.effects
import scale.handler
import terminate.handler
import transient.handler
from adapters.aws import compute, store
from adapters.aws.compute import AwsCompute
from adapters.aws.lease import DynamoLease
from adapters.aws.store import DynamoStore
from environment import Environment
from ports.bundle import Ports

from .aws import AutoScaling, Ec2
from .engine import Engine
from .process import Process
from .table import Dynamo, Kms
from .world import NAME

MODULES = {
    "fetch": fetch.handler,
    "scale": scale.handler,
    "terminate": terminate.handler,
    "transient": transient.handler,
}


def ports_of(process: Process) -> Ports:
    """Real adapters of lease, records and instances on the world's AWS; the cluster is the world's engine."""
    dynamodb = Dynamo(process)
    records = DynamoStore(dynamodb, Kms(process), NAME, NAME)

    def cluster(addresses: Sequence[str], guid: str | None, fence: Callable[[], None]) -> Engine:
        records.credentials()
        return Engine(process, addresses, guid, fence)

    return Ports(
        environment=Environment(NAME, NAME, NAME),
        clock=process,
        compute=AwsCompute(AutoScaling(process), Ec2(process), NAME, NAME),
        lease=DynamoLease(dynamodb, NAME, process),
        store=records,
        cluster=cluster,
    )


def handler_of(process: Process) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The function's handler."""
    module = MODULES[process.function]

    def run(event: dict[str, Any], context: Any) -> dict[str, Any]:
        before = module.ports
        module.ports = lambda: ports_of(process)
        try:
            return module.handler(event, context)
        finally:
            module.ports = before

    return run


class InTurn:
    """Instead of a pool of threads, whose order nobody could repeat."""

    def __init__(self, _at_once: int) -> None:
        pass

    def __enter__(self) -> InTurn:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, act: Callable[[str], Any], ids: Sequence[str]) -> list[Any]:
        """One after the other."""
        return [act(one) for one in ids]


@contextmanager
def cold(whole: bool) -> Iterator[None]:
    """Functions that were never called before, and act in an order that a seed repeats.

    Without the log of decisions unless `whole`: writing it takes as long as all the rest of a run.
    """
    before = scale.effects.report.tell, compute.ThreadPoolExecutor
    if not whole:
        scale.effects.report.tell = lambda *_: None
    compute.ThreadPoolExecutor = InTurn
    store._DECRYPTED.clear()
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        scale.effects.report.tell, compute.ThreadPoolExecutor = before
        logging.disable(logging.NOTSET)
