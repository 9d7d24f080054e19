"""A DynamoDB table on demand, encrypted under a key of ours, with point-in-time recovery and deletion protection.

One change at a time: every call needs the table ACTIVE again, so each is awaited. Point-in-time recovery is refused
for a while after creation, and reads as DISABLED for a while after it was switched on.
Sources: DynamoDB API reference; terraform-provider-aws dynamodb/table.go.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.aws import Aws
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import fit
from ansible_collections.stateful.aws.plugins.module_utils._engine.placeholder import has_unknown
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Retry, Step
from botocore.exceptions import ClientError

TERRAFORM = "terraform-provider-aws dynamodb/table.go"
BUSY = (
    Retry("ResourceInUseException", "", 600, "DynamoDB API reference: one change at a time"),
    Retry("LimitExceededException", "can be created, updated, or deleted simultaneously", 1800, TERRAFORM),
    Retry("LimitExceededException", "indexed tables that can be created simultaneously", 1800, TERRAFORM),
)
BACKUPS_NOT_YET = Retry("ContinuousBackupsUnavailableException", "", 1200, TERRAFORM)
GONE, IN_USE = "ResourceNotFoundException", "ResourceInUseException"
CREATING_SECONDS = 300
UNREADABLE = ("INACCESSIBLE_ENCRYPTION_CREDENTIALS", "ARCHIVING", "ARCHIVED")


class DynamodbTable(Resource):
    """DynamoDB table on demand."""

    name = "dynamodb_table"
    title = "DynamoDB table"
    iam_actions = {
        "read": ("dynamodb:DescribeTable", "dynamodb:DescribeContinuousBackups", "dynamodb:ListTagsOfResource"),
        "write": (
            "dynamodb:CreateTable",
            "dynamodb:UpdateTable",
            "dynamodb:UpdateContinuousBackups",
            "dynamodb:TagResource",
            "dynamodb:UntagResource",
            "kms:DescribeKey",
            "kms:CreateGrant",
            "kms:Encrypt",
            "kms:Decrypt",
            "kms:GenerateDataKey*",
        ),
        "delete": ("dynamodb:UpdateTable", "dynamodb:DeleteTable"),
    }
    options = {
        "name": {"type": "str", "required": True},
        "hash_key": {"type": "str", "default": "Key"},
        "kms_key_arn": {"type": "str"},
        "point_in_time_recovery": {"type": "bool"},
        "deletion_protection": {"type": "bool"},
    }

    def __init__(self, options: Mapping[str, Any], aws: Aws) -> None:
        super().__init__(options, aws)
        self._sent: dict[str, Any] = {}

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse names and keys that DynamoDB refuses, and a key that could not be compared."""
        name, key = options["name"], options.get("kms_key_arn")
        if not re.fullmatch(r"[A-Za-z0-9_.-]{3,}", name):
            raise ResourceError(f"name {name!r}: a table's name has 3 or more letters, digits and _ . -.")
        if not 1 <= len(options["hash_key"].encode()) <= 255:
            raise ResourceError("hash_key: an attribute's name has 1 to 255 bytes.")
        if key is not None and not has_unknown(key) and not re.fullmatch(r"arn:[^:]+:kms:[^:]+:\d+:key/\S+", key):
            raise ResourceError(
                f"kms_key_arn {key!r}: give the ARN of the key itself, not of an alias, and not its id."
            )

    def identifier(self) -> str:
        """The table's name, cut to 255 characters."""
        return str(fit(str(self.option("name")), 255))

    def predict(self) -> dict[str, Any]:
        """The ARN is made of the name."""
        return {
            "name": self.identifier(),
            "table_arn": self.aws.arn("dynamodb", f"table/{self.identifier()}"),
            "status": "ACTIVE",
        }

    def observe(self) -> Observed | None:
        """Return the table with DynamoDB's defaults filled in, or None; recovery is read when it is an option."""
        client, table = self.aws.client("dynamodb"), {"TableName": self.identifier()}
        try:
            found = client.describe_table(**table)["Table"]
            if found["TableStatus"] == "DELETING" and self.option("state") == "present":
                return None
            pairs = self._tags(found)
            recovery = self._recovery(table) if self._reads_recovery(found) else None
        except ClientError as error:
            if error_code(error) in (GONE, "TableNotFoundException"):
                return None
            raise
        encryption = found.get("SSEDescription", {})
        return {
            "name": found["TableName"],
            "table_arn": found["TableArn"],
            "status": found["TableStatus"],
            "hash_key": {key["KeyType"]: key["AttributeName"] for key in found["KeySchema"]}["HASH"],
            "billing_mode": found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
            # Without a description AWS's own key is in use.
            "kms_key_arn": encryption.get("KMSMasterKeyArn"),
            "point_in_time_recovery": recovery,
            "deletion_protection": found.get("DeletionProtectionEnabled", False),
            "tags": tagging.to_dict(pairs),
            "_encryption": encryption.get("Status", "ENABLED"),
            "_keys": len(found["KeySchema"]),
        }

    def _tags(self, found: Mapping[str, Any]) -> list[dict[str, str]]:
        """Return the tags; of a table that is CREATING they may not be there yet (ListTagsOfResource, errors)."""
        start = time.monotonic()
        while True:
            try:
                return list(self.aws.pages("dynamodb", "list_tags_of_resource", "Tags", ResourceArn=found["TableArn"]))
            except ClientError as error:
                early = error_code(error) == GONE and found["TableStatus"] == "CREATING"
                if not early or time.monotonic() - start > CREATING_SECONDS:
                    raise
            time.sleep(1)

    def _reads_recovery(self, found: Mapping[str, Any]) -> bool:
        wanted = self.option("point_in_time_recovery") is not None and self.option("state") == "present"
        return wanted and found["TableStatus"] in ("ACTIVE", "UPDATING")

    def _recovery(self, table: Mapping[str, str]) -> bool:
        try:
            answer = self.aws.client("dynamodb").describe_continuous_backups(**table)
        except ClientError as error:
            if error_code(error) == BACKUPS_NOT_YET.code:
                return False
            raise
        recovery = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        return recovery.get("PointInTimeRecoveryStatus") in ("ENABLED", "ENABLING")

    def desired(self) -> dict[str, Any]:
        """Return what the options say; a table of ours is always on demand."""
        return {
            "hash_key": self.option("hash_key"),
            "billing_mode": "PAY_PER_REQUEST",
            "kms_key_arn": self.option("kms_key_arn"),
            "point_in_time_recovery": self.option("point_in_time_recovery"),
            "deletion_protection": self.option("deletion_protection"),
        }

    def plan(self, observed: Observed | None) -> list[Step]:
        """Create the table, then its recovery; or change what differs, each change awaited."""
        if observed is None:
            return self._plan_new()
        if observed["hash_key"] != self.option("hash_key") or observed["_keys"] != 1:
            raise ResourceError(
                f"{self.title} {self.identifier()} has the hash key {observed['hash_key']}"
                f"{' and a sort key' if observed['_keys'] > 1 else ''}, and {self.option('hash_key')} alone is wanted; "
                "DynamoDB never changes a table's key. Delete the table first, or choose another name."
            )
        one = {prop: {prop: pair} for prop, pair in self.differences(observed).items()}
        steps: list[Step] = []
        if "billing_mode" in one:
            steps.append(self._update({"BillingMode": "PAY_PER_REQUEST"}, "pay for what is used", one["billing_mode"]))
        if "kms_key_arn" in one:
            steps.append(self._update(self._encryption(), "encrypt under the cluster's key", one["kms_key_arn"]))
        if "deletion_protection" in one:
            protection = {"DeletionProtectionEnabled": self.option("deletion_protection")}
            steps.append(self._update(protection, "guard it from deletion, or not", one["deletion_protection"]))
        put, drop, tags = self.tag_changes(observed)
        arn = {"ResourceArn": observed["table_arn"]}
        if put:
            steps.append(
                self._call("tag_resource", {**arn, "Tags": tagging.to_pairs(put)}, "tag the table", tags, settle=False)
            )
        if drop:
            steps.append(self._call("untag_resource", {**arn, "TagKeys": drop}, "remove tags", tags, settle=False))
        if "point_in_time_recovery" in one:
            steps.append(self._recover(one["point_in_time_recovery"]))
        return steps

    def _plan_new(self) -> list[Step]:
        wanted = {prop: value for prop, value in self.desired().items() if value is not None}
        recovery = wanted.pop("point_in_time_recovery", False)
        tags, key = self.wanted_tags(None), self.option("hash_key")
        params: dict[str, Any] = {
            "TableName": self.identifier(),
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
            "Tags": tagging.to_pairs(tags),
        }
        if self.option("kms_key_arn"):
            params.update(self._encryption())
        if self.option("deletion_protection"):
            params["DeletionProtectionEnabled"] = True
        made = {prop: (None, value) for prop, value in {**wanted, "tags": tags}.items()}
        steps = [
            self._call("create_table", params, "keep the cluster's record", made, repeatable=False, doubt=(IN_USE,))
        ]
        if recovery:
            steps.append(self._recover({"point_in_time_recovery": (False, True)}))
        return steps

    def _encryption(self) -> dict[str, Any]:
        key = self.option("kms_key_arn")
        return {"SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}}

    def _recover(self, difference: dict[str, tuple[Any, Any]]) -> Step:
        setting = {"PointInTimeRecoveryEnabled": self.option("point_in_time_recovery")}
        return self._change(
            "update_continuous_backups",
            {"TableName": self.identifier(), "PointInTimeRecoverySpecification": setting},
            "set point-in-time recovery",
            difference,
            retry=(BACKUPS_NOT_YET, *BUSY),
            settle=False,
        )

    def _update(self, change: Mapping[str, Any], reason: str, difference: dict[str, tuple[Any, Any]]) -> Step:
        return self._change("update_table", {"TableName": self.identifier(), **change}, reason, difference)

    def _change(self, method: str, params: Any, reason: str, difference: Any, **more: Any) -> Step:
        """A change that reads as before for a moment after AWS took it, so that its effect is waited for."""

        def sent(answer: Mapping[str, Any]) -> dict[str, Any]:
            self._sent.update({prop: pair[1] for prop, pair in difference.items()})
            return {}

        return self._call(method, params, reason, difference, learn=sent, **more)

    def _call(self, method: str, params: Any, reason: str, differences: Any, **more: Any) -> Step:
        return self.change("dynamodb", method, params, reason, differences, **{"retry": BUSY, "settle": True, **more})

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Lift the protection, wait for that, and delete the table; nothing when AWS is at it."""
        if observed["status"] == "DELETING":
            return []
        steps: list[Step] = []
        if observed["deletion_protection"]:
            lifted = {"deletion_protection": (True, False)}
            steps.append(self._update({"DeletionProtectionEnabled": False}, "let it be deleted", lifted))
        before = {"table_arn": observed["table_arn"], "status": observed["status"]}
        table = {"TableName": observed["name"]}
        delete = Step("dynamodb", "delete_table", table, "delete the table", before, retry=BUSY, done=(GONE,))
        return [*steps, delete]

    def ready(self, observed: Observed | None) -> bool:
        """ACTIVE, its encryption settled, and each change seen. A table whose key is unusable never will be."""
        if observed is None:
            return False
        if observed["status"] in UNREADABLE:
            if self.option("state") == "absent":
                return True
            raise ResourceError(
                f"{self.title} {self.identifier()} is {observed['status']}: its KMS key {observed['kms_key_arn']} is "
                "disabled, pending deletion or closed to DynamoDB. Cancel the deletion and enable the key within seven "
                "days, or delete the table."
            )
        seen = all(observed[prop] == value for prop, value in self._sent.items())
        return observed["status"] == "ACTIVE" and observed["_encryption"] in ("ENABLED", "DISABLED") and seen


RESOURCE = DynamodbTable
