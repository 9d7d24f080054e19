"""One login to the WEKA cluster, so that wrong credentials are found before anything is made.

WEKA locks an account after five failed logins, so one run tries once, on the first backend that can be reached.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from typing import Any

import requests
import urllib3
from ansible_collections.stateful.aws.plugins.module_utils._engine.errors import ResourceError
from requests.adapters import HTTPAdapter

LOGIN_OPTIONS: dict[str, dict[str, Any]] = {
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "scheme": {"type": "str", "choices": ["https", "http"], "default": "https"},
    "port": {"type": "int", "default": 14000},
    "validate_certs": {"type": "bool", "default": True},
    "certificate": {"type": "str"},
    "timeout": {"type": "float", "default": 3.0},
}
ATTEMPTS = 3


class _PinnedAdapter(HTTPAdapter):
    """Trusts the given certificate alone; the name in it need not be the backend's address."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, assert_hostname=False, **kwargs)


def check_login(options: Mapping[str, Any] | None, addresses: list[str]) -> dict[str, Any]:
    """Return ``{"reachable": bool, "address": str | None, "guid": str | None, "release": str | None}``.

    Raises:
        ResourceError: the cluster was reached and rejects the credentials or shows a certificate that is not trusted.
    """
    unreached = {"reachable": False, "address": None, "guid": None, "release": None}
    if not options or not options.get("username"):
        return unreached
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as pem, requests.Session() as session:
        session.trust_env = False
        if options.get("certificate"):
            pem.write(options["certificate"])
            pem.flush()
            session.mount("https://", _PinnedAdapter())
        if not options["validate_certs"]:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        session.verify = pem.name if options.get("certificate") else options["validate_certs"]
        for address in addresses[:ATTEMPTS]:
            try:
                return {"reachable": True, "address": address, **_log_in(session, options, address)}
            except requests.exceptions.SSLError as error:
                raise ResourceError(
                    f"The certificate of WEKA backend {address} is not trusted ({_reason(error)}). Give weka_certificate "
                    "(the cluster's certificate in PEM), or accept any with weka_validate_certs: false."
                ) from error
            except (requests.exceptions.ConnectionError, requests.exceptions.Timeout):
                continue
    return unreached


def _log_in(session: requests.Session, options: Mapping[str, Any], address: str) -> dict[str, Any]:
    url = f"{options['scheme']}://{address}:{options['port']}/api/v1"
    login = _call(session, url, options, "user_login", [options["username"], options["password"]])
    session.headers["Authorization"] = f"Bearer {login['access_token']}"
    status = _call(session, url, options, "status", {})
    return {"guid": status.get("guid"), "release": status.get("release")}


def _call(session: requests.Session, url: str, options: Mapping[str, Any], method: str, params: Any) -> dict[str, Any]:
    body = {"jsonrpc": "2.0", "method": method, "params": params, "id": "1"}
    answer = session.post(url, json=body, timeout=options["timeout"])
    said = answer.text[:200]
    if answer.status_code in (401, 403):
        raise ResourceError(
            f"The WEKA cluster rejects the user {options['username']} (HTTP {answer.status_code}: {said}). Check "
            "weka_username and weka_password; five wrong logins lock the account for two minutes."
        )
    try:
        result = answer.json().get("result")
    except ValueError:
        result = None
    if not answer.ok or not isinstance(result, dict):
        raise ResourceError(
            f"The WEKA cluster did not answer {method} at {url} as expected (HTTP {answer.status_code}: {said})."
        )
    return result


def _reason(error: BaseException) -> str:
    text = str(error)
    return "self-signed" if "self-signed" in text or "self signed" in text else text[-200:]
