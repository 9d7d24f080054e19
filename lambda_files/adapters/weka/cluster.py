"""A WEKA cluster as the Cluster port."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from errors import ClusterAnswerUnknown, ClusterRefused, ClusterUnreachable
from scaling.health import leaving
from scaling.model import ClusterView, Container, Gates, Verdict

from adapters.weka import snapshot
from adapters.weka.client import WekaClient
from adapters.weka.rpc import NotOffered

# A container or drive that comes or goes between two reads makes them disagree; reading again settles it.
ATTEMPTS = 3
VIEW_METHODS = ("status", "manual_override_list", "hosts_list", "disks_list")
GATE_METHODS = ("status", "manual_override_list")
# WEKA's release notes of 5.0.1: containers can be checked before they are deactivated.
DRY_RUN_SINCE = (5, 0, 1)


class WekaCluster:
    """Cluster port. `fence` is called right before every change and stops it by raising LeaseLost."""

    def __init__(self, client: WekaClient, fence: Callable[[], None]) -> None:
        self._client = client
        self._fence = fence
        self._release: str | None = None
        self._versions: frozenset[str] = frozenset()

    def view(self, not_before: datetime | None = None) -> ClusterView:
        """The whole cluster as one member that stays sees it; raises a ClusterError.

        A member whose answer is older than `not_before`, by the cluster's own clock, is not asked again.
        """
        problem: Exception = ClusterAnswerUnknown("The cluster was not read.")
        attempts = 0
        while attempts < ATTEMPTS:
            source, answers = self._from_one_member(VIEW_METHODS)
            try:
                # The processes are most of a large cluster's answer, and tell only since when a container is not up.
                nodes = {}
                if snapshot.needs_processes(answers[2]):
                    nodes = self._client.read("nodes_list", only=snapshot.NODE_FIELDS)
                if self._client.address != source:
                    continue
                view = snapshot.cluster_view(source, *answers, nodes)
            except ClusterAnswerUnknown as error:
                problem, attempts = error, attempts + 1
                continue
            if view.time and not_before and view.time < not_before:
                self._client.drop(source, f"{source} answered as of {view.time}, which is before {not_before}")
                continue
            self._release, self._versions = snapshot.release(answers[0]), view.gates.versions
            going = [machine.address for machine in view.machines if machine.inactive or leaving(machine)]
            self.avoid(going)
            if source not in going:
                return view
            problem = ClusterUnreachable(f"{source} leaves the cluster; its view of it is not used.")
            attempts += 1
        raise problem

    def gates(self) -> Gates:
        """What must be right before anything is changed, with the versions of the last view; raises a ClusterError."""
        _, (status, overrides) = self._from_one_member(GATE_METHODS)
        return snapshot.gates(status, overrides, self._versions)

    def _from_one_member(self, methods: Sequence[str]) -> tuple[str, list[Any]]:
        while True:
            address = self._client.address
            answers = [self._client.read(method, only=snapshot.FIELDS) for method in methods]
            if self._client.address == address:
                return address, answers

    def deactivation_check(self, containers: Sequence[Container]) -> Verdict | None:
        """WEKA's own dry run of the deactivation; None before release 5.0.1, which has none."""
        uids = [container.uid for container in containers if container.uid]
        if not snapshot.at_least(self._release, DRY_RUN_SINCE) or not uids:
            return None
        try:
            self._client.check("containers/deactivation-check", {"container_uids": uids})
        except NotOffered:
            return None
        except ClusterRefused as error:
            return False, str(error)
        return True, ""

    def avoid(self, addresses: Iterable[str]) -> None:
        """Never speak to these addresses again: their machines leave."""
        self._client.avoid(addresses)

    def deactivate_drives(self, uuids: Sequence[str]) -> None:
        """Start to phase drives out."""
        if uuids:
            self._change("cluster_deactivate_drives", {"drive_uuids": list(uuids)})

    def deactivate_containers(self, containers: Sequence[Container]) -> None:
        """Take the containers' ports out of the NFS interface groups, then deactivate all in one call."""
        groups = self._client.read("interface_group_list")
        for name, host_id, port in snapshot.ports_of(groups, {container.id for container in containers}):
            self._change("interface_group_delete_port", {"name": name, "host_id": host_id, "port": port})
        self._change(
            "cluster_deactivate_hosts",
            {"host_ids": [f"HostId<{container.id}>" for container in containers], "skip_resource_validation": False},
        )

    def remove_drives(self, uuids: Sequence[str]) -> None:
        """Remove inactive drives; one that is gone already is what was wanted."""
        for uuid in uuids:
            self._change("cluster_remove_drives", {"drive_uuids": [uuid]}, gone_is_fine=True)

    def remove_container(self, container: Container) -> None:
        """Remove an inactive container without waiting; one that is gone already is what was wanted."""
        # This method wants the bare number where cluster_deactivate_hosts wants HostId<n>.
        self._change("cluster_remove_host", {"host_id": container.id, "no_wait": True}, gone_is_fine=True)

    def emit(self, message: str) -> None:
        """Write an event into the cluster's log. It changes nothing that the lease guards."""
        self._client.change("events_trigger_custom", {"message": message})

    def _change(self, method: str, params: dict[str, Any], gone_is_fine: bool = False) -> None:
        self._fence()
        try:
            self._client.change(method, params)
        except ClusterRefused as error:
            if not (gone_is_fine and any(words in str(error) for words in ("not found", "does not exist"))):
                raise
