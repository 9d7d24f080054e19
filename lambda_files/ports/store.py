"""What is kept between passes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from scaling.model import Journal

from ports.lease import Grant


@dataclass(frozen=True, slots=True)
class Credentials:
    """The engine's user. `fingerprint` tells one stored secret from the next without telling the secret."""

    username: str
    password: str = field(repr=False)
    fingerprint: str = ""


class Store(Protocol):
    """The cluster's records; raises SettingsMissing when one that must exist does not."""

    def settings(self) -> dict[str, Any]:
        """The settings document."""

    def credentials(self) -> Credentials:
        """The decrypted credentials."""

    def journal(self) -> Journal:
        """The journal; empty before the first pass."""

    def write_journal(self, journal: Journal, grant: Grant) -> None:
        """Replace the journal; raises LeaseLost when a later holder wrote it."""


class LoginMemory(Protocol):
    """Remembers refused logins, so that a wrong password is not tried every minute."""

    def refused_at(self, fingerprint: str) -> int | None:
        """Epoch seconds of the last refusal of exactly these credentials, or None."""

    def remember_refusal(self, fingerprint: str, at: int) -> None:
        """Note a refusal."""
