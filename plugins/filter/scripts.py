"""The scripts of a cluster, rendered by the functions' own code, so that there is one renderer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.stateful.aws.lambda_files.join import scripts, sizes


def user_data(settings: Mapping[str, Any], region: str, join_url: str, tags: Mapping[str, str]) -> str:
    """Return the user data of a new backend; the token ``@API_KEY@`` stays for the launch template to fill.

    Raises:
        AnsibleFilterError: the instance type is not supported, or the script would be too long for EC2.
    """
    try:
        return scripts.user_data(settings, region, join_url, tags)
    except (sizes.UnsupportedSize, scripts.UserDataTooLong) as error:
        raise AnsibleFilterError(f"The user data of new backends cannot be made: {error}") from error


class FilterModule:
    """Filters of the collection."""

    def filters(self) -> dict[str, Any]:
        return {
            "user_data": user_data,
            "client_mount": scripts.client_mount,
            "backend_instance_types": lambda _: sorted(sizes.SIZES),
        }
