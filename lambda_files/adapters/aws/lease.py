"""The lease: one item of the table, changed by conditional writes only."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from errors import LeaseHeld, LeaseLost
from ports.lease import Clock, Grant

SECONDS_TO_LIVE = 120
KEY = {"Key": {"S": "lease"}}


class DynamoLease:
    """Lease port on the cluster's table. A write repeated after a lost answer ends in the same state."""

    def __init__(self, dynamodb: Any, table: str, clock: Clock) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock

    def acquire(self, owner: str) -> Grant:
        """Take the free, expired or own lease with a greater fence; raises LeaseHeld."""
        now = int(self._clock.now().timestamp())
        try:
            answer = self._update(
                "SET #owner = :me, Expires = :until ADD Fence :one",
                "attribute_not_exists(#owner) OR #owner = :me OR Expires < :now",
                {
                    ":me": {"S": owner},
                    ":now": {"N": str(now)},
                    ":until": {"N": str(now + SECONDS_TO_LIVE)},
                    ":one": {"N": "1"},
                },
                ReturnValues="UPDATED_NEW",
            )
        except ClientError as error:
            if not _refused(error):
                raise
            raise LeaseHeld(f"The lease of table {self._table} is held by {self._holder()}.") from error
        return Grant(owner, int(answer["Attributes"]["Fence"]["N"]))

    def renew(self, grant: Grant) -> None:
        """Extend the grant; raises LeaseLost when another execution took over."""
        until = int(self._clock.now().timestamp()) + SECONDS_TO_LIVE
        try:
            self._update(
                "SET Expires = :until",
                "#owner = :me AND Fence = :fence",
                {":me": {"S": grant.owner}, ":fence": {"N": str(grant.fence)}, ":until": {"N": str(until)}},
            )
        except ClientError as error:
            if not _refused(error):
                raise
            raise LeaseLost(
                f"{grant.owner} (fence {grant.fence}) lost the lease of table {self._table} to {self._holder()}; "
                "it stops before changing anything else."
            ) from error

    def release(self, owner: str) -> None:
        """Free the lease and keep its fence; does nothing when it is not this owner's."""
        try:
            self._update("REMOVE #owner, Expires", "#owner = :me", {":me": {"S": owner}})
        except ClientError as error:
            if not _refused(error):
                raise

    def _update(self, update: str, condition: str, values: dict[str, Any], **more: Any) -> Any:
        return self._dynamodb.update_item(
            TableName=self._table,
            Key=KEY,
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeNames={"#owner": "Owner"},
            ExpressionAttributeValues=values,
            **more,
        )

    def _holder(self) -> str:
        item = self._dynamodb.get_item(TableName=self._table, Key=KEY, ConsistentRead=True).get("Item", {})
        return str(item.get("Owner", {}).get("S", "nobody"))


def _refused(error: ClientError) -> bool:
    return bool(error.response["Error"]["Code"] == "ConditionalCheckFailedException")
