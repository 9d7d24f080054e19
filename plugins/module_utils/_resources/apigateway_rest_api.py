"""A REST API of API Gateway with one method that a Lambda function answers, its stage, usage plan and key.

Names are not unique here, so everything is found by its tags. Callers see only what is deployed: the stage's
description holds a hash of that, so that a run which was stopped before the deployment is noticed. Plan and key outlive
their API. The key's value is never read. Sources: API Gateway API reference and developer guide.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.placeholder import has_unknown
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource, Step, as_document
from ansible_collections.stateful.aws.plugins.module_utils._resources import _rest_api_policy as policies
from ansible_collections.stateful.aws.plugins.module_utils._resources import _rest_api_reading as reading
from ansible_collections.stateful.aws.plugins.module_utils._resources._rest_api_changes import (
    DEPLOYABLE,
    ApiChanges,
    removal_of_api,
)
from ansible_collections.stateful.aws.plugins.module_utils._resources._rest_api_key import (
    KeyChanges,
    removal_of_key_and_plan,
)

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"]
PART_IDS = ("api_id", "api_key_id", "usage_plan_id")


class RestApi(Resource):
    """API Gateway REST API."""

    name = "apigateway_rest_api"
    title = "REST API"
    named_by_tag = True
    # API Gateway's rights are HTTP methods on paths (developer guide, "Control access with IAM").
    iam_actions = {
        "read": ("apigateway:GET",),
        "write": ("apigateway:POST", "apigateway:PUT", "apigateway:PATCH", "apigateway:UpdateRestApiPolicy"),
        "delete": ("apigateway:DELETE", "apigateway:PATCH"),
    }
    options = {
        "name": {"type": "str", "required": True},
        "description": {"type": "str"},
        "path": {"type": "str", "default": "/join"},
        "method": {"type": "str", "choices": METHODS, "default": "GET"},
        "stage": {"type": "str", "default": "default"},
        "lambda_function_arn": {"type": "str"},
        "api_key": {"type": "bool", "default": True, "no_log": False},
        "throttle": {
            "type": "dict",
            "apply_defaults": True,
            "options": {
                "rate_limit": {"type": "float", "default": 10},
                "burst_limit": {"type": "int", "default": 20},
            },
        },
        "endpoint_type": {"type": "str", "choices": ["regional", "private"], "default": "regional"},
        "vpc_id": {"type": "str"},
        "vpc_endpoint_ids": {"type": "list", "elements": "str"},
        "policy": {"type": "json"},
    }
    constraints = {"required_if": [("state", "present", ("lambda_function_arn",))]}
    given_by_aws = (*PART_IDS, "invoke_url", "execute_arn")
    policies = ("policy",)

    @classmethod
    def check(cls, options: Mapping[str, Any]) -> None:
        """Refuse what API Gateway refuses, and a private API that nobody could call or that anybody could."""
        path, limits, policy = options["path"], options["throttle"], options.get("policy")
        if not re.fullmatch(r"/([A-Za-z0-9._:-]+)?", path):
            raise ResourceError(f"path {path!r} must be a slash and one part of letters, digits and . _ : -.")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", options["stage"]):
            raise ResourceError(f"stage {options['stage']!r} must have 1 to 128 letters, digits, hyphens, underscores.")
        if not 1 <= len(options["name"]) <= 1024:
            raise ResourceError("name must have 1 to 1024 characters.")
        if limits["rate_limit"] <= 0 or limits["burst_limit"] < 1:
            raise ResourceError("throttle: rate_limit and burst_limit must be greater than 0.")
        private, network = (
            options["endpoint_type"] == "private",
            options.get("vpc_id") or options.get("vpc_endpoint_ids"),
        )
        if network and not private:
            raise ResourceError("vpc_id and vpc_endpoint_ids need endpoint_type: private.")
        if private and not network and not policy and options["state"] == "present":
            raise ResourceError(
                "endpoint_type private needs vpc_id, vpc_endpoint_ids or a policy, to admit its callers."
            )
        if policy:
            if not isinstance(as_document(policy), dict):
                raise ResourceError("policy is not a JSON object.")
            if len(policy.encode()) > policies.LARGEST:
                raise ResourceError(f"policy has {len(policy.encode())} bytes; API Gateway accepts {policies.LARGEST}.")
        arn = options.get("lambda_function_arn")
        if (
            arn
            and not has_unknown(arn)
            and not re.fullmatch(r"arn:[^:]+:lambda:[^:]+:\d{12}:function:[\w-]+(:[\w$-]+)?", arn)
        ):
            raise ResourceError(f"lambda_function_arn {arn!r} is not the ARN of a function.")

    def observe(self) -> Observed | None:
        """Return all that exists of the API, plan and key, with where to call it; None when nothing does."""
        observed = reading.read(self)
        if observed is not None and "api_id" in observed:
            observed.update(self._addresses(observed["api_id"]))
        return observed

    def _addresses(self, api_id: str) -> dict[str, str]:
        return reading.addresses(self.aws, api_id, self.option("stage"), self.option("method"), self.option("path"))

    def _policy(self) -> dict[str, Any]:
        if self.option("policy"):
            return policies.shortened(as_document(self.option("policy")))
        if self.option("endpoint_type") == "private":
            return policies.of_network(self.option("vpc_id"), self.option("vpc_endpoint_ids"))
        return {}

    def desired(self) -> dict[str, Any]:
        """Return the whole API, and plan and key or their absence."""
        key, endpoints, throttle = self.option("api_key"), self.option("vpc_endpoint_ids"), self.option("throttle")
        wanted: dict[str, Any] = {
            "description": self.option("description"),
            "endpoint_type": self.option("endpoint_type"),
            "vpc_endpoint_ids": None if endpoints is None else sorted(endpoints),
            "policy": self._policy(),
            "path": self.option("path"),
            "other_paths": {},
            "method": self.option("method"),
            "other_methods": [],
            "authorization": "NONE",
            "api_key_required": key,
            "lambda_function_arn": self.option("lambda_function_arn"),
            "stage": self.option("stage"),
            "other_stages": [],
            "api_key": key,
            "usage_plan": key,
            "linked": key,
            "attached": key,
            "throttle": {name: throttle[name] for name in ("rate_limit", "burst_limit")} if key else None,
            "other_plan_stages": [] if key else None,
        }
        deployed = json.dumps({prop: wanted[prop] for prop in DEPLOYABLE}, sort_keys=True)
        wanted["deployed"] = hashlib.sha256(deployed.encode()).hexdigest()[:16]
        return wanted

    def plan(self, observed: Observed | None) -> list[Step]:
        """API, method, deployment, stage, then plan and key; each only when it is missing or differs."""
        present = {**reading.NOTHING, **(observed or {})}
        different = self.differences(present)
        tags = self.wanted_tags(observed)
        steps: list[Step] = []
        api = ApiChanges(self, present, different, tags, steps)
        key = KeyChanges(self, present, different, tags, steps)
        api.api()
        api.method()
        api.deployment()
        if self.option("api_key"):
            key.plan()
            key.key()
        else:
            steps += removal_of_key_and_plan(present, self.option("stage"))
        api.other_stages()
        key.part_tags(present["_part_tags"], self.wanted_tags)
        return steps

    def plan_absent(self, observed: Observed) -> list[Step]:
        """First what outlives the API, then what answers, then the API."""
        stage = self.option("stage")
        return [*removal_of_key_and_plan(observed, stage), *removal_of_api(observed, stage)]

    def ready(self, observed: Observed | None) -> bool:
        """API Gateway is through with a change of the API. Raises ResourceError when it failed."""
        if observed is None or "api_id" not in observed:
            return False
        if observed["_status"] == "FAILED":
            raise ResourceError(f"{self.title} {self.identifier()} failed: {observed['_why']}")
        return bool(observed["_status"] == "AVAILABLE")

    def predicted(self, observed: Observed | None) -> dict[str, Any]:
        """Return the API as it will be; without a key there is neither key nor plan."""
        result = {"name": self.identifier(), **super().predicted(observed)}
        without = () if self.option("api_key") else ("api_key_id", "usage_plan_id")
        return {key: value for key, value in result.items() if key not in without}


RESOURCE = RestApi
