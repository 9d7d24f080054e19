"""An SNS topic with its policy and key. Its subscriptions are people's own and stay untouched.

An alarm's message to a topic whose key does not admit CloudWatch is lost without an error; AWS's own key
(alias/aws/sns) cannot admit it.
Sources: SNS API reference; CloudWatch user guide, "Using Amazon CloudWatch alarms".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import (
    Observed,
    Resource,
    Retry,
    Step,
    as_document,
)
from botocore.exceptions import ClientError

GONE = ("NotFound", "ResourceNotFound")
BUSY = Retry("ConcurrentAccess", "", 60, "SNS API reference, TagResource")
ATTRIBUTES = {"policy": "Policy", "kms_key_id": "KmsMasterKeyId"}


class SnsTopic(Resource):
    """SNS topic."""

    name = "sns_topic"
    title = "SNS topic"
    iam_actions = {
        "read": ("sns:GetTopicAttributes", "sns:ListTagsForResource"),
        "write": ("sns:CreateTopic", "sns:SetTopicAttributes", "sns:TagResource", "sns:UntagResource"),
        "delete": ("sns:DeleteTopic",),
    }
    options = {
        "name": {"type": "str", "required": True},
        "policy": {"type": "json"},
        "kms_key_id": {"type": "str"},
    }
    policies = ("policy",)

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse names that SNS refuses, and the key to which CloudWatch cannot be admitted."""
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", options["name"]):
            raise ResourceError(
                f"name {options['name']!r}: a topic's name has 1 to 256 letters, digits, hyphens and underscores."
            )
        if (options.get("kms_key_id") or "").endswith("alias/aws/sns"):
            raise ResourceError(
                "kms_key_id is AWS's own key, whose policy cannot admit CloudWatch, so that alarms would be lost. "
                "Give a key of yours whose policy admits cloudwatch.amazonaws.com, or none."
            )

    def predict(self) -> dict[str, Any]:
        """The ARN is made of the name."""
        return {"name": self.identifier(), "topic_arn": self.aws.arn("sns", self.identifier())}

    def observe(self) -> Observed | None:
        """Return the topic, or None."""
        client, arn = self.aws.client("sns"), self.aws.arn("sns", self.identifier())
        try:
            found = client.get_topic_attributes(TopicArn=arn)["Attributes"]
            tags = tagging.to_dict(client.list_tags_for_resource(ResourceArn=arn)["Tags"])
        except ClientError as error:
            if error_code(error) in GONE:
                return None
            raise
        return {
            **self.predict(),
            "policy": as_document(found.get("Policy")),
            "kms_key_id": found.get("KmsMasterKeyId", ""),
            "tags": tags,
        }

    def desired(self) -> dict[str, Any]:
        """Return policy and key."""
        return {"policy": as_document(self.option("policy")), "kms_key_id": self.option("kms_key_id")}

    def plan(self, observed: Observed | None) -> list[Step]:
        """Create the topic with everything, or change what differs; each attribute is a call of its own."""
        if observed is None:
            tags = self.wanted_tags(None)
            wanted = {prop: value for prop, value in self.desired().items() if value}
            params: dict[str, Any] = {"Name": self.identifier(), "Tags": tagging.to_pairs(tags)}
            params["Attributes"] = {ATTRIBUTES[prop]: _text(value) for prop, value in wanted.items()}
            made = {prop: (None, value) for prop, value in {**wanted, "tags": tags}.items()}
            return [self.change("sns", "create_topic", params, "have somewhere to send alarms", made)]
        topic = {"TopicArn": observed["topic_arn"]}
        steps = [
            self.change(
                "sns",
                "set_topic_attributes",
                {**topic, "AttributeName": ATTRIBUTES[prop], "AttributeValue": _text(pair[1])},
                f"change the topic's {ATTRIBUTES[prop]}",
                {prop: pair},
            )
            for prop, pair in self.differences(observed).items()
        ]
        put, drop, tags_differ = self.tag_changes(observed)
        arn = {"ResourceArn": observed["topic_arn"]}
        if put:
            pairs = {**arn, "Tags": tagging.to_pairs(put)}
            steps.append(self.change("sns", "tag_resource", pairs, "tag the topic", tags_differ, retry=(BUSY,)))
        if drop:
            keys = {**arn, "TagKeys": drop}
            steps.append(self.change("sns", "untag_resource", keys, "remove tags", tags_differ, retry=(BUSY,)))
        return steps

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Delete the topic with its subscriptions."""
        topic = {"TopicArn": observed["topic_arn"]}
        return [Step("sns", "delete_topic", topic, "delete the topic", {"topic_arn": topic["TopicArn"]}, done=GONE)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


RESOURCE = SnsTopic
