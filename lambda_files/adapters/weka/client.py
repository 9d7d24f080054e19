"""Authenticated calls to whichever member of the right cluster answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from errors import ClusterAnswerUnknown, ClusterRefused, ClusterUnreachable, WrongCluster

from adapters.weka.login import Login
from adapters.weka.pool import Pool
from adapters.weka.rpc import Forbidden, Rpc, Unauthorized, Unusable

# What a JSON-RPC answer consists of, and the one field of status that says whose it is.
IDENTITY = frozenset({"jsonrpc", "id", "result", "error", "code", "message", "data", "exceptionText", "guid"})


class WekaClient:
    """Reads move on to the next member when one fails; a change is sent once, since its answer may be lost.

    With `guid` given every member is asked who it is before anything else is believed or sent.
    """

    def __init__(self, rpc: Rpc, pool: Pool, login: Login, guid: str | None = None) -> None:
        self._rpc = rpc
        self._pool = pool
        self._login = login
        self._guid = guid
        self._identified: set[str] = set()

    @property
    def address(self) -> str:
        """The member that the next call goes to; raises ClusterUnreachable."""
        return self._pool.current()

    def drop(self, address: str, reason: str) -> None:
        """Never speak to this member again, for that reason."""
        self._pool.drop(address, reason)

    def avoid(self, addresses: Iterable[str]) -> None:
        """Never speak to these members again."""
        for address in addresses:
            self.drop(address, f"{address} leaves the cluster")

    def read(self, method: str, params: Any = None, only: frozenset[str] | None = None) -> Any:
        """Result of a method that changes nothing, or of its objects just the fields `only`; raises a ClusterError."""

        def ask(address: str) -> Any:
            if method == "status":
                return self._believed(address, self._method(address, method, params or {}, only))
            self._identify(address)
            return self._method(address, method, params or {}, only)

        return self._from_any(ask)

    def check(self, path: str, body: Any) -> Any:
        """Data of a POST to REST v2 that changes nothing; raises a ClusterError, or NotOffered."""

        def ask(address: str) -> Any:
            self._identify(address)
            return self._authorized(address, lambda token: self._rpc.rest(address, path, body, token))

        return self._from_any(ask)

    def _from_any(self, ask: Callable[[str], Any]) -> Any:
        while True:
            address = self._pool.current()
            try:
                return ask(address)
            except Unusable as error:
                self._pool.drop(address, str(error))

    def change(self, method: str, params: Any) -> Any:
        """Result of a method that changes something; raises a ClusterError. After ClusterUnreachable it may have
        happened or not: the next read tells."""
        address = self._pool.current()
        try:
            self._identify(address)
            return self._method(address, method, params)
        except Unusable as error:
            self._pool.drop(address, str(error))
            raise ClusterUnreachable(f"It is not known whether the cluster did this: {error}") from error

    def _identify(self, address: str) -> None:
        """Have this member say once which cluster it belongs to; raises WrongCluster."""
        if address not in self._identified:
            self._believed(address, self._method(address, "status", {}, IDENTITY))

    def _believed(self, address: str, status: Any) -> Any:
        """The status, when it is one of our cluster; raises WrongCluster."""
        guid = status.get("guid") if isinstance(status, dict) else None
        if not isinstance(guid, str) or not guid:
            raise ClusterAnswerUnknown(f"{address} does not say which cluster it belongs to.")
        if self._guid is None:
            self._guid = guid
        if guid != self._guid:
            raise WrongCluster(
                f"{address} belongs to the WEKA cluster {guid}, not to {self._guid}; nothing was changed. "
                "An address may have been given to another machine."
            )
        self._identified.add(address)
        return status

    def _method(self, address: str, method: str, params: Any, only: frozenset[str] | None = None) -> Any:
        return self._authorized(address, lambda token: self._rpc.post(address, method, params, token, only))

    def _authorized(self, address: str, send: Callable[[str], Any]) -> Any:
        token = self._login.token(self._rpc, address)
        try:
            try:
                return send(token)
            except Unauthorized:
                return send(self._login.renew(self._rpc, address))
        except (Unauthorized, Forbidden) as error:
            raise ClusterRefused(f"The stored WEKA user may not do this: {error}") from error
