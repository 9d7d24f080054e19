"""Settings, credentials, journal, people's word, report and logins: items of the cluster's table."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError
from errors import LeaseLost, RecordsUnread, SettingsInvalid, SettingsMissing
from ports.lease import Grant
from ports.store import Attempts, Credentials
from scaling.model import Control, Journal, Removal

SCHEMA = 1
READS = 4
# DynamoDB wants to be given time before it is asked again for what it kept back (BatchGetItem's API reference).
PAUSE_SECONDS = 0.1
LOGIN = {"Key": {"S": "login"}}
# The numbers of the item login, in the order of the fields of Attempts.
ATTEMPTS = ("RefusedAt", "Refused", "TriedAt", "Unheard")
# What a warm function has decrypted, by the hash of the ciphertext: an idle pass asks KMS nothing.
_DECRYPTED: dict[str, Credentials] = {}


@dataclass(frozen=True, slots=True)
class DynamoRecords:
    """Records port on items as DynamoDB gave them."""

    items: Mapping[str, dict[str, Any]]
    table: str
    cluster: str

    @property
    def settings(self) -> dict[str, Any]:
        """The settings document; raises SettingsMissing, or SettingsInvalid when it is of another schema or cluster."""
        document = self._document("settings")
        if document is None:
            raise SettingsMissing(f"Table {self.table} has no item settings; run the import again to restore it.")
        if document.get("schema") != SCHEMA or document.get("cluster") != self.cluster:
            raise SettingsInvalid(
                f"Table {self.table} holds settings of schema {document.get('schema')} for cluster "
                f"{document.get('cluster')}; this function works with schema {SCHEMA} for {self.cluster}. "
                "Run the import of this release again."
            )
        return document

    @property
    def journal(self) -> Journal:
        """The journal; empty before the first pass."""
        document = self._document("journal")
        if document is None:
            return Journal()
        try:
            time = document.get("cluster_time")
            return Journal(
                guid=document["guid"],
                starts=tuple(document["starts"]),
                begun=int(document.get("begun", 0)),
                removed={instance_id: Removal(**removal) for instance_id, removal in document["removed"].items()},
                cluster_time=datetime.fromisoformat(time) if time else None,
                fence=int(self.items["journal"]["Fence"]["N"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise self._odd("journal", error) from error

    @property
    def control(self) -> Control:
        """What people asked for; nothing when nobody ever did."""
        paused = (self._document("control") or {}).get("paused")
        if paused is None:
            return Control()
        if not isinstance(paused, dict):
            raise self._odd("control", TypeError("paused is neither null nor an object"))
        return Control(paused=f"{paused.get('reason') or 'no reason was given'} (by {paused.get('by') or 'somebody'})")

    @property
    def report(self) -> dict[str, Any] | None:
        """What the last pass told; None before the first one."""
        return self._document("report")

    def _document(self, key: str) -> dict[str, Any] | None:
        if key not in self.items:
            return None
        try:
            document = json.loads(self.items[key]["Document"]["S"])
        except (KeyError, TypeError, ValueError) as error:
            raise self._odd(key, error) from error
        if not isinstance(document, dict):
            raise self._odd(key, TypeError("it is not an object"))
        return document

    def _odd(self, key: str, error: Exception) -> SettingsInvalid:
        return SettingsInvalid(f"The item {key} of table {self.table} cannot be understood: {error!r}.")


class DynamoStore:
    """Store and LoginMemory ports on the cluster's table; every read is consistent."""

    def __init__(self, dynamodb: Any, kms: Any, table: str, cluster: str) -> None:
        self._dynamodb = dynamodb
        self._kms = kms
        self._table = table
        self._cluster = cluster
        self._items: dict[str, dict[str, Any]] = {}
        self._asked: set[str] = set()
        self._secrets: tuple[str, ...] = ()

    def read(self, *items: str) -> DynamoRecords:
        """The named items in one call; credentials and refused logins are then known without another one.

        Raises RecordsUnread when DynamoDB keeps some of them back.
        """
        wanted = [{"Key": {"S": key}} for key in items]
        found: dict[str, dict[str, Any]] = {}
        for number in range(READS):
            time.sleep(number * PAUSE_SECONDS)
            answer = self._dynamodb.batch_get_item(RequestItems={self._table: {"Keys": wanted, "ConsistentRead": True}})
            for item in answer["Responses"].get(self._table, []):
                found[item["Key"]["S"]] = item
            wanted = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            if not wanted:
                self._items |= found
                self._asked |= set(items)
                return DynamoRecords(found, self._table, self._cluster)
        keys = ", ".join(key["Key"]["S"] for key in wanted)
        raise RecordsUnread(
            f"DynamoDB kept back {keys} of table {self._table} {READS} times; the next pass tries again."
        )

    def settings(self) -> dict[str, Any]:
        """The settings document as it was last read here; raises SettingsMissing or SettingsInvalid."""
        self._known("settings")
        return DynamoRecords(self._items, self._table, self._cluster).settings

    def credentials(self) -> Credentials:
        """The credentials, decrypted under the context that names the cluster; raises SettingsMissing."""
        item = self._known("credentials")
        if item is None:
            raise SettingsMissing(f"Table {self._table} has no item credentials; run the import again to restore it.")
        ciphertext = item["Ciphertext"]["B"]
        fingerprint = hashlib.sha256(ciphertext).hexdigest()
        if fingerprint not in _DECRYPTED:
            context = {"stateful:cluster": self._cluster}
            plain = json.loads(self._kms.decrypt(CiphertextBlob=ciphertext, EncryptionContext=context)["Plaintext"])
            _DECRYPTED.clear()
            _DECRYPTED[fingerprint] = Credentials(plain["username"], plain["password"], fingerprint)
        credentials = _DECRYPTED[fingerprint]
        self._secrets = (credentials.password,)
        return credentials

    def secrets(self) -> tuple[str, ...]:
        """The password, once it was decrypted."""
        return self._secrets

    def write_journal(self, journal: Journal, grant: Grant) -> None:
        """Replace the journal that was read; raises LeaseLost when somebody else has replaced it since.

        That may be a later holder of the lease, or the same task delivered twice, which has the same lease.
        """
        document = {
            "guid": journal.guid,
            "starts": list(journal.starts),
            "begun": journal.begun,
            "removed": {instance_id: asdict(removal) for instance_id, removal in sorted(journal.removed.items())},
            "cluster_time": journal.cluster_time.isoformat() if journal.cluster_time else None,
        }
        self._write("journal", document, grant)

    def write_report(self, document: dict[str, Any], grant: Grant) -> None:
        """Replace the report that was read; raises LeaseLost when somebody else has replaced it since."""
        self._write("report", document, grant)

    def _write(self, key: str, document: dict[str, Any], grant: Grant) -> None:
        read = self._items.get(key, {}).get("Revision")
        item = {
            "Key": {"S": key},
            "Fence": {"N": str(grant.fence)},
            "Revision": {"N": str(int(read["N"]) + 1 if read else 1)},
            "Document": {"S": json.dumps(document)},
        }
        same = "Revision = :read" if read else "attribute_not_exists(Revision)"
        values = {":fence": item["Fence"], **({":read": read} if read else {})}
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression=f"(attribute_not_exists(Fence) OR Fence <= :fence) AND {same}",
                ExpressionAttributeValues=values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            # botocore repeats a write whose answer was lost; then it is our own that is there.
            if error.response.get("Item") != item:
                words = f"Somebody else than {grant.owner} with lease {grant.fence} has written the {key} meanwhile."
                raise LeaseLost(words) from error
        self._items[key] = item

    def attempts(self, fingerprint: str) -> Attempts:
        """The attempts made with exactly these credentials: as they were read with the other items, later anew."""
        item = self._known("login")
        self._asked.discard("login")
        if item is None or "Refused" not in item or item["Fingerprint"]["S"] != fingerprint:
            return Attempts()
        return Attempts(*(int(item[name]["N"]) for name in ATTEMPTS))

    def begin(self, fingerprint: str, at: int, known: Attempts, most: int) -> bool:
        """Count one more attempt without answer; False when there are `most` by now, or the last was refused."""
        if known == Attempts():
            return self._put_login(fingerprint, Attempts(tried_at=at, unheard=1), new=True)
        return self._count(
            fingerprint,
            "SET TriedAt = :at ADD Unheard :one",
            "Refused = :refused AND Unheard < :most",
            {":at": at, ":one": 1, ":refused": known.refused, ":most": most},
        )

    def accepted(self, fingerprint: str, at: int) -> None:
        """The credentials were accepted: no attempt before that moment counts any more."""
        self._put_login(fingerprint, Attempts(tried_at=at))

    def refused(self, fingerprint: str, at: int) -> None:
        """One of the attempts without answer was refused."""
        change, values = "SET RefusedAt = :at ADD Refused :one, Unheard :less", {":at": at, ":one": 1, ":less": -1}
        if not self._count(fingerprint, change, "Unheard > :none", {**values, ":none": 0}):
            # Others were accepted meanwhile, or have other credentials.
            self._put_login(fingerprint, Attempts(at, 1, at))

    def withdraw(self, fingerprint: str) -> None:
        """One of the attempts without answer was none."""
        self._count(fingerprint, "ADD Unheard :less", "Unheard > :none", {":less": -1, ":none": 0})

    def _count(self, fingerprint: str, change: str, condition: str, numbers: dict[str, int]) -> bool:
        """Change the numbers of exactly these credentials on a condition; whether it held."""
        values = {name: {"N": str(number)} for name, number in numbers.items()}
        return self._if_it_holds(
            "update_item",
            Key=LOGIN,
            UpdateExpression=change,
            ConditionExpression=f"Fingerprint = :mine AND {condition}",
            ExpressionAttributeValues={":mine": {"S": fingerprint}, **values},
        )

    def _put_login(self, fingerprint: str, attempts: Attempts, new: bool = False) -> bool:
        """Replace what is known; with `new` only that of other credentials, and whether there was no other."""
        counts = {name: {"N": str(count)} for name, count in zip(ATTEMPTS, astuple(attempts), strict=True)}
        mine = {"S": fingerprint}
        condition = {
            "ConditionExpression": "attribute_not_exists(Refused) OR Fingerprint <> :mine",
            "ExpressionAttributeValues": {":mine": mine},
        }
        item = {**LOGIN, "Fingerprint": mine, **counts}
        return self._if_it_holds("put_item", Item=item, **(condition if new else {}))

    def _if_it_holds(self, change: str, **request: Any) -> bool:
        try:
            getattr(self._dynamodb, change)(TableName=self._table, **request)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def _known(self, key: str) -> dict[str, Any] | None:
        if key not in self._asked:
            self.read(key)
        return self._items.get(key)
