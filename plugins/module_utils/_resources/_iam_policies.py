"""Policy documents of an IAM role: their size, their form, and whether they mean the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from ansible_collections.stateful.aws.plugins.module_utils._engine.placeholder import has_unknown
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import as_document

# Characters without white space: inline policies of a role together, and its trust (IAM user guide, quotas).
INLINE_LIMIT, TRUST_LIMIT = 10240, 2048


def changed(present: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return the names of the policies that are wanted and missing, or mean something else."""
    return [
        name
        for name in sorted(wanted)
        if name not in present or compare_policies(present[name], as_document(wanted[name]))
    ]


def check_policy(option: str, policy: Any, limit: int) -> None:
    """Refuse what is no policy document, or is too long.

    Raises:
        ResourceError: naming the option.
    """
    if has_unknown(policy):
        return
    document = as_document(policy)
    if not isinstance(document, dict) or "Statement" not in document:
        raise ResourceError(f"{option} is not a policy; it should be a JSON object with a Statement.")
    if size(document) > limit:
        raise ResourceError(f"{option} has {size(document)} characters; IAM accepts {limit}, white space apart.")


def size(policy: Any) -> int:
    """Return the characters that IAM counts."""
    return len(json.dumps(as_document(policy), separators=(",", ":")))
