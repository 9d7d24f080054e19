"""How the cluster's certificate is trusted."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any

import requests
from errors import SettingsInvalid
from requests.adapters import HTTPAdapter


@dataclass(frozen=True, slots=True)
class Transport:
    """Scheme, port and trust, as the settings document's `weka` object says."""

    scheme: str = "https"
    port: int = 14000
    validate_certs: bool = True
    certificate: str | None = None

    @classmethod
    def from_settings(cls, document: dict[str, Any]) -> Transport:
        """From the settings document; raises SettingsInvalid for a scheme that is neither http nor https."""
        weka = document.get("weka") or {}
        transport = cls(**{name: weka[name] for name in cls.__slots__ if weka.get(name) is not None})
        if transport.scheme not in ("http", "https"):
            raise SettingsInvalid(f"weka.scheme is {transport.scheme!r}; it must be https, or http by your wish.")
        return transport

    def url(self, address: str, path: str) -> str:
        """Address of a call on one member."""
        return f"{self.scheme}://{address}:{self.port}{path}"

    def session(self) -> requests.Session:
        """A session that trusts exactly what the settings say, and ignores proxies and .netrc."""
        session = requests.Session()
        session.trust_env = False
        if self.scheme == "https":
            session.mount("https://", _ContextAdapter(self._context()))
        return session

    def _context(self) -> ssl.SSLContext:
        if self.certificate:
            # Members are called by address and share one certificate, so it is the certificate that is checked.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            try:
                context.load_verify_locations(cadata=self.certificate)
            except ssl.SSLError as error:
                raise SettingsInvalid(f"weka.certificate is not a PEM certificate: {error}.") from error
            return context
        context = ssl.create_default_context()
        if not self.validate_certs:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


TRUST = ("ca_certs", "ca_cert_dir", "cert_reqs")


class _ContextAdapter(HTTPAdapter):
    """Leaves every decision about trust to one SSL context: requests would add its own bundle of authorities."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {name: value for name, value in pool.items() if name not in TRUST}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        conn.cert_reqs = None
        conn.assert_hostname = None if self._context.check_hostname else False
