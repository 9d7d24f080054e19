"""Tags: what marks a resource as ours, and the shapes in which the services want them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError

VERSION = "1.0.0"
CLUSTER = "stateful:cluster"
COMPONENT = "stateful:component"
NAME = "stateful:name"

# Lambda, CloudWatch Logs, IAM, elbv2 and Step Functions accept no other characters (botocore service models).
ALLOWED = re.compile(r"[\w\s.:/=+\-@]*")


def ownership(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags that mark a resource as made by this collection for one cluster."""
    owned = {CLUSTER: options["cluster"], "stateful:engine": options["engine"], "stateful:version": VERSION}
    if options.get("component"):
        owned[COMPONENT] = options["component"]
    return owned


def check_tags(tags: Mapping[str, str] | None) -> None:
    """Refuse tags that a service of ours would refuse later, before the first call.

    Raises:
        ResourceError: reserved prefix, a character or length outside AWS's limits, or more than 45 tags.
    """
    for key, value in (tags or {}).items():
        if key.lower().startswith("aws:") or key.startswith("stateful:"):
            raise ResourceError(
                f"Tag {key!r}: keys that begin with 'aws:' or 'stateful:' are reserved; choose another."
            )
        if not 1 <= len(key) <= 128 or len(str(value)) > 256:
            raise ResourceError(f"Tag {key!r}: AWS allows 1 to 128 characters in a key and up to 256 in a value.")
        if not ALLOWED.fullmatch(key) or not ALLOWED.fullmatch(str(value)):
            raise ResourceError(
                f"Tag {key!r}: use only letters, digits, spaces and _ . : / = + - @ in keys and values."
            )
    if len(tags or {}) > 45:
        raise ResourceError(f"{len(tags or {})} tags were given; AWS allows 50 a resource, and 5 are ours.")


def visible(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags without those that AWS itself sets (``aws:…``)."""
    return {key: value for key, value in tags.items() if not key.startswith("aws:")}


def to_dict(pairs: Iterable[Mapping[str, Any]] | None, key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Return a service's list of tag pairs as a dictionary, without AWS's own tags."""
    return visible({pair[key]: pair.get(value, "") for pair in pairs or []})


def to_pairs(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Return tags as the list of pairs that a service wants, in a stable order."""
    return [{key: name, value: tags[name]} for name in sorted(tags)]


def wanted(options: Mapping[str, Any], present: Mapping[str, str]) -> dict[str, str]:
    """Return the tags a resource should bear: ours, the user's, and, unless purged, those already there.

    ``tags`` absent means that the user's tags stay untouched.
    """
    user = options.get("tags")
    keep = dict(present) if user is None or not options.get("purge_tags", True) else {}
    return {**visible(keep), **{key: str(value) for key, value in (user or {}).items()}, **ownership(options)}
