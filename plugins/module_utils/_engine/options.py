"""Options that all modules share, and the validation of a type's options before its first call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Reading, Resource
from ansible_collections.stateful.aws.plugins.module_utils._engine.tags import check_tags

OWNERSHIP: dict[str, dict[str, Any]] = {
    "cluster": {"type": "str", "required": True},
    "component": {"type": "str"},
    "engine": {"type": "str", "default": "weka"},
}
LIFECYCLE: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 600},
}
TAGS: dict[str, dict[str, Any]] = {
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
}


def shared_spec(kind: type[Resource] | type[Reading]) -> dict[str, dict[str, Any]]:
    """Return the options that a type has besides its own and the connection's."""
    if issubclass(kind, Reading):
        return {}
    return {**OWNERSHIP, **LIFECYCLE, **(TAGS if kind.tagged else {})}


def spec(kind: type[Resource] | type[Reading]) -> dict[str, dict[str, Any]]:
    """Return a type's whole argument_spec without the connection's options."""
    return {**shared_spec(kind), **kind.options}


def connection_spec() -> dict[str, Any]:
    """Return amazon.aws's connection options."""
    return dict(aws_argument_spec())


def validate(
    kind: type[Resource] | type[Reading], params: Mapping[str, Any], connection: bool = True
) -> tuple[dict[str, Any], set[str]]:
    """Return a type's validated options, defaults filled, and the values that must not be shown.

    Raises:
        ResourceError: an option is unknown, missing, of the wrong type or outside what AWS accepts.
    """
    argument_spec = {**(connection_spec() if connection else {}), **spec(kind)}
    validator = ArgumentSpecValidator(argument_spec, **kind.constraints)
    result = validator.validate(dict(params))
    if result.error_messages:
        raise ResourceError(f"{kind.name}: {'; '.join(result.error_messages)}")
    options = result.validated_parameters
    check_tags(options.get("tags"))
    kind.check(options)
    return options, set(result._no_log_values)
