"""A KMS key with its alias.

The key is found by its alias, or, when a run was stopped before the alias was made, by its tags. A key that is pending
deletion counts as absent. AWS may change behind us: principals deleted later read back as ids in the policy.
Sources: AWS KMS API reference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.placeholder import has_unknown
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Retry, Step
from botocore.exceptions import ClientError

# A key, or a principal that its policy names, may not be visible everywhere for a while (terraform-provider-aws kms/key.go).
INVISIBLE = Retry("NotFoundException", "", 120, "KMS is eventually consistent after CreateKey")
PRINCIPAL = Retry(
    "MalformedPolicyDocumentException", "invalid principals", 120, "terraform-provider-aws kms/key.go, cdkd error list"
)


class KmsKey(Resource):
    """KMS key and alias."""

    name = "kms_key"
    title = "KMS key"
    named_by_tag = True
    iam_actions = {
        "read": (
            "kms:DescribeKey",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:ListResourceTags",
            "tag:GetResources",
        ),
        "write": (
            "kms:CreateKey",
            "kms:CreateAlias",
            "kms:EnableKey",
            "kms:EnableKeyRotation",
            "kms:DisableKeyRotation",
            "kms:PutKeyPolicy",
            "kms:UpdateKeyDescription",
            "kms:TagResource",
            "kms:UntagResource",
        ),
        "delete": ("kms:DeleteAlias", "kms:ScheduleKeyDeletion"),
    }
    options = {
        "alias": {"type": "str", "required": True},
        "description": {"type": "str"},
        "policy": {"type": "json"},
        "rotation": {"type": "bool"},
        "deletion_window": {"type": "int", "default": 7},
    }
    given_by_aws = ("key_id", "key_arn")
    policies = ("policy",)

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse a deletion window that KMS refuses."""
        if not 7 <= options["deletion_window"] <= 30:
            raise ResourceError(f"deletion_window is {options['deletion_window']}; KMS accepts 7 to 30 days.")

    def identifier(self) -> str:
        """The alias with its prefix."""
        alias = str(self.option("alias"))
        return alias if alias.startswith("alias/") else f"alias/{alias}"

    def observe(self) -> Observed | None:
        """Return the key behind the alias, else the key of this cluster and component that has no alias yet."""
        metadata = self._describe(self.identifier())
        aliased = metadata is not None
        if metadata is None:
            candidates = map(self._describe, self._tagged_keys())
            metadata = next((found for found in candidates if found and found["KeyState"] != "PendingDeletion"), None)
        if metadata is None or metadata["KeyState"] == "PendingDeletion":
            return None
        kms, key_id = self.aws.client("kms"), metadata["KeyId"]
        pairs = self.aws.pages("kms", "list_resource_tags", "Tags", KeyId=key_id)
        return {
            "alias": self.identifier() if aliased else None,
            "key_id": key_id,
            "key_arn": metadata["Arn"],
            "description": metadata.get("Description", ""),
            "state": metadata["KeyState"],
            "policy": json.loads(kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"])
            if self.option("policy")
            else None,
            "rotation": kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"]
            if self.option("rotation") is not None
            else None,
            "tags": tagging.to_dict(pairs, "TagKey", "TagValue"),
        }

    def _describe(self, key: str) -> dict[str, Any] | None:
        try:
            return dict(self.aws.client("kms").describe_key(KeyId=key)["KeyMetadata"])
        except ClientError as error:
            if error_code(error) == "NotFoundException":
                return None
            raise

    def _tagged_keys(self) -> list[str]:
        wanted = {tagging.CLUSTER: self.option("cluster"), tagging.NAME: self.identifier()}
        found = self.aws.pages(
            "resourcegroupstaggingapi",
            "get_resources",
            "ResourceTagMappingList",
            ResourceTypeFilters=["kms:key"],
            TagFilters=[{"Key": key, "Values": [value]} for key, value in wanted.items()],
        )
        return [item["ResourceARN"] for item in found]

    def desired(self) -> dict[str, Any]:
        """Return alias, description, policy, rotation and an enabled state."""
        policy = self.option("policy")
        return {
            "alias": self.identifier(),
            "description": self.option("description"),
            "policy": policy if policy is None or has_unknown(policy) else json.loads(policy),
            "rotation": self.option("rotation"),
            "state": "Enabled",
        }

    def plan(self, observed: Observed | None) -> list[Step]:
        """Create the key, then what CreateKey cannot do; or change what differs."""
        if observed is None:
            return self._plan_new()
        different = self.differences(observed)
        one = {prop: {prop: pair} for prop, pair in different.items()}
        key = {"KeyId": observed["key_id"]}
        steps: list[Step] = []
        if "state" in one:
            steps.append(self.change("kms", "enable_key", key, "use a disabled key again", one["state"]))
        if "description" in one:
            text = {**key, "Description": self.option("description")}
            steps.append(self.change("kms", "update_key_description", text, "describe the key", one["description"]))
        if "policy" in one:
            params = {**key, "PolicyName": "default", "Policy": self.option("policy")}
            steps.append(
                self.change(
                    "kms", "put_key_policy", params, "let only the named use the key", one["policy"], retry=(PRINCIPAL,)
                )
            )
        put, drop, tags = self.tag_changes(observed)
        if put:
            pairs = tagging.to_pairs(put, "TagKey", "TagValue")
            steps.append(self.change("kms", "tag_resource", {**key, "Tags": pairs}, "tag the key", tags))
        if drop:
            steps.append(self.change("kms", "untag_resource", {**key, "TagKeys": drop}, "remove tags", tags))
        if "rotation" in one:
            steps.append(self._rotate(lambda facts: key))
        if "alias" in one:
            steps.append(self._name(lambda facts: key))
        return steps

    def _plan_new(self) -> list[Step]:
        wanted = self.desired()
        tags = self.wanted_tags(None)
        params: dict[str, Any] = {"Tags": tagging.to_pairs(tags, "TagKey", "TagValue")}
        if self.option("description"):
            params["Description"] = self.option("description")
        if self.option("policy"):
            params["Policy"] = self.option("policy")
        steps = [
            Step(
                "kms",
                "create_key",
                params,
                "encrypt the cluster's credentials and table",
                after={
                    **{k: v for k, v in wanted.items() if v is not None and k not in ("alias", "rotation")},
                    "tags": tags,
                },
                learn=lambda answer: {"key_id": answer["KeyMetadata"]["KeyId"]},
                retry=(PRINCIPAL,),
                repeatable=False,
            )
        ]
        if wanted["rotation"]:
            steps.append(self._rotate(lambda facts: {"KeyId": facts["key_id"]}))
        steps.append(self._name(lambda facts: {"KeyId": facts["key_id"]}))
        return steps

    def _rotate(self, key: Any) -> Step:
        on = bool(self.option("rotation"))
        method = "enable_key_rotation" if on else "disable_key_rotation"
        return Step(
            "kms", method, key, "set yearly rotation", {"rotation": not on}, {"rotation": on}, retry=(INVISIBLE,)
        )

    def _name(self, key: Any) -> Step:
        alias = self.identifier()
        return Step(
            "kms",
            "create_alias",
            lambda facts: {"AliasName": alias, "TargetKeyId": key(facts)["KeyId"]},
            "find the key by its alias",
            after={"alias": alias},
            retry=(INVISIBLE,),
            done=("AlreadyExistsException",),
        )

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Delete the alias, whose name would else stay taken, and schedule the key's deletion."""
        steps = []
        if observed["alias"]:
            steps.append(
                Step(
                    "kms",
                    "delete_alias",
                    {"AliasName": observed["alias"]},
                    "free the alias",
                    before={"alias": observed["alias"]},
                    done=("NotFoundException",),
                )
            )
        steps.append(
            Step(
                "kms",
                "schedule_key_deletion",
                {"KeyId": observed["key_id"], "PendingWindowInDays": self.option("deletion_window")},
                f"delete the key in {self.option('deletion_window')} days",
                before={"key_arn": observed["key_arn"], "state": observed["state"]},
                after={"state": "PendingDeletion"},
                done=("KMSInvalidStateException", "NotFoundException"),
            )
        )
        return steps

    def ready(self, observed: Observed | None) -> bool:
        """A key is ready when it is enabled and found by its alias."""
        return observed is not None and observed["state"] == "Enabled" and bool(observed["alias"])


RESOURCE = KmsKey
