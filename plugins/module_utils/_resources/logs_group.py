"""A CloudWatch Logs log group with its retention and key.

AWS may change behind us: a function that may create groups, or a late delivery, makes a deleted group again, without
tags and retention. Such a group is not ours any more and is refused, in words that say so.
Sources: CloudWatch Logs API reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import fit
from ansible_collections.stateful.aws.plugins.module_utils._engine.placeholder import has_unknown
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Retry, Step
from botocore.exceptions import ClientError

ABORTED = Retry("OperationAbortedException", "", 60, "terraform-provider-aws logs/group.go; the error says: try again")
GONE, TAKEN = "ResourceNotFoundException", "ResourceAlreadyExistsException"
FOR_EVER = 0
# The only values that PutRetentionPolicy accepts (CloudWatch Logs API reference).
RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545),
    *(731, 1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


class LogsGroup(Resource):
    """CloudWatch Logs log group."""

    name = "logs_group"
    title = "Log group"
    iam_actions = {
        "read": ("logs:DescribeLogGroups", "logs:ListTagsForResource"),
        "write": (
            "logs:CreateLogGroup",
            "logs:PutRetentionPolicy",
            "logs:DeleteRetentionPolicy",
            "logs:AssociateKmsKey",
            "logs:DisassociateKmsKey",
            "logs:TagResource",
            "logs:UntagResource",
        ),
        "delete": ("logs:DeleteLogGroup",),
    }
    options = {
        "name": {"type": "str", "required": True},
        "retention": {"type": "int"},
        "kms_key_id": {"type": "str"},
    }

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse names, retentions and keys that CloudWatch Logs refuses."""
        name, retention, key = options["name"], options.get("retention"), options.get("kms_key_id")
        if not re.fullmatch(r"[.\-_/#A-Za-z0-9]+", name) or name.startswith("aws/"):
            raise ResourceError(
                f"name {name!r}: a log group's name holds only letters, digits and . - _ / #, and does not begin with aws/."
            )
        if retention is not None and retention not in (FOR_EVER, *RETENTIONS):
            raise ResourceError(
                f"retention is {retention}; CloudWatch Logs accepts {', '.join(map(str, RETENTIONS))} days, "
                "and 0 here means for ever."
            )
        if key and not has_unknown(key) and not re.fullmatch(r"arn:[^:]+:kms:[^:]+:\d+:key/\S+", key):
            raise ResourceError(f"kms_key_id {key!r}: CloudWatch Logs wants the ARN of a key, not its id or alias.")

    def identifier(self) -> str:
        """The group's name, cut to 512 characters."""
        return str(fit(str(self.option("name")), 512))

    def predict(self) -> dict[str, Any]:
        """The ARNs are made of the name."""
        return self._names(self.aws.arn("logs", f"log-group:{self.identifier()}"))

    def _names(self, arn: str) -> dict[str, Any]:
        """Tag calls want the ARN without ``:*``; policies and Step Functions want it with that."""
        return {"name": self.identifier(), "log_group_arn": arn, "log_group_stream_arn": f"{arn}:*"}

    def observe(self) -> Observed | None:
        """Return the group of exactly this name, or None; CloudWatch Logs looks groups up by prefix only."""
        name = self.identifier()
        pages = self.aws.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
        found = next((group for page in pages for group in page["logGroups"] if group["logGroupName"] == name), None)
        if found is None:
            return None
        arn = found["arn"].removesuffix(":*")
        try:
            tags = self.aws.client("logs").list_tags_for_resource(resourceArn=arn).get("tags", {})
        except ClientError as error:
            if error_code(error) == GONE:
                return None
            raise
        return {
            **self._names(arn),
            "retention": found.get("retentionInDays", FOR_EVER),
            "kms_key_id": found.get("kmsKeyId", ""),
            "tags": tagging.visible(tags),
            "_protected": found.get("deletionProtectionEnabled", False),
        }

    def refuse_foreign(self, observed: Observed | None) -> None:
        """Refuse a group without our tag; one without any tag may be what late log lines left."""
        try:
            super().refuse_foreign(observed)
        except ResourceError as error:
            if observed is None or observed["tags"]:
                raise
            raise ResourceError(
                f"{error} AWS makes such a group without tags when log lines arrive after its deletion; if it holds "
                "nothing else, delete it and run again."
            ) from error

    def desired(self) -> dict[str, Any]:
        """Return retention and key."""
        return {"retention": self.option("retention"), "kms_key_id": self.option("kms_key_id")}

    def plan(self, observed: Observed | None) -> list[Step]:
        """Create the group with its key and tags, or change what differs; retention is a call of its own."""
        if observed is None:
            return self._plan_new()
        one = {prop: {prop: pair} for prop, pair in self.differences(observed).items()}
        steps: list[Step] = []
        if "retention" in one:
            steps.append(self._retain(one["retention"]))
        if "kms_key_id" in one:
            group, key = {"logGroupName": self.identifier()}, self.option("kms_key_id")
            steps.append(
                self._call("associate_kms_key", {**group, "kmsKeyId": key}, "encrypt with this key", one["kms_key_id"])
                if key
                else self._call("disassociate_kms_key", group, "encrypt with AWS's own key", one["kms_key_id"])
            )
        put, drop, tags = self.tag_changes(observed)
        arn = {"resourceArn": observed["log_group_arn"]}
        if put:
            steps.append(self._call("tag_resource", {**arn, "tags": put}, "tag the log group", tags))
        if drop:
            steps.append(self._call("untag_resource", {**arn, "tagKeys": drop}, "remove tags", tags))
        return steps

    def _plan_new(self) -> list[Step]:
        tags, key, retention = self.wanted_tags(None), self.option("kms_key_id"), self.option("retention")
        params: dict[str, Any] = {"logGroupName": self.identifier(), "tags": tags}
        made: dict[str, Any] = {"tags": (None, tags)}
        if key:
            params["kmsKeyId"], made["kms_key_id"] = key, (None, key)
        reason = "have the group before its first line"
        steps = [self._call("create_log_group", params, reason, made, repeatable=False, doubt=(TAKEN,))]
        if retention:
            steps.append(self._retain({"retention": (FOR_EVER, retention)}))
        return steps

    def _retain(self, difference: dict[str, tuple[Any, Any]]) -> Step:
        group, days = {"logGroupName": self.identifier()}, self.option("retention")
        if days == FOR_EVER:
            return self._call("delete_retention_policy", group, "keep the logs for ever", difference)
        return self._call(
            "put_retention_policy", {**group, "retentionInDays": days}, f"keep the logs {days} days", difference
        )

    def _call(self, method: str, params: Any, reason: str, differences: Any, **more: Any) -> Step:
        return self.change("logs", method, params, reason, differences, retry=(ABORTED,), **more)

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Delete the group with its logs, unless somebody protected it."""
        if observed["_protected"]:
            raise ResourceError(
                f"{self.title} {self.identifier()} is protected from deletion, which this collection never does itself. "
                "Lift the protection (logs:PutLogGroupDeletionProtection) if its logs may go, and run again."
            )
        before = {"log_group_arn": observed["log_group_arn"], "retention": observed["retention"]}
        group = {"logGroupName": self.identifier()}
        return [
            Step("logs", "delete_log_group", group, "delete the group", before, retry=(ABORTED,), done=(GONE,)),
        ]


RESOURCE = LogsGroup
