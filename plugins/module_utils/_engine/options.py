"""Options that all modules share, and the validation of a type's options before its first call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
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
    options, secrets = checked(kind.name, argument_spec, params, kind.constraints)
    check_tags(options.get("tags"))
    try:
        kind.check(options)
    except ResourceError as error:
        raise ResourceError(str(remove_values(str(error), secrets))) from error
    return options, secrets


def checked(
    name: str, argument_spec: dict[str, Any], params: Mapping[str, Any], constraints: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], set[str]]:
    """Return options as an argument_spec wants them, and the secrets among them; one set to null counts as not given.

    Raises:
        ResourceError: an option is unknown, missing or of the wrong type; all of them are named.
    """
    given = {option: value for option, value in params.items() if value is not None}
    result = ArgumentSpecValidator(argument_spec, **(constraints or {})).validate(given)
    secrets = set(result._no_log_values)
    if result.error_messages:
        wrong = (
            f"unknown options: {error.msg}" if isinstance(error, UnsupportedError) else error.msg
            for error in result.errors.errors
        )
        raise ResourceError(str(remove_values(f"{name}: {'; '.join(wrong)}", secrets)))
    options = dict(result.validated_parameters)
    if options.get("tags"):
        options["tags"] = {str(key): "" if value is None else str(value) for key, value in options["tags"].items()}
    return options, secrets
