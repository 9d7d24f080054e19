"""JSON-RPC answers read entry by entry, so that a large cluster's fits into a small function."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

# No entry, and no member of the status, comes near it.
LARGEST_PIECE = 4 * 1024 * 1024
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = "+-.eE0123456789"
_DECODER = json.JSONDecoder()


def lean_answer(chunks: Iterable[bytes], only: frozenset[str]) -> Any:
    """The answer with just these fields of its result, or of the result's entries where they are keyed by an id.

    Raises ValueError when it is not JSON, or has a piece that is too large.
    """
    text = _Text(chunks)
    if text.peek() != "{":
        return text.value()
    answer: dict[str, Any] = {}
    for name in text.members():
        if name != "result" or text.peek() != "{":
            answer[name] = text.value()
            continue
        answer[name] = {}
        for key in text.members():
            value = text.value()
            if "<" in key and isinstance(value, dict):
                answer[name][key] = {field: value[field] for field in value if field in only}
            elif "<" in key or key in only:
                answer[name][key] = value
    if text.peek():
        raise ValueError("There is something after the answer.")
    return answer


class _Text:
    """Text that arrives in chunks; what was read of it is dropped."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def members(self) -> Iterator[str]:
        """The names of an object's members; who iterates takes the value after each."""
        self._take("{")
        if self.peek() == "}":
            self._take("}")
            return
        while True:
            name = self.value()
            if not isinstance(name, str):
                raise ValueError("A member of an object has no name.")
            self._take(":")
            yield name
            if self._take(",}") == "}":
                return

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            complete = True
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                complete = False
            # A number may go on in the next chunk, also when this one ends with its point or exponent.
            if complete and end < len(self._text) and self._text[end] not in _NUMBER:
                self._at = end
                return value
            if not self._more():
                if complete:
                    self._at = end
                    return value
                raise ValueError("The answer ends too early, or is no JSON.")

    def _take(self, one_of: str) -> str:
        found = self.peek()
        if not found or found not in one_of:
            raise ValueError(f"There is {found!r} where one of {one_of} must be.")
        self._at += 1
        return found

    def _more(self) -> bool:
        chunk = next(self._chunks, None)
        if chunk is None:
            self._decoder.decode(b"", final=True)
            return False
        self._text = self._text[self._at :] + self._decoder.decode(chunk)
        self._at = 0
        if len(self._text) > LARGEST_PIECE:
            raise ValueError(f"A piece of the answer is larger than {LARGEST_PIECE} characters.")
        return True
