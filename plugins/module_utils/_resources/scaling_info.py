"""How the scaling of a cluster stands: what people asked for, what the last pass saw, and what runs.

The credentials are not read. What is missing is told and is no failure, so that a half-made cluster can be looked at.
An execution that ended well has no errors; what one that failed said is asked of Step Functions, since a task that
fails writes no report.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import names
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Reading
from ansible_collections.stateful.aws.plugins.module_utils._resources import _groups as groups
from ansible_collections.stateful.aws.plugins.module_utils._resources import _instances as instances
from ansible_collections.stateful.aws.plugins.module_utils._resources import _records as records
from ansible_collections.stateful.aws.plugins.module_utils._resources.instance_hold import HOLD
from botocore.exceptions import ClientError

LOGIN = {"refused_at": "RefusedAt", "refused": "Refused", "tried_at": "TriedAt", "unheard": "Unheard"}
ITEMS = ("settings", "control", "lease", "report", "journal", "login")
SHOWN = 10
# A pass takes ten minutes at most and one begins each minute, so whatever runs is among these.
LISTED = 100
REPORTED = ("should_leave", "may_leave", "held_back")


class ScalingInfo(Reading):
    """State of a cluster's scaling."""

    name = "scaling_info"
    title = "how the cluster's scaling stands"
    iam_actions = {
        "read": (
            "sts:GetCallerIdentity",
            "dynamodb:BatchGetItem",
            "autoscaling:DescribeAutoScalingGroups",
            "ec2:DescribeInstances",
            "events:DescribeRule",
            "states:ListExecutions",
            "states:DescribeExecution",
        )
    }
    options = {"cluster": {"type": "str", "required": True}}

    def read(self) -> dict[str, Any]:
        """Return ``scaling_info``.

        Raises:
            ResourceError: the table holds another cluster's record, or cannot be read.
        """
        self._names = names(self.option("cluster"))
        found = records.read(self.aws, self._names["table"], ITEMS)
        group, rule_enabled, executions = self._group(), self._rule_enabled(), self._executions()
        parts = {"table": found, "group": group, "rule": rule_enabled, "state machine": executions}
        known = found or records.Records({}, 0)
        settings, report = known.document("settings") or {}, known.document("report") or {}
        records.refuse_another(self._names["table"], self.option("cluster"), settings)
        pause = (known.document("control") or {}).get("paused")
        return {
            "scaling_info": {
                "cluster": self.option("cluster"),
                "missing": [part for part, value in parts.items() if value is None],
                "paused": {**pause, "since": records.told(pause["since"])} if pause else None,
                "policy": settings.get("policy") or {},
                "original_size": settings.get("original_size"),
                "max_size": (group or {}).get("max_size"),
                "min_size": (group or {}).get("min_size"),
                "desired_capacity": (group or {}).get("desired_capacity"),
                **self._members(group),
                "rule_enabled": bool(rule_enabled),
                "lease": known.lease,
                "login": _login(known),
                "removed": sorted((known.document("journal") or {}).get("removed", {})),
                "last_report": _report(report),
                **{part: report.get(part, []) for part in REPORTED},
                "last_pass": self._last_pass(executions or []),
                "running": sum(each["status"] == "RUNNING" for each in executions or []),
                "executions": (executions or [])[:SHOWN],
            }
        }

    def _group(self) -> dict[str, Any] | None:
        found = groups.describe(self.aws, self._names["group"])
        described = groups.read(found) if found else None
        ours = described and described["tags"].get(tagging.CLUSTER) == self.option("cluster")
        return described if ours else None

    def _members(self, group: dict[str, Any] | None) -> dict[str, Any]:
        members = {each["instance_id"]: each["lifecycle_state"] for each in (group or {}).get("members", [])}
        known = instances.describe(self.aws, members)
        return {
            "members": members,
            "standby": [name for name, state in members.items() if "Standby" in state],
            "held": {name: known[name].tags[HOLD] for name in members if name in known and HOLD in known[name].tags},
        }

    def _rule_enabled(self) -> bool | None:
        try:
            rule = self.aws.client("events").describe_rule(Name=self._names["rule"])
        except ClientError as error:
            if error_code(error) == records.GONE:
                return None
            raise
        return bool(rule.get("State") != "DISABLED")

    def _executions(self) -> list[dict[str, Any]] | None:
        """Return the last executions, the newest first, or None without a state machine."""
        arn = self.aws.arn("states", f"stateMachine:{self._names['state_machine']}")
        try:
            answer = self.aws.client("stepfunctions").list_executions(stateMachineArn=arn, maxResults=LISTED)
        except ClientError as error:
            if error_code(error) == "StateMachineDoesNotExist":
                return None
            raise
        return [
            {
                "execution_arn": each["executionArn"],
                "status": each["status"],
                "started": _utc(each["startDate"]),
                "ended": _utc(each["stopDate"]) if "stopDate" in each else None,
            }
            for each in answer["executions"]
        ]

    def _last_pass(self, executions: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Return the newest execution that has ended, and what it said when it failed."""
        last = next((each for each in executions if each["status"] != "RUNNING"), None)
        if last is None or last["status"] == "SUCCEEDED":
            return last and {**last, "errors": []}
        told = self.aws.client("stepfunctions").describe_execution(executionArn=last["execution_arn"])
        said = _words(told.get("cause")) or told.get("error") or "Step Functions does not say why."
        return {**last, "errors": [said]}


def _login(found: records.Records) -> dict[str, Any] | None:
    """Return how many logins in a row the cluster refused or left without answer, and when; None for none."""
    item = found.items.get("login", {})
    told = {name: int(item.get(key, {"N": "0"})["N"]) for name, key in LOGIN.items()}
    if not told["refused"] and not told["unheard"]:
        return None
    return told | {name: records.told(told[name]) if told[name] else None for name in ("refused_at", "tried_at")}


def _report(report: dict[str, Any]) -> dict[str, Any] | None:
    if not report:
        return None
    rest = {key: value for key, value in report.items() if key not in (*REPORTED, "schema")}
    return {**rest, "at": records.told(report["at"])}


def _words(cause: str | None) -> str:
    """Return what a function said; Lambda wraps it in JSON with a stack trace."""
    try:
        return str(json.loads(cause or "")["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return cause or ""


def _utc(moment: datetime) -> str:
    return records.told(int(moment.astimezone(UTC).timestamp()))


RESOURCE = ScalingInfo
