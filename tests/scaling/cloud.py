"""A group in moto and a simulated WEKA cluster on real sockets, with the functions' tasks run in process."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import fetch.handler
import scale.handler
import terminate.handler
import transient.handler
from adapters.aws.store import _DECRYPTED
from adapters.weka.login import _TOKENS
from adapters.wiring import ports
from botocore.exceptions import BotoCoreError, ClientError
from environment import Environment
from errors import LeaseHeld, StatefulError, TransientErrors
from ground import BASE, NAME, free_block, instances, records
from moto import mock_aws
from moto.autoscaling.models import AutoScalingBackend, autoscaling_backends
from moto.ec2 import ec2_backends
from ports.bundle import Ports
from scaling.policy import PolicyInvalid
from wire import Wire, own_client, watched_client, wired

from local_cloud.weka.model import Cluster, MachineSpec
from local_cloud.weka.registry import Registry

__all__ = ["BASE", "NAME", "PASSWORD", "USER", "Cloud", "Ticker", "cloud", "forget"]

USER, PASSWORD = "admin", "correct-horse"
HANDLERS = {
    "fetch": fetch.handler,
    "scale": scale.handler,
    "terminate": terminate.handler,
    "transient": transient.handler,
}


class Ticker:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


@dataclass
class Cloud:
    """Everything a test needs of the two worlds."""

    registry: Registry
    weka: Cluster
    ticker: Ticker
    ids: list[str]
    addresses: list[str]
    wire: Wire = field(default_factory=Wire)

    @property
    def calls(self) -> dict[str, set[str]]:
        """What each function called; a call of the table with the item's key."""
        found: dict[str, set[str]] = defaultdict(set)
        for function, call in self.wire.seen:
            found[function] |= {name for name in call.names if not name.startswith("weka:")}
        return found

    def client(self, service: str) -> Any:
        """The test's own client; its calls count for no function."""
        return own_client(service)

    def ports(self) -> Ports:
        self.wire.function = ""
        return ports(Environment(NAME, BASE, BASE))

    def as_function(self, name: str) -> Ports:
        made = self.ports()
        if self.wire.dead:
            forget()
        self.wire.function, self.wire.dead = name, False
        return made

    def task(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        """One function with this event, as Lambda calls it: what comes out of JSON goes in."""
        made = self.as_function(name)
        with patch.object(HANDLERS[name], "ports", lambda: made):
            text = json.dumps(HANDLERS[name].handler(json.loads(json.dumps(event)), None))
        assert len(text) <= 32 * 1024, "S16: state data is bounded"
        assert PASSWORD not in text, "S12: no secret in state data"
        answer: dict[str, Any] = json.loads(text)
        return answer

    def fetch(self, execution: str = "execution-1") -> dict[str, Any]:
        return self.task("fetch", {"execution": execution})

    def scale(self, event: dict[str, Any]) -> dict[str, Any]:
        return self.task("scale", event)

    def terminate(self, event: dict[str, Any]) -> dict[str, Any]:
        return self.task("terminate", event)

    def transient(self, execution: str, told: dict[str, Any]) -> str:
        """The last task of a pass that did not go well: what it failed with."""
        try:
            self.task("transient", {"execution": execution, "input": told})
        except TransientErrors as error:
            return str(error)
        raise AssertionError("transient always fails")

    def run_pass(self, execution: str = "execution-1") -> dict[str, Any]:
        """An execution as the state machine's definition runs it: the last task's answer, and as `failed` what it
        failed with. Raises LeaseHeld where the state machine only ends."""
        state: dict[str, Any] = {"counts": {}}
        try:
            state = self.fetch(execution)
            state = self.scale(state)
            if state["terminate"] or state["detach"]:
                state = self.terminate(state)
        except LeaseHeld:
            raise
        except (StatefulError, PolicyInvalid, ClientError, BotoCoreError) as error:
            told = {"failure": {"Error": type(error).__name__, "Cause": json.dumps({"errorMessage": str(error)})}}
            return {"counts": {}, **state, "failed": self.transient(execution, {**state, **told})}
        if "transient_errors" in state:
            return {**state, "failed": self.transient(execution, state)}
        return {**state, "failed": None}

    def settle(self, passes: int = 6) -> list[dict[str, Any]]:
        """Passes a minute apart."""
        results = []
        for number in range(passes):
            results.append(self.run_pass(f"execution-{self.ticker.seconds}-{number}"))
            self.ticker.seconds += 60
        return results

    def desire(self, count: int) -> None:
        self.client("autoscaling").update_auto_scaling_group(
            AutoScalingGroupName=BASE, DesiredCapacity=count, MinSize=0, MaxSize=50
        )

    def let_join(self) -> list[str]:
        """Members that the cluster does not know become backends, as the join script makes them."""
        known = set(self.weka.machines)
        new = [i for i in self.members() if i not in known and self.ec2_state(i) == "running"]
        for instance_id in new:
            instance = self.instance(instance_id)
            instance.launch_time = self.ticker.now().replace(tzinfo=None)
            self.registry.grow(NAME, MachineSpec(instance_id, instance.private_ip))
        return new

    def members(self) -> dict[str, Any]:
        """The group's members as moto has them: lifecycle_state and protected_from_scale_in."""
        return {state.instance.id: state for state in self.group().instance_states}

    def instance(self, instance_id: str) -> Any:
        """The instance inside moto."""
        return ec2_backends["123456789012"]["us-east-1"].get_instance(instance_id)

    def group(self) -> Any:
        """The group inside moto, for what AWS does by itself and moto does not."""
        return autoscaling_backends["123456789012"]["us-east-1"].autoscaling_groups[BASE]

    def group_says(self, instance_id: str, lifecycle: str) -> None:
        """The group moves a member on to this lifecycle state."""
        self.members()[instance_id].lifecycle_state = lifecycle

    def ec2_state(self, instance_id: str) -> str:
        return str(self.instance(instance_id).state)

    def in_cluster(self) -> set[str]:
        return {c.machine.spec.instance_id for c in self.weka.backends()}

    def settings(self, **change: Any) -> None:
        weka = {
            "scheme": "https",
            "port": self.registry.port,
            "validate_certs": True,
            "certificate": self.weka.certificate,
            **change.pop("weka", {}),
        }
        document = {"schema": 1, "cluster": NAME, "engine": "weka", "weka": weka, **change}
        self.put("settings", Schema={"N": "1"}, Document={"S": json.dumps(document)})

    def credentials(self, password: str = PASSWORD) -> None:
        plain = json.dumps({"username": USER, "password": password}).encode()
        blob = self.client("kms").encrypt(
            KeyId="alias/" + BASE, Plaintext=plain, EncryptionContext={"stateful:cluster": NAME}
        )
        self.put("credentials", Ciphertext={"B": blob["CiphertextBlob"]})

    def put(self, key: str, **attributes: Any) -> None:
        self.client("dynamodb").put_item(TableName=BASE, Item={"Key": {"S": key}, **attributes})

    def item(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client("dynamodb").get_item(TableName=BASE, Key={"Key": {"S": key}})
        return found.get("Item", {})


def forget() -> None:
    """What a process of a function knows ends with it."""
    _DECRYPTED.clear()
    _TOKENS.clear()


@contextmanager
def cloud(count: int = 8, desired: int | None = None) -> Iterator[Cloud]:
    """`count` backends in a group that wants `desired` of them, with records, key and cluster in place."""
    block, port = free_block()
    ticker, wire = Ticker(), Wire()
    registry = Registry(port, clock=ticker)
    with (
        # Reading moto's own images takes longer than a pass, and no test wants one of them.
        patch.dict(os.environ, {"MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}),
        mock_aws(),
        # moto replaces a terminated member at once; AWS, with ReplaceUnhealthy suspended, leaves it in the group.
        patch.object(AutoScalingBackend, "notify_terminate_instances", lambda *_: None),
        patch("adapters.aws.clients.boto3.client", watched_client),
        patch("adapters.wiring.SystemClock", lambda: ticker),
        wired(wire),
    ):
        forget()
        try:
            ids, addresses = instances(count, block)
            records()
            specs = [MachineSpec(i, a) for i, a in zip(ids, addresses, strict=True)]
            weka = registry.form(NAME, specs, username=USER, password=PASSWORD, stripe=(3, 2))
            made = Cloud(registry, weka, ticker, ids, addresses, wire)
            made.settings()
            made.credentials()
            made.desire(count if desired is None else desired)
            yield made
        finally:
            registry.close()
