"""Replays logged passes through the invariants: python -m scaling.replay FILE…

The files hold the log of the function scale, as text or as CloudWatch Logs gives it; `-` is standard input. For each
pass that was recorded it is decided again, and what differs is told. The exit code is 1 when something differs, 2 when
there is nothing to replay.
"""

from __future__ import annotations

import argparse
import fileinput
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator

from .decide import agreed, decide
from .record import Record, RecordUnreadable, decided, joined


def passes(lines: Iterable[str]) -> Iterator[tuple[str, Record]]:
    """The execution and the record of each pass in the log; raises RecordUnreadable."""
    pieces: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        start = line.find('{"event": "pass"')
        if start < 0:
            continue
        try:
            told, _ = json.JSONDecoder().raw_decode(line[start:])
            name, piece, last = told["execution"], told["record"], told["part"] + 1 == told["parts"]
        except (ValueError, KeyError, TypeError) as error:
            raise RecordUnreadable(f"A line of a pass cannot be read: {line[start : start + 80]!r}.") from error
        pieces[name].append(piece)
        if last:
            yield name, joined(pieces.pop(name))


def differences(record: Record) -> list[str]:
    """What this release's invariants decide otherwise than it was decided then, as sentences."""
    was = {name: (action, blocked_by) for name, action, blocked_by in record.decided}
    plan = decide(record.snapshot, record.policy, record.now)
    again = decided(agreed(record.first_plan, plan) if record.first else plan)
    now = {name: (action, blocked_by) for name, action, blocked_by in again}
    return [
        f"{name}: was {_words(was.get(name))}, now {_words(now.get(name))}"
        for name in sorted(was.keys() | now.keys())
        if was.get(name) != now.get(name)
    ]


def _words(what: tuple[str, str] | None) -> str:
    if what is None:
        return "not there"
    return f"{what[0]} ({what[1]})" if what[1] else what[0]


def main(arguments: list[str] | None = None) -> int:
    """Replay the files; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scaling.replay", description=__doc__)
    parser.add_argument("files", nargs="+", help="logs of the function scale, - for standard input")
    options = parser.parse_args(arguments)
    seen = differing = 0
    try:
        with fileinput.input(options.files, encoding="utf-8") as lines:
            for name, record in passes(lines):
                seen += 1
                found = differences(record)
                differing += bool(found)
                print(f"{record.now:%Y-%m-%d %H:%M:%S} {name}: {'; '.join(found) or 'the same'}")
    except (OSError, RecordUnreadable) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{seen} passes, {differing} decided otherwise")
    return 2 if not seen else int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())
