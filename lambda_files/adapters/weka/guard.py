"""The guard that keeps a wrong password from locking the account: every attempt is counted before it is made."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import astuple
from datetime import UTC, datetime

from errors import ClusterError, ClusterUnreachable, CredentialsRejected
from ports.lease import Clock
from ports.store import Attempts, Credentials, LoginMemory

from adapters.weka.backoff import MOST, UNHEARD, no_login_before

ADVICE = "Run import.yml again with the right weka_username and weka_password."
# Instances that join at the same time log in at the same time: each waits for its turn, so often and at most so long.
TURNS = 20
TURN_SECONDS = 1.0
# Longer than a login can take; an attempt without answer that is older has failed.
IN_FLIGHT_SECONDS = 10


class LoginGuard:
    """What is known of one user's attempts, shared by all functions through `memory`."""

    def __init__(
        self,
        credentials: Credentials,
        memory: LoginMemory,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._user = credentials.username
        self._fingerprint = credentials.fingerprint
        self._memory = memory
        self._clock = clock
        self._sleep = sleep

    def begin(self) -> None:
        """Count an attempt that is about to be made. Raises CredentialsRejected or ClusterUnreachable in a pause."""
        for _ in range(TURNS):
            known = self._memory.attempts(self._fingerprint)
            now, before = self._now(), no_login_before(*astuple(known))
            if before is not None and now >= before:
                most = (
                    min(known.unheard + 1, MOST - known.refused) if known.refused else max(UNHEARD, known.unheard + 1)
                )
                if self._memory.begin(self._fingerprint, now, known, most):
                    return
            elif known.refused or now >= known.tried_at + IN_FLIGHT_SECONDS:
                break
            self._sleep(random.uniform(0, TURN_SECONDS))
        raise self._paused(known, before)

    def accepted(self) -> None:
        """The cluster accepted the credentials: what was before counts no more."""
        self._memory.accepted(self._fingerprint, self._now())

    def refused(self) -> None:
        """The cluster refused the credentials."""
        self._memory.refused(self._fingerprint, self._now())

    def withdraw(self) -> None:
        """The member answered that it looks at no credentials: that was no attempt."""
        self._memory.withdraw(self._fingerprint)

    def _now(self) -> int:
        return int(self._clock.now().timestamp())

    def _paused(self, known: Attempts, before: int | None) -> ClusterError:
        if not known.refused:
            return ClusterUnreachable(
                f"{known.unheard} logins of WEKA user {self._user} got no answer, the last one at "
                f"{_moment(known.tried_at)}. They may have been refused, so to keep the account from being locked none "
                f"is tried {_until(before)}. Look why members of the cluster take logins without answering."
            )
        return CredentialsRejected(
            f"The cluster refused the stored credentials of WEKA user {self._user} {known.refused} times, last at "
            f"{_moment(known.refused_at)}; to keep the account from being locked they are not tried again "
            f"{_until(before)}. {ADVICE}"
        )


def _until(before: int | None) -> str:
    return "at all" if before is None else f"before {_moment(before)}"


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
