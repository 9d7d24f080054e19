"""Deleting what is gone already answers NotFoundException, as it does on AWS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.apigateway.exceptions import NotFoundException
from moto.apigateway.models import APIGatewayBackend

from . import require

GAP = "deleting a REST API, usage plan, key, link or resource twice answers 500 with a KeyError"
MOTO = "5.2.5"
METHODS = ("delete_rest_api", "delete_usage_plan", "delete_api_key", "delete_usage_plan_key", "delete_resource")


def check() -> None:
    """The methods that are wrapped."""
    require(APIGatewayBackend, *METHODS)


def install() -> None:
    """Say NotFoundException where moto stumbles over its own dictionaries."""
    for name in METHODS:
        setattr(APIGatewayBackend, name, _answering(getattr(APIGatewayBackend, name)))


def _answering(method: Callable[..., Any]) -> Callable[..., Any]:
    def delete(self: APIGatewayBackend, *args: Any, **options: Any) -> Any:
        try:
            return method(self, *args, **options)
        except KeyError as missing:
            raise NotFoundException(f"Invalid identifier specified: {missing.args[0]}") from None

    return delete
