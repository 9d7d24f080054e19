"""The least that a boto3 program needs for the calls of a playbook: one process, clients made once, no reasoning.

python -m benchmarks.floor RECORDING… makes the calls of each recording (see recorder/) against the cloud of the
environment and prints, as JSON, a list of {"seconds", "calls", "differences"}, one for each recording; differences are the
calls that failed where the recorded one did not, or the reverse. Seconds hold the import of boto3, making clients and the
calls, as if each recording were a program of its own; not the interpreter's start, nor the work on the recording.

Ids that this cloud gives differ from the recorded ones. Both answers of a call are walked side by side, and what differs
is replaced in later parameters.
"""

from __future__ import annotations

import json
import pickle
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Long enough not to be met by chance inside other text.
SHORTEST_ID = 10


class Ids:
    """What stands in this cloud for strings of the recorded one."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._blobs: dict[bytes, bytes] = {}
        self._pattern: re.Pattern[str] | None = None

    def learn(self, recorded: Any, present: Any) -> None:
        """Walk two answers to the same call side by side."""
        if isinstance(recorded, dict) and isinstance(present, dict):
            for key in recorded.keys() & present.keys():
                self.learn(recorded[key], present[key])
        elif isinstance(recorded, list) and isinstance(present, list):
            for one, other in zip(recorded, present, strict=False):
                self.learn(one, other)
        elif isinstance(recorded, bytes) and isinstance(present, bytes):
            self._blobs[recorded] = present
        elif (
            isinstance(recorded, str)
            and isinstance(present, str)
            and recorded != present
            and len(recorded) >= SHORTEST_ID
            and recorded not in self._known
        ):
            self._known[recorded] = present
            self._pattern = None

    def translate(self, value: Any) -> Any:
        """`value` with every known string, also inside others, and every known blob replaced."""
        if isinstance(value, dict):
            return {self.translate(key): self.translate(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.translate(item) for item in value]
        if isinstance(value, bytes):
            return self._blobs.get(value, value)
        if not isinstance(value, str) or not self._known:
            return value
        if self._pattern is None:
            longest_first = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        return self._pattern.sub(lambda found: self._known[found[0]], value)


def records(path: Path) -> Iterator[Any]:
    """The calls of a recording, in order."""
    with path.open("rb") as file:
        while file.peek(1):
            yield pickle.load(file)


def replay(recording: list[Any], ids: Ids, seconds: float) -> dict[str, Any]:
    """Make the calls with a session of their own; `seconds` were spent already."""
    import boto3
    from botocore.exceptions import ClientError

    session, clients, differences = boto3.Session(), {}, []
    for service, operation, parameters, recorded in recording:
        ready = ids.translate(parameters)
        begun = time.perf_counter()
        if service not in clients:
            clients[service] = session.client(service)
        try:
            present = clients[service]._make_api_call(operation, ready)
        except ClientError:
            present = None
        seconds += time.perf_counter() - begun
        if (present is None) != (recorded is None):
            differences.append(f"{service}:{operation}")
        ids.learn(recorded, present)
    return {"seconds": seconds, "calls": len(recording), "differences": differences}


def main() -> None:
    """Replay the recordings named on the command line."""
    recordings = [list(records(Path(name))) for name in sys.argv[1:]]
    begun = time.perf_counter()
    import boto3  # noqa: F401  # its import is part of the figure

    spent, ids = time.perf_counter() - begun, Ids()
    print(json.dumps([replay(recording, ids, spent) for recording in recordings]))


if __name__ == "__main__":
    main()
