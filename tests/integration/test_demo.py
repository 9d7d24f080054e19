"""The demo's story, as a user sees it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from local_cloud.client import ROOT

pytestmark = pytest.mark.long


def test_the_demo_tells_its_story_and_all_of_it_is_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local_cloud.demo"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    for step in ("import.yml again", "6 -> 8", "8 -> 6", "dies and is replaced", "nothing of ours is left"):
        assert step in done.stdout
