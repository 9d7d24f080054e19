"""Answers one join request: the instance is checked on every side before the script, with its secrets, is made."""

from __future__ import annotations

from ports.bundle import Ports
from scaling.model import GroupView, Member

from .admission import admit, join_addresses, refuse_known
from .scripts import join_script


def script_for(instance_id: str, region: str, ports: Ports) -> str:
    """The join script of an instance of the ports' cluster. Raises Refused, StatefulError and botocore's errors."""
    group = ports.compute.view()
    member = admit(instance_id, ports.environment.cluster, group, ports.clock.now())
    records = ports.store.read("settings", "journal", "credentials", "login")
    # Nothing is changed through this cluster, so there is no lease to check.
    cluster = ports.cluster(_running(group, member), records.journal.guid, lambda: None).view()
    refuse_known(member, cluster, records.journal)
    credentials = ports.store.credentials()
    secrets = {"username": credentials.username, "password": credentials.password}
    return join_script(records.settings, secrets, region, join_addresses(member, group, cluster))


def _running(group: GroupView, joining: Member) -> list[str]:
    """Running members' addresses, the longest running first: the newest may not be in the cluster yet."""
    running = [each for each in group.members if each.state == "running" and each is not joining and each.launched]
    return [each.address for each in sorted(running, key=lambda each: str(each.launched)) if each.address]
