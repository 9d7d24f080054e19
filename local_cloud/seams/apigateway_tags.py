"""Tags of REST APIs, usage plans and API keys can be changed after they were made."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from moto.apigateway import urls
from moto.apigateway.responses import APIGatewayResponse

from . import require

GAP = "TagResource and UntagResource know stages only"
MOTO = "5.2.5"
ARN = "{0}/tags/arn:(?P<partition>[^/]+):apigateway:(?P<region_name>[^/]+)::/(?P<kind>restapis|usageplans|apikeys)/(?P<id>[^/]+)$"
OWNERS = {"restapis": "apis", "usageplans": "usage_plans", "apikeys": "keys"}


def check() -> None:
    """The names that are replaced or read."""
    require(APIGatewayResponse, "tag_resource", "untag_resource", "dispatch", "backend")
    require(urls, "url_paths")


def install() -> None:
    """Add the addresses, and look a resource that is no stage up among its kind."""
    urls.url_paths[ARN] = APIGatewayResponse.dispatch
    tag_stage, untag_stage = APIGatewayResponse.tag_resource, APIGatewayResponse.untag_resource

    def tag_resource(self: APIGatewayResponse) -> Any:
        resource = _resource(self)
        if resource is None:
            return tag_stage(self)
        resource.tags = {**(resource.tags or {}), **json.loads(self.body)["tags"]}
        return json.dumps({})

    def untag_resource(self: APIGatewayResponse) -> Any:
        resource = _resource(self)
        if resource is None:
            return untag_stage(self)
        gone = set(self.querystring.get("tagKeys") or ())
        resource.tags = {key: value for key, value in (resource.tags or {}).items() if key not in gone}
        return json.dumps({})

    APIGatewayResponse.tag_resource = tag_resource  # type: ignore[method-assign]
    APIGatewayResponse.untag_resource = untag_resource  # type: ignore[method-assign]


def _resource(response: APIGatewayResponse) -> Any:
    parts = unquote(response.path.split("/tags/")[1]).split("/")
    if len(parts) != 3:
        return None
    return getattr(response.backend, OWNERS[parts[1]]).get(parts[2])
