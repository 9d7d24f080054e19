"""What the functions' own code knows and renders, for playbooks: there is one renderer and one check of the limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.stateful.aws.lambda_files.join import scripts, sizes
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


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, Any]:
        return {
            "user_data": user_data,
            "refused_policy": refused_policy,
            "client_mount": scripts.client_mount,
            "backend_instance_types": lambda _: sorted(sizes.SIZES),
        }
