"""Whether people let a cluster be scaled: one item of its table, which every pass reads before it changes anything.

A pass that read it a moment before goes on, so pausing also waits until nobody holds the cluster's lease. A pass that
died holds it until it expires, two minutes at most.
Source: DynamoDB API reference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.naming import fit
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Step
from ansible_collections.stateful.aws.plugins.module_utils._resources import _records as records

LONGEST_REASON = 256
SHOWN = ("paused", "by", "reason")
NOT_PAUSED: dict[str, Any] = {"paused": False, "since": None, "by": None, "reason": None}
OVERTAKEN = "ConditionalCheckFailedException"


class ScalingControl(Resource):
    """Pause of a cluster's scaling."""

    name = "scaling_control"
    title = "Scaling of cluster"
    tagged = False
    iam_actions = {
        "read": ("dynamodb:BatchGetItem", "sts:GetCallerIdentity"),
        "write": ("dynamodb:PutItem",),
        "delete": ("dynamodb:DeleteItem",),
    }
    options = {
        "table": {"type": "str", "required": True},
        "paused": {"type": "bool"},
        "reason": {"type": "str", "default": "by hand"},
        "replaces": {"type": "str"},
    }

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse a reason that nobody could read in a report, and one that replaces itself."""
        if not 1 <= len(options["reason"]) <= LONGEST_REASON:
            raise ResourceError(f"reason has {len(options['reason'])} characters; give 1 to {LONGEST_REASON}.")
        if options.get("paused") and options["reason"] == options.get("replaces"):
            raise ResourceError("replaces names another pause's reason, so it cannot be the same as reason.")

    def identifier(self) -> str:
        """The cluster's name."""
        return str(self.option("cluster"))

    @property
    def _table(self) -> str:
        return fit(str(self.option("table")), 255)

    def observe(self) -> Observed | None:
        """Return who paused it, and who holds the lease; None without a table."""
        found = records.read(self.aws, self._table, ("settings", "control", "lease"))
        if found is None:
            return None
        pause = (found.document("control") or {}).get("paused")
        lease = found.lease
        return {
            "table": self._table,
            **(NOT_PAUSED if pause is None else {"paused": True, **pause, "since": records.told(pause["since"])}),
            "lease_holder": lease["holder"] if lease else None,
            "_settings": found.document("settings"),
            "_document": found.items.get("control", {}).get("Document", {}).get("S"),
            "_now": found.now,
        }

    def refuse_foreign(self, observed: Observed | None) -> None:
        """Refuse another cluster's table."""
        if observed is not None:
            records.refuse_another(self._table, self.identifier(), observed["_settings"])

    def desired(self) -> dict[str, Any]:
        """Return whether it shall be paused; who, when and why count only for a pause that is new."""
        return {"paused": self.option("paused")}

    def _differs(self, seen: Observed) -> bool:
        wanted, replaces = self.option("paused"), self.option("replaces")
        if wanted is None or not seen["paused"]:
            return bool(wanted)
        if replaces is None:
            return not wanted
        return bool(seen["reason"] == replaces)

    def _wanted(self, seen: Observed) -> dict[str, Any]:
        if not self._differs(seen):
            return {}
        if not self.option("paused"):
            return dict(NOT_PAUSED)
        since, by = records.told(seen["_now"]), self.aws.identity["arn"]
        return {"paused": True, "since": since, "by": by, "reason": self.option("reason")}

    def plan(self, observed: Observed | None) -> list[Step]:
        """Write the item if it shall say something else; the condition is what was read."""
        if observed is None:
            if self.option("paused"):
                raise ResourceError(
                    f"There is no table {self._table} in {self.aws.region}, so cluster {self.identifier()} is not imported "
                    "and nothing scales it. Check the cluster's name and the region."
                )
            return []
        wanted = self._wanted(observed)
        if not wanted:
            return []
        pause = {"since": observed["_now"], "by": wanted["by"], "reason": wanted["reason"]}
        document = json.dumps({"paused": pause if wanted["paused"] else None}, sort_keys=True)
        return [
            self.change(
                "dynamodb",
                "put_item",
                {
                    "TableName": self._table,
                    "Item": {"Key": {"S": "control"}, "Document": {"S": document}},
                    **_unchanged(observed),
                },
                "let no pass change anything" if wanted["paused"] else "let the passes go on",
                {prop: (observed[prop], wanted[prop]) for prop in SHOWN if observed[prop] != wanted[prop]},
                repeatable=False,
                doubt=(OVERTAKEN,),
            )
        ]

    def predicted(self, observed: Observed | None) -> dict[str, Any]:
        """Return what will be recorded."""
        return {} if observed is None else {**observed, **self._wanted(observed)}

    def ready(self, observed: Observed | None) -> bool:
        """A pause holds once no pass is at work that may not have seen it."""
        return not self.option("paused") or (observed is not None and observed["lease_holder"] is None)

    def gone(self, observed: Observed | None) -> bool:
        """Nothing is recorded, which is the same as not paused."""
        return observed is None or observed["_document"] is None

    def plan_absent(self, observed: Observed) -> list[Step]:
        """Delete the item as it was read."""
        return [
            Step(
                "dynamodb",
                "delete_item",
                {"TableName": self._table, "Key": {"Key": {"S": "control"}}, **_unchanged(observed)},
                "forget whether it is paused",
                before={prop: observed[prop] for prop in SHOWN},
                done=(records.GONE,),
                doubt=(OVERTAKEN,),
            )
        ]


def _unchanged(observed: Observed) -> dict[str, Any]:
    """Return the condition that nobody wrote since it was read."""
    seen, names = observed["_document"], {"#document": "Document"}
    if seen is None:
        return {"ConditionExpression": "attribute_not_exists(#document)", "ExpressionAttributeNames": names}
    return {
        "ConditionExpression": "#document = :seen",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {":seen": {"S": seen}},
    }


RESOURCE = ScalingControl
