"""A WEKA cluster as the Cluster port."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from errors import ClusterAnswerUnknown, ClusterRefused, ClusterUnreachable
from scaling.health import leaving
from scaling.model import ClusterView, Container, Gates

from adapters.weka import snapshot
from adapters.weka.client import WekaClient

# A container or drive that comes or goes between two reads makes them disagree; reading again settles it.
ATTEMPTS = 3
VIEW_METHODS = (
    "status",
    "hosts_list",
    "nodes_list",
    "disks_list",
    "manual_override_list",
    "interface_group_list",
)
GATE_METHODS = ("status", "manual_override_list", "hosts_list")


class WekaCluster:
    """Cluster port. `fence` is called right before every change and stops it by raising LeaseLost."""

    def __init__(self, client: WekaClient, fence: Callable[[], None]) -> None:
        self._client = client
        self._fence = fence

    def view(self) -> ClusterView:
        """The whole cluster as one member that stays sees it; raises a ClusterError."""
        problem: Exception = ClusterAnswerUnknown("The cluster was not read.")
        for _ in range(ATTEMPTS):
            try:
                view = snapshot.cluster_view(*self._from_one_member(VIEW_METHODS))
            except ClusterAnswerUnknown as error:
                problem = error
                continue
            asked = self._client.address
            going = [machine.address for machine in view.machines if machine.inactive or leaving(machine)]
            self.avoid(going)
            if asked not in going:
                return view
            problem = ClusterUnreachable(f"{asked} leaves the cluster; its view of it is not used.")
        raise problem

    def gates(self) -> Gates:
        """What must be right before anything is changed; raises a ClusterError."""
        return snapshot.gates(*self._from_one_member(GATE_METHODS))

    def _from_one_member(self, methods: Sequence[str]) -> list[Any]:
        while True:
            address = self._client.address
            answers = [self._client.read(method) for method in methods]
            if self._client.address == address:
                return answers

    def avoid(self, addresses: Iterable[str]) -> None:
        """Never speak to these addresses again: their machines leave."""
        self._client.avoid(addresses)

    def deactivate_drives(self, uuids: Sequence[str]) -> None:
        """Start to phase drives out, one call each, so that a refusal names its drive."""
        for uuid in uuids:
            self._change("cluster_deactivate_drives", {"drive_uuids": [uuid]})

    def deactivate_containers(self, containers: Sequence[Container]) -> None:
        """Take the containers' ports out of the NFS interface groups, then deactivate all in one call."""
        for container in containers:
            for group, port in container.ports:
                self._change(
                    "interface_group_delete_port", {"name": group, "host_id": f"HostId<{container.id}>", "port": port}
                )
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
