"""The tagging API also finds rules, listeners, launch templates and REST APIs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.apigateway.models import apigateway_backends
from moto.core.resource_tagging import TaggableResourcesMixin, TaggedResource
from moto.ec2.models import EC2Backend
from moto.elbv2.models import ELBv2Backend
from moto.events.models import EventsBackend
from moto.resourcegroupstaggingapi import models as tagging

from . import require

GAP = "the tagging API does not know rules, listeners, launch templates and REST APIs"
MOTO = "5.2.5"


def check() -> None:
    """The names that are replaced or read."""
    for backend in (EventsBackend, ELBv2Backend, EC2Backend):
        require(backend, "iter_tagged_resources")
    require(tagging, "iter_taggable_backends")
    require(TaggableResourcesMixin, "owns_arn", "tag_resource")


def install() -> None:
    """Add to what each service offers; API Gateway offers nothing, so it gets a place of its own."""
    _extend(EventsBackend, _rules)
    _extend(ELBv2Backend, _listeners)
    _extend(EC2Backend, _launch_templates)
    offered = tagging.iter_taggable_backends

    def iter_taggable_backends(account_id: str, region_name: str) -> Iterator[Any]:
        yield from offered(account_id, region_name)
        yield RestApis(account_id, region_name)

    tagging.iter_taggable_backends = iter_taggable_backends


def _extend(backend: Any, more: Any) -> None:
    original = backend.iter_tagged_resources

    def iter_tagged_resources(self: Any) -> Iterator[TaggedResource]:
        yield from original(self)
        yield from more(self)

    backend.iter_tagged_resources = iter_tagged_resources


def _rules(backend: Any) -> Iterator[TaggedResource]:
    for bus in backend.event_buses.values():
        for rule in bus.rules.values():
            yield TaggedResource(rule.arn, backend.tagger.get_tag_dict_for_resource(rule.arn), "events:rule")


def _listeners(backend: Any) -> Iterator[TaggedResource]:
    for balancer in backend.load_balancers.values():
        for arn in balancer.listeners:
            tags = backend.tagging_service.get_tag_dict_for_resource(arn)
            yield TaggedResource(arn, tags, "elasticloadbalancing:listener")


def _launch_templates(backend: Any) -> Iterator[TaggedResource]:
    for template in backend.launch_templates.values():
        arn = f"arn:{backend.partition}:ec2:{backend.region_name}:{backend.account_id}:launch-template/{template.id}"
        tags = {tag["key"]: tag["value"] for tag in template.get_tags()}
        yield TaggedResource(arn, tags, "ec2:launch-template")


class RestApis(TaggableResourcesMixin):
    """API Gateway's REST APIs of one region, as the tagging API asks for them."""

    SERVICE_NAMESPACE = "apigateway"

    def __init__(self, account_id: str, region_name: str) -> None:
        self.backend = apigateway_backends[account_id][region_name]
        self.partition = self.backend.partition

    def iter_tagged_resources(self) -> Iterator[TaggedResource]:
        """Every REST API with its tags."""
        for api in list(self.backend.apis.values()):
            arn = f"arn:{self.partition}:apigateway:{self.backend.region_name}::/restapis/{api.id}"
            yield TaggedResource(arn, dict(api.tags or {}), "apigateway:restapis")
