"""python -m tests.scaling.simulation --seed 4711 --trace, or --first 0 --count 10000."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[3] / "lambda_files")]


def main() -> int:
    """Run seeds; prints those that break a promise. The exit code is 1 when one did."""
    from .oracle import Broken
    from .simulation import run
    from .story import told

    parser = argparse.ArgumentParser(prog="python -m tests.scaling.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="one run")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--trace", action="store_true", help="print the history, also of a run that went well")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.count) if options.seed is None else [options.seed]
    began, broken_runs, effects = time.process_time(), 0, 0
    for seed in seeds:
        try:
            made = run(seed)
        except Broken as broken:
            broken_runs += 1
            print(told(seed, broken, whole=options.trace))
            continue
        effects += made.oracle.effects
        if options.trace and options.seed is not None:
            print("\n".join(map(str, made.oracle.history)))
    print(f"{len(seeds)} runs, {broken_runs} broken, {effects} effects, {time.process_time() - began:.1f} s")
    return int(broken_runs > 0)


if __name__ == "__main__":
    sys.exit(main())
