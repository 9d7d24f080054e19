"""Kills a playbook at a chosen AWS call, as if the controller had lost power."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import Any

from tests.integration.conftest import Playbooks


def killed_at(
    playbooks: Playbooks, name: str, call: int, when: str, only: tuple[str, ...] = (), **variables: Any
) -> bool:
    """Run a playbook and kill it while its ``call``-th AWS call is held ``before`` or ``after`` it takes effect.

    Counted are all calls, or ``only`` those of these names.
    Returns False when the playbook ended by itself because it makes fewer calls.
    """
    playbooks.cloud.control("faults", {"hold_at": call, "hold": when, "only": list(only)})
    process = subprocess.Popen(
        playbooks.command(name, **variables),
        env=playbooks.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while process.poll() is None:
            if playbooks.cloud.control("faults")["held"]:
                return True
            time.sleep(0.05)
        return False
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        playbooks.cloud.control("faults", method="DELETE")
