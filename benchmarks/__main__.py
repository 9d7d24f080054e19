"""Prints the project's speed figures as `name: value` lines; what they mean: README.md of this directory."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine import archive

from local_cloud.client import ROOT, start

from .passes.measure import passes
from .playbooks import HERE, Run, compared_variables, run, run_destroy, run_import

CLUSTER = "bench"
LEFT_OUT = (
    "table, encryption and items (moto's table has no TableId, which community.aws.dynamodb_table reads)",
    "API key, usage plan and throttling (no module)",
    "concurrency, log group of a function (amazon.aws.lambda has no such options)",
    "logging and tracing of the state machine (no options)",
    "instance lifecycle policy, deletion protection and protection of new members (no options)",
    "tags and protection of the attached backends, reading the stack, WEKA's login (import alone does them)",
)
Runs = dict[str, list[Run]]


def build_archive(folder: Path) -> Path:
    """The functions' zip, which the peer gets ready-made."""
    path = folder / "functions.zip"
    path.write_bytes(archive.build(str(ROOT / "lambda_files"), ["requests"], ["*.j2", "requirements.txt"]).data)
    return path


def imports(runs: Runs) -> None:
    """A fresh import, a second one and a destroy, in a fresh cloud."""
    with start(stack=CLUSTER) as cloud:
        runs["import_fresh"].append(run_import(cloud, CLUSTER))
        runs["import_second"].append(run_import(cloud, CLUSTER))
        runs["destroy"].append(run_destroy(cloud, CLUSTER))


def compared(runs: Runs, side: str, zipped: Path) -> None:
    """The compared resources made and made again by one side, in a fresh cloud."""
    with start(stack=CLUSTER) as cloud:
        variables = compared_variables(cloud, CLUSTER, zipped)
        for which in ("fresh", "second"):
            runs[f"{side}_{which}"].append(run(cloud, HERE / f"{side}.yml", variables))


def record(folder: Path) -> list[Path]:
    """The AWS calls of a fresh and of a second import, recorded; also fills the file caches."""
    recordings = [folder / "fresh", folder / "second"]
    with start(stack=CLUSTER) as cloud:
        for path in recordings:
            run_import(cloud, CLUSTER, {"PYTHONPATH": str(HERE / "recorder"), "RECORD_CALLS": str(path)})
    return recordings


def floor(recordings: list[Path]) -> list[dict[str, Any]]:
    """The recorded calls made by bare boto3 in a fresh cloud."""
    with start(stack=CLUSTER) as cloud:
        command = [sys.executable, "-m", "benchmarks.floor", *map(str, recordings)]
        done = subprocess.run(
            command, env={**os.environ, **cloud.env}, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
        )
    return list(json.loads(done.stdout))


def show(runs: Runs, floors: list[list[dict[str, Any]]]) -> None:
    """Print the medians."""

    def median(name: str, of: Callable[[Run], float]) -> float:
        return statistics.median(of(each) for each in runs[name])

    for name in ("import_fresh", "import_second", "destroy", "ours_fresh", "peer_fresh", "ours_second", "peer_second"):
        print(f"{name}_seconds: {median(name, lambda each: each.seconds):.2f}")
        print(f"{name}_calls: {median(name, lambda each: each.calls):.0f}")
        print(f"{name}_writes: {median(name, lambda each: each.writes):.0f}")
        print(f"{name}_peak_memory_mb: {median(name, lambda each: each.memory):.0f}")
    for which in ("fresh", "second"):
        ours, peer = (median(f"{side}_{which}", lambda each: each.seconds) for side in ("ours", "peer"))
        print(f"ratio_{which}_peer_to_ours: {peer / ours:.1f}")
    for number, which in enumerate(("fresh", "second")):
        least = statistics.median(each[number]["seconds"] for each in floors)
        print(f"boto3_{which}_seconds: {least:.2f}")
        print(f"boto3_{which}_calls: {floors[0][number]['calls']}")
        print(f"boto3_{which}_calls_ended_differently: {len(floors[0][number]['differences'])}")
        print(f"ratio_{which}_import_to_boto3: {median(f'import_{which}', lambda each: each.seconds) / least:.1f}")
    for left_out in LEFT_OUT:
        print(f"left_out_on_both_sides: {left_out}")


def main() -> None:
    """Run the rounds."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("--rounds", type=int, default=3, help="how often everything is measured (%(default)s)")
    rounds = options.parse_args().rounds
    runs: Runs = defaultdict(list)
    floors = []
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        folder = Path(name)
        zipped, recordings = build_archive(folder), record(folder)
        for number in range(rounds):
            print(f"Round {number + 1} of {rounds}", file=sys.stderr, flush=True)
            imports(runs)
            compared(runs, "ours", zipped)
            compared(runs, "peer", zipped)
            floors.append(floor(recordings))
    print(f"rounds: {rounds}")
    show(runs, floors)
    passes()


if __name__ == "__main__":
    main()
