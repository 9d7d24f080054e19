"""A CloudWatch alarm on one metric, or on an expression over several.

PutMetricAlarm replaces the whole alarm, except its tags, which it takes only when the alarm is new.
Sources: CloudWatch API reference, PutMetricAlarm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError, error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import fit
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Step
from botocore.exceptions import ClientError

GONE = "ResourceNotFoundException"
RESULT = "result"
# PutMetricAlarm's parameters by the name of the option.
PLAIN = {
    "description": "AlarmDescription",
    "comparison_operator": "ComparisonOperator",
    "threshold": "Threshold",
    "evaluation_periods": "EvaluationPeriods",
    "datapoints_to_alarm": "DatapointsToAlarm",
    "treat_missing_data": "TreatMissingData",
    "alarm_actions": "AlarmActions",
    "ok_actions": "OKActions",
}
NEEDED = ("metrics", "comparison_operator", "threshold", "evaluation_periods")
# What people may have added and the options do not name; PutMetricAlarm would drop it.
KEPT = ("ActionsEnabled", "InsufficientDataActions")


class CloudwatchMetricAlarm(Resource):
    """CloudWatch alarm."""

    name = "cloudwatch_metric_alarm"
    title = "CloudWatch alarm"
    iam_actions = {
        "read": ("cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"),
        "write": ("cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource"),
        "delete": ("cloudwatch:DeleteAlarms",),
    }
    options = {
        "name": {"type": "str", "required": True},
        "description": {"type": "str"},
        "metrics": {
            "type": "list",
            "elements": "dict",
            "options": {
                "id": {"type": "str", "required": True},
                "namespace": {"type": "str", "required": True},
                "metric_name": {"type": "str", "required": True},
                "dimensions": {"type": "dict", "default": {}},
                "stat": {"type": "str", "default": "Sum"},
                "period": {"type": "int", "default": 60},
            },
        },
        "expression": {"type": "str"},
        "comparison_operator": {
            "type": "str",
            "choices": [
                "GreaterThanOrEqualToThreshold",
                "GreaterThanThreshold",
                "LessThanThreshold",
                "LessThanOrEqualToThreshold",
            ],
        },
        "threshold": {"type": "float"},
        "evaluation_periods": {"type": "int"},
        "datapoints_to_alarm": {"type": "int"},
        "treat_missing_data": {"type": "str", "choices": ["breaching", "notBreaching", "ignore", "missing"]},
        "alarm_actions": {"type": "list", "elements": "str"},
        "ok_actions": {"type": "list", "elements": "str"},
    }
    constraints = {"required_if": [("state", "present", NEEDED)]}

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse metrics, periods and actions that CloudWatch refuses."""
        metrics, periods = options.get("metrics") or [], options.get("evaluation_periods") or 1
        for metric in metrics:
            if not re.fullmatch(r"[a-z]\w*", metric["id"], re.ASCII) or metric["id"] == RESULT:
                raise ResourceError(
                    f"metrics: id {metric['id']!r} is a small letter with letters, digits and underscores after it, "
                    f"and not {RESULT}."
                )
            period = metric["period"]
            if period not in (10, 20, 30) and (period < 60 or period % 60):
                raise ResourceError(f"metrics: period {period} is neither 10, 20, 30 nor a multiple of 60 seconds.")
            if period * periods > (86400 if period < 3600 else 604800):
                raise ResourceError(
                    f"metrics: {periods} periods of {period} seconds are too long; CloudWatch looks back a day, and "
                    "seven days when a period is an hour or longer."
                )
        if len({metric["id"] for metric in metrics}) < len(metrics):
            raise ResourceError("metrics: each needs an id of its own.")
        if len(metrics) > 1 and not options.get("expression"):
            raise ResourceError("expression is needed to make one number of several metrics.")
        if periods < 1 or not 1 <= (options.get("datapoints_to_alarm") or periods) <= periods:
            raise ResourceError("datapoints_to_alarm lies between 1 and evaluation_periods.")
        if len(options.get("description") or "") > 1024:
            raise ResourceError(f"description has {len(options['description'])} characters; CloudWatch accepts 1024.")
        for prop in ("alarm_actions", "ok_actions"):
            if len(options.get(prop) or []) > 5:
                raise ResourceError(f"{prop} holds {len(options[prop])} ARNs; CloudWatch accepts five.")

    def identifier(self) -> str:
        """The alarm's name, cut to 255 characters."""
        return fit(str(self.option("name")), 255)

    def predict(self) -> dict[str, Any]:
        """The ARN is made of the name."""
        return {"name": self.identifier(), "alarm_arn": self.aws.arn("cloudwatch", f"alarm:{self.identifier()}")}

    def observe(self) -> Observed | None:
        """Return the alarm, or None."""
        client = self.aws.client("cloudwatch")
        alarms = client.describe_alarms(AlarmNames=[self.identifier()], AlarmTypes=["MetricAlarm"])["MetricAlarms"]
        if not alarms:
            return None
        found = alarms[0]
        try:
            tags = tagging.to_dict(client.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"])
        except ClientError as error:
            if error_code(error) == GONE:
                return None
            raise
        queries = found.get("Metrics") or []
        return {
            "name": found["AlarmName"],
            "alarm_arn": found["AlarmArn"],
            **{prop: found.get(key) for prop, key in PLAIN.items()},
            "metrics": [_metric(query) for query in queries if query.get("MetricStat")],
            "expression": next((query["Expression"] for query in queries if query.get("Expression")), ""),
            "tags": tags,
            "_kept": {key: found[key] for key in KEPT if found.get(key) is not None},
        }

    def desired(self) -> dict[str, Any]:
        """Return all that PutMetricAlarm sets; actions and description that are not given stay."""
        wanted = {prop: self.option(prop) for prop in PLAIN}
        wanted["datapoints_to_alarm"] = self.option("datapoints_to_alarm") or self.option("evaluation_periods")
        return {**wanted, "metrics": self.option("metrics"), "expression": self.option("expression") or ""}

    def plan(self, observed: Observed | None) -> list[Step]:
        """Put the whole alarm when anything differs; tags of an existing one are calls of their own."""
        if observed is None:
            tags = self.wanted_tags(None)
            made = {prop: (None, value) for prop, value in self.desired().items() if value is not None}
            return [self._put({}, "tell when something is wrong", {**made, "tags": (None, tags)}, tags)]
        different = self.differences(observed)
        steps = [self._put(observed, "change the alarm", different)] if different else []
        put, drop, tags_differ = self.tag_changes(observed)
        arn = {"ResourceARN": observed["alarm_arn"]}
        if put:
            pairs = tagging.to_pairs(put)
            steps.append(
                self.change("cloudwatch", "tag_resource", {**arn, "Tags": pairs}, "tag the alarm", tags_differ)
            )
        if drop:
            steps.append(
                self.change("cloudwatch", "untag_resource", {**arn, "TagKeys": drop}, "remove tags", tags_differ)
            )
        return steps

    def _put(self, present: Observed, reason: str, differences: Any, tags: dict[str, str] | None = None) -> Step:
        wanted = {**present, **{prop: value for prop, value in self.desired().items() if value is not None}}
        expression = wanted["expression"]
        queries = [_query(metric, not expression) for metric in wanted["metrics"]]
        if expression:
            queries.append({"Id": RESULT, "Expression": expression, "ReturnData": True})
        params: dict[str, Any] = {"AlarmName": self.identifier(), "Metrics": queries, **present.get("_kept", {})}
        params |= {key: wanted[prop] for prop, key in PLAIN.items() if wanted.get(prop) is not None}
        if tags:
            params["Tags"] = tagging.to_pairs(tags)
        return self.change("cloudwatch", "put_metric_alarm", params, reason, differences)

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Delete the alarm; CloudWatch keeps quiet about one that is gone already."""
        before = {"alarm_arn": observed["alarm_arn"]}
        names = {"AlarmNames": [self.identifier()]}
        return [Step("cloudwatch", "delete_alarms", names, "delete the alarm", before, done=("ResourceNotFound",))]


def _metric(query: Mapping[str, Any]) -> dict[str, Any]:
    stat = query["MetricStat"]
    return {
        "id": query["Id"],
        "namespace": stat["Metric"].get("Namespace"),
        "metric_name": stat["Metric"].get("MetricName"),
        "dimensions": {each["Name"]: each["Value"] for each in stat["Metric"].get("Dimensions") or []},
        "stat": stat["Stat"],
        "period": int(stat["Period"]),
    }


def _query(metric: Mapping[str, Any], returned: bool) -> dict[str, Any]:
    dimensions = [{"Name": key, "Value": value} for key, value in metric["dimensions"].items()]
    named = {"Namespace": metric["namespace"], "MetricName": metric["metric_name"], "Dimensions": dimensions}
    stat = {"Metric": named, "Stat": metric["stat"], "Period": metric["period"]}
    return {"Id": metric["id"], "MetricStat": stat, "ReturnData": returned}


RESOURCE = CloudwatchMetricAlarm
