"""Many seeds as one test."""

from __future__ import annotations

from .oracle import Broken
from .simulation import run
from .story import told

RUNS = 10_000
SLICES = 20


def run_slice(number: int, runs: int = RUNS, slices: int = SLICES) -> list[str]:
    """Every run of the slice; returns the stories of those that broke a promise, and stops after three."""
    stories = []
    size = runs // slices
    for seed in range(number * size, (number + 1) * size):
        try:
            run(seed)
        except Broken as broken:
            stories.append(told(seed, broken))
            if len(stories) == 3:
                break
    return stories
