"""The calls that bring the usage plan and the API key of a REST API nearer to what is wanted."""

from __future__ import annotations

from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Retry, Step
from ansible_collections.stateful.aws.plugins.module_utils._resources._rest_api_calls import GONE, Changes, delete

NOT_DEPLOYED = Retry("BadRequestException", "API Stage not found", 60, "a new stage is not seen by usage plans at once")


class KeyChanges(Changes):
    """Steps for plan, key and their link."""

    def plan(self) -> None:
        """Create the plan with the stage, or patch limits and stages in one call."""
        differ = self._differ("usage_plan", "throttle", "attached")
        limits = self.wanted["throttle"]
        if "other_plan_stages" in self.different:
            # On its own, because a stage that is deleted meanwhile fails the whole patch.
            let_go = detachments(self.observed["other_plan_stages"])
            others = self._differ("other_plan_stages")
            reason = "bound no other stage than ours"
            self._patch("update_usage_plan", "usagePlanId", "usage_plan_id", let_go, reason, others, done=GONE)
        if "usage_plan" in differ:
            self._add(
                "create_usage_plan",
                lambda facts: {
                    "name": self.resource.identifier(),
                    "throttle": {"rateLimit": limits["rate_limit"], "burstLimit": limits["burst_limit"]},
                    "apiStages": [{"apiId": facts["api_id"], "stage": self.wanted["stage"]}],
                    "tags": self.tags,
                },
                "bound how often the API is called",
                differ,
                learn=lambda answer: {"usage_plan_id": answer["id"]},
                retry=(NOT_DEPLOYED,),
                repeatable=False,
            )
        elif differ:
            self._add(
                "update_usage_plan",
                lambda facts: {"usagePlanId": facts["usage_plan_id"], "patchOperations": self._plan_patch(facts)},
                "change the limits or the stage of the usage plan",
                differ,
                retry=(NOT_DEPLOYED,),
            )

    def _plan_patch(self, facts: Observed) -> list[dict[str, str]]:
        operations: list[dict[str, str]] = []
        if "throttle" in self.different:
            limits = self.wanted["throttle"]
            operations += [
                {"op": "replace", "path": "/throttle/rateLimit", "value": f"{limits['rate_limit']:g}"},
                {"op": "replace", "path": "/throttle/burstLimit", "value": str(limits["burst_limit"])},
            ]
        if "attached" in self.different:
            stage = f"{facts['api_id']}:{self.wanted['stage']}"
            operations.append({"op": "add", "path": "/apiStages", "value": stage})
        return operations

    def key(self) -> None:
        """Create or enable the key, and link it to the plan. Its value is never read."""
        differ = self._differ("api_key")
        if "api_key_id" not in self.observed:
            self._add(
                "create_api_key",
                {"name": self.resource.identifier(), "enabled": True, "tags": self.tags},
                "let only instances that hold it call the API",
                differ,
                learn=lambda answer: {"api_key_id": answer["id"]},
                repeatable=False,
            )
        elif differ:
            enable = [{"op": "replace", "path": "/enabled", "value": "true"}]
            self._patch("update_api_key", "apiKey", "api_key_id", enable, "use a disabled key again", differ)
        if "linked" in self.different:
            self._add(
                "create_usage_plan_key",
                lambda facts: {
                    "usagePlanId": facts["usage_plan_id"],
                    "keyId": facts["api_key_id"],
                    "keyType": "API_KEY",
                },
                "let the key use the plan",
                self._differ("linked"),
                repeatable=False,
            )


def detachments(stages: list[str]) -> list[dict[str, str]]:
    """Return the operations that take stages from a usage plan."""
    return [{"op": "remove", "path": "/apiStages", "value": stage} for stage in stages]


def removal_of_key_and_plan(observed: Observed, stage: str) -> list[Step]:
    """Return the calls that take plan and key away, which would outlive the API."""
    plan, key = observed.get("usage_plan_id"), observed.get("api_key_id")
    held = [*observed["other_plan_stages"], *([f"{observed['api_id']}:{stage}"] if observed["attached"] else [])]
    steps = []
    if plan and held:
        params = {"usagePlanId": plan, "patchOperations": detachments(held)}
        steps.append(delete("update_usage_plan", params, "a plan with stages cannot be deleted"))
    if plan and key and observed["linked"]:
        steps.append(delete("delete_usage_plan_key", {"usagePlanId": plan, "keyId": key}, "unlink the key"))
    if plan:
        steps.append(delete("delete_usage_plan", {"usagePlanId": plan}, "delete the plan", usage_plan_id=plan))
    if key:
        steps.append(delete("delete_api_key", {"apiKey": key}, "nobody may use the key any more", api_key_id=key))
    return steps
