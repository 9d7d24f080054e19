"""Runs resource types as tasks do, and checks on the wire what every type promises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from ansible_collections.stateful.aws.plugins.module_utils._engine import run
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError

from local_cloud.client import Cloud


class Runner:
    """Performs modules against a local cloud and counts what they write there."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def __call__(self, name: str, /, check: bool = False, **options: Any) -> dict[str, Any]:
        """Return a module's result, as the action plugin would."""
        return run.perform(run.kind_of(name), options, check)

    def client(self, service: str) -> Any:
        """Return a boto3 client, to look at AWS behind the module's back."""
        return self.cloud.client(service)

    def writes(self, work: Callable[[], Any]) -> tuple[Any, list[str]]:
        """Return what ``work`` returns, and the AWS calls that could change something which reached the cloud."""
        self.cloud.control("calls/reset", method="POST")
        result = work()
        return result, list(self.cloud.control("calls")["write_names"])

    def check_lifecycle(self, name: str, create: Mapping[str, Any], updates: Iterable[Mapping[str, Any]] = ()) -> None:
        """Check what every resource type promises: create, no change, each update, delete, delete again; check mode
        says the same and writes nothing.

        ``updates`` are options laid over ``create``, one after another.
        """
        options = dict(create)
        self._check_reached(name, options)
        for update in updates:
            options = {**options, **update}
            self._check_reached(name, options)
        self._check_reached(name, {**options, "state": "absent"})

    def _check_reached(self, name: str, options: Mapping[str, Any]) -> None:
        planned, written = self.writes(lambda: self(name, check=True, **options))
        assert planned["changed"] and planned["actions"], f"check mode of {options} plans nothing"
        assert written == [], f"check mode wrote {written}"
        done = self(name, **options)
        assert done["changed"], f"{options} changed nothing"
        wanted = [step["action"] for step in planned["actions"]]
        assert [step["action"] for step in done["actions"]] == wanted, "check mode promised other actions"
        assert done["diff"] == planned["diff"], "check mode promised another diff"
        again, written = self.writes(lambda: self(name, **options))
        assert (again["changed"], again["actions"], written) == (False, [], []), f"a second run changed {again}"

    def check_refused(self, name: str, options: Mapping[str, Any], *words: str) -> str:
        """Check that a module refuses before it writes anything, in words that hold ``words``; return them."""
        for state in ("present", "absent"):

            def attempt(state: str = state) -> str:
                with pytest.raises(ResourceError) as refusal:
                    self(name, **{**options, "state": state})
                return str(refusal.value)

            text, written = self.writes(attempt)
            assert written == []
            for word in words:
                assert word in text
        return text
