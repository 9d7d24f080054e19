"""Settings, credentials, journal and refused logins: items of the cluster's table."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from botocore.exceptions import ClientError
from errors import LeaseLost, SettingsInvalid, SettingsMissing
from ports.lease import Grant
from ports.store import Credentials
from scaling.model import Journal, Removal

SCHEMA = 1


class DynamoStore:
    """Store and LoginMemory ports on the cluster's table; every read is consistent."""

    def __init__(self, dynamodb: Any, kms: Any, table: str, cluster: str) -> None:
        self._dynamodb = dynamodb
        self._kms = kms
        self._table = table
        self._cluster = cluster

    def settings(self) -> dict[str, Any]:
        """The settings document; raises SettingsMissing, or SettingsInvalid when it is of another schema or cluster."""
        document: dict[str, Any] = json.loads(self._required("settings")["Document"]["S"])
        if document.get("schema") != SCHEMA or document.get("cluster") != self._cluster:
            raise SettingsInvalid(
                f"Table {self._table} holds settings of schema {document.get('schema')} for cluster "
                f"{document.get('cluster')}; this function works with schema {SCHEMA} for {self._cluster}. "
                "Run the import of this release again."
            )
        return document

    def credentials(self) -> Credentials:
        """The credentials, decrypted under the context that names the cluster; raises SettingsMissing."""
        ciphertext = self._required("credentials")["Ciphertext"]["B"]
        plain = json.loads(
            self._kms.decrypt(CiphertextBlob=ciphertext, EncryptionContext={"stateful:cluster": self._cluster})[
                "Plaintext"
            ]
        )
        return Credentials(plain["username"], plain["password"], hashlib.sha256(ciphertext).hexdigest())

    def journal(self) -> Journal:
        """The journal; empty before the first pass."""
        item = self._get("journal")
        if item is None:
            return Journal()
        document = json.loads(item["Document"]["S"])
        return Journal(
            guid=document["guid"],
            starts=tuple(document["starts"]),
            removed={instance_id: Removal(**removal) for instance_id, removal in document["removed"].items()},
        )

    def write_journal(self, journal: Journal, grant: Grant) -> None:
        """Replace the journal; raises LeaseLost when a later holder of the lease wrote it already."""
        document = {
            "guid": journal.guid,
            "starts": list(journal.starts),
            "removed": {
                instance_id: {
                    "address": removal.address,
                    "machine_identifier": removal.machine_identifier,
                    "since": removal.since,
                    "confirmed": removal.confirmed,
                }
                for instance_id, removal in sorted(journal.removed.items())
            },
        }
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item={
                    "Key": {"S": "journal"},
                    "Fence": {"N": str(grant.fence)},
                    "Document": {"S": json.dumps(document)},
                },
                ConditionExpression="attribute_not_exists(Fence) OR Fence <= :fence",
                ExpressionAttributeValues={":fence": {"N": str(grant.fence)}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            raise LeaseLost(f"A later execution than {grant.owner} already wrote the journal.") from error

    def refused_at(self, fingerprint: str) -> int | None:
        """Epoch seconds of the last refusal of exactly these credentials, or None."""
        item = self._get("login")
        if item is None or item["Fingerprint"]["S"] != fingerprint:
            return None
        return int(item["RefusedAt"]["N"])

    def remember_refusal(self, fingerprint: str, at: int) -> None:
        """Note that the cluster refused these credentials."""
        self._dynamodb.put_item(
            TableName=self._table,
            Item={"Key": {"S": "login"}, "Fingerprint": {"S": fingerprint}, "RefusedAt": {"N": str(at)}},
        )

    def _get(self, key: str) -> dict[str, Any] | None:
        answer = self._dynamodb.get_item(TableName=self._table, Key={"Key": {"S": key}}, ConsistentRead=True)
        item: dict[str, Any] | None = answer.get("Item")
        return item

    def _required(self, key: str) -> dict[str, Any]:
        item = self._get(key)
        if item is None:
            raise SettingsMissing(f"Table {self._table} has no item {key}; run the import again to restore it.")
        return item
