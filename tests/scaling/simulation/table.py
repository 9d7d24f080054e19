"""The cluster's table behind boto3's calls, with the conditions of DynamoDB's language that the functions use."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError

from .process import Process
from .world import NAME, PASSWORD

CLAUSE = re.compile(r"\b(SET|ADD|REMOVE)\b")
COMPARE = {"=": lambda a, b: a == b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b}


class Dynamo:
    """The client of `dynamodb` of one process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._items = process.world.table

    def get_item(self, Key: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        """One item."""
        key = Key["Key"]["S"]
        return self._process.call("dynamodb:GetItem", lambda: self._found(key), key, others=True)

    def batch_get_item(self, RequestItems: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        """Several items in one moment."""
        ((table, wanted),) = RequestItems.items()
        keys = [key["Key"]["S"] for key in wanted["Keys"]]

        def read() -> dict[str, Any]:
            if "control" in keys:
                self._process.served["control"] = self._process.world.tick
            found = [self._items[key] for key in keys if key in self._items]
            return {"Responses": {table: found}, "UnprocessedKeys": {}}

        return self._process.call("dynamodb:BatchGetItem", read, ",".join(keys), others=True)

    def put_item(self, Item: dict[str, Any], **condition: Any) -> dict[str, Any]:  # noqa: N803
        """Replace an item when the condition holds."""
        key = Item["Key"]["S"]

        def write() -> dict[str, Any]:
            self._require(key, condition)
            self._process.oracle.writes(self._process, key)
            self._items[key] = Item
            self._process.world.tick += 1
            return {}

        return self._process.call("dynamodb:PutItem", write, key)

    def update_item(self, Key: dict[str, Any], UpdateExpression: str, **more: Any) -> dict[str, Any]:  # noqa: N803
        """Change an item when the condition holds."""
        key = Key["Key"]["S"]
        names, values = more.get("ExpressionAttributeNames", {}), more.get("ExpressionAttributeValues", {})

        def write() -> dict[str, Any]:
            self._require(key, more)
            item = dict(self._items.get(key, {"Key": {"S": key}}))
            for verb, name, value in _steps(UpdateExpression):
                name = names.get(name, name)
                if verb == "SET":
                    item[name] = values[value]
                elif verb == "ADD":
                    item[name] = {"N": str(int(item.get(name, {"N": "0"})["N"]) + int(values[value]["N"]))}
                else:
                    item.pop(name, None)
            self._items[key] = item
            self._process.world.tick += 1
            return {"Attributes": item}

        return self._process.call("dynamodb:UpdateItem", write, key, others=True)

    def _found(self, key: str) -> dict[str, Any]:
        return {"Item": self._items[key]} if key in self._items else {}

    def _require(self, key: str, more: dict[str, Any]) -> None:
        condition = more.get("ConditionExpression")
        names, values = more.get("ExpressionAttributeNames", {}), more.get("ExpressionAttributeValues", {})
        item = self._items.get(key, {})
        if condition and not _holds(condition, item, names, values):
            failure = {"Error": {"Code": "ConditionalCheckFailedException", "Message": "no"}}
            raise ClientError({**failure, "Item": item} if item else failure, "PutItem")


@lru_cache
def _steps(expression: str) -> tuple[tuple[str, str, str], ...]:
    parts = CLAUSE.split(expression)[1:]
    found = []
    for verb, words in zip(parts[::2], parts[1::2], strict=True):
        for one in words.split(","):
            name, _, value = one.replace("=", " ").strip().partition(" ")
            found.append((verb, name, value.strip()))
    return tuple(found)


def _holds(condition: str, item: dict[str, Any], names: dict[str, str], values: dict[str, Any]) -> bool:
    if condition.startswith("(") and ") AND " in condition:
        first, _, second = condition[1:].partition(") AND ")
        return _holds(first, item, names, values) and _holds(second, item, names, values)
    return any(
        all(_true(clause, item, names, values) for clause in either.split(" AND "))
        for either in condition.split(" OR ")
    )


def _true(clause: str, item: dict[str, Any], names: dict[str, str], values: dict[str, Any]) -> bool:
    clause = clause.strip()
    if clause.startswith("attribute_not_exists("):
        name = clause[len("attribute_not_exists(") : -1]
        return names.get(name, name) not in item
    name, operator, value = clause.split()
    have, want = item.get(names.get(name, name)), values[value]
    if have is None or have.keys() != want.keys():
        return False
    if "N" in have:
        return COMPARE[operator](int(have["N"]), int(want["N"]))
    return COMPARE[operator](have["S"], want["S"])


class Kms:
    """The client of `kms` of one process."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def decrypt(self, **_: Any) -> dict[str, Any]:
        """The one secret that there is."""
        plain = json.dumps({"username": "admin", "password": PASSWORD}).encode()
        return self._process.call("kms:Decrypt", lambda: {"Plaintext": plain})


def first_items(policy: dict[str, Any], original: int | None) -> dict[str, dict[str, Any]]:
    """What the import writes."""
    settings = {"schema": 1, "cluster": NAME, "engine": "weka", "weka": {}, "policy": policy}
    if original is not None:
        settings["original_size"] = original
    return {
        "settings": {"Key": {"S": "settings"}, "Schema": {"N": "1"}, "Document": {"S": json.dumps(settings)}},
        "credentials": {"Key": {"S": "credentials"}, "Ciphertext": {"B": b"sealed"}},
    }
