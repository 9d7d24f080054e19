"""What the calls that change a REST API have in common: differences in, steps out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Retry, Step

Differences = Mapping[str, tuple[Any, Any]]
Params = Mapping[str, Any] | Callable[[Observed], Mapping[str, Any]]

# API Gateway changes one thing of an API at a time (terraform-provider-aws apigateway/service_package.go). Its
# throttles (one DeleteRestApi in 30 s, one UpdateUsagePlan in 20 s) are among the codes that the flow waits for.
BUSY = Retry(
    "ConflictException", "concurrent modification", 180, "terraform-provider-aws apigateway/service_package.go"
)
GONE = ("NotFoundException",)


class Changes:
    """Collects steps for what differs."""

    def __init__(
        self, resource: Resource, observed: Observed, different: Differences, tags: dict[str, str], steps: list[Step]
    ) -> None:
        self.resource = resource
        self.observed = observed
        self.different = different
        self.tags = tags
        self.wanted = resource.desired()
        self.steps = steps

    def _differ(self, *properties: str) -> dict[str, tuple[Any, Any]]:
        return {prop: self.different[prop] for prop in properties if prop in self.different}

    def _add(self, method: str, params: Params, reason: str, differences: Differences, **more: Any) -> None:
        more["retry"] = (BUSY, *more.get("retry", ()))
        if not more.get("repeatable", True):
            # Also the code for what exists already, perhaps because an answer was lost.
            more["doubt"] = (BUSY.code,)
        self.steps.append(self.resource.change("apigateway", method, params, reason, differences, **more))

    def _tagged(self) -> dict[str, tuple[Any, Any]]:
        return {"tags": (self.observed["tags"] or None, self.tags)}

    def _patch(
        self,
        method: str,
        key: str,
        fact: str,
        operations: list[dict[str, str]],
        reason: str,
        differ: Differences,
        **more: Any,
    ) -> None:
        self._add(method, lambda facts: {key: facts[fact], "patchOperations": operations}, reason, differ, **more)

    def part_tags(self, parts: Mapping[str, Mapping[str, str]], wanted: Callable[[Observed], dict[str, str]]) -> None:
        """Tag each part that exists as the API itself."""
        me = self.resource.aws
        for path, present in parts.items():
            target = wanted({"tags": present})
            arn = f"arn:{me.identity['partition']}:apigateway:{me.region}::{path}"
            put = {key: value for key, value in target.items() if present.get(key) != value}
            drop = sorted(set(present) - set(target))
            differ = {"tags": (dict(present), target)}
            if put:
                self._add("tag_resource", {"resourceArn": arn, "tags": put}, f"tag {path}", differ)
            if drop:
                self._add("untag_resource", {"resourceArn": arn, "tagKeys": drop}, f"remove tags of {path}", differ)


def delete(method: str, params: Mapping[str, Any], reason: str, **before: Any) -> Step:
    return Step("apigateway", method, params, reason, before, retry=(BUSY,), done=GONE)
