"""Answers read entry by entry, however they are cut."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from adapters.weka import lean, rpc
from adapters.weka.lean import lean_answer

ONLY = frozenset({"status", "time", "ratio"})
ANSWER = {
    "jsonrpc": "2.0",
    "result": {
        "NodeId<0>": {"status": 'UP ü }",', "roles": ["A", {"status": 1}], "time": {"of": [1]}},
        "NodeId<1>": {"status": None, "links": {}},
        "NodeId<2>": "odd",
        "status": "OK",
        "ratio": -12.5e-17,
        "unread": {"status": "no"},
    },
    "id": "7",
}
KEPT = {
    "NodeId<0>": {"status": 'UP ü }",', "time": {"of": [1]}},
    "NodeId<1>": {"status": None},
    "NodeId<2>": "odd",
    "status": "OK",
    "ratio": -12.5e-17,
}


def cut(text: str, size: int) -> list[bytes]:
    data = text.encode()
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 100_000])
def test_the_same_is_read_wherever_the_answer_is_cut(size, indent):
    text = json.dumps(ANSWER, indent=indent, ensure_ascii=False)
    assert lean_answer(cut(text, size), ONLY) == {**ANSWER, "result": KEPT}


@pytest.mark.parametrize(
    "answer", [{}, [], 12, "text", {"result": {}}, {"result": [1]}, {"result": None}, {"error": {"code": 1}}]
)
@pytest.mark.parametrize("size", [1, 100])
def test_what_has_no_entries_is_read_whole(size, answer):
    assert lean_answer(cut(json.dumps(answer), size), ONLY) == answer


@pytest.mark.parametrize("size", [1, 100])
def test_an_answer_that_ends_too_early_is_refused_at_every_byte(size):
    text = json.dumps(ANSWER)
    for end in range(len(text)):
        with pytest.raises(ValueError):
            lean_answer(cut(text[:end], size), ONLY)


@pytest.mark.parametrize("text", ["{} {}", '{"a" 1}', '{"a": 1,}', "{1: 2}", '{"result": {"a": 1} "b": 2}', "<html>"])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(ValueError):
        lean_answer(cut(text, 3), ONLY)


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(ValueError):
        lean_answer([b'{"a": "\xff"}'], ONLY)


def test_a_piece_that_never_ends_is_refused_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(lean, "LARGEST_PIECE", 1000)
    taken = []

    def endless():
        yield b'{"result": {"NodeId<0>": "'
        while True:
            taken.append(1)
            yield b"x" * 100

    with pytest.raises(ValueError, match="larger than 1000"):
        lean_answer(endless(), ONLY)
    assert len(taken) <= 10


def test_an_answer_of_many_entries_may_be_larger_than_one_that_is_held_whole():
    # 2,000 machines: 59,000 processes, 77 MB in the simulated cluster.
    assert rpc.LARGEST_LEAN_ANSWER > 3 * 77_456_058 > rpc.LARGEST_ANSWER


def test_an_answer_takes_the_memory_of_what_is_kept_of_it():
    entry = json.dumps({"status": "UP", "links": [{"missing": n} for n in range(100)]})
    size = 0

    def chunks():
        nonlocal size
        yield b'{"result": {"NodeId<0>": {}'
        for number in range(1, 5000):
            chunk = f', "NodeId<{number}>": {entry}'.encode()
            size += len(chunk)
            yield chunk
        yield b"}}"

    tracemalloc.start()
    try:
        kept = lean_answer(chunks(), ONLY)["result"]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(kept) == 5000
    assert kept["NodeId<4999>"] == {"status": "UP"}
    assert peak < size / 4
