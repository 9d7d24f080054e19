"""A scheduled EventBridge rule with one target.

A rule is made disabled, given its target, and enabled last, so that it never fires half-made. PutRule replaces the
whole rule, and PutTargets and RemoveTargets answer 200 even when they did nothing (FailedEntries).
Sources: EventBridge API reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import fit
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Retry, Step
from ansible_collections.stateful.aws.plugins.module_utils._resources import _events_target as targets
from botocore.exceptions import ClientError

TERRAFORM = "terraform-provider-aws events/rule.go"
GONE = "ResourceNotFoundException"
BUSY = Retry("ConcurrentModificationException", "", 60, "EventBridge API reference, common to all writes")
NOT_YET = (
    BUSY,
    Retry("ValidationException", "cannot be assumed by principal", 120, TERRAFORM),
    Retry(GONE, "", 120, f"{TERRAFORM}: a new rule is not found at once"),
)
STILL_TARGETS = Retry("ValidationException", "since it has targets", 300, TERRAFORM)
BATCH = 10

RATE = re.compile(r"rate\((?:1 (?:minute|hour|day)|(?!1 )[1-9]\d* (?:minutes|hours|days))\)")
CRON = re.compile(r"cron\(\S+( \S+){5}\)")


class EventsRule(Resource):
    """EventBridge rule."""

    name = "events_rule"
    title = "EventBridge rule"
    iam_actions = {
        "read": ("events:DescribeRule", "events:ListTargetsByRule", "events:ListTagsForResource"),
        "write": (
            "events:PutRule",
            "events:PutTargets",
            "events:RemoveTargets",
            "events:EnableRule",
            "events:DisableRule",
            "events:TagResource",
            "events:UntagResource",
            "iam:PassRole",
        ),
        "delete": ("events:RemoveTargets", "events:DeleteRule"),
    }
    options = {
        "name": {"type": "str", "required": True},
        "schedule_expression": {"type": "str"},
        "description": {"type": "str"},
        "enabled": {"type": "bool", "default": True},
        "target": {
            "type": "dict",
            "options": targets.OPTIONS,
        },
    }

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse names, schedules and limits that EventBridge refuses."""
        if not re.fullmatch(f"{targets.NAME}+", options["name"]):
            raise ResourceError(
                f"name {options['name']!r}: a rule's name holds letters, digits, dot, hyphen and underscore."
            )
        schedule = options.get("schedule_expression")
        if schedule and not RATE.fullmatch(schedule) and not CRON.fullmatch(schedule):
            raise ResourceError(
                f"schedule_expression {schedule!r} is neither rate(1 minute), rate(5 minutes) and the like, in hours "
                "or days too, nor cron(…) with six fields."
            )
        if not schedule and options["enabled"] and options["state"] == "present":
            raise ResourceError("schedule_expression is needed, except to disable a rule (enabled: false).")
        if len(options.get("description") or "") > 512:
            raise ResourceError(f"description has {len(options['description'])} characters; EventBridge accepts 512.")
        if options.get("target"):
            targets.check(options["target"])

    def identifier(self) -> str:
        """The rule's name, cut to 64 characters."""
        return fit(str(self.option("name")), 64)

    def predict(self) -> dict[str, Any]:
        """The ARN is made of the name."""
        return {"name": self.identifier(), "rule_arn": self.aws.arn("events", f"rule/{self.identifier()}")}

    def observe(self) -> Observed | None:
        """Return the rule, its targets when an option asks about them, or None."""
        client = self.aws.client("events")
        try:
            found = client.describe_rule(Name=self.identifier())
            tags = tagging.to_dict(client.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"])
            present = self._targets()
        except ClientError as error:
            if error_code(error) == GONE:
                return None
            raise
        wanted = self.option("target") or {}
        return {
            "name": found["Name"],
            "rule_arn": found["Arn"],
            "schedule_expression": found.get("ScheduleExpression"),
            "description": found.get("Description", ""),
            "enabled": found.get("State", "ENABLED") != "DISABLED",
            "target": next(
                (targets.normalised(target) for target in present if target["Id"] == wanted.get("id")), None
            ),
            "other_targets": sorted(target["Id"] for target in present if target["Id"] != wanted.get("id")),
            "tags": tags,
            "_kept": {key: found[key] for key in ("EventPattern", "RoleArn") if found.get(key)},
        }

    def _targets(self) -> list[dict[str, Any]]:
        if self.option("target") is None and self.option("state") == "present":
            return []
        return self.aws.pages("events", "list_targets_by_rule", "Targets", Rule=self.identifier())

    def desired(self) -> dict[str, Any]:
        """Return schedule, description, state, and the one target."""
        target = self.option("target")
        return {
            "schedule_expression": self.option("schedule_expression"),
            "description": self.option("description"),
            "enabled": self.option("enabled"),
            "target": {key: value for key, value in target.items() if value is not None} if target else None,
            "other_targets": [] if target else None,
        }

    def plan(self, observed: Observed | None) -> list[Step]:
        """Make it disabled, give it its target, enable it; an existing one is disabled first and enabled last."""
        if observed is None:
            # Disabling a rule that is not there is done already.
            return self._plan_new() if self.option("schedule_expression") else []
        different = self.differences(observed)
        one = {prop: {prop: pair} for prop, pair in different.items()}
        steps: list[Step] = []
        if "enabled" in one and not self.option("enabled"):
            steps.append(self._switch("disable_rule", "stop the schedule", one["enabled"]))
        rule: dict[str, Any] = {
            prop: different[prop] for prop in ("schedule_expression", "description") if prop in different
        }
        if rule:
            steps.append(self._put_rule(observed, "change the schedule", rule))
        put, drop, tags = self.tag_changes(observed)
        arn = {"ResourceARN": observed["rule_arn"]}
        if put:
            pairs = tagging.to_pairs(put)
            steps.append(self.change("events", "tag_resource", {**arn, "Tags": pairs}, "tag the rule", tags))
        if drop:
            steps.append(self.change("events", "untag_resource", {**arn, "TagKeys": drop}, "remove tags", tags))
        if "other_targets" in one:
            steps += self._remove(observed["other_targets"], "call nothing but our target", one["other_targets"])
        if "target" in one:
            steps.append(self._put_target(one["target"]))
        if "enabled" in one and self.option("enabled"):
            steps.append(self._switch("enable_rule", "start the schedule", one["enabled"]))
        return steps

    def _plan_new(self) -> list[Step]:
        wanted = {prop: value for prop, value in self.desired().items() if value is not None}
        made: dict[str, Any] = {
            prop: (None, wanted[prop]) for prop in ("schedule_expression", "description") if prop in wanted
        }
        tags = self.wanted_tags(None)
        steps = [self._put_rule({}, "run a pass again and again", {**made, "tags": (None, tags)}, tags)]
        if "target" in wanted:
            steps.append(self._put_target({"target": (None, wanted["target"])}))
        if wanted["enabled"]:
            steps.append(self._switch("enable_rule", "start the schedule", {"enabled": (False, True)}))
        return steps

    def _put_rule(
        self, present: Observed, reason: str, differences: Mapping[str, Any], tags: dict[str, str] | None = None
    ) -> Step:
        """PutRule sets what is not given to nothing, so everything is given."""
        wanted = {**present, **{prop: value for prop, value in self.desired().items() if value is not None}}
        params = {
            "Name": self.identifier(),
            "ScheduleExpression": wanted["schedule_expression"],
            "State": "ENABLED" if present.get("enabled") and wanted["enabled"] else "DISABLED",
            **present.get("_kept", {}),
        }
        if wanted.get("description"):
            params["Description"] = wanted["description"]
        if tags:
            params["Tags"] = tagging.to_pairs(tags)
        return self.change("events", "put_rule", params, reason, differences, retry=NOT_YET)

    def _put_target(self, differences: Mapping[str, Any]) -> Step:
        target = self.option("target")
        params: dict[str, Any] = {
            "Id": target["id"],
            "Arn": target["arn"],
            "RetryPolicy": {
                "MaximumEventAgeInSeconds": target["maximum_event_age"],
                "MaximumRetryAttempts": target["maximum_retry_attempts"],
            },
        }
        if target.get("role_arn"):
            params["RoleArn"] = target["role_arn"]
        return self.change(
            "events",
            "put_targets",
            {"Rule": self.identifier(), "Targets": [params]},
            "start the state machine with each event",
            differences,
            retry=NOT_YET,
            check=targets.all_entries("PutTargets"),
        )

    def _remove(self, ids: list[str], reason: str, differences: Mapping[str, Any]) -> list[Step]:
        return [
            self.change(
                "events",
                "remove_targets",
                {"Rule": self.identifier(), "Ids": ids[first : first + BATCH]},
                reason,
                differences,
                retry=(BUSY,),
                done=(GONE,),
                check=targets.all_entries("RemoveTargets"),
            )
            for first in range(0, len(ids), BATCH)
        ]

    def _switch(self, method: str, reason: str, differences: Mapping[str, Any]) -> Step:
        return self.change("events", method, {"Name": self.identifier()}, reason, differences, retry=NOT_YET)

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Remove every target, then the rule."""
        ids = sorted([*observed["other_targets"], *([observed["target"]["id"]] if observed["target"] else [])])
        before = {"rule_arn": observed["rule_arn"], "schedule_expression": observed["schedule_expression"]}
        delete = Step(
            "events",
            "delete_rule",
            {"Name": self.identifier()},
            "delete the rule",
            before,
            retry=(BUSY, STILL_TARGETS),
            done=(GONE,),
        )
        return [*self._remove(ids, "a rule with targets cannot be deleted", {"targets": (ids, [])}), delete]


RESOURCE = EventsRule
