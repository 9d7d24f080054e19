"""Fills the @NAME@ tokens of a shell template with quoted values; the shell's own $ stays as it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

TOKEN = re.compile(r"@([A-Z][A-Z0-9_]*)@")

Value = str | int | Sequence[str]


class RenderError(ValueError):
    """Template and values do not fit together; the text names the tokens."""


def render(template: str, values: Mapping[str, Value], keep: Collection[str] = ()) -> str:
    """The template with every @NAME@ replaced by values[NAME], quoted for the shell.

    A list becomes one quoted word for each item, so that `groups=(@GROUPS@)` is an array of them.
    Tokens named in `keep` stay for somebody else to fill. Raises RenderError for a token without a value,
    a value without a token, and a value that a shell cannot hold (NUL).
    """
    tokens = set(TOKEN.findall(template))
    missing = tokens - set(values) - set(keep)
    unknown = (set(values) | set(keep)) - tokens
    if missing:
        raise RenderError(f"the template needs a value for {', '.join(sorted(missing))}")
    if unknown:
        raise RenderError(f"the template has no place for {', '.join(sorted(unknown))}")
    words = {name: _words(name, value) for name, value in values.items()}
    return TOKEN.sub(lambda match: words.get(match[1], match[0]), template)


def _words(name: str, value: Value) -> str:
    items = [value] if isinstance(value, (str, int)) else list(value)
    if any(not isinstance(item, (str, int)) or isinstance(item, bool) for item in items):
        raise RenderError(f"the value of {name} must be text, a whole number or a list of texts")
    if any("\0" in str(item) for item in items):
        raise RenderError(f"the value of {name} contains a NUL byte, which no shell variable can hold")
    return " ".join(str(item) if isinstance(item, int) else _quoted(item) for item in items)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"
