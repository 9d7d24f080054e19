"""What happens to one request to a REST API's stage: policy, key, plan, permission, function, answer."""

from __future__ import annotations

import base64
import ipaddress
import json
import re
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.apigateway.models import apigateway_backends
from moto.awslambda.models import lambda_backends
from moto.core.exceptions import JsonRESTError
from moto.ec2.models import ec2_backends

from .process import ACCOUNT_ID, cloud
from .resource_policy import decide, listed
from .seams import lambda_runtime

Answer = tuple[int, dict[str, str], bytes]


class Refused(Exception):
    """An answer that API Gateway gives by itself."""

    def __init__(self, status: int, error_type: str, message: str, key: str = "message") -> None:
        super().__init__(message)
        self.answer: Answer = (
            status,
            {"Content-Type": "application/json", "x-amzn-ErrorType": error_type},
            json.dumps({key: message}).encode(),
        )


@dataclass(frozen=True)
class Request:
    """A client's request: header names in lower case, `query` with all values of each name."""

    api_id: str
    stage: str
    path: str
    method: str
    headers: Mapping[str, str]
    query: Mapping[str, list[str]]
    body: bytes
    source_ip: str


class Buckets:
    """Token buckets of usage plans: `rateLimit` a second, `burstLimit` at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: dict[tuple[str, str], tuple[float, float]] = {}

    def take(self, plan: Any, key_id: str) -> bool:
        """Take one request of the key from the plan; False when there is none left."""
        if not plan.throttle:
            return True
        rate, burst = float(plan.throttle.get("rateLimit", 0)), float(plan.throttle.get("burstLimit", 0))
        now = time.monotonic()
        with self._lock:
            tokens, then = self._state.get((plan.id, key_id), (burst, now))
            tokens = min(burst, tokens + (now - then) * rate)
            allowed = tokens >= 1
            self._state[(plan.id, key_id)] = (tokens - 1 if allowed else tokens, now)
        return allowed


buckets = Buckets()


def handle(request: Request) -> Answer:
    """Answer one request to a stage as API Gateway does."""
    try:
        with cloud.moto_lock:
            backend, api = _api(request.api_id)
            stage = api.stages.get(request.stage)
            if stage is None or stage.deployment_id not in api.deployments:
                raise Refused(403, "ForbiddenException", "Forbidden")
            snapshot = api.deployments[stage.deployment_id].local_cloud_snapshot
            arn = _arn(backend, request)
            _check_policy(api, snapshot.policy, arn, request)
            resource, variables = _resource(snapshot.resources, request.path)
            method = resource and (
                resource.resource_methods.get(request.method) or resource.resource_methods.get("ANY")
            )
            if not method:
                raise Refused(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
            if method.api_key_required:
                _check_key(backend, request)
            function = _function(method, arn)
        event = _event(request, resource.get_path(), variables)
        return _proxied(function, event)
    except Refused as refused:
        return refused.answer


def _api(api_id: str) -> tuple[Any, Any]:
    for backend in apigateway_backends[ACCOUNT_ID].values():
        if api_id in backend.apis:
            return backend, backend.apis[api_id]
    raise Refused(403, "ForbiddenException", "Forbidden")


def _arn(backend: Any, request: Request) -> str:
    where = f"arn:aws:execute-api:{backend.region_name}:{ACCOUNT_ID}:{request.api_id}"
    return f"{where}/{request.stage}/{request.method}{request.path}"


def _check_policy(api: Any, policy: str | None, arn: str, request: Request) -> None:
    private = "PRIVATE" in api.endpoint_configuration.get("types", [])
    if not policy:
        if private:
            raise Refused(403, "ForbiddenException", "Forbidden")
        return
    context = {"aws:sourceip": request.source_ip}
    if private:
        context.update(_network(api.region_name, request.source_ip))
    verdict = decide(policy.replace("\\/", "/").replace('\\"', '"'), "execute-api:Invoke", arn, context)
    if verdict != "allow":
        how = " with an explicit deny" if verdict == "deny" else ""
        message = f"User: anonymous is not authorized to perform: execute-api:Invoke on resource: {arn}{how}"
        raise Refused(403, "AccessDeniedException", message, key="Message")


def _network(region: str, source_ip: str) -> dict[str, str]:
    """The VPC and endpoint that a request came through: the one that holds its address, or the only one with an
    execute-api endpoint, because callers on one machine mostly share 127.0.0.1."""
    backend = ec2_backends[ACCOUNT_ID][region]
    ends = [end for end in backend.vpc_end_points.values() if end.service_name.endswith(".execute-api")]
    address = ipaddress.ip_address(source_ip)
    inside = [end for end in ends if address in ipaddress.ip_network(backend.vpcs[end.vpc_id].cidr_block)]
    found = inside or (ends if len(ends) == 1 else [])
    return {"aws:sourcevpc": found[0].vpc_id, "aws:sourcevpce": found[0].id} if found else {}


def _check_key(backend: Any, request: Request) -> None:
    value = request.headers.get("x-api-key")
    for plan in backend.usage_plans.values():
        stages = [(stage["apiId"], stage["stage"]) for stage in plan.api_stages]
        if (request.api_id, request.stage) not in stages:
            continue
        for key_id in backend.usage_plan_keys.get(plan.id, {}):
            key = backend.keys.get(key_id)
            if key is None or not key.enabled or key.value != value:
                continue
            if not buckets.take(plan, key_id):
                raise Refused(429, "TooManyRequestsException", "Too Many Requests")
            return
    raise Refused(403, "ForbiddenException", "Forbidden")


def _resource(resources: Mapping[str, Any], path: str) -> tuple[Any, dict[str, str]]:
    """The most literal resource whose path matches, and its path variables."""
    for resource in sorted(resources.values(), key=lambda item: item.get_path().count("{")):
        parts = re.split(r"\{(\w+\+?)\}", resource.get_path())
        pattern = "".join(
            re.escape(part) if index % 2 == 0 else f"(?P<{part.rstrip('+')}>{'.+' if part.endswith('+') else '[^/]+'})"
            for index, part in enumerate(parts)
        )
        match = re.fullmatch(pattern, path.rstrip("/") or "/")
        if match:
            return resource, match.groupdict()
    return None, {}


def _function(method: Any, arn: str) -> Any:
    """The function behind a proxy method. A missing function or permission is API Gateway's 500, as on AWS."""
    integration = method.method_integration
    uri = (integration and integration.uri) or ""
    match = re.search(r"functions/(arn:[^/]+)/invocations", uri)
    broken = Refused(500, "InternalServerErrorException", "Internal server error")
    if match is None or integration.integration_type != "AWS_PROXY":
        raise broken
    function = lambda_backends[ACCOUNT_ID][match[1].split(":")[3]].get_function_by_arn(match[1])
    if function is None or not _permitted(function, arn):
        raise broken
    return function


def _permitted(function: Any, arn: str) -> bool:
    """Whether the function's policy lets API Gateway invoke it for this request."""
    for statement in function.policy.statements:
        principal = statement.get("Principal")
        services = listed(principal.get("Service", [])) if isinstance(principal, dict) else [principal]
        if "apigateway.amazonaws.com" not in services:
            continue
        allowed = {**statement, "Principal": "*", "Resource": "*"}
        context = {"aws:sourcearn": arn, "aws:sourceaccount": ACCOUNT_ID}
        if decide(json.dumps({"Statement": [allowed]}), "lambda:InvokeFunction", "*", context) == "allow":
            return True
    return False


def _event(request: Request, resource: str, variables: dict[str, str]) -> dict[str, Any]:
    """The proxy event, format 1.0 (API Gateway guide, "Input format of a Lambda function for proxy integration")."""
    single = {name: values[-1] for name, values in request.query.items()}
    text = base64.b64encode(request.body).decode() if request.body else None
    try:
        body, encoded = (request.body.decode() or None), False
    except UnicodeDecodeError:
        body, encoded = text, True
    return {
        "resource": resource,
        "path": request.path,
        "httpMethod": request.method,
        "headers": dict(request.headers),
        "multiValueHeaders": {name: [value] for name, value in request.headers.items()},
        "queryStringParameters": single or None,
        "multiValueQueryStringParameters": dict(request.query) or None,
        "pathParameters": variables or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT_ID,
            "apiId": request.api_id,
            "stage": request.stage,
            "resourcePath": resource,
            "httpMethod": request.method,
            "path": f"/{request.stage}{request.path}",
            "requestId": str(uuid.uuid4()),
            "protocol": "HTTP/1.1",
            "identity": {"sourceIp": request.source_ip, "userAgent": request.headers.get("user-agent")},
        },
        "body": body,
        "isBase64Encoded": encoded,
    }


def _proxied(function: Any, event: dict[str, Any]) -> Answer:
    malformed = Refused(502, "InternalServerErrorException", "Internal server error")
    try:
        payload, error, _ = lambda_runtime.run(function, json.dumps(event).encode())
    except JsonRESTError as refusal:
        raise Refused(500, "InternalServerErrorException", "Internal server error") from refusal
    try:
        value = json.loads(payload)
        status = int(value["statusCode"])
    except (ValueError, KeyError, TypeError):
        raise malformed from None
    body = value.get("body") or ""
    if error or not 100 <= status < 600 or not isinstance(body, str):
        raise malformed
    headers = {str(name): str(text) for name, text in (value.get("headers") or {}).items()}
    headers.setdefault("Content-Type", "application/json")
    return status, headers, base64.b64decode(body) if value.get("isBase64Encoded") else body.encode()
