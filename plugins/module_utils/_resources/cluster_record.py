"""What is recorded of a cluster: items of its table, the settings as a document and the WEKA user encrypted.

The credentials are decrypted here only to see whether they differ, in memory, and are part of no result, diff or
message. Their ciphertext is bound to the cluster's name by KMS's encryption context, so that one copied from another
cluster's table is worth nothing. A table that is not there yet holds no record.
Sources: DynamoDB and KMS API references.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code, error_text
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import fit
from ansible_collections.stateful.aws.plugins.module_utils._engine.placeholder import has_unknown
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Retry, Step
from ansible_collections.stateful.aws.plugins.module_utils._resources import _records as records
from ansible_collections.stateful.aws.plugins.module_utils._resources._records import GONE, SCHEMA
from botocore.exceptions import ClientError

ITEMS = ("settings", "credentials", "lease", "journal", "login", "control", "report")
COMPARED = ("settings", "credentials", "login")
INVISIBLE = Retry("NotFoundException", "", 120, "KMS is eventually consistent after CreateKey")
UNUSABLE = {"KMSInvalidStateException": "pending deletion or not usable", "DisabledException": "disabled"}
# KMS encrypts up to 4096 bytes at once; a DynamoDB item has at most 400 KB (API references).
PLAINTEXT_LIMIT, ITEM_LIMIT = 4096, 400 * 1024


class ClusterRecord(Resource):
    """Settings and credentials of a cluster."""

    name = "cluster_record"
    title = "Cluster record"
    tagged = False
    iam_actions = {
        "read": ("dynamodb:BatchGetItem", "kms:Decrypt"),
        "write": ("dynamodb:PutItem", "dynamodb:DeleteItem", "kms:Encrypt"),
        "delete": ("dynamodb:DeleteItem",),
    }
    options = {
        "table": {"type": "str", "required": True},
        "kms_key_arn": {"type": "str"},
        "document": {"type": "dict"},
        "immutable": {"type": "list", "elements": "str", "default": []},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
    }
    constraints = {"required_together": [("username", "password")], "required_by": {"username": ("kms_key_arn",)}}
    hidden = ("credentials",)

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse a document of another schema or cluster, or one too large, and credentials that cannot be any."""
        document, key = options.get("document"), options.get("kms_key_arn")
        if document is not None:
            for name, ours in (("schema", SCHEMA), ("cluster", options["cluster"])):
                if document.get(name, ours) != ours:
                    raise ResourceError(f"document: its {name} is {document[name]}; it should be {ours}.")
            if len(_text(document).encode()) > ITEM_LIMIT - 1024:
                raise ResourceError("document is larger than the 400 KB that DynamoDB stores in an item.")
        if key is not None and not has_unknown(key) and not re.fullmatch(r"arn:[^:]+:kms:[^:]+:\d+:key/\S+", key):
            raise ResourceError(
                f"kms_key_arn {key!r}: give the ARN of the key itself, not of an alias, and not its id."
            )
        if options.get("username") is not None:
            if not options["username"] or not options["password"]:
                raise ResourceError("username and password must not be empty.")
            if len(_text({name: options[name] for name in ("username", "password")})) > PLAINTEXT_LIMIT:
                raise ResourceError(
                    f"username and password are longer than the {PLAINTEXT_LIMIT} bytes that KMS encrypts."
                )

    def identifier(self) -> str:
        """The cluster's name."""
        return str(self.option("cluster"))

    @property
    def _table(self) -> str:
        return str(fit(str(self.option("table")), 255))

    def predict(self) -> dict[str, Any]:
        """The table is known."""
        return {"table": self._table}

    def observe(self) -> Observed | None:
        """Return the settings, and the credentials when they are to be compared; None without table or items."""
        items = self._items()
        if not items:
            return None
        settings, credentials = items.get("settings", {}), items.get("credentials")
        document = settings.get("Document", {}).get("S")
        return {
            "table": self._table,
            "settings": json.loads(document) if document else {},
            "credentials": self._decrypted(credentials["Ciphertext"]["B"]) if credentials and self._compares else None,
            "_document": document,
            "_schema": int(settings.get("Schema", {}).get("N", SCHEMA)),
            "_refused": int(items.get("login", {}).get("Refused", {"N": "0"})["N"]),
            "_items": [name for name in ITEMS if name in items],
        }

    @property
    def _compares(self) -> bool:
        return self.option("state") == "present" and self.option("username") is not None

    def _items(self) -> Mapping[str, Any]:
        """Return the record's items that an option asks about, by key."""
        wanted = ITEMS if self.option("state") == "absent" else COMPARED if self._compares else ("settings",)
        found = records.read(self.aws, self._table, wanted)
        return found.items if found else {}

    def _decrypted(self, ciphertext: bytes) -> dict[str, Any]:
        """Return user, password and key; nothing when they are lost or bound to another cluster."""
        context = {"stateful:cluster": self.identifier()}
        try:
            answer = self.aws.client("kms").decrypt(CiphertextBlob=ciphertext, EncryptionContext=context)
        except ClientError as error:
            code = error_code(error)
            if code in UNUSABLE:
                raise ResourceError(
                    f"The credentials of cluster {self.identifier()} cannot be decrypted, because their KMS key is "
                    f"{UNUSABLE[code]}. AWS said {code}: {error_text(error).rstrip('.')}. Cancel the key's deletion and "
                    "enable it, or run destroy.yml and import again."
                ) from error
            if code in ("InvalidCiphertextException", "NotFoundException"):
                return {}
            raise
        return {**json.loads(answer["Plaintext"]), "key": answer["KeyId"]}

    def desired(self) -> dict[str, Any]:
        """Return the settings with schema and cluster, and the credentials with the key they are to be under."""
        document, username = self.option("document"), self.option("username")
        credentials = {"username": username, "password": self.option("password"), "key": self.option("kms_key_arn")}
        return {
            "settings": None if document is None else json.loads(_text(self._whole(document))),
            "credentials": None if username is None else credentials,
        }

    def _whole(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return {**document, "schema": SCHEMA, "cluster": self.identifier()}

    def refuse_foreign(self, observed: Observed | None) -> None:
        """Refuse another cluster's record, and one that a later release wrote."""
        if observed is None:
            return
        records.refuse_another(self._table, self.identifier(), observed["settings"])
        if observed["_schema"] > SCHEMA:
            raise ResourceError(
                f"Cluster {self.identifier()} is recorded in schema {observed['_schema']}, and this release of "
                f"stateful.aws knows {SCHEMA}. Use the release that wrote it, or a later one."
            )

    def plan(self, observed: Observed | None) -> list[Step]:
        """Write the settings if they differ, and encrypt and write the credentials if they do; else only read.

        Credentials that are the same are also given to say that they are right: refused logins count no more.
        """
        different = self.differences(observed)
        steps: list[Step] = []
        if "settings" in different:
            self._refuse_conflict((observed or {}).get("settings", {}), different["settings"][1])
            steps.append(self._put_settings(observed, different["settings"]))
        if "credentials" in different:
            steps.extend(self._put_credentials(different["credentials"]))
        elif self._compares and observed and observed["_refused"]:
            steps.append(self._forget_refusals(observed["_refused"]))
        return steps

    def _refuse_conflict(self, recorded: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        conflicts = [
            f"{name} is {_shown(recorded[name])} in the record and {_shown(wanted.get(name))} now"
            for name in self.option("immutable")
            if name in recorded and recorded[name] != wanted.get(name)
        ]
        if conflicts:
            raise ResourceError(
                f"Cluster {self.identifier()} already is imported under other settings: {', '.join(conflicts)}. Run "
                "destroy.yml first or give the recorded value."
            )

    def _put_settings(self, observed: Observed | None, pair: tuple[Any, Any]) -> Step:
        """The condition is what was read, so that nothing written meanwhile is overwritten unseen."""
        seen = (observed or {}).get("_document")
        condition: dict[str, Any] = {
            "ConditionExpression": "#document = :seen" if seen else "attribute_not_exists(#document)",
            "ExpressionAttributeNames": {"#document": "Document"},
        }
        if seen:
            condition["ExpressionAttributeValues"] = {":seen": {"S": seen}}
        item = {"Key": {"S": "settings"}, "Schema": {"N": str(SCHEMA)}, "Document": {"S": _text(pair[1])}}
        return self.change(
            "dynamodb",
            "put_item",
            {"TableName": self._table, "Item": item, **condition},
            "record the settings",
            {"settings": pair},
            repeatable=False,
            doubt=("ConditionalCheckFailedException",),
        )

    def _put_credentials(self, pair: tuple[Any, Any]) -> list[Step]:
        plain = {name: pair[1][name] for name in ("username", "password")}
        params = {
            "KeyId": self.option("kms_key_arn"),
            "Plaintext": _text(plain).encode(),
            "EncryptionContext": {"stateful:cluster": self.identifier()},
        }
        encrypt = Step(
            "kms",
            "encrypt",
            params,
            "encrypt the WEKA user for this cluster alone",
            learn=lambda answer: {"_ciphertext": answer["CiphertextBlob"]},
            retry=(INVISIBLE,),
        )
        put = self.change(
            "dynamodb",
            "put_item",
            lambda facts: {
                "TableName": self._table,
                "Item": {"Key": {"S": "credentials"}, "Ciphertext": {"B": facts["_ciphertext"]}},
            },
            "record the encrypted WEKA user",
            {"credentials": pair},
        )
        return [encrypt, put]

    def _forget_refusals(self, refused: int) -> Step:
        """The functions stop before the account is locked; somebody who gives the same user again lets them go on."""
        return self.change(
            "dynamodb",
            "delete_item",
            {"TableName": self._table, "Key": {"Key": {"S": "login"}}},
            "let the functions try the WEKA user again",
            {"refused_logins": (refused, 0)},
        )

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Delete the items that are there."""
        return [
            Step(
                "dynamodb",
                "delete_item",
                {"TableName": self._table, "Key": {"Key": {"S": item}}},
                f"delete the record's {item}",
                before={"items": observed["_items"]},
                done=(GONE,),
            )
            for item in observed["_items"]
        ]


def _text(document: Mapping[str, Any]) -> str:
    try:
        return json.dumps(document, sort_keys=True)
    except TypeError as error:
        raise ResourceError(f"document holds something that JSON cannot: {error}.") from error


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else "nothing" if value is None else json.dumps(value)


RESOURCE = ClusterRecord
