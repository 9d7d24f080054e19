"""What is kept between passes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from scaling.model import Control, Journal

from ports.lease import Grant


@dataclass(frozen=True, slots=True)
class Credentials:
    """The engine's user. `fingerprint` tells one stored secret from the next without telling the secret."""

    username: str
    password: str = field(repr=False)
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Attempts:
    """Logins since the last one that was accepted; times in epoch seconds.

    `refused` in a row were refused, the last one at `refused_at`; to `unheard` others, the last of them sent at
    `tried_at`, no answer came (yet).
    """

    refused_at: int = 0
    refused: int = 0
    tried_at: int = 0
    unheard: int = 0


class Records(Protocol):
    """Items of the cluster's table, all read in one moment; raises SettingsMissing for one that must exist."""

    @property
    def settings(self) -> dict[str, Any]:
        """The settings document."""

    @property
    def journal(self) -> Journal:
        """The journal; empty before the first pass."""

    @property
    def control(self) -> Control:
        """What people asked for."""

    @property
    def report(self) -> dict[str, Any] | None:
        """What the last pass told; None before the first one."""


class Store(Protocol):
    """The cluster's records."""

    def read(self, *items: str) -> Records:
        """The named items, read consistently in one call; raises SettingsInvalid when one cannot be understood."""

    def credentials(self) -> Credentials:
        """The decrypted credentials; raises SettingsMissing."""

    def write_journal(self, journal: Journal, grant: Grant) -> None:
        """Replace the journal; raises LeaseLost when a later holder wrote it."""

    def write_report(self, document: dict[str, Any], grant: Grant) -> None:
        """Replace the report; raises LeaseLost when a later holder wrote it."""

    def secrets(self) -> tuple[str, ...]:
        """The secrets that were decrypted in this process, so that nothing with one of them is handed on."""


class LoginMemory(Protocol):
    """Remembers attempts to log in, so that a wrong password is not tried until the account is locked."""

    def attempts(self, fingerprint: str) -> Attempts:
        """The attempts made with exactly these credentials; read anew from the second question on."""

    def begin(self, fingerprint: str, at: int, known: Attempts, most: int) -> bool:
        """Count one more attempt without answer; False when there are `most` by now, or the last was refused."""

    def accepted(self, fingerprint: str, at: int) -> None:
        """The credentials were accepted: no attempt before that moment counts any more."""

    def refused(self, fingerprint: str, at: int) -> None:
        """One of the attempts without answer was refused."""

    def withdraw(self, fingerprint: str) -> None:
        """One of the attempts without answer was none."""
