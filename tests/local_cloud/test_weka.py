"""The simulated WEKA cluster over real sockets: shapes of real answers, refusals, time, tokens and faults."""

from __future__ import annotations

import itertools
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local_cloud.weka import control
from local_cloud.weka.agent import agent_call
from local_cloud.weka.errors import Refusal, Unauthorized
from local_cloud.weka.model import Cluster, MachineSpec
from local_cloud.weka.registry import Registry

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")

PASSWORD = "WEKA-test-1"
NET = f"127.{100 + os.getpid() % 100}"  # test processes that run at once listen on addresses of their own
_blocks = itertools.count(1)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class World:
    """A cluster of its own on its own loopback addresses, and a client of it."""

    def __init__(self, size: int = 8, stripe: tuple[int, int] = (3, 2), **options: Any) -> None:
        self.clock = Clock()
        self.registry = Registry(clock=self.clock)
        block = next(_blocks)
        self.specs = [MachineSpec(f"i-{n:017x}", f"{NET}.{block}.{n + 10}") for n in range(size + 3)]
        self.spare = self.specs[size:]
        self.specs = self.specs[:size]
        self.cluster: Cluster = self.registry.form("demo", self.specs, password=PASSWORD, stripe=stripe, **options)
        self.session = requests.Session()
        self.session.trust_env = False  # a CA bundle named in the environment would win over `verify`
        self.session.verify = False
        self.token = ""

    def post(self, method: str, params: Any = None, *, at: int = 0, scheme: str = "https") -> requests.Response:
        body = {"jsonrpc": "2.0", "id": "7", "method": method, "params": {} if params is None else params}
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        url = f"{scheme}://{self.specs[at].address}:14000/api/v1"
        return self.session.post(url, json=body, headers=headers, timeout=5)

    def login(self, at: int = 0) -> dict[str, Any]:
        tokens = self.post("user_login", ["admin", PASSWORD], at=at).json()["result"]
        self.token = tokens["access_token"]
        return tokens

    def call(self, method: str, params: Any = None, *, at: int = 0) -> Any:
        """The result; an error's message is raised."""
        if not self.token:
            self.login(at)
        answer = self.post(method, params, at=at)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        document = answer.json()
        assert document["id"] == "7"
        if "error" in document:
            raise AssertionError(document["error"]["message"])
        return document["result"]

    def rest(self, verb: str, path: str, body: Any = None, *, at: int = 0) -> requests.Response:
        if not self.token:
            self.login(at)
        return self.session.request(
            verb,
            f"https://{self.specs[at].address}:14000/api/v2{path}",
            json=body,
            timeout=5,
            headers={"Authorization": f"Bearer {self.token}"},
        )

    def refused(self, method: str, params: Any, words: str) -> None:
        before = self.cluster.revision
        with pytest.raises(AssertionError, match=words):
            self.call(method, params)
        assert self.cluster.revision == before, "a refused call changed something"

    def containers(self, machine: int, at: int = 0) -> dict[str, dict[str, Any]]:
        """HostId<n> -> host of one machine, asked at another perhaps."""
        address = self.specs[machine].address
        return {k: h for k, h in self.call("hosts_list", at=at).items() if h["host_ip"] == address}

    def drives(self, machine: int, at: int = 0) -> list[dict[str, Any]]:
        hosts = self.containers(machine, at)
        return [d for d in self.call("disks_list", at=at).values() if d["host_id"] in hosts]

    def drain(self, machine: int) -> None:
        """Ask for one machine to leave, as the scale function does."""
        for drive in self.drives(machine):
            self.call("cluster_deactivate_drives", {"drive_uuids": [drive["uuid"]]})
        self.call("cluster_deactivate_hosts", {"host_ids": list(self.containers(machine))})


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.session.close()
    made.registry.close()


# Keys of WEKA's own answers: 3.11 hosts and drives captured on AWS, 4.4.2 status, REST 5.1 specification.
HOST_3_11 = """mode failure_domain_id bandwidth failure_domain added_time drives_dedicated_cores hostname ips
member_of_leadership io_nodes last_failure_time state start_time aws sw_version os_info last_failure_code cores_ids
frontend_dedicated_cores memory failure_domain_type leadership_role state_changed_time status cores host_ip
is_dedicated last_failure mgmt_port auto_remove_timeout"""
CONTAINER_5_1 = """id sw_release_string mode failure_domain_id bandwidth container_name failure_domain added_time uid
server_identifier drives_dedicated_cores hostname ips member_of_leadership cloud io_processes last_failure_time state
start_time aws sw_version os_info last_failure_code cores_ids memory frontend_dedicated_cores failure_domain_type
leadership_role state_changed_time status cores container_ip is_dedicated last_failure mgmt_port auto_remove_timeout
requested_action requested_action_failure requested_action_status requested_action_failure_time"""
DRIVE_5_1 = """added_time attachment block_size device_path failure_domain failure_domain_name firmware host_id hostname
id location model node_id percentage_used removed_time serial_number should_be_active size_bytes spares_remaining
spares_threshold status state_change_time uid uuid vendor"""
PROCESS_5_1 = """id dpdk_port_info network_mode mode container_name lowest_node_path_issue last_fencing_reason uid
hostname ips slot is_blacklisted roles missing_links is_ucx cpu_is_dedicated sw_version cpu_core_id container_id
cpu_numa_node gds_mode cpu_socket_id rdma_mode memory up_since trace_history_in_seconds leadership_role mgmt_ips
last_fencing_time status cpu_model dpdk_ip ucx_mode dpdk_socket_info mgmt_port last_join_reject_reason is_dpdk cpu_id"""
STATUS_4_4 = """active_alerts_count activity block_upgrade_task bucket_failure_grace_msecs buckets buckets_info
build_options capacity cloud compute_upgrade containers drives failure_domains_enabled grim_reaper guid hanging_ios
hosts hot_spare init_stage init_stage_changed_time io_nodes io_status io_status_changed_time is_cluster
last_init_failure last_init_failure_code last_init_failure_time licensing long_drive_grace_on_failure_secs name net
nodes overlay processes rebuild release release_hash response_from_host_id scrubber_bytes_per_sec servers
short_drive_grace_on_failure_secs start_io_starting_drives_grace_secs start_io_starting_io_nodes_grace_secs status
stripe_data_drives stripe_protection_drives time upgrade_info wide_range_nodes_allocation"""
STATUS_INNER = {
    "capacity": "total_bytes hot_spare_bytes unavailable_bytes unprovisioned_bytes",
    "hosts": "active_count total_count backends clients computes drives",
    "containers": "active total backends clients computes drives",
    "servers": "active total degraded backends clients",
    "rebuild": """enoughActiveFDs isInited movingData movingQuorums numActiveFDs numBucketsInReport numBucketsTotal
        numProtectionDisks potentialResilience progressPercent protectionState requiredFDsForRebuild
        scrubberBytesPerSec stickyProtectionState stickyUnavailableMiB stickyUnavailablePercent stripeDisks
        totalCopiesDoneMiB totalCopiesMiB unavailableMiB unavailablePercent""",
    "overlay": "backend_nodes_safety_histogram branching_factor client_nodes_at_risk max_supported_client_nodes",
    "licensing": "io_start_eligibility mode usage",
}


def missing(expected: str, answer: dict[str, Any]) -> set[str]:
    return set(expected.split()) - set(answer)


def test_status_has_every_field_of_a_real_one(world: World) -> None:
    status = world.call("status")
    assert not missing(STATUS_4_4, status)
    for name, keys in STATUS_INNER.items():
        assert not missing(keys, status[name]), name
    assert (status["io_status"], status["status"], status["upgrade"]) == ("STARTED", "OK", "")
    assert status["hosts"]["backends"] == {"active": 24, "total": 24}
    assert status["rebuild"]["protectionState"][0]["percent"] == 100
    cluster = world.rest("GET", "/cluster").json()["data"]
    assert cluster["guid"] == status["guid"] and set(cluster) == set(status)


def test_hosts_have_every_field_and_the_real_numbering(world: World) -> None:
    hosts = world.call("hosts_list")
    assert list(hosts)[:4] == ["HostId<0>", "HostId<1>", "HostId<2>", "HostId<3>"]
    first = hosts["HostId<0>"]
    assert not missing(HOST_3_11 + " container_name machine_identifier", first)
    assert first["aws"] == {
        "instance_type": "i3en.2xlarge",
        "availability_zone": "us-east-1a",
        "instance_id": world.specs[0].instance_id,
    }
    assert first["state_changed_time"] is None
    named = [(h["container_name"], h["mgmt_port"]) for h in hosts.values()][:4]
    assert named == [("drives0", 14000), ("compute0", 15000), ("frontend0", 16000), ("drives0", 14000)]
    assert len({h["machine_identifier"] for h in hosts.values()}) == 8
    digest = subprocess.run(["sha256sum"], input=first["host_ip"].encode(), capture_output=True, check=True).stdout
    assert first["failure_domain"] == digest.decode()[:16]


def test_drives_and_nodes_have_every_field(world: World) -> None:
    drives, nodes = world.call("disks_list"), world.call("nodes_list")
    assert len(drives) == 16 and not missing(DRIVE_5_1, {"id": 0, **drives["DiskId<0>"]})
    assert drives["DiskId<0>"]["model"] == "Amazon EC2 NVMe Instance Storage"
    management = {int(key[7:-1]) for key, node in nodes.items() if node["roles"] == ["MANAGEMENT"]}
    assert management == {20 * n for n in range(24)}
    assert nodes["NodeId<21>"]["roles"] == ["COMPUTE"] and nodes["NodeId<21>"]["host_id"] == "HostId<1>"


def test_rest_lists_have_every_field(world: World) -> None:
    containers = world.rest("GET", "/containers?filter_type=Backends").json()["data"]
    assert len(containers) == 24 and not missing(CONTAINER_5_1, containers[0])
    hosts = world.rest("GET", "/hosts").json()["data"]
    assert hosts[0]["host_ip"] == containers[0]["container_ip"]
    assert not missing(PROCESS_5_1, world.rest("GET", "/processes").json()["data"][0])
    assert not missing(DRIVE_5_1, world.rest("GET", "/drives").json()["data"][0])
    assert world.rest("GET", "/fileSystems").json()["data"][0]["name"] == "default"
    assert world.rest("GET", "/nothing").status_code == 404


def test_capacity_is_that_of_a_real_cluster_of_the_same_size() -> None:
    registry = Registry(listen=False)
    specs = [MachineSpec(f"i-{n}", f"127.99.0.{n + 1}") for n in range(8)]
    cluster = registry.form("real", specs, password=PASSWORD)
    capacity = control.state(cluster)["status"]["capacity"]
    assert cluster.stripe == (5, 2)
    assert round(capacity["total_bytes"] / 2**40, 2) == 20.46  # the real one shows 20.45 TiB and 2.92 TiB
    assert round(capacity["hot_spare_bytes"] / 2**40, 2) == 2.92


def test_plain_http_and_tls_share_a_port_and_the_certificate_can_be_pinned(world: World, tmp_path: Any) -> None:
    address = world.specs[0].address
    plain = world.post("client_query_backend", scheme="http")
    assert '"software_release":"5.1.27"' in plain.text
    pem = tmp_path / "weka.pem"
    pem.write_text(control.state(world.cluster)["certificate"])
    seen = subprocess.run(
        ["openssl", "s_client", "-connect", f"{address}:14000", "-CAfile", str(pem), "-verify_return_error"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert seen.returncode == 0 and "Verify return code: 0 (ok)" in seen.stdout
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"https://{address}:14000/api/v2/healthcheck", timeout=5)


def test_a_certificate_may_name_its_addresses(tmp_path: Any) -> None:
    made = World(5, alternatives=[f"{NET}.{n}.10" for n in range(1, 99)])
    pem = tmp_path / "weka.pem"
    pem.write_text(made.cluster.certificate)
    answer = requests.get(f"https://{made.specs[0].address}:14000/api/v2/healthcheck/", verify=str(pem), timeout=5)
    made.registry.close()
    assert (answer.status_code, answer.json()) == (200, "ok")


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("user_login", ["admin", PASSWORD]),
        ("user_login", {"username": "admin", "password": PASSWORD, "org": "Root"}),
        ("userlogin", {"username": "admin", "password": PASSWORD}),
    ],
)
def test_login_takes_both_spellings_and_both_forms(world: World, method: str, params: Any) -> None:
    tokens = world.post(method, params).json()["result"]
    assert set(tokens) >= {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 300)


def test_tokens_expire_and_are_refreshed(world: World) -> None:
    tokens = world.login()
    assert world.post("status").status_code == 200
    world.clock.now += 301
    expired = world.post("status")
    assert (expired.status_code, expired.json()) == (401, {"data": "Unauthorized"})
    fresh = world.post("user_refresh_token", [tokens["refresh_token"]]).json()["result"]
    assert fresh["refresh_token"] != tokens["refresh_token"]
    world.token = fresh["access_token"]
    assert world.post("status").status_code == 200
    assert world.post("user_refresh_token", {"refresh_token": tokens["refresh_token"]}).status_code == 401
    control.set_(world.cluster, {"access_token_expiry": 2})
    assert world.rest("POST", "/login", {"username": "admin", "password": PASSWORD}).json()["data"]["expires_in"] == 2


def test_five_wrong_passwords_lock_the_user_for_two_minutes(world: World) -> None:
    for _ in range(5):
        assert world.post("user_login", ["admin", "wrong"]).status_code == 401
    locked = world.post("user_login", ["admin", PASSWORD])
    assert locked.status_code == 403 and "locked out for" in locked.json()["data"]
    assert "admin" in control.state(world.cluster)["locked"]
    world.clock.now += 121
    assert world.login()["access_token"]


def test_no_token_means_401_and_an_unknown_method_an_error_inside_200(world: World) -> None:
    assert world.post("hosts_list").status_code == 401
    assert world.session.get(f"https://{world.specs[0].address}:14000/api/v2/cluster", timeout=5).status_code == 401
    world.login()
    answer = world.post("no_such_method")
    assert answer.status_code == 200 and answer.json()["error"]["code"] == -32601
    assert world.post("cluster_remove_host", {}).json()["error"]["code"] == -32602


def test_a_machine_leaves_step_by_step_as_time_passes(world: World) -> None:
    control.set_(world.cluster, {"phase_out_s": 60, "deactivate_s": 10, "remove_s": 10})
    world.drain(0)
    assert {d["status"] for d in world.drives(0)} == {"PHASING_OUT"}
    assert {h["state"] for h in world.containers(0).values()} == {"DEACTIVATING"}
    assert world.call("status")["status"] == "REDISTRIBUTING"
    world.clock.now += 11
    states = {h["container_name"]: h["state"] for h in world.containers(0).values()}
    assert states == {"drives0": "DEACTIVATING", "compute0": "INACTIVE", "frontend0": "INACTIVE"}
    world.refused("cluster_remove_host", {"host_id": 0, "no_wait": True}, "DEACTIVATING, deactivate it first")
    world.clock.now += 60
    uuids = [d["uuid"] for d in world.drives(0)]
    assert {(h["state"], h["status"]) for h in world.containers(0).values()} == {("INACTIVE", "INACTIVE")}
    assert {(d["status"], d["should_be_active"]) for d in world.drives(0)} == {("INACTIVE", False)}
    world.login()
    for host_id in (0, 1, 2):
        world.call("cluster_remove_host", {"host_id": host_id, "no_wait": True}, at=1)
    assert {h["state"] for h in world.containers(0).values()} == {"REMOVING"}
    world.clock.now += 11
    orphans = [d for d in world.call("disks_list", at=1).values() if d["uuid"] in uuids]
    assert {d["host_id"] for d in orphans} == {"HostId<INVALID>"}
    world.call("cluster_remove_drives", {"drive_uuids": uuids}, at=1)
    assert len(world.call("disks_list", at=1)) == 14
    removed = world.call("disks_list", {"show_removed": True}, at=1)
    assert all(d["removed_time"] for d in removed.values() if d["uuid"] in uuids)
    gone = world.post("hosts_list").json()
    assert "STEM" in gone["error"]["message"], "a removed machine is in no cluster"
    assert len(world.call("hosts_list", at=1)) == 21


def test_host_ids_are_taken_as_weka_clients_write_them(world: World) -> None:
    world.call("cluster_deactivate_hosts", {"host_ids": ["2"], "skip_resource_validation": False, "no_wait": True})
    world.call("cluster_deactivate_hosts", {"host_ids": ["HostId<5>"]})
    world.clock.now += 1
    world.call("cluster_remove_host", {"host_id": 2})
    assert "HostId<2>" not in world.call("hosts_list")


def test_rest_deactivates_and_removes(world: World) -> None:
    containers = world.rest("GET", "/containers").json()["data"]
    frontends = [c for c in containers if c["container_name"] == "frontend0"]
    check = world.rest("POST", "/containers/deactivation-check", {"container_uids": [frontends[0]["uid"]]})
    assert check.json() == {"data": None} and world.containers(0)["HostId<2>"]["state"] == "ACTIVE"
    first = world.rest("POST", "/containers/deactivate", {"container_uids": [frontends[0]["uid"]]})
    assert first.json() == {"data": None}
    assert world.rest("POST", f"/containers/{frontends[1]['uid']}/deactivate").status_code == 200
    assert world.rest("DELETE", f"/containers/{frontends[2]['uid']}").status_code == 200
    world.clock.now += 0.4
    states = {c["id"]: c["state"] for c in world.rest("GET", "/containers").json()["data"]}
    assert (states["HostId<2>"], states["HostId<5>"], states["HostId<8>"]) == ("INACTIVE", "INACTIVE", "REMOVING")
    world.clock.now += 0.4
    assert len(world.call("hosts_list")) == 23
    drive = world.drives(7)[0]["uuid"]
    assert world.rest("POST", "/drives/deactivate", {"drive_uuids": [drive]}).status_code == 200
    answer = world.rest("DELETE", f"/drives/{drive}")
    assert answer.status_code == 400 and "PHASING_OUT" in answer.json()["message"]
    world.clock.now += 2
    assert world.rest("DELETE", f"/drives/{drive}").json() == {"data": None}


def test_what_does_not_exist_is_refused_in_wekas_words(world: World) -> None:
    world.refused("cluster_deactivate_hosts", {"host_ids": ["HostId<150>"]}, "Host HostId<150> not found")
    world.refused("cluster_remove_host", {"host_id": 150}, "Host HostId<150> not found")
    world.refused("cluster_deactivate_drives", {"drive_uuids": ["no"]}, 'The given drive "no" does not exist')
    world.refused("cluster_remove_drives", {"drive_uuids": [world.drives(0)[0]["uuid"]]}, "it is ACTIVE")


def test_capacity_below_the_provisioned_is_refused(world: World) -> None:
    total = world.call("status")["capacity"]["total_bytes"]
    control.set_(world.cluster, {"provisioned_bytes": total - 1})
    assert world.call("status")["capacity"]["unprovisioned_bytes"] == 1
    drive = world.drives(0)[0]["uuid"]
    world.refused("cluster_deactivate_drives", {"drive_uuids": [drive]}, "capacity .* provisioned for filesystems")
    world.refused("cluster_deactivate_hosts", {"host_ids": ["HostId<0>"]}, "provisioned")
    world.call("cluster_deactivate_drives", {"drive_uuids": [drive], "skip_resource_validation": True})


def test_fewer_than_five_failure_domains_with_compute_are_refused(world: World) -> None:
    ids = [f"HostId<{3 * n + 1}>" for n in range(4)]
    world.refused(
        "cluster_deactivate_hosts",
        {"host_ids": ids},
        "leave 4 failure domains with compute nodes but Weka requires at least 5",
    )
    world.call("cluster_deactivate_hosts", {"host_ids": ids[:3]})


def test_losing_the_leadership_of_five_is_refused(world: World) -> None:
    ids = [f"HostId<{3 * n}>" for n in range(4)]
    world.refused(
        "cluster_deactivate_hosts",
        {"host_ids": ids},
        "there are 4 reliable containers available for cluster leadership, while the requirement is for 5",
    )


def test_too_few_drives_for_the_stripe_and_its_spare_are_refused(world: World) -> None:
    for machine in (0, 1):
        world.drain(machine)
    uuids = [d["uuid"] for d in world.drives(2)]
    world.call("cluster_deactivate_drives", {"drive_uuids": uuids[:1]})
    world.refused("cluster_deactivate_drives", {"drive_uuids": uuids}, "not enough failure domains with active drives")
    world.call("cluster_deactivate_drives", {"drive_uuids": uuids, "skip_resource_validation": True})


def test_stopped_io_is_refused(world: World) -> None:
    control.set_(world.cluster, {"io_status": "STOPPED"})
    world.refused(
        "cluster_deactivate_drives",
        {"drive_uuids": [world.drives(0)[0]["uuid"]]},
        "IO not started. Current IO status is STOPPED",
    )
    world.refused("cluster_deactivate_hosts", {"host_ids": ["HostId<1>"]}, "IO not started")


def test_a_dead_machine_does_not_listen_is_rebuilt_and_can_be_removed(world: World) -> None:
    control.set_(world.cluster, {"rebuild_s": 100})
    world.call("status", at=1)
    world.registry.machine_gone(world.specs[0].instance_id)
    with pytest.raises(requests.exceptions.ConnectionError):
        world.post("status", at=0)
    assert {h["status"] for h in world.call("hosts_list", at=1).values() if h["host_ip"] == world.specs[0].address} == {
        "DOWN"
    }
    world.clock.now += 50
    status = world.call("status", at=1)
    assert status["status"] == "REBUILDING" and status["rebuild"]["progressPercent"] == 50
    assert status["rebuild"]["protectionState"][1]["percent"] == 50
    nodes = world.call("nodes_list", at=1)
    assert nodes["NodeId<0>"]["status"] == "DOWN" and nodes["NodeId<0>"]["last_fencing_time"]
    world.clock.now += 51
    assert world.call("status", at=1)["status"] == "OK"
    drives = [d["uuid"] for d in world.call("disks_list", at=1).values() if d["status"] == "DOWN"]
    world.call("cluster_deactivate_drives", {"drive_uuids": drives}, at=1)
    world.call("cluster_deactivate_hosts", {"host_ids": ["HostId<0>", "HostId<1>", "HostId<2>"]}, at=1)
    world.clock.now += 5
    for host_id in (0, 1, 2):
        world.call("cluster_remove_host", {"host_id": host_id, "no_wait": False}, at=1)
    world.call("cluster_remove_drives", {"drive_uuids": drives}, at=1)
    assert len(world.call("hosts_list", at=1)) == 21


def test_only_a_machine_that_still_holds_data_is_told_as_lost(world: World) -> None:
    world.drain(0)
    world.clock.now += 5
    world.registry.machine_gone(world.specs[0].instance_id)
    lost = [e for e in control.state(world.cluster)["events"] if e["type"] == "DrivesLostWithData"]
    assert lost == [] and world.cluster.rebuilding == {}
    world.token = ""
    world.call("cluster_deactivate_drives", {"drive_uuids": [d["uuid"] for d in world.drives(1, at=2)]}, at=2)
    world.registry.machine_gone(world.specs[1].instance_id)
    lost = [e for e in control.state(world.cluster)["events"] if e["type"] == "DrivesLostWithData"]
    assert [e["severity"] for e in lost] == ["CRITICAL"] and len(world.cluster.rebuilding) == 1


def test_a_machine_that_comes_back_listens_again(world: World) -> None:
    control.faults(world.cluster, {"instances": {world.specs[0].instance_id: {"seconds": 7200, "fenced": False}}})
    node = world.call("nodes_list", at=1)["NodeId<0>"]
    assert (node["status"], node["last_fencing_time"]) == ("DOWN", None)
    control.faults(world.cluster, {"instances": {world.specs[0].instance_id: "up"}})
    world.clock.now += 2
    assert {h["status"] for h in world.containers(0).values()} == {"UP"}
    assert world.call("status")["drives"] == {"active": 16, "total": 16}


def test_more_losses_than_protection_make_data_unavailable(world: World) -> None:
    for n in (1, 2, 3):
        world.registry.machine_gone(world.specs[n].instance_id)
    status = world.call("status")
    assert status["status"] == "UNAVAILABLE" and status["rebuild"]["unavailableMiB"] > 0


def join(world: World, spec: MachineSpec, **credentials: str) -> str:
    """Let an instance join as its user data does; returns the host id of its drive container."""
    user = {"username": "admin", "password": PASSWORD, **credentials}
    world.registry.join("demo", spec)

    def ask(verb: str, **params: Any) -> dict[str, Any]:
        return agent_call(world.registry, "demo", spec.instance_id, verb, params)

    source = world.specs[1].address
    ask("install", **{"from": source})
    ask("version-get", **{"from": f"{source}:14000"}, release="5.1.27")
    ask("version-prepare", release="5.1.27")
    assert ask("local-ps")["containers"][0]["state"] == "STEM"
    ask("local-rm", force=True)
    made = [
        ask("local-setup-container", name=name, base_port=port, cores=1, join_ips=f"127.99.0.1,{source}", **user)
        for name, port in (("drives0", 14000), ("compute0", 15000), ("frontend0", 16000))
    ]
    assert ask("ready", **user) == {"is_ready": False}
    world.clock.now += 1
    assert ask("ready", **user) == {"is_ready": True}
    for disk in ask("disks")["disks"]:
        if not disk["isMounted"]:
            ask("sign-drive", device=disk["devPath"])
    host_id = f"HostId<{made[0]['host_id']}>"
    assert len(ask("drive-scan", host_id=host_id, **user)["added"]) == 2
    assert ask("drive-scan", host_id=host_id, **user) == {"added": []}
    return host_id


def test_an_instance_joins_by_its_own_commands(world: World) -> None:
    host_id = join(world, world.spare[0])
    assert host_id == "HostId<24>"
    world.specs.append(world.spare[0])
    assert {d["status"] for d in world.drives(8)} == {"PHASING_IN"}
    world.clock.now += 1
    assert {d["status"] for d in world.drives(8)} == {"ACTIVE"}
    assert world.call("status", at=8)["hosts"]["backends"] == {"active": 27, "total": 27}
    assert len({h["machine_identifier"] for h in world.containers(8).values()}) == 1


def test_joining_needs_a_user_of_the_cluster_and_a_running_backend(world: World) -> None:
    with pytest.raises(Unauthorized):
        join(world, world.spare[1], password="wrong")
    spec = world.spare[1]
    with pytest.raises(Refusal, match="no running backend"):
        agent_call(
            world.registry,
            "demo",
            spec.instance_id,
            "local-setup-container",
            {"name": "drives0", "join_ips": ["127.99.0.9"], "username": "admin", "password": PASSWORD},
        )
    assert len(world.cluster.containers) == 24


def test_a_client_mounts_counts_as_no_backend_and_goes_by_itself(world: World) -> None:
    spec = world.spare[2]
    world.registry.join("demo", spec)
    agent_call(world.registry, "demo", spec.instance_id, "install", {"from": world.specs[0].address})
    mount = {
        "filesystem": "default",
        "mount_point": "/mnt/weka",
        "from": world.specs[0].address,
        "auto_remove_timeout": 60,
    }
    agent_call(world.registry, "demo", spec.instance_id, "mount", mount)
    client = next(h for h in world.call("hosts_list").values() if h["mode"] == "client")
    assert (client["container_name"], client["auto_remove_timeout"], client["failure_domain"]) == ("client", 60, None)
    assert [n for n in world.call("nodes_list") if int(n[7:-1]) >= 15000][:2] == ["NodeId<15000>", "NodeId<15001>"]
    assert world.call("status")["hosts"]["clients"] == {"active": 1, "total": 1}
    agent_call(world.registry, "demo", spec.instance_id, "umount", {"mount_point": "/mnt/weka"})
    assert world.call("status")["hosts"]["clients"] == {"active": 0, "total": 1}
    world.clock.now += 61
    assert world.call("status")["hosts"]["clients"] == {"active": 0, "total": 0}


def test_faults_of_a_method_bend_its_answer(world: World) -> None:
    def fault(**spec: Any) -> None:
        control.faults(world.cluster, {"clear": True, "methods": {"hosts_list": spec}})

    world.login()
    fault(empty=True)
    assert world.call("hosts_list") == {} and world.rest("GET", "/containers").json() == {"data": []}
    fault(partial=0.5)
    assert len(world.call("hosts_list")) == 12
    fault(error="Cluster is upgrading", times=1)
    world.refused("hosts_list", {}, "Cluster is upgrading")
    assert len(world.call("hosts_list")) == 24
    fault(http=500, address=world.specs[2].address)
    assert world.post("hosts_list", at=2).status_code == 500 and world.post("hosts_list", at=3).status_code == 200
    fault(merge={"HostId<0>": {"state": "HIBERNATING"}, "*": {"newer_field": 1, "aws": None}})
    host = world.call("hosts_list")["HostId<0>"]
    assert (host["state"], host["newer_field"], "aws" in host) == ("HIBERNATING", 1, False)
    fault(hang_s=0.2)
    began = time.monotonic()
    world.call("hosts_list")
    assert time.monotonic() - began >= 0.2
    control.faults(world.cluster, {"clear": True})
    assert len(world.call("hosts_list")) == 24


def test_a_stale_answer_is_the_one_before_the_last_change(world: World) -> None:
    assert world.containers(0)["HostId<2>"]["state"] == "ACTIVE"
    world.call("cluster_deactivate_hosts", {"host_ids": ["HostId<2>"]})
    control.faults(world.cluster, {"methods": {"hosts_list": {"stale": True, "times": 1}}})
    assert world.containers(0)["HostId<2>"]["state"] == "ACTIVE"
    assert world.containers(0)["HostId<2>"]["state"] == "DEACTIVATING"


def test_a_lost_reply_still_had_its_effect_and_a_lost_request_had_none(world: World) -> None:
    world.login()
    control.faults(
        world.cluster,
        {
            "methods": {
                "cluster_deactivate_hosts": [{"drop_before": True, "times": 1}, {"drop_after": True, "times": 1}]
            }
        },
    )
    for expected in ("ACTIVE", "DEACTIVATING"):
        with pytest.raises(requests.exceptions.ConnectionError):
            world.post("cluster_deactivate_hosts", {"host_ids": ["HostId<2>"]})
        assert world.containers(0)["HostId<2>"]["state"] == expected
        control.faults(world.cluster, {"clear": True, "methods": {"cluster_deactivate_hosts": {"drop_after": True}}})


def test_faults_of_machines_containers_drives_clock_and_identity(world: World) -> None:
    instance = world.specs[0].instance_id
    control.faults(
        world.cluster,
        {
            "containers": {f"{instance}/compute0": "down"},
            "drives": {"DiskId<4>": "FAILED"},
            "clock_skew_s": 3600,
            "guids": {world.specs[2].address: "another"},
        },
    )
    assert [h["status"] for h in world.containers(0).values()] == ["UP", "DOWN", "UP"]
    assert world.call("status")["servers"]["backends"] == {"active": 7, "degraded": 1, "total": 8}
    assert world.call("disks_list")["DiskId<4>"]["status"] == "FAILED"
    assert world.call("status")["time"]["cluster_time"].startswith("2027-01-15T09:00")
    assert world.call("status", at=2)["guid"] == "another" != world.call("status", at=1)["guid"]
    with pytest.raises(ValueError, match="unknown fault colour"):
        control.faults(world.cluster, {"colour": "red"})
    with pytest.raises(ValueError, match="unknown sleepy"):
        control.faults(world.cluster, {"methods": {"status": {"sleepy": 1}}})


def test_settings_gates_and_events(world: World) -> None:
    control.set_(world.cluster, {"upgrade": "running", "overrides": {"add": [{"key": "skip_scale_down"}]}})
    assert world.call("status")["upgrade"] == "running"
    override = world.call("manual_override_list")["ManualOverrideId<0>"]
    assert (override["key"], override["enabled"]) == ("skip_scale_down", True)
    control.set_(world.cluster, {"overrides": {"remove": ["skip_scale_down"]}, "users": {"weka": "other"}})
    assert world.call("manual_override_list") == {}
    assert world.post("user_login", ["weka", "other"]).json()["result"]["access_token"]
    world.call("events_trigger_custom", {"message": "Trying to remove a machine"})
    assert world.rest("POST", "/events/custom", {"message": "again"}).json() == {"data": None}
    told = [e["description"] for e in control.state(world.cluster)["events"][:2]]
    assert told == ["again", "Trying to remove a machine"]
    world.refused("events_trigger_custom", {"message": ""}, "message of 1 to 256 characters")


def test_a_port_of_an_interface_group_is_deleted(world: World) -> None:
    ports = [{"host_id": "HostId<2>", "host_uid": "x", "port": "eth1", "status": "OK"}]
    group = {
        "name": "nfs",
        "type": "NFS",
        "gateway": "",
        "subnet_mask": "255.0.0.0",
        "ips": [],
        "status": "OK",
        "uid": "g",
        "allow_manage_gids": False,
        "ports": ports,
    }
    control.set_(world.cluster, {"interface_groups": [group]})
    assert world.call("interface_group_list")[0]["ports"][0]["host_id"] == "HostId<2>"
    world.call("interface_group_delete_port", {"name": "nfs", "host_id": "HostId<2>", "port": "eth1"})
    assert world.call("interface_group_list")[0]["ports"] == []
    world.refused("interface_group_delete_port", {"name": "smb", "host_id": "HostId<2>", "port": "eth1"}, "not found")


def test_the_installer_is_a_script_that_refuses_to_run_elsewhere(world: World) -> None:
    script = world.session.get(f"https://{world.specs[0].address}:14000/dist/v1/install", timeout=5)
    assert script.status_code == 200 and "@" not in script.text
    run = subprocess.run(["sh"], input=script.content, capture_output=True, env={"PATH": "/usr/bin:/bin"})
    assert run.returncode != 0 and b"only instances of the local cloud" in run.stderr


def test_hundreds_of_machines_answer_at_once() -> None:
    registry = Registry(listen=False)
    specs = [MachineSpec(f"i-{n}", f"127.98.{n // 200}.{n % 200 + 1}") for n in range(500)]
    cluster = registry.form("large", specs, password=PASSWORD)
    began = time.monotonic()
    assert len(control.state(cluster)["hosts"]) == 1500
    assert time.monotonic() - began < 1
    with pytest.raises(ValueError, match="at least 5 backends"):
        registry.form("small", specs[:4], password=PASSWORD)


def test_many_callers_at_once_see_whole_answers(world: World) -> None:
    world.login()
    sizes: list[int] = []

    def read(at: int) -> None:
        with requests.Session() as session:
            answer = session.post(
                f"http://{world.specs[at].address}:14000/api/v1",
                timeout=10,
                headers={"Authorization": f"Bearer {world.token}"},
                json={"jsonrpc": "2.0", "id": "1", "method": "hosts_list", "params": {}},
            )
            sizes.append(len(answer.json()["result"]))

    threads = [threading.Thread(target=read, args=(n % 8,)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sizes == [24] * 24


def test_a_frozen_member_answers_as_of_its_moment_in_every_method_and_the_others_go_on(world: World) -> None:
    frozen, other = 0, 1
    address = world.specs[frozen].address
    control.faults(world.cluster, {"views": {address: "frozen"}})
    before = {m: world.call(m, at=frozen) for m in ("status", "hosts_list", "nodes_list", "disks_list")}
    world.clock.now += 300
    world.login()
    control.faults(world.cluster, {"instances": {world.specs[5].instance_id: "down"}})
    assert {m: world.call(m, at=frozen) for m in before} == before
    now = world.call("status", at=other)
    assert now["time"]["cluster_time"] > before["status"]["time"]["cluster_time"]
    assert world.call("hosts_list", at=other) != before["hosts_list"]
    control.faults(world.cluster, {"views": {address: None}})
    assert world.call("hosts_list", at=frozen) == world.call("hosts_list", at=other)


def test_a_member_can_see_what_the_others_do_not(world: World) -> None:
    control.faults(
        world.cluster, {"views": {world.specs[0].address: {"hosts_list": {"HostId<0>": {"state": "INACTIVE"}}}}}
    )
    seen = [world.call("hosts_list", at=at)["HostId<0>"]["state"] for at in (0, 1)]
    assert seen == ["INACTIVE", "ACTIVE"]
    control.faults(world.cluster, {"clear": True})
    assert world.call("hosts_list")["HostId<0>"]["state"] == "ACTIVE"


def test_a_drive_and_a_container_get_stuck_and_go_on_when_let_go(world: World) -> None:
    drive = next(iter(world.cluster.drives_of([15])))
    world.call("cluster_deactivate_hosts", {"host_ids": ["HostId<15>"]})
    control.faults(world.cluster, {"stuck": [drive.uuid]})
    world.clock.now += 100_000
    world.login()
    world.call("status")
    assert drive.status == "PHASING_OUT"
    assert world.cluster.containers[15].state == "DEACTIVATING"
    control.faults(world.cluster, {"stuck": ["HostId<15>"]})
    world.cluster.faults.stuck.discard(drive.uuid)
    world.call("status")
    assert drive.status == "INACTIVE"
    assert world.cluster.containers[15].state == "DEACTIVATING"
    control.faults(world.cluster, {"clear": True})
    world.call("status")
    assert world.cluster.containers[15].state == "INACTIVE"


@pytest.mark.parametrize("rebuild", [False, True])
def test_a_drive_fails_on_its_way_out_and_is_rebuilt_or_not(world: World, rebuild: bool) -> None:
    drive = next(iter(world.cluster.drives_of([15])))
    world.call("cluster_deactivate_drives", {"drive_uuids": [drive.uuid]})
    control.faults(world.cluster, {"drives": {drive.uuid: {"status": "FAILED", "rebuild": rebuild}}})
    assert drive.status == "FAILED"
    assert (world.call("status")["status"] == "REBUILDING") is rebuild


def test_an_upgrade_starts_between_two_calls(world: World) -> None:
    control.faults(
        world.cluster, {"methods": {"manual_override_list": {"skip": 1, "times": 1, "set": {"upgrade": "running"}}}}
    )
    world.call("manual_override_list")
    assert world.call("status")["upgrade"] == ""
    world.call("manual_override_list")
    assert world.call("status")["upgrade"] == "running"


def test_a_container_can_be_made_the_leader(world: World) -> None:
    control.set_(world.cluster, {"leader": 6})
    leaders = [key for key, host in world.call("hosts_list").items() if host["leadership_role"] == "leader"]
    assert leaders == ["HostId<6>"]


def test_a_fault_of_no_method_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="no method is called host_list"):
        control.faults(world.cluster, {"methods": {"host_list": {"empty": True}}})


def test_only_a_later_release_can_be_asked_whether_a_deactivation_would_go(world: World) -> None:
    uids = [host["uid"] for host in list(world.call("hosts_list").values())[:3]]
    asked = {"container_uids": uids}
    assert world.rest("POST", "/containers/deactivation-check", asked).status_code == 200
    assert {c.state for c in world.cluster.backends()} == {"ACTIVE"}
    control.set_(world.cluster, {"release": "4.4.2.157-k8s.2"})
    assert world.rest("POST", "/containers/deactivation-check", asked).status_code == 404
