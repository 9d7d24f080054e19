"""Tokens, and the guard that keeps a wrong password from locking the account."""

from __future__ import annotations

from typing import Any, NoReturn

from errors import ClusterAnswerUnknown, ClusterRefused, CredentialsLocked, CredentialsRejected
from ports.lease import Clock
from ports.store import Credentials, LoginMemory

from adapters.weka.rpc import Forbidden, Rpc, Unauthorized

# WEKA locks an account for two minutes after five refused logins; one attempt in half an hour stays far below.
PAUSE_SECONDS = 1800
ADVICE = "Run import.yml again with the right weka_username and weka_password."


class Login:
    """Holds the tokens of one user; a refused login is remembered and not repeated before the pause is over."""

    def __init__(self, credentials: Credentials, memory: LoginMemory, clock: Clock) -> None:
        self._credentials = credentials
        self._memory = memory
        self._clock = clock
        self._access: str | None = None
        self._refresh: str | None = None

    def token(self, rpc: Rpc, address: str) -> str:
        """The access token, by login when there is none; raises CredentialsRejected or CredentialsLocked."""
        return self._access or self._login(rpc, address)

    def renew(self, rpc: Rpc, address: str) -> str:
        """A new access token after the old one was refused: by the refresh token, else by one login."""
        refresh, self._access, self._refresh = self._refresh, None, None
        if refresh:
            try:
                return self._keep(rpc.post(address, "user_refresh_token", [refresh]))
            except (Unauthorized, Forbidden, ClusterRefused):
                pass
        return self._login(rpc, address)

    def _login(self, rpc: Rpc, address: str) -> str:
        user = self._credentials.username
        now = int(self._clock.now().timestamp())
        refused_at = self._memory.refused_at(self._credentials.fingerprint)
        if refused_at is not None and now < refused_at + PAUSE_SECONDS:
            raise CredentialsRejected(
                f"The cluster refused the stored credentials of WEKA user {user} {(now - refused_at) // 60} minutes "
                f"ago; to keep the account from being locked they are not tried again for "
                f"{(refused_at + PAUSE_SECONDS - now + 59) // 60} minutes. {ADVICE}"
            )
        try:
            return self._keep(rpc.post(address, "user_login", [user, self._credentials.password]))
        except Forbidden as error:
            self._refused(
                now, CredentialsLocked(f"The cluster has locked WEKA user {user} after failed logins. {ADVICE}"), error
            )
        except (Unauthorized, ClusterRefused) as error:
            self._refused(
                now, CredentialsRejected(f"The cluster refused the login of WEKA user {user}. {ADVICE}"), error
            )

    def _refused(self, now: int, failure: Exception, cause: Exception) -> NoReturn:
        self._memory.remember_refusal(self._credentials.fingerprint, now)
        raise failure from cause

    def _keep(self, answer: Any) -> str:
        if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
            raise ClusterAnswerUnknown("The cluster answered a login without an access token.")
        access: str = answer["access_token"]
        self._access, self._refresh = access, answer.get("refresh_token")
        return access
