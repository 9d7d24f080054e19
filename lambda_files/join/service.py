"""Answers one join request: the instance is checked on every side before the script, with its secrets, is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ports.cluster import Cluster
from ports.compute import Compute
from ports.store import Credentials, Store
from scaling.model import GroupView, Member

from .admission import admit, join_addresses, refuse_known
from .scripts import join_script

OpenCluster = Callable[[Mapping[str, Any], Credentials, Sequence[str]], Cluster]
"""Settings document, credentials and members' addresses to a cluster that can be read."""


def script_for(
    instance_id: str, name: str, region: str, now: datetime, compute: Compute, store: Store, open_cluster: OpenCluster
) -> str:
    """The join script of an instance of cluster `name`. Raises Refused, StatefulError and botocore's errors."""
    group = compute.view()
    member = admit(instance_id, name, group, now)
    document, credentials = store.settings(), store.credentials()
    cluster = open_cluster(document, credentials, _members_addresses(group, member)).view()
    refuse_known(member, cluster)
    secrets = {"username": credentials.username, "password": credentials.password}
    return join_script(document, secrets, region, join_addresses(member, group, cluster))


def _members_addresses(group: GroupView, joining: Member) -> list[str]:
    """Running members, the longest running first: the newest may not be in the cluster yet."""
    running = [each for each in group.members if each.state == "running" and each is not joining and each.launched]
    return [each.address for each in sorted(running, key=lambda each: str(each.launched)) if each.address]
