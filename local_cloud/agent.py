"""New instances run their user data, as cloud-init does on a first boot. Only those that a group launched do: the
backends and clients of a stack are formed by the simulator.

GET instances/<id>/log tells what an instance's user data printed, also after its end.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import lifecycle
from .control import ControlError, ControlRequest, route
from .lifecycle import InstanceFacts
from .metadata import Metadata
from .process import cloud
from .sandbox import Sandbox


@dataclass
class Run:
    """One instance's user data: `status` is its exit status once it has ended, negative when a signal ended it."""

    log: Path
    sandbox: Sandbox | None = None
    process: subprocess.Popen[bytes] | None = None
    status: int | None = None
    gone: bool = False


class Agent:
    """Starts user data, ends it with its instance, and keeps the logs until the cloud ends."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self._lock = threading.Lock()
        self._metadata: Metadata | None = None
        self._logs: Path | None = None

    def started(self, facts: InstanceFacts) -> None:
        """An instance runs: boot it when a group launched it and it has user data."""
        if not facts.launched_by_group or not facts.user_data:
            return
        with self._lock:
            if facts.instance_id in self.runs:
                return
            if self._logs is None or self._metadata is None:
                self._logs = Path(tempfile.mkdtemp(prefix="local-cloud-logs-"))
                self._metadata = Metadata()
                cloud.at_exit.append(self.close)
            run = self.runs[facts.instance_id] = Run(self._logs / f"{facts.instance_id}.log")
        threading.Thread(target=self._boot, args=(facts, run), name=facts.instance_id, daemon=True).start()

    def _boot(self, facts: InstanceFacts, run: Run) -> None:
        assert self._metadata is not None
        try:
            with run.log.open("ab") as log:
                run.sandbox = Sandbox(facts, self._metadata.endpoint(facts.instance_id))
                with self._lock:
                    if run.gone:
                        run.sandbox.remove()
                        return
                    run.process = run.sandbox.start(log)
            run.status = run.process.wait()
        except OSError as error:
            run.status = 127
            run.log.write_text(f"The user data of {facts.instance_id} could not be run: {error}\n")
        except Exception:
            run.status = 127
            run.log.write_text(traceback.format_exc())
            traceback.print_exc()

    def ended(self, facts: InstanceFacts) -> None:
        """An instance is gone: so is everything that runs on it."""
        run = self.runs.get(facts.instance_id)
        if run is not None:
            threading.Thread(target=self._end, args=(run,), daemon=True).start()

    def _end(self, run: Run) -> None:
        with self._lock:
            run.gone = True
        if run.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(run.process.pid, signal.SIGKILL)
            run.process.wait()
        if run.sandbox is not None:
            run.sandbox.remove()

    def close(self) -> None:
        """End every instance and remove what they left."""
        for run in list(self.runs.values()):
            self._end(run)
        if self._metadata is not None:
            self._metadata.close()
        if self._logs is not None:
            shutil.rmtree(self._logs, ignore_errors=True)


agent = Agent()


@route("GET", "instances/<instance_id>/log")
def _log(request: ControlRequest) -> Any:
    instance_id = request.params["instance_id"]
    run = agent.runs.get(instance_id)
    if run is None:
        raise ControlError(404, f"Instance {instance_id} has not run any user data in this cloud.")
    return {
        "instance_id": instance_id,
        "running": run.status is None and not (run.gone and run.process is None),
        "status": run.status,
        "log": run.log.read_text(errors="replace") if run.log.exists() else "",
    }


@route("POST", "instances/<instance_id>/shutdown")
def _shutdown(request: ControlRequest) -> Any:
    instance_id = request.params["instance_id"]
    try:
        return {"instance_id": instance_id, "state": lifecycle.instance_shutdown(instance_id)}
    except KeyError:
        raise ControlError(404, f"There is no instance {instance_id} in this cloud.") from None
