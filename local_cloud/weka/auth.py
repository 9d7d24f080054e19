"""Users of a cluster: passwords, tokens that expire, and the lock-out after wrong passwords."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .errors import LockedOut, Unauthorized

FAILURES_BEFORE_LOCKOUT = 5


@dataclass
class _Attempts:
    failures: int = 0
    locked_until: float = 0.0


@dataclass
class Users:
    """The users of one cluster. Expiries are in seconds and hold for tokens given from then on."""

    clock: Callable[[], float]
    passwords: dict[str, str] = field(default_factory=dict)
    access_token_expiry: float = 300
    refresh_token_expiry: float = 365 * 86400
    lockout_s: float = 120
    logins: int = 0
    _attempts: dict[str, _Attempts] = field(default_factory=dict)
    _access: dict[str, tuple[str, float]] = field(default_factory=dict)
    _refresh: dict[str, tuple[str, float]] = field(default_factory=dict)

    def login(self, username: str, password: str) -> dict[str, Any]:
        """Tokens for a user. Unauthorized on a wrong password, LockedOut after five of them, the right one included."""
        now, attempts = self.clock(), self._attempts.setdefault(username, _Attempts())
        if now < attempts.locked_until:
            raise LockedOut(f"User {username} is locked out for {int(attempts.locked_until - now) + 1} seconds")
        known = self.passwords.get(username)
        if known is None or not hmac.compare_digest(known.encode(), str(password).encode()):
            attempts.failures += 1
            if attempts.failures >= FAILURES_BEFORE_LOCKOUT:
                self._attempts[username] = _Attempts(locked_until=now + self.lockout_s)
            raise Unauthorized("Unauthorized")
        del self._attempts[username]
        self.logins += 1
        return self._tokens(username)

    def refresh(self, token: str) -> dict[str, Any]:
        """New tokens for a refresh token, which is used up by it. Unauthorized when it is unknown or expired."""
        username, expires = self._refresh.pop(token, ("", 0.0))
        if self.clock() >= expires or username not in self.passwords:
            raise Unauthorized("Unauthorized")
        return self._tokens(username)

    def check(self, token: str | None) -> str:
        """The user of an access token. Unauthorized when it is missing, unknown or expired."""
        username, expires = self._access.get(token or "", ("", 0.0))
        if self.clock() >= expires or username not in self.passwords:
            raise Unauthorized("Unauthorized")
        return username

    def set_password(self, username: str, password: str | None) -> None:
        """Add or change a user; None removes it. Its tokens and its lock-out end."""
        self._attempts.pop(username, None)
        for tokens in (self._access, self._refresh):
            for token in [t for t, (owner, _) in tokens.items() if owner == username]:
                del tokens[token]
        if password is None:
            self.passwords.pop(username, None)
        else:
            self.passwords[username] = password

    def expire_all(self) -> None:
        """Every access token given so far ends now."""
        self._access.clear()

    def locked(self) -> dict[str, float]:
        """Users locked out now, with the seconds left."""
        now = self.clock()
        return {name: a.locked_until - now for name, a in self._attempts.items() if a.locked_until > now}

    def _tokens(self, username: str) -> dict[str, Any]:
        now, access, refresh = self.clock(), secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        for tokens in (self._access, self._refresh):
            for token in [t for t, (_, expires) in tokens.items() if expires <= now]:
                del tokens[token]
        self._access[access] = (username, now + self.access_token_expiry)
        self._refresh[refresh] = (username, now + self.refresh_token_expiry)
        return {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": int(self.access_token_expiry),
            "refresh_token": refresh,
            "password_change_required": False,
        }
