"""The one flow of every resource type: observe, plan, (check mode stops here) apply, wait, result."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.stateful.aws.plugins.module_utils._engine.aws import action_name
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import (
    ResourceError,
    error_code,
    error_text,
    explain,
)
from ansible_collections.stateful.aws.plugins.module_utils._engine.resource import Observed, Reading, Resource, Step
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

# Codes that all services use for "too fast", whatever botocore's own list says (aws-sdk error code lists; API Gateway
# and EC2 add theirs). They are answered before anything is written, so the call may be sent again.
THROTTLES = (
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "BandwidthLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
)
THROTTLE_SECONDS = 300
# Reads lag behind writes by seconds (EC2, KMS and the tagging API are eventually consistent).
LOOK_SECONDS = 10
ROUNDS = 6


class Unanswered(Exception):
    """A call that must not be sent twice got no usable answer: look what it did."""

    def __init__(self, step: Step) -> None:
        super().__init__(step.method)
        self.step = step


class Doubtful(Unanswered):
    """A call was refused in a way that its work may explain: look whether it is done."""


class Flow:
    """One reconciliation of one resource."""

    def __init__(self, resource: Resource, check_mode: bool, sleep: Callable[[float], None] = time.sleep) -> None:
        self.resource = resource
        self.check_mode = check_mode
        self.sleep = sleep
        self.actions: list[dict[str, str]] = []
        self.before: dict[str, Any] = {}
        self.after: dict[str, Any] = {}
        self.doubted: set[tuple[str, str]] = set()

    def run(self) -> dict[str, Any]:
        """Return the module's result: changed, diff, actions and the resource under its type's name.

        Raises:
            ResourceError: refused, failed or timed out; its details hold the actions already carried out.
        """
        resource = self.resource
        try:
            observed = self._observe()
            resource.refuse_foreign(observed)
            steps = self._plan(observed)
            rounds = 0
            while steps and not self.check_mode:
                rounds += 1
                if rounds > ROUNDS:
                    raise ResourceError(f"{self._what()} still differs after {ROUNDS} rounds of changes. Run it again.")
                try:
                    self._apply(steps, observed)
                except Unanswered as unanswered:
                    observed, steps = self._look(unanswered)
                    continue
                observed = self._settled(observed)
                break
            if not steps and not self.check_mode:
                observed = self._awaited(observed)
            if self.check_mode:
                for step in steps:
                    self._note(step)
            return self._result(observed)
        except ResourceError as error:
            error.details.setdefault("actions", self.actions)
            error.details.setdefault("changed", bool(self.actions))
            raise

    # -- parts ---------------------------------------------------------------------------------------------------

    def _what(self) -> str:
        return f"{self.resource.title} {self.resource.identifier()}"

    @property
    def _absent(self) -> bool:
        return bool(self.resource.option("state") == "absent")

    def _observe(self) -> Observed | None:
        try:
            return self.resource.observe()
        except (ClientError, BotoCoreError) as error:
            raise ResourceError(explain(f"Reading {self._what()}", error)) from error

    def _plan(self, observed: Observed | None) -> list[Step]:
        if not self._absent:
            return self.resource.plan(observed)
        return [] if observed is None or self.resource.gone(observed) else self.resource.plan_absent(observed)

    def _note(self, step: Step) -> None:
        client = self.resource.aws.client(step.service)
        operation = client.meta.method_to_api_mapping[step.method]
        self.actions.append({"action": action_name(step.service, operation), "reason": step.reason})
        for prop, value in step.before.items():
            self.before.setdefault(prop, value)
        self.after.update(step.after)

    def _look(self, unanswered: Unanswered) -> tuple[Observed | None, list[Step]]:
        """Return the resource and the steps still to go after a call whose effect is not known.

        A call that got no answer is looked for a while before it is sent again, because it may be done already.
        """
        step, refused = unanswered.step, isinstance(unanswered, Doubtful)
        start, pause = time.monotonic(), 0.2
        while True:
            observed = self._observe()
            self.resource.refuse_foreign(observed)
            steps = self._plan(observed)
            done = not any(_same(each, step) for each in steps)
            if done and not refused:
                self._note(step)
            if done or refused or time.monotonic() - start >= LOOK_SECONDS:
                return observed, steps
            self.sleep(pause)
            pause *= 1.6

    def _apply(self, steps: list[Step], observed: Observed | None) -> None:
        """Carry the steps out.

        Raises:
            Unanswered: the resource must be looked at again.
        """
        facts: Observed = dict(observed or {})
        for step in steps:
            answer = self._call(step, facts)
            self._note(step)
            if answer is not None and step.learn:
                facts.update(step.learn(answer))
            if step.settle:
                self._wait(self.resource.ready, "become ready")

    def _call(self, step: Step, facts: Observed) -> dict[str, Any] | None:
        params = step.params(facts) if callable(step.params) else step.params
        method = getattr(self.resource.aws.client(step.service, resend=step.repeatable), step.method)
        start, attempt = time.monotonic(), 0
        while True:
            attempt += 1
            try:
                answer: dict[str, Any] = method(**params)
                if step.check:
                    step.check(answer)
                return answer
            except (ClientError, BotoCoreError) as error:
                code = error_code(error)
                if code in step.done:
                    return None
                if not step.repeatable and self._lost(error):
                    raise Unanswered(step) from error
                doubt = (step.method, error_text(error))
                if code in step.doubt and doubt not in self.doubted:
                    self.doubted.add(doubt)
                    raise Doubtful(step) from error
                patience = self._patience(step, error)
                if time.monotonic() - start >= patience:
                    raise ResourceError(self._explain(step, error, patience)) from error
            self.sleep(min(15.0, 0.2 * 2**attempt) * random.uniform(0.5, 1.0))

    @staticmethod
    def _lost(error: ClientError | BotoCoreError) -> bool:
        """Whether the request may have taken effect although it failed: no answer, or a server's fault."""
        if isinstance(error, ClientError):
            if error_code(error) in THROTTLES:
                return False
            return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
        return isinstance(error, HTTPClientError)

    @staticmethod
    def _patience(step: Step, error: ClientError | BotoCoreError) -> int:
        """Seconds for which this error is worth another try."""
        code, text = error_code(error), error_text(error)
        for retry in step.retry:
            if code == retry.code and retry.fragment.lower() in text.lower():
                return retry.seconds
        return THROTTLE_SECONDS if code in THROTTLES else 0

    def _explain(self, step: Step, error: ClientError | BotoCoreError, patience: int) -> str:
        operation = self.resource.aws.client(step.service).meta.method_to_api_mapping[step.method]
        long = f" (tried for {patience} s)" if patience else ""
        return explain(f"{action_name(step.service, operation)} on {self._what()}{long}, to {step.reason},", error)

    def _settled(self, observed: Observed | None) -> Observed | None:
        if self._absent:
            return self._wait(self.resource.gone, "be gone") if self.resource.option("wait") else None
        if self.resource.option("wait"):
            return self._wait(self.resource.ready, "become ready")
        return self._observe()

    def _awaited(self, observed: Observed | None) -> Observed | None:
        """AWS may still be at work for a run that was stopped, or on a call whose answer was lost."""
        reached = self.resource.gone if self._absent else self.resource.ready
        return observed if observed is None or reached(observed) else self._settled(observed)

    def _wait(self, reached: Callable[[Observed | None], bool], goal: str) -> Observed | None:
        patience = float(self.resource.option("wait_timeout"))
        start, pause = time.monotonic(), 0.1
        while True:
            observed = self._observe()
            if reached(observed):
                return observed
            if time.monotonic() - start >= patience:
                last = json.dumps(self.resource.present(observed) if observed else None, default=str)[:600]
                raise ResourceError(
                    f"{self._what()} did not {goal} within {patience:.0f} s. It was last seen as {last}."
                )
            self.sleep(pause)
            pause = min(pause * 1.6, 10.0)

    def _result(self, observed: Observed | None) -> dict[str, Any]:
        resource = self.resource
        result: dict[str, Any] = {"changed": bool(self.actions), "actions": self.actions}
        if self._absent:
            result[resource.name] = resource.departed()
        elif self.check_mode:
            result[resource.name] = resource.present(resource.predicted(observed))
        else:
            result[resource.name] = resource.present(observed or {})
        result["diff"] = {
            "before": self._shown(self.before),
            "after": self._shown(self.after),
            "before_header": self._what(),
            "after_header": self._what(),
        }
        return result

    def _shown(self, properties: dict[str, Any]) -> dict[str, Any]:
        return {
            key: "(not shown)" if key in self.resource.hidden else value
            for key, value in properties.items()
            if not key.startswith("_")
        }


def reconcile(resource: Resource, check_mode: bool) -> dict[str, Any]:
    """Bring one resource to its wanted state, or in check mode say what that would take."""
    return Flow(resource, check_mode).run()


def read(reading: Reading) -> dict[str, Any]:
    """Run a reading module.

    Raises:
        ResourceError: AWS refused, or what was asked for does not exist.
    """
    try:
        return {"changed": False, **reading.read()}
    except (ClientError, BotoCoreError) as error:
        raise ResourceError(explain(f"Reading {reading.title}", error)) from error


def _same(one: Step, other: Step) -> bool:
    """Whether two plans mean the same call. Parameters that depend on earlier answers cannot be compared."""
    given = [step.params for step in (one, other) if not callable(step.params)]
    alike = len(given) < 2 or given[0] == given[1]
    return alike and (one.method, one.reason, one.after) == (other.method, other.reason, other.after)
