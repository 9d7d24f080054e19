"""What check mode cannot know yet, marked so that a reader and a later task both recognise it."""

from __future__ import annotations

from typing import Any

MARK = "(known after apply)"


def unknown(what: str) -> str:
    """Return the placeholder for a value that only AWS can give, for example ``unknown("kms_key.key_arn")``."""
    return f"{MARK} {what}"


def has_unknown(value: Any) -> bool:
    """Tell whether a value, or anything inside a mapping or list, holds a placeholder."""
    if isinstance(value, str):
        return MARK in value
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(has_unknown(item) for item in value)
    return False
