"""Tokens of the stored user: kept while they work, renewed by the refresh token, else by one login."""

from __future__ import annotations

from typing import Any

from errors import ClusterAnswerUnknown, ClusterRefused, CredentialsLocked, CredentialsRejected
from ports.store import Credentials

from adapters.weka.guard import ADVICE, LoginGuard
from adapters.weka.rpc import Forbidden, Rpc, Unauthorized, Unheard, Unusable

# Tokens of a warm function, by fingerprint of the credentials: an idle pass logs in nowhere.
_TOKENS: dict[str, tuple[str, str | None]] = {}


class Login:
    """Tokens of one user; the guard says whether a login may be tried."""

    def __init__(self, credentials: Credentials, guard: LoginGuard) -> None:
        self._credentials = credentials
        self._guard = guard

    def token(self, rpc: Rpc, address: str) -> str:
        """The access token, by login when there is none.

        Raises CredentialsRejected, CredentialsLocked or ClusterUnreachable, and Unusable when another member may do.
        """
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
        self._expect_answers(rpc, address)
        self._guard.begin()
        try:
            token = self._keep(rpc.post(address, "user_login", [user, self._credentials.password]))
        except Forbidden as error:
            self._guard.refused()
            raise CredentialsLocked(f"The cluster has locked WEKA user {user} after failed logins. {ADVICE}") from error
        except (Unauthorized, ClusterRefused) as error:
            self._guard.refused()
            raise CredentialsRejected(f"The cluster refused the login of WEKA user {user}. {ADVICE}") from error
        except Unheard:
            raise
        except Unusable:
            self._guard.withdraw()
            raise
        self._guard.accepted()
        return token

    def _expect_answers(self, rpc: Rpc, address: str) -> None:
        """Ask what needs no login, so that a silent member uses up no attempt; raises Unheard. Any answer will do."""
        try:
            rpc.post(address, "client_query_backend", {})
        except Unheard:
            raise
        except (Unusable, Unauthorized, Forbidden, ClusterRefused, ClusterAnswerUnknown):
            pass

    def _keep(self, answer: Any) -> str:
        if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
            raise ClusterAnswerUnknown("The cluster answered a login without an access token.")
        access: str = answer["access_token"]
        _TOKENS.clear()
        _TOKENS[self._credentials.fingerprint] = access, answer.get("refresh_token")
        return access
