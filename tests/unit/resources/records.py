"""A cluster's table with items, made behind the modules' back."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.unit.harness import Runner


class Table:
    """One cluster's table, as dynamodb_table makes it."""

    def __init__(self, runner: Runner, cluster: str) -> None:
        self.cluster, self.name = cluster, f"stateful-{cluster}"
        self.dynamodb = runner.client("dynamodb")
        self.dynamodb.create_table(
            TableName=self.name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "Key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "Key", "AttributeType": "S"}],
        )

    @property
    def least(self) -> dict[str, Any]:
        """The options that name it."""
        return {"cluster": self.cluster, "table": self.name}

    def item(self, key: str) -> dict[str, Any] | None:
        """An item, or None."""
        found: dict[str, Any] = self.dynamodb.get_item(TableName=self.name, Key={"Key": {"S": key}})
        return found.get("Item")

    def put(self, key: str, **attributes: Any) -> None:
        """Write an item."""
        self.dynamodb.put_item(TableName=self.name, Item={"Key": {"S": key}, **attributes})

    def document(self, key: str, document: dict[str, Any]) -> None:
        """Write an item that is a document."""
        self.put(key, Document={"S": json.dumps(document)})

    def pause(self, by: str = "arn:aws:iam::1:user/ann", reason: str = "by hand", since: int = 1_700_000_000) -> None:
        """Write what a pause writes."""
        self.document("control", {"paused": {"since": since, "by": by, "reason": reason}})

    def logins(self, refused_at: int, refused: int, tried_at: int, unheard: int) -> None:
        """Write what the functions write of logins since the last accepted one."""
        numbers = {"RefusedAt": refused_at, "Refused": refused, "TriedAt": tried_at, "Unheard": unheard}
        self.put("login", Fingerprint={"S": "f"}, **{name: {"N": str(number)} for name, number in numbers.items()})

    def hold_lease(self, seconds: float) -> str:
        """Give the lease to an execution for so long; return its name."""
        holder = f"arn:aws:states:us-east-1:123456789012:execution:{self.name}:at-work"
        self.put("lease", Owner={"S": holder}, Expires={"N": str(int(time.time() + seconds))}, Fence={"N": "7"})
        return holder
