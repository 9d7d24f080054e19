"""Runs every resource module of the collection inside Ansible's worker: a task costs its API calls, not an interpreter.

Ansible loads this file in the parent process before it forks, so what is imported here is paid for once a play.
Clients are never made in the parent: they would keep one task's credentials for all.
"""

from __future__ import annotations

import os
import pkgutil
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.stateful.aws.plugins.module_utils import _resources
from ansible_collections.stateful.aws.plugins.module_utils._engine import aws, run
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError

aws.preload()
for _found in pkgutil.iter_modules(_resources.__path__):
    if not _found.name.startswith("_"):
        run.kind_of(_found.name)


class ActionModule(ActionBase):
    """Serves all our modules; meta/runtime.yml routes their names here."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the task's module, run here or, when it belongs elsewhere, as an ordinary module."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        # Behind a redirect resolved_action is this plugin; action is what the task was written with.
        short = str(self._task.action).rpartition(".")[2]
        if self._belongs_elsewhere():
            return dict(
                self._execute_module(
                    module_name=f"stateful.aws.{short}", task_vars=task_vars, wrap_async=bool(self._task.async_val)
                )
            )
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        # A worker serves this one task and is forked anew for the next, so its environment is the task's own.
        os.environ.update({key: str(value) for key, value in environment.items()})
        try:
            if short == "resources":
                result.update(run.perform_list(self._task.args, self._task.check_mode))
            else:
                result.update(run.perform(run.kind_of(short), self._task.args, self._task.check_mode))
        except ResourceError as error:
            result.update(error.details, failed=True, msg=str(error))
        return result

    def _belongs_elsewhere(self) -> bool:
        return bool(
            self._task.async_val or self._task.delegate_to or self._task.become or self._connection.transport != "local"
        )
