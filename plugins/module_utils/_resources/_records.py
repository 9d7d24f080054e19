"""Items of a cluster's table: read together, consistently, and told by AWS's own clock.

A lease has expired or not by the clock of the functions, which is AWS's; a controller's may differ from it.
Source: DynamoDB API reference, BatchGetItem.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.aws import Aws
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code, error_text
from botocore.exceptions import ClientError

SCHEMA = 1
GONE = "ResourceNotFoundException"
PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)


@dataclass(frozen=True)
class Records:
    """Items by their key, and AWS's time at which they were read."""

    items: Mapping[str, Mapping[str, Any]]
    now: int

    def document(self, key: str) -> dict[str, Any] | None:
        """Return an item's document, or None."""
        text = self.items.get(key, {}).get("Document", {}).get("S")
        return dict(json.loads(text)) if text else None

    @property
    def lease(self) -> dict[str, Any] | None:
        """Who holds the lease now, and until when; None when it is free or has expired."""
        item = self.items.get("lease", {})
        if "Owner" not in item or int(item["Expires"]["N"]) < self.now:
            return None
        return {"holder": item["Owner"]["S"], "expires": told(int(item["Expires"]["N"]))}


def told(epoch: int) -> str:
    """Return a time as people read it, in UTC."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(aws: Aws, table: str, keys: Sequence[str]) -> Records | None:
    """Return those of the items that are there, or None when the table is not.

    Raises:
        ResourceError: the table cannot be one of ours, or cannot be read; the text says what to do.
    """
    request: dict[str, Any] = {table: {"Keys": [{"Key": {"S": key}} for key in keys], "ConsistentRead": True}}
    items: dict[str, Mapping[str, Any]] = {}
    for pause in PAUSES:
        try:
            answer = aws.client("dynamodb").batch_get_item(RequestItems=request)
        except ClientError as error:
            if error_code(error) == GONE:
                return None
            explain_table(table, error)
            raise
        items.update({item["Key"]["S"]: item for item in answer["Responses"].get(table, [])})
        request = answer.get("UnprocessedKeys") or {}
        if not request:
            date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
            return Records(items, int(parsedate_to_datetime(date).timestamp() if date else time.time()))
        time.sleep(pause)
    raise ResourceError(f"DynamoDB does not give all items of table {table}, since it is throttled. Run it again.")


def explain_table(table: str, error: ClientError) -> None:
    """Raise a sentence for what this table's own state explains.

    Raises:
        ResourceError: the table is of another shape, or its key cannot be used.
    """
    code, text = error_code(error), error_text(error)
    # A name that DynamoDB does not take is refused as a constraint; beside it only the key can be wrong.
    if code == "ValidationException" and "constraint" not in text:
        raise ResourceError(
            f"Table {table} exists, but its hash key is not Key, so it is not ours and stays untouched. "
            "Rename or delete it if nobody needs it, or choose another cluster name."
        ) from error
    # DynamoDB hands KMS's refusal on in its own (message met live in aws-cdk issue 18616).
    if code == "AccessDeniedException" and "KMS" in text:
        raise ResourceError(
            f"Table {table} cannot be read, because DynamoDB may not use its KMS key: AWS said {text.rstrip('.')}. "
            "If the key is disabled or pending deletion, cancel the deletion and enable it; else grant its use."
        ) from error


def refuse_another(table: str, cluster: str, settings: Mapping[str, Any] | None) -> None:
    """Refuse a table that holds the settings of another cluster.

    Raises:
        ResourceError: naming that cluster.
    """
    owner = (settings or {}).get("cluster", cluster)
    if owner != cluster:
        raise ResourceError(
            f"Table {table} holds the record of cluster {owner!r}, so it is not ours and stays untouched. "
            "Give that cluster's name, or another table."
        )
