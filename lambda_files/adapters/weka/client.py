"""Authenticated calls to whichever member of the right cluster answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from errors import ClusterAnswerUnknown, ClusterRefused, ClusterUnreachable, WrongCluster

from adapters.weka.login import Login
from adapters.weka.pool import Pool
from adapters.weka.rpc import Forbidden, Rpc, Unauthorized, Unusable


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

    def avoid(self, addresses: Iterable[str]) -> None:
        """Never speak to these members again."""
        for address in addresses:
            self._pool.drop(address, f"{address} leaves the cluster")

    def anonymous(self, method: str, params: Any = None) -> Any:
        """Result of a method that needs no login, from the first member that answers."""
        while True:
            address = self._pool.current()
            try:
                return self._rpc.post(address, method, params or {})
            except (Unusable, Unauthorized, Forbidden) as error:
                self._pool.drop(address, str(error))

    def read(self, method: str, params: Any = None) -> Any:
        """Result of a method that changes nothing; raises a ClusterError."""
        while True:
            address = self._pool.current()
            try:
                return self._identified_call(address, method, params or {})
            except Unusable as error:
                self._pool.drop(address, str(error))

    def change(self, method: str, params: Any) -> Any:
        """Result of a method that changes something; raises a ClusterError. After ClusterUnreachable it may have
        happened or not: the next read tells."""
        address = self._pool.current()
        try:
            return self._identified_call(address, method, params)
        except Unusable as error:
            self._pool.drop(address, str(error))
            raise ClusterUnreachable(f"It is not known whether the cluster did this: {error}") from error

    def _identified_call(self, address: str, method: str, params: Any) -> Any:
        if address not in self._identified:
            status = self._call(address, "status", {})
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
            if method == "status":
                return status
        return self._call(address, method, params)

    def _call(self, address: str, method: str, params: Any) -> Any:
        token = self._login.token(self._rpc, address)
        try:
            try:
                return self._rpc.post(address, method, params, token)
            except Unauthorized:
                return self._rpc.post(address, method, params, self._login.renew(self._rpc, address))
        except (Unauthorized, Forbidden) as error:
            raise ClusterRefused(f"The stored WEKA user may not do this: {error}") from error
