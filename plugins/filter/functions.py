"""What the functions' own code knows and renders, for playbooks: there is one renderer and one check of the limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.stateful.aws.lambda_files.adapters.weka import backoff
from ansible_collections.stateful.aws.lambda_files.join import scripts, sizes
from ansible_collections.stateful.aws.lambda_files.scaling.invariants import s15_quiesced
from ansible_collections.stateful.aws.lambda_files.scaling.policy import PolicyInvalid, policy_from_settings


def user_data(settings: Mapping[str, Any], region: str, join_url: str, tags: Mapping[str, str]) -> str:
    """Return the user data of a new backend; the token ``@API_KEY@`` stays for the launch template to fill.

    Raises:
        AnsibleFilterError: the instance type is not supported, or the script would be too long for EC2.
    """
    try:
        return scripts.user_data(settings, region, join_url, tags)
    except (sizes.UnsupportedSize, scripts.UserDataTooLong) as error:
        raise AnsibleFilterError(f"The user data of new backends cannot be made: {error}") from error


def refused_policy(policy: Mapping[str, Any]) -> str:
    """Return why the scaling core would refuse these limits, or an empty string."""
    try:
        policy_from_settings({"policy": policy})
    except PolicyInvalid as error:
        return str(error)
    return ""


def limits_in_force(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return every limit of the scaling core, the given ones and the defaults of the others.

    Raises:
        AnsibleFilterError: the scaling core would refuse them.
    """
    try:
        return asdict(policy_from_settings({"policy": policy}))
    except PolicyInvalid as error:
        raise AnsibleFilterError(str(error)) from error


def no_login_before(login: Mapping[str, Any]) -> str:
    """Return the moment before which no login is tried after those that scaling_info read; empty when there is none."""
    refused_at, tried_at = (
        int(datetime.fromisoformat(login[name]).timestamp()) if login[name] else 0
        for name in ("refused_at", "tried_at")
    )
    moment = backoff.no_login_before(refused_at, login["refused"], tried_at, login["unheard"])
    return "" if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def quiesced(scaling: Mapping[str, Any]) -> dict[str, Any]:
    """Return whether what scaling_info read is at rest (``allowed``), and if not the ``reason``."""
    allowed, reason = s15_quiesced(scaling["rule_enabled"], scaling["running"], scaling["lease"] is not None)
    return {"allowed": allowed, "reason": reason}


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, Any]:
        return {
            "user_data": user_data,
            "refused_policy": refused_policy,
            "limits_in_force": limits_in_force,
            "no_login_before": no_login_before,
            "quiesced": quiesced,
            "client_mount": scripts.client_mount,
            "backend_instance_types": lambda _: sorted(sizes.SIZES),
        }
