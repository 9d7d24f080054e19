"""How a task reaches the flow: one entrance for the action plugin, for modules and for lists of resources."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible.module_utils.common.parameters import remove_values
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.stateful.aws.plugins.module_utils._engine import flow
from ansible_collections.stateful.aws.plugins.module_utils._engine.aws import Aws
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.options import (
    LIFECYCLE,
    OWNERSHIP,
    TAGS,
    checked,
    connection_spec,
    shared_spec,
    spec,
    validate,
)
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Reading, Resource

Kind = type[Resource] | type[Reading]
RESOURCES = "ansible_collections.stateful.aws.plugins.module_utils._resources"

LIST_SPEC: dict[str, dict[str, Any]] = {
    "resources": {"type": "list", "elements": "dict", "required": True},
    "threads": {"type": "int", "default": 8},
    **{name: {**option, "required": False} for name, option in OWNERSHIP.items()},
    **LIFECYCLE,
    **TAGS,
}


def kind_of(name: object) -> Kind:
    """Return the class of a type by its module's name, with or without the collection's.

    Raises:
        ResourceError: there is no such type.
    """
    short = str(name).removeprefix("stateful.aws.")
    try:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", short):
            raise ImportError(short)
        found: Kind = importlib.import_module(f"{RESOURCES}.{short}").RESOURCE
    except ImportError as error:
        raise ResourceError(f"{str(name)!r} is not a resource type of stateful.aws.") from error
    return found


def perform(kind: Kind, params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Validate the options of one resource and reconcile or read it.

    Raises:
        ResourceError: in words for people.
    """
    options, secrets = validate(kind, params)
    aws = Aws(options, check_mode)
    try:
        result = {**_one(kind, options, aws, check_mode), "api_calls": sum(aws.calls.values())}
    except ResourceError as error:
        details = remove_values(error.details, secrets)
        raise ResourceError(remove_values(str(error), secrets), **details) from error
    return dict(remove_values(result, secrets))


def _one(kind: Kind, options: Mapping[str, Any], aws: Aws, check_mode: bool) -> dict[str, Any]:
    if issubclass(kind, Reading):
        return flow.read(kind(options, aws))
    return flow.reconcile(kind(options, aws), check_mode)


def perform_list(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Reconcile a list of ``{type: options}`` concurrently; all options are validated before the first call.

    The list's own cluster, component, tags … are defaults of its items. One result each is returned in the list's
    order; a failure of one lets the others finish and is named at the end.

    Raises:
        ResourceError: options are wrong, or at least one resource failed (``results`` holds them all).
    """
    options, secrets = checked("resources", {**connection_spec(), **LIST_SPEC}, params)
    own = ("resources", "threads")
    shared = {name: options[name] for name in LIST_SPEC if params.get(name) is not None and name not in own}
    work: list[tuple[str, Kind, dict[str, Any]]] = []
    for number, item in enumerate(options["resources"], 1):
        if len(item) != 1:
            raise ResourceError(f"resources[{number}]: give exactly one type with its options, such as kms_key: {{…}}.")
        ((name, given),) = item.items()
        kind = kind_of(name)
        if not isinstance(given or {}, Mapping):
            raise ResourceError(f"resources[{number}]: the options of {name} are no dictionary.")
        usual = {key: value for key, value in shared.items() if key in shared_spec(kind)}
        item_options, item_secrets = validate(kind, {**usual, **(given or {})}, connection=False)
        work.append((kind.name, kind, item_options))
        secrets |= item_secrets
    aws = Aws(options, check_mode)
    with ThreadPoolExecutor(max_workers=max(1, min(options["threads"], len(work) or 1))) as pool:
        results = list(pool.map(lambda job: _guarded(job[0], job[1], job[2], aws, check_mode), work))
    failed = [result for result in results if result.get("failed")]
    summary = {
        "changed": any(result.get("changed") for result in results),
        "results": results,
        "diff": [result["diff"] for result in results if result.get("changed") and "diff" in result],
        "api_calls": sum(aws.calls.values()),
    }
    cleaned = dict(remove_values(summary, secrets))
    if failed:
        message = " ".join(result["msg"] for result in cleaned["results"] if result.get("failed"))
        raise ResourceError(f"{len(failed)} of {len(results)} resources failed. {message}", **cleaned)
    return cleaned


def _guarded(name: str, kind: Kind, options: dict[str, Any], aws: Aws, check_mode: bool) -> dict[str, Any]:
    try:
        return {"type": name, **_one(kind, options, aws, check_mode)}
    except ResourceError as error:
        return {"type": name, "failed": True, "changed": False, "msg": str(error), **error.details}


def run_module(kind: Kind) -> None:
    """Be the ``main`` of an ordinary Ansible module for a type."""
    module = AnsibleAWSModule(argument_spec=spec(kind), supports_check_mode=True, **kind.constraints)
    _finish(module, lambda: perform(kind, _given(module), module.check_mode))


def run_list_module() -> None:
    """Be the ``main`` of ``stateful.aws.resources`` as an ordinary Ansible module."""
    module = AnsibleAWSModule(argument_spec=LIST_SPEC, supports_check_mode=True)
    _finish(module, lambda: perform_list(_given(module), module.check_mode))


def _given(module: AnsibleAWSModule) -> dict[str, Any]:
    return {name: value for name, value in module.params.items() if value is not None}


def _finish(module: AnsibleAWSModule, work: Any) -> None:
    try:
        module.exit_json(**work())
    except ResourceError as error:
        module.fail_json(msg=str(error), **error.details)
