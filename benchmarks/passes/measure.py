"""Passes of several sizes, each function a cold process, beside the reading of the deprecated tool."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local_cloud.client import ROOT

SIZES = (6, 100, 500, 2_000)
MOST_TERMINATIONS = 50


class World:
    """A running world and its functions."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._environment = {**os.environ, **json.loads(self._line())}
        self._pass = 0

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()

    def tell(self, word: object) -> None:
        """Set the group's desired capacity to a number, or have a container fall by the word down."""
        assert self._process.stdin
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        self._line()

    def run(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        """What one function told."""
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.passes.function", name],
            input=json.dumps(event),
            env=self._environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode:
            raise RuntimeError(f"The function {name} failed: {done.stderr[-2000:]}")
        return dict(json.loads(done.stdout))

    def one_pass(self) -> dict[str, dict[str, Any]]:
        """What each function of one pass told."""
        self._pass += 1
        told = {"fetch": self.run("fetch", {"execution": f"benchmark-{self._pass}"})}
        told["scale"] = self.run("scale", told["fetch"]["answer"])
        if told["scale"]["answer"]["terminate"] or told["scale"]["answer"]["detach"]:
            told["terminate"] = self.run("terminate", told["scale"]["answer"])
        return told


@contextmanager
def world(machines: int, removed: int) -> Iterator[World]:
    """A world of that size, ended afterwards."""
    command = [sys.executable, "-m", "benchmarks.passes.world", str(machines), str(removed)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    ) as process:
        try:
            yield World(process)
        finally:
            assert process.stdin
            process.stdin.close()


def _show(name: str, told: dict[str, dict[str, Any]]) -> None:
    for function, each in told.items():
        print(f"{name}_{function}_seconds: {each['seconds']:.2f}")
        print(f"{name}_{function}_cpu_seconds: {each['cpu_seconds']:.2f}")
        print(f"{name}_{function}_peak_memory_mb: {each['peak_mb']:.0f}")
        print(f"{name}_{function}_state_bytes: {each['state_bytes']}")
        print(f"{name}_{function}_log_bytes: {each['log_bytes']}")
    for side in ("aws", "weka"):
        calls: dict[str, int] = {}
        for each in told.values():
            for call, count in each[side].items():
                calls[call] = calls.get(call, 0) + count
        print(f"{name}_{side}_calls: {sum(calls.values())}")
        print(f"{name}_{side}_calls_by_name: {json.dumps(dict(sorted(calls.items())))}")


def passes() -> None:
    """Print the figures of every size."""
    for machines in SIZES:
        print(f"Passes of {machines} machines", file=sys.stderr, flush=True)
        removed = min(MOST_TERMINATIONS, machines)
        with world(machines, removed) as made:
            name = f"pass_{machines}"
            _show(f"{name}_terminating_{removed}", made.one_pass())
            made.one_pass()  # the journal forgets what has gone, once
            _show(f"{name}_idle", made.one_pass())
            made.tell(machines - 1)
            _show(f"{name}_scaling_in", made.one_pass())
            _show(f"{name}_removing", made.one_pass())
            # A container that is down: WEKA's processes, most of a large cluster's answers, are listed too.
            made.tell("down")
            made.tell(machines - 2)
            _show(f"{name}_one_down", made.one_pass())
            singly, together = made.run("singly", {}), made.run("together", {})
            print(f"{name}_reading_peer_calls: {sum(singly['aws'].values())}")
            print(f"{name}_reading_ours_calls: {sum(together['aws'].values())}")
            print(f"{name}_reading_ratio_peer_to_ours: {singly['seconds'] / together['seconds']:.1f}")
