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
class Refusal:
    """When a login was last refused, in epoch seconds, and how many times in a row."""

    at: int
    count: int


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
    """Remembers refused logins, so that a wrong password is not tried until the account is locked."""

    def refusal(self, fingerprint: str) -> Refusal | None:
        """The last refusal of exactly these credentials, or None."""

    def remember_refusal(self, fingerprint: str, at: int, count: int) -> None:
        """Note a refusal."""

    def forget_refusal(self) -> None:
        """Note that the credentials were accepted."""
