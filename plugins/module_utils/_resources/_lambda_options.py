"""The options of a Lambda function, and what Lambda would refuse of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.placeholder import has_unknown
from ansible_collections.stateful.aws.plugins.module_utils._resources import _lambda_permission as permission

NO_RESERVATION = -1

OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "role": {"type": "str"},
    "handler": {"type": "str"},
    "runtime": {"type": "str", "default": "python3.13"},
    "architecture": {"type": "str", "choices": ["arm64", "x86_64"], "default": "arm64"},
    "source": {"type": "path"},
    "requirements": {"type": "list", "elements": "str", "default": []},
    "exclude": {"type": "list", "elements": "str", "default": ["*.j2", "requirements.txt"]},
    "timeout": {"type": "int"},
    "memory_size": {"type": "int"},
    "environment": {"type": "dict"},
    "subnet_ids": {"type": "list", "elements": "str"},
    "security_group_ids": {"type": "list", "elements": "str"},
    "log_group": {"type": "str"},
    "reserved_concurrency": {"type": "int"},
    "tracing": {"type": "str", "choices": ["Active", "PassThrough"]},
    "description": {"type": "str"},
    "permissions": {"type": "list", "elements": "dict", "options": permission.OPTIONS},
}


def check(options: Mapping[str, Any]) -> None:
    """Refuse what Lambda refuses: names, limits, environment, a network without groups; and a missing handler.

    Raises:
        ResourceError: with what Lambda accepts.
    """
    name = options["name"]
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ResourceError(f"name {name!r}: a function's name holds only letters, digits, hyphen and underscore.")
    for option, low, high, unit in (("timeout", 1, 900, "seconds"), ("memory_size", 128, 10240, "MB")):
        value = options.get(option)
        if value is not None and not low <= value <= high:
            raise ResourceError(f"{option} is {value}; Lambda accepts {low} to {high} {unit}.")
    for option, most in (("handler", 128), ("description", 256)):
        if len(options.get(option) or "") > most:
            raise ResourceError(f"{option} has {len(options[option])} characters; Lambda accepts {most}.")
    if bool(options.get("subnet_ids")) != bool(options.get("security_group_ids")):
        raise ResourceError(
            "subnet_ids and security_group_ids belong together: give both, or two empty lists to leave the VPC."
        )
    if (options.get("reserved_concurrency") or 0) < NO_RESERVATION:
        raise ResourceError("reserved_concurrency is a number of executions, or -1 for no reservation.")
    _check_environment(options.get("environment") or {})
    permission.check(options.get("permissions"))
    if options.get("state") == "present":
        _check_handler(options)


def _check_environment(environment: Mapping[str, Any]) -> None:
    for key, value in environment.items():
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]+", str(key)) or str(key).startswith("AWS_"):
            raise ResourceError(
                f"environment: {key!r} cannot be a variable; use two or more letters, digits and underscores, "
                "a letter first, and not AWS_, which is Lambda's own."
            )
        if isinstance(value, (dict, list)):
            raise ResourceError(f"environment: {key} is not a plain value.")
    size = sum(len(str(key).encode()) + len(str(value).encode()) for key, value in environment.items())
    if size > 4096 and not has_unknown(dict(environment)):
        raise ResourceError(f"environment has {size} bytes; Lambda accepts 4096.")


def _check_handler(options: Mapping[str, Any]) -> None:
    source, (module, _, function) = Path(options["source"]), options["handler"].rpartition(".")
    if not source.is_dir():
        raise ResourceError(f"source {source} is not a directory; it should hold the function's code.")
    if not module or not function or not source.joinpath(f"{module.replace('.', '/')}.py").is_file():
        raise ResourceError(
            f"handler {options['handler']!r} is not in {source}: it should be the dotted path of a Python file there, "
            "a dot, and the function's name."
        )
