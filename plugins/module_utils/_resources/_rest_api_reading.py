"""What there is of a REST API and of its usage plan and key, each found again when others are missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.stateful.aws.plugins.module_utils._engine import tags as tagging
from ansible_collections.stateful.aws.plugins.module_utils._engine.aws import LOADER, Aws
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import error_code
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Resource
from ansible_collections.stateful.aws.plugins.module_utils._resources import _rest_api_policy as policies
from botocore.exceptions import ClientError

# The largest page of most lists (API Gateway API reference).
PAGE = 500
# What does not exist yet, as the options name it.
NOTHING: Observed = {
    "policy": {},
    "other_paths": {},
    "other_methods": [],
    "other_stages": [],
    "other_plan_stages": [],
    "api_key": False,
    "usage_plan": False,
    "linked": False,
    "attached": False,
    "tags": {},
    "_part_tags": {},
}
FUNCTION = re.compile(r":lambda:path/2015-03-31/functions/(.+)/invocations$")
DEPLOYED = re.compile(r"([0-9a-f]{16}) is deployed as (\S+)$")


def read(resource: Resource) -> Observed | None:
    """Return all that exists of the API, its plan and its key; None when nothing does."""
    aws = resource.aws
    api = next(_ours(resource, aws.pages("apigateway", "get_rest_apis", "items", limit=PAGE)), None)
    plan = next(_ours(resource, aws.pages("apigateway", "get_usage_plans", "items", limit=PAGE)), None)
    name = resource.identifier()
    key = next(_ours(resource, aws.pages("apigateway", "get_api_keys", "items", limit=PAGE, nameQuery=name)), None)
    observed: Observed = {}
    if api:
        try:
            itself, stage = _api(resource, api), _stages(resource, api["id"])
            observed = {**itself, **stage, "_part_tags": {**itself["_part_tags"], **stage["_part_tags"]}}
        except ClientError as error:
            # Lists may still hold what is deleted already.
            if error_code(error) != "NotFoundException":
                raise
    if key:
        observed.update(api_key_id=key["id"], api_key=key.get("enabled", True))
    if plan:
        observed.update(_plan(resource, plan, observed, key))
    if not observed:
        return None
    parts = {"/usageplans/": plan, "/apikeys/": key}
    part_tags = {
        **observed.get("_part_tags", {}),
        **{f"{path}{part['id']}": _tags(part) for path, part in parts.items() if part},
    }
    owned = next(iter(part_tags.values()))
    return {**NOTHING, "name": name, "tags": owned, **observed, "_part_tags": part_tags}


def _ours(resource: Resource, items: Iterable[Mapping[str, Any]]) -> Iterator[Any]:
    """The items that bear our tags; names are not unique here. The oldest first, so that each run sees the same."""
    wanted = {tagging.CLUSTER: resource.option("cluster"), tagging.NAME: resource.identifier()}
    found = (item for item in items if wanted.items() <= _tags(item).items())
    return iter(sorted(found, key=lambda item: (str(item.get("createdDate", "")), item["id"])))


def _tags(item: Mapping[str, Any]) -> dict[str, str]:
    return tagging.visible(item.get("tags") or {})


def _api(resource: Resource, api: Mapping[str, Any]) -> Observed:
    endpoint = api.get("endpointConfiguration") or {}
    found: Observed = {
        "api_id": api["id"],
        "description": api.get("description") or "",
        "endpoint_type": (endpoint.get("types") or ["EDGE"])[0].lower(),
        "vpc_endpoint_ids": sorted(endpoint.get("vpcEndpointIds") or []),
        "policy": policies.read(api.get("policy")),
        "_status": api.get("apiStatus", "AVAILABLE"),
        "_why": api.get("apiStatusMessage"),
        "_address": endpoint.get("ipAddressType"),
        "_part_tags": {f"/restapis/{api['id']}": _tags(api)},
        "tags": _tags(api),
    }
    if resource.option("state") == "absent":
        return found
    resources = resource.aws.pages(
        "apigateway", "get_resources", "items", restApiId=api["id"], embed=["methods"], limit=PAGE
    )
    path, method = resource.option("path"), resource.option("method")
    ours = next((item for item in resources if item["path"] == path), None)
    found["_root_id"] = next(item["id"] for item in resources if item["path"] == "/")
    found["other_paths"] = {item["path"]: item["id"] for item in resources if item["path"] not in ("/", path)}
    if ours:
        methods = ours.get("resourceMethods") or {}
        found.update(path=path, _resource_id=ours["id"], other_methods=sorted(set(methods) - {method}))
        found.update(_method(method, methods.get(method)))
    return found


def _method(name: str, method: Mapping[str, Any] | None) -> Observed:
    if method is None:
        return {}
    integration = method.get("methodIntegration") or {}
    uri = FUNCTION.search(integration.get("uri") or "")
    whole = integration.get("type") == "AWS_PROXY" and integration.get("httpMethod") == "POST"
    return {
        "method": name,
        "authorization": method.get("authorizationType", "NONE"),
        "api_key_required": bool(method.get("apiKeyRequired")),
        "lambda_function_arn": uri[1] if uri and whole else None,
    }


def _stages(resource: Resource, api_id: str) -> Observed:
    stages = resource.aws.client("apigateway").get_stages(restApiId=api_id).get("item") or []
    name = resource.option("stage")
    found: Observed = {"other_stages": sorted(stage["stageName"] for stage in stages if stage["stageName"] != name)}
    ours = next((stage for stage in stages if stage["stageName"] == name), None)
    if ours:
        record = DEPLOYED.match(ours.get("description") or "")
        found.update(
            stage=name,
            # A deployment that somebody else put on the stage is not what we deployed.
            deployed=record[1] if record and record[2] == ours["deploymentId"] else None,
            _deployment_id=ours["deploymentId"],
        )
    wanted = resource.desired()["deployed"] if resource.option("state") == "present" else None
    if wanted and found.get("deployed") != wanted:
        # A run that was stopped before it moved the stage has made the deployment already.
        deployments = resource.aws.pages("apigateway", "get_deployments", "items", restApiId=api_id, limit=PAGE)
        made = next((item["id"] for item in deployments if item.get("description") == wanted), None)
        found.update({"_new_deployment_id": made} if made else {})
    return {**found, "_part_tags": {f"/restapis/{api_id}/stages/{name}": _tags(ours)} if ours else {}}


def _plan(resource: Resource, plan: Mapping[str, Any], observed: Observed, key: Mapping[str, Any] | None) -> Observed:
    throttle = plan.get("throttle") or {}
    held = {f"{stage['apiId']}:{stage['stage']}" for stage in plan.get("apiStages") or []}
    here = f"{observed.get('api_id')}:{resource.option('stage')}"
    links = resource.aws.pages("apigateway", "get_usage_plan_keys", "items", usagePlanId=plan["id"], limit=PAGE)
    return {
        "usage_plan_id": plan["id"],
        "usage_plan": True,
        "throttle": {"rate_limit": throttle.get("rateLimit"), "burst_limit": throttle.get("burstLimit")},
        "attached": here in held,
        "other_plan_stages": sorted(held - {here}),
        "linked": key is not None and key["id"] in {link["id"] for link in links},
    }


def addresses(aws: Aws, api_id: str, stage: str, method: str, path: str) -> dict[str, str]:
    """Return where the API is called, and its ARN in policies."""
    client = aws.client("apigateway")
    endpoint = str(client.meta.endpoint_url).rstrip("/")
    host, suffixes = urlsplit(endpoint).hostname or "", _suffixes()
    if host.endswith(tuple(f".{suffix}" for pair in suffixes.values() for suffix in pair)):
        url = f"https://{api_id}.execute-api.{aws.region}.{suffixes[client.meta.partition][0]}/{stage}{path}"
    else:
        # An emulator serves stages below its own endpoint, under this path since LocalStack made it customary.
        url = f"{endpoint}/restapis/{api_id}/{stage}/_user_request_{path}"
    return {"invoke_url": url, "execute_arn": aws.arn("execute-api", f"{api_id}/{stage}/{method}{path}")}


def _suffixes() -> dict[str, tuple[str, ...]]:
    """The DNS suffixes of each partition, the usual one first."""
    partitions = LOADER.load_data("partitions")["partitions"]
    return {
        partition["id"]: tuple(
            partition["outputs"][key] for key in ("dnsSuffix", "dualStackDnsSuffix") if partition["outputs"].get(key)
        )
        for partition in partitions
    }
