"""REST APIs answer: on {endpoint}/restapis/<id>/<stage>/_user_request_/<path> and on <id>.execute-api hosts.

A stage serves what its deployment held when it was made, so that a change without a new deployment is not seen.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from moto.apigateway.models import APIGatewayBackend, ApiKey, Deployment, Method, RestAPI, Stage, UsagePlan
from moto.core.exceptions import JsonRESTError

from ..process import Wsgi, cloud
from . import require

GAP = "REST APIs have no data plane, deployments hold nothing, and a new one wipes its stage's settings"
MOTO = "5.2.5"

BY_PATH = re.compile(r"^/restapis/([a-z0-9]+)/([^/]+)/_user_request_(/.*)?$")
BY_HOST = re.compile(r"^([a-z0-9]+)\.execute-api\.")


@dataclass
class Snapshot:
    """What a deployment serves: the API's resources and policy at that time."""

    resources: dict[str, Any]
    policy: str | None


def check() -> None:
    """The names that are replaced or read."""
    require(RestAPI, "create_deployment", "get_deployment")
    require(RestAPI("id", "1", "us-east-1", "probe", ""), "endpoint_configuration", "policy", "resources", "stages")
    require(APIGatewayBackend, "create_usage_plan_key")
    require(Method("GET", "NONE"), "api_key_required", "method_integration")
    require(UsagePlan("probe"), "api_stages", "throttle")
    require(Stage(deployment_id="probe"), "deployment_id")
    assert callable(ApiKey) and callable(Deployment)


def install() -> None:
    """Keep what each deployment holds, and answer requests."""
    create = RestAPI.create_deployment

    def create_deployment(self: RestAPI, *args: Any, **named: Any) -> Deployment:
        if "PRIVATE" in self.endpoint_configuration.get("types", []) and not self.policy:
            raise JsonRESTError("BadRequestException", "Private REST API doesn't have a resource policy attached to it")
        before = dict(self.stages)
        deployment = create(self, *args, **named)
        for name, stage in before.items():
            if self.stages[name] is not stage:
                stage.deployment_id = deployment.id
                self.stages[name] = stage
        deployment.local_cloud_snapshot = Snapshot(copy.deepcopy(self.resources), self.policy)  # type: ignore[attr-defined]
        return deployment

    RestAPI.create_deployment = create_deployment  # type: ignore[method-assign]
    cloud.middlewares.append(middleware)


def middleware(app: Wsgi) -> Wsgi:
    """WSGI: answer requests to REST APIs, hand the rest to `app`."""
    from .. import rest_api

    def wrapped(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        place = _place(environ)
        if place is None:
            return app(environ, start_response)
        api_id, stage, path = place
        status, headers, body = rest_api.handle(
            rest_api.Request(
                api_id=api_id,
                stage=stage,
                path=path or "/",
                method=environ["REQUEST_METHOD"],
                headers={
                    name[5:].replace("_", "-").lower(): value
                    for name, value in environ.items()
                    if name.startswith("HTTP_")
                },
                query=parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True),
                body=environ["wsgi.input"].read(),
                source_ip=environ.get("REMOTE_ADDR", "127.0.0.1"),
            )
        )
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Status"
        start_response(f"{status} {phrase}", list(headers.items()))
        return [body]

    return wrapped


def _place(environ: dict[str, Any]) -> tuple[str, str, str] | None:
    """API id, stage and path of a request, None when it is not for a REST API."""
    path = environ.get("PATH_INFO", "")
    match = BY_PATH.match(path)
    if match:
        return match[1], match[2], match[3] or "/"
    host = BY_HOST.match(environ.get("HTTP_HOST", ""))
    if host:
        stage, _, rest = path.lstrip("/").partition("/")
        return host[1], stage, f"/{rest}"
    return None
