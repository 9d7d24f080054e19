"""The three scripts that this package renders, each from the template of the same name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .render import render
from .sizes import size_of

USER_DATA_LIMIT = 16_384
"""EC2's limit, in bytes before base64."""

HERE = Path(__file__).parent


class UserDataTooLong(ValueError):
    """The rendered user data exceeds EC2's limit."""


def user_data(document: Mapping[str, Any], region: str, join_url: str, tags: Mapping[str, str]) -> str:
    """User data for the launch template of the cluster that the settings document describes.

    join_url is the join API's address without a query; tags are those of a member instance, which its network
    interfaces get too. The result still has one token, @API_KEY@, between single quotes.
    Raises UnsupportedSize, UserDataTooLong.
    """
    specification = {"ResourceType": "network-interface", "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}
    script = render(
        _template("user_data.sh.tmpl"),
        {
            "CLUSTER": document["cluster"],
            "REGION": region,
            "JOIN_URL": join_url,
            "INTERFACES": size_of(document["instance_type"]).nics,
            "SUBNET_ID": document["subnet_id"],
            "SECURITY_GROUP_IDS": document["security_group_ids"],
            "TAG_SPECIFICATIONS": json.dumps([specification], separators=(",", ":")),
        },
        keep=["API_KEY"],
    )
    length = len(script.encode()) + 128  # an API key has at most 128 characters
    if length > USER_DATA_LIMIT:
        raise UserDataTooLong(
            f"the user data of cluster {document['cluster']} would have {length} bytes and EC2 takes "
            f"{USER_DATA_LIMIT}: use fewer or shorter tags"
        )
    return script


def join_script(
    document: Mapping[str, Any], credentials: Mapping[str, str], region: str, addresses: Sequence[str]
) -> str:
    """The script that makes the calling instance a backend by way of the members at `addresses`."""
    size, weka = size_of(document["instance_type"]), document["weka"]
    return render(
        _template("join.sh.tmpl"),
        {
            "CLUSTER": document["cluster"],
            "REGION": region,
            "BACKENDS": addresses,
            "SCHEME": weka["scheme"],
            "PORT": weka["port"],
            "VALIDATE_CERTS": "yes" if weka["validate_certs"] else "no",
            "CERTIFICATE": weka.get("certificate") or "",
            "USERNAME": credentials["username"],
            "PASSWORD": credentials["password"],
            "DRIVE_CORES": size.drive,
            "COMPUTE_CORES": size.compute,
            "FRONTEND_CORES": size.frontend,
            "MEMORY": size.memory,
        },
    )


def client_mount(address: str) -> str:
    """The script that mounts a file system on a client; address is the load balancer's name or its alias."""
    return render(_template("client_mount.sh.tmpl"), {"ADDRESS": address})


def _template(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
