"""Playbooks against a local cloud, run as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local_cloud.account import fingerprint, leftovers
from local_cloud.client import ROOT, Cloud, start

USER = {"WEKA_USERNAME": "admin", "WEKA_PASSWORD": "WEKA-demo-1"}
QUIET = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false"}


@dataclass
class Done:
    """What a playbook run left behind."""

    status: int
    output: str
    plays: dict[str, Any] = field(repr=False)

    @property
    def changed(self) -> int:
        """Number of tasks that changed something."""
        return int(self.plays["stats"]["localhost"]["changed"])

    def results(self) -> Iterator[dict[str, Any]]:
        """The results of all tasks, those of loops and lists included."""
        for play in self.plays["plays"]:
            for task in play["tasks"]:
                result = task["hosts"].get("localhost", {})
                yield {"task": task["task"]["name"], **result}

    def failure(self) -> str:
        """The message of the failed task."""
        return next(str(result.get("msg")) for result in self.results() if result.get("failed"))


class Playbooks:
    """Runs the collection's playbooks against one cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def environment(self) -> dict[str, str]:
        """The environment of a user who works with this cloud."""
        return {**os.environ, **self.cloud.env, **USER, **QUIET}

    def command(self, name: str, *arguments: str, **variables: Any) -> list[str]:
        """The command line of a playbook."""
        if name == "import":
            variables = {"weka_validate_certs": False, **variables}
        return [
            str(Path(sys.executable).with_name("ansible-playbook")),
            str(ROOT / "playbooks" / f"{name}.yml"),
            "-e",
            json.dumps(variables),
            *arguments,
        ]

    def __call__(
        self, name: str, *arguments: str, ok: bool = True, env: dict[str, str] | None = None, **variables: Any
    ) -> Done:
        """Run a playbook; unless ``ok`` is false it must succeed."""
        environment = {**self.environment(), "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", **(env or {})}
        done = subprocess.run(
            self.command(name, *arguments, **variables),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=240,
        )
        text = done.stdout[done.stdout.find("{") :]
        try:
            plays = json.loads(text)
        except ValueError:
            plays = {"plays": [], "stats": {}}
        result = Done(done.returncode, done.stdout + done.stderr, plays)
        if ok:
            assert result.status == 0, result.failure() if plays["plays"] else result.output[-4000:]
        return result

    def writes(self, work: Callable[[], Any]) -> tuple[Any, list[str]]:
        """What ``work`` returns, and the writing AWS calls that reached the cloud meanwhile."""
        self.cloud.control("calls/reset", method="POST")
        result = work()
        return result, list(self.cloud.control("calls")["write_names"])


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """A local cloud with the WEKA stack ``demo``; its schedule moves only when a test steps it."""
    with start(stack="demo") as running:
        yield running


@pytest.fixture(scope="module")
def playbooks(cloud: Cloud) -> Playbooks:
    """The playbooks, run against the module's cloud."""
    return Playbooks(cloud)


@pytest.fixture(scope="module")
def calls(playbooks: Playbooks, cloud: Cloud) -> dict[str, Any]:
    """How many AWS calls an undisturbed import and destroy make, and what an import leaves."""
    cloud.control("calls/reset", method="POST")
    playbooks("import", cluster="demo")
    made = cloud.control("calls")["total"]
    found = fingerprint(cloud, "demo")
    cloud.control("calls/reset", method="POST")
    playbooks("destroy", cluster="demo", confirm="demo")
    assert leftovers(cloud, "demo") == []
    return {"import": made, "destroy": cloud.control("calls")["total"], "fingerprint": found}
