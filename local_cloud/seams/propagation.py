"""New roles cannot be assumed by Step Functions and EventBridge, nor new tags found, for propagation_s."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.events.models import EventsBackend
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from ..process import cloud
from . import _roles, require

GAP = "roles can be used at once whoever they trust, and tags are found at once"
MOTO = "5.2.5"

_first_seen: dict[str, float] = {}


def check() -> None:
    """The names that are replaced."""
    require(StepFunctionsParserBackend, "create_state_machine", "update_state_machine")
    require(EventsBackend, "put_rule", "put_targets")
    require(ResourceGroupsTaggingAPIBackend, "_get_resources_generator")


def install() -> None:
    """Put the checks in front."""
    _step_functions()
    _events()
    _tagging()


def _step_functions() -> None:
    create, update = StepFunctionsParserBackend.create_state_machine, StepFunctionsParserBackend.update_state_machine

    def create_state_machine(self: Any, **named: Any) -> Any:
        _states_may(named["roleArn"])
        return create(self, **named)

    def update_state_machine(self: Any, arn: str, definition: Any = None, role_arn: Any = None, **named: Any) -> Any:
        if role_arn:
            _states_may(role_arn)
        return update(self, arn, definition, role_arn, **named)

    StepFunctionsParserBackend.create_state_machine = create_state_machine  # type: ignore[method-assign]
    StepFunctionsParserBackend.update_state_machine = update_state_machine  # type: ignore[method-assign]


def _states_may(role_arn: str) -> None:
    if not _roles.assumable(role_arn, "states.amazonaws.com"):
        raise JsonRESTError(
            "AccessDeniedException",
            "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume "
            "the provided role.",
        )


def _events() -> None:
    put_rule, put_targets = EventsBackend.put_rule, EventsBackend.put_targets

    def checked_rule(self: Any, name: str, **named: Any) -> Any:
        _events_may(named.get("role_arn"))
        return put_rule(self, name, **named)

    def checked_targets(self: Any, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]) -> None:
        for target in targets:
            _events_may(target.get("RoleArn"))
        put_targets(self, name, event_bus_arn, targets)

    EventsBackend.put_rule = checked_rule  # type: ignore[method-assign]
    EventsBackend.put_targets = checked_targets  # type: ignore[method-assign]


def _events_may(role_arn: str | None) -> None:
    if role_arn and not _roles.assumable(role_arn, "events.amazonaws.com"):
        raise JsonRESTError(
            "ValidationException",
            f"Provided role '{role_arn}' cannot be assumed by principal 'events.amazonaws.com'.",
        )


def _tagging() -> None:
    """A resource's tags are found propagation_s after the tagging API was first asked about them."""
    generate = ResourceGroupsTaggingAPIBackend._get_resources_generator

    def resources(self: Any, *args: Any, **named: Any) -> Iterator[Any]:
        now = time.monotonic()
        for resource in generate(self, *args, **named):
            if now - _first_seen.setdefault(resource.arn, now) >= cloud.propagation_s:
                yield resource

    ResourceGroupsTaggingAPIBackend._get_resources_generator = resources  # type: ignore[method-assign]
