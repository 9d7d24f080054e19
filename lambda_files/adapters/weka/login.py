"""Tokens, and the guard that keeps a wrong password from locking the account."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NoReturn

from errors import ClusterAnswerUnknown, ClusterRefused, CredentialsLocked, CredentialsRejected
from ports.lease import Clock
from ports.store import Credentials, LoginMemory

from adapters.weka.backoff import pause_after
from adapters.weka.rpc import Forbidden, Rpc, Unauthorized

ADVICE = "Run import.yml again with the right weka_username and weka_password."
# Tokens of a warm function, by fingerprint of the credentials: an idle pass logs in nowhere.
_TOKENS: dict[str, tuple[str, str | None]] = {}


class Login:
    """Tokens of one user; a refused login is remembered and not repeated before its pause is over."""

    def __init__(self, credentials: Credentials, memory: LoginMemory, clock: Clock) -> None:
        self._credentials = credentials
        self._memory = memory
        self._clock = clock

    def token(self, rpc: Rpc, address: str) -> str:
        """The access token, by login when there is none; raises CredentialsRejected or CredentialsLocked."""
        known = _TOKENS.get(self._credentials.fingerprint)
        return known[0] if known else self._login(rpc, address)

    def renew(self, rpc: Rpc, address: str) -> str:
        """A new access token after the old one was refused: by the refresh token, else by one login."""
        _, refresh = _TOKENS.pop(self._credentials.fingerprint, (None, None))
        if refresh:
            try:
                return self._keep(rpc.post(address, "user_refresh_token", [refresh]))
            except (Unauthorized, Forbidden, ClusterRefused):
                pass
        return self._login(rpc, address)

    def _login(self, rpc: Rpc, address: str) -> str:
        user = self._credentials.username
        now = int(self._clock.now().timestamp())
        refusal = self._memory.refusal(self._credentials.fingerprint)
        if refusal is not None and now < refusal.at + pause_after(refusal.count):
            raise CredentialsRejected(
                f"The cluster refused the stored credentials of WEKA user {user} {refusal.count} times, last at "
                f"{_moment(refusal.at)}; to keep the account from being locked they are not tried again before "
                f"{_moment(refusal.at + pause_after(refusal.count))}. {ADVICE}"
            )
        count = refusal.count + 1 if refusal else 1
        try:
            token = self._keep(rpc.post(address, "user_login", [user, self._credentials.password]))
        except Forbidden as error:
            locked = CredentialsLocked(f"The cluster has locked WEKA user {user} after failed logins. {ADVICE}")
            self._refused(now, count, locked, error)
        except (Unauthorized, ClusterRefused) as error:
            rejected = CredentialsRejected(f"The cluster refused the login of WEKA user {user}. {ADVICE}")
            self._refused(now, count, rejected, error)
        self._memory.forget_refusal()
        return token

    def _refused(self, now: int, count: int, failure: Exception, cause: Exception) -> NoReturn:
        self._memory.remember_refusal(self._credentials.fingerprint, now, count)
        raise failure from cause

    def _keep(self, answer: Any) -> str:
        if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
            raise ClusterAnswerUnknown("The cluster answered a login without an access token.")
        access: str = answer["access_token"]
        _TOKENS.clear()
        _TOKENS[self._credentials.fingerprint] = access, answer.get("refresh_token")
        return access


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
