"""The calls that bring a REST API, and its stage nearer to what is wanted, in the order AWS needs.

Every parameter that AWS gives comes from the facts: what was observed, and what earlier calls returned.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Step
from ansible_collections.stateful.aws.plugins.module_utils._resources._rest_api_calls import GONE, Changes, delete

# "Active stages pointing to this deployment must be moved or deleted": another stage, which goes later, serves it.
STILL_SERVED = "BadRequestException"
DEPLOYABLE = ("path", "method", "authorization", "api_key_required", "lambda_function_arn", "policy", "endpoint_type")


class ApiChanges(Changes):
    """Steps for the API, what it serves, and its stage."""

    def api(self) -> None:
        """Create the API, or patch it in one call."""
        differ = self._differ("description", "endpoint_type", "vpc_endpoint_ids", "policy")
        if "api_id" not in self.observed:
            self._add(
                "create_rest_api",
                self._whole_api(),
                "answer new instances that ask to join",
                {**differ, **self._tagged()},
                learn=lambda answer: {"api_id": answer["id"], "_root_id": answer["rootResourceId"]},
                repeatable=False,
            )
        elif differ:
            operations = [operation for prop in differ for operation in self._operations(prop)]
            self._patch("update_rest_api", "restApiId", "api_id", operations, "change the API", differ)

    def _whole_api(self) -> dict[str, Any]:
        wanted = self.wanted
        endpoint: dict[str, Any] = {"types": [wanted["endpoint_type"].upper()]}
        if wanted["endpoint_type"] == "private" and self._has_address_type():
            endpoint["ipAddressType"] = "dualstack"
        if wanted["vpc_endpoint_ids"]:
            endpoint["vpcEndpointIds"] = wanted["vpc_endpoint_ids"]
        params = {
            "name": self.resource.identifier(),
            "endpointConfiguration": endpoint,
            "apiKeySource": "HEADER",
            "tags": self.tags,
        }
        if wanted["description"]:
            params["description"] = wanted["description"]
        if wanted["policy"]:
            params["policy"] = json.dumps(wanted["policy"])
        return params

    def _has_address_type(self) -> bool:
        model = self.resource.aws.client("apigateway").meta.service_model
        return "ipAddressType" in model.shape_for("EndpointConfiguration").members

    def _operations(self, prop: str) -> list[dict[str, str]]:
        value, endpoint = self.wanted[prop], "/endpointConfiguration"
        if prop == "description":
            return [{"op": "replace", "path": "/description", "value": value}]
        if prop == "policy":
            return [{"op": "replace", "path": "/policy", "value": json.dumps(value) if value else ""}]
        if prop == "vpc_endpoint_ids":
            # New ones before old ones go, or the API's names are lost for a while (terraform-provider-aws rest_api.go).
            present, path = self.observed[prop], f"{endpoint}/vpcEndpointIds"
            new = [{"op": "add", "path": path, "value": item} for item in value if item not in present]
            return [*new, *({"op": "remove", "path": path, "value": item} for item in present if item not in value)]
        operations = []
        if value == "private" and self.observed["_address"] == "ipv4":
            operations.append({"op": "replace", "path": f"{endpoint}/ipAddressType", "value": "dualstack"})
        present = self.observed["endpoint_type"].upper()
        return [*operations, {"op": "replace", "path": f"{endpoint}/types/{present}", "value": value.upper()}]

    def method(self) -> None:
        """Make path, method and integration. A method that differs is made anew: callers only see what is deployed."""
        paths, name = self._differ("path", "other_paths"), self.wanted["method"]
        for path, resource_id in self.observed["other_paths"].items():
            self._add(
                "delete_resource",
                of_api(resourceId=resource_id),
                f"serve no other path than ours, as {path}",
                {prop: pair for prop, pair in paths.items() if prop == "other_paths"},
                done=GONE,
            )
        if "path" in paths and self.wanted["path"] != "/":
            self._add(
                "create_resource",
                lambda facts: {
                    "restApiId": facts["api_id"],
                    "parentId": facts["_root_id"],
                    "pathPart": self.wanted["path"].lstrip("/"),
                },
                "serve the path",
                self._differ("path"),
                learn=lambda answer: {"_resource_id": answer["id"]},
                repeatable=False,
            )
        method = self._differ("method", "authorization", "api_key_required")
        unwanted = [*self.observed["other_methods"], *([name] if method and "method" in self.observed else [])]
        for old in unwanted:
            self._add(
                "delete_method",
                partial(self._at, method=old),
                f"make method {old} anew or no more",
                {**method, **self._differ("other_methods")},
                done=GONE,
            )
        if method:
            self._add(
                "put_method",
                lambda facts: {
                    **self._at(facts, name),
                    "authorizationType": "NONE",
                    "apiKeyRequired": self.wanted["api_key_required"],
                },
                "accept calls that bring the API key" if self.wanted["api_key_required"] else "accept calls",
                method,
                repeatable=False,
            )
        if method or "lambda_function_arn" in self.different:
            self._add(
                "put_integration",
                lambda facts: {
                    **self._at(facts, name),
                    "type": "AWS_PROXY",
                    "integrationHttpMethod": "POST",
                    "uri": self._uri(),
                },
                "hand calls to the function",
                self._differ("lambda_function_arn"),
            )

    @staticmethod
    def _at(facts: Observed, method: str) -> dict[str, str]:
        where = facts.get("_resource_id") or facts["_root_id"]
        return {"restApiId": facts["api_id"], "resourceId": where, "httpMethod": method}

    def _uri(self) -> str:
        arn = self.wanted["lambda_function_arn"]
        partition, region = arn.split(":")[1], self.resource.aws.region
        return f"arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations"

    def deployment(self) -> None:
        """Deploy when what is deployed changed, or a run was stopped in between; then move the stage."""
        wanted, old = self.wanted["deployed"], self.observed.get("_deployment_id")
        if not self._differ(*DEPLOYABLE, "deployed", "stage"):
            return
        # One that a stopped run has made serves only when nothing had to be changed since.
        made = None if self._differ(*DEPLOYABLE) else self.observed.get("_new_deployment_id")
        deployed = {"deployed": (self.observed.get("deployed"), wanted)}
        if not made:
            self._add(
                "create_deployment",
                of_api(description=wanted),
                "let callers see the changes",
                deployed,
                learn=lambda answer: {"_new_deployment_id": answer["id"]},
                repeatable=False,
            )
        stage = {"stageName": self.wanted["stage"]}
        if old is None:
            self._add(
                "create_stage",
                lambda facts: {
                    "restApiId": facts["api_id"],
                    **stage,
                    "deploymentId": facts["_new_deployment_id"],
                    "description": record(wanted, facts),
                    "tags": self.tags,
                },
                "serve the deployment",
                {**self._differ("stage"), **deployed},
                repeatable=False,
            )
            return
        self._add(
            "update_stage",
            lambda facts: {
                "restApiId": facts["api_id"],
                **stage,
                "patchOperations": [
                    {"op": "replace", "path": "/deploymentId", "value": facts["_new_deployment_id"]},
                    {"op": "replace", "path": "/description", "value": record(wanted, facts)},
                ],
            },
            "serve the new deployment",
            deployed,
        )
        if old == made:
            return
        self._add(
            "delete_deployment",
            of_api(deploymentId=old),
            "keep no deployment that no stage serves",
            {},
            done=(*GONE, STILL_SERVED),
        )

    def other_stages(self) -> None:
        """Delete stages that are not ours to serve; after the plan let go of them."""
        for stage in self.observed["other_stages"]:
            self._add(
                "delete_stage",
                of_api(stageName=stage),
                f"serve no other stage than ours, as {stage}",
                self._differ("other_stages"),
                done=GONE,
            )


def of_api(**params: str) -> Callable[[Observed], dict[str, str]]:
    """Return parameters that name the API by its id, which may become known only on the way."""
    return lambda facts: {"restApiId": facts["api_id"], **params}


def record(deployed: str, facts: Observed) -> str:
    """Return the stage's description: what is deployed on it, so that a stopped or foreign deployment is noticed."""
    return f"{deployed} is deployed as {facts['_new_deployment_id']}"


def removal_of_api(observed: Observed, stage: str) -> list[Step]:
    """Return the calls that delete stages, the deployment and the API."""
    if "api_id" not in observed:
        return []
    api = {"restApiId": observed["api_id"]}
    stages = [*observed["other_stages"], *([stage] if "stage" in observed else [])]
    steps = [delete("delete_stage", {**api, "stageName": name}, "answer no more calls", stage=name) for name in stages]
    if observed.get("_deployment_id"):
        params = {**api, "deploymentId": observed["_deployment_id"]}
        steps.append(delete("delete_deployment", params, "delete what the stage served"))
    return [*steps, delete("delete_rest_api", api, "delete the API", api_id=observed["api_id"])]
