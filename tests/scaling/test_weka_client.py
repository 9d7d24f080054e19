"""The WEKA client against the simulated cluster's real sockets, TLS included."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from adapters.weka.client import WekaClient
from adapters.weka.cluster import WekaCluster
from adapters.weka.guard import LoginGuard
from adapters.weka.login import _TOKENS, Login
from adapters.weka.pool import Pool
from adapters.weka.rpc import Rpc
from adapters.weka.tls import Transport
from cloud import PASSWORD, USER, Ticker
from errors import (
    ClusterAnswerUnknown,
    ClusterRefused,
    ClusterUnreachable,
    CredentialsLocked,
    CredentialsRejected,
    LeaseLost,
    SettingsInvalid,
    WrongCluster,
)
from ports import Attempts, Credentials

from local_cloud.weka import control
from local_cloud.weka.certificate import self_signed
from local_cloud.weka.model import MachineSpec
from local_cloud.weka.registry import Registry


def no_wait(seconds: float) -> None:
    raise AssertionError(f"it would wait {seconds} s")


class Memory:
    """The item of the table, in memory."""

    def __init__(self) -> None:
        self.noted: dict[str, Attempts] = {}
        self.lock = threading.Lock()

    def attempts(self, fingerprint: str) -> Attempts:
        return self.noted.get(fingerprint, Attempts())

    def begin(self, fingerprint: str, at: int, known: Attempts, most: int) -> bool:
        with self.lock:
            now = self.attempts(fingerprint)
            if now.refused != known.refused or now.unheard >= most:
                return False
            self.noted = {fingerprint: replace(now, tried_at=at, unheard=now.unheard + 1)}
            return True

    def accepted(self, fingerprint: str, at: int) -> None:
        self.noted = {fingerprint: Attempts(tried_at=at)}

    def refused(self, fingerprint: str, at: int) -> None:
        with self.lock:
            now = self.attempts(fingerprint)
            self.noted = {fingerprint: replace(now, refused_at=at, refused=now.refused + 1, unheard=now.unheard - 1)}

    def withdraw(self, fingerprint: str) -> None:
        now = self.attempts(fingerprint)
        self.noted = {fingerprint: replace(now, unheard=now.unheard - 1)}


class World:
    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.ticker = Ticker()
        self.registry = Registry(self.port, clock=self.ticker)
        block = 64 + self.port % 128
        self.addresses = [f"127.{block}.7.{n}" for n in range(1, 7)]
        specs = [MachineSpec(f"i-{n:017x}", address) for n, address in enumerate(self.addresses)]
        self.weka = self.registry.form("demo", specs, username=USER, password=PASSWORD)
        self.memory = Memory()
        self.transport = Transport("https", self.port, True, self.weka.certificate)

    def sleep(self, seconds: float) -> None:
        self.ticker.seconds += seconds

    def client(
        self, transport=None, password=PASSWORD, fingerprint="one", addresses=None, guid=None, sleep=None, **rpc
    ):
        credentials = Credentials(USER, password, fingerprint)
        login = Login(credentials, LoginGuard(credentials, self.memory, self.ticker, sleep or no_wait))
        pool = Pool(self.addresses if addresses is None else addresses)
        return WekaClient(Rpc(transport or self.transport, **rpc), pool, login, guid)


@pytest.fixture(scope="module")
def shared():
    made = World()
    yield made
    made.registry.close()


@pytest.fixture
def world(shared):
    shared.memory.noted.clear()
    _TOKENS.clear()
    yield shared
    shared.weka.faults.clear()
    shared.weka.users.set_password(USER, PASSWORD)


def test_the_pinned_certificate_is_enough_whatever_address_it_is_for(world):
    assert world.client().read("status")["guid"] == world.weka.guid


def test_another_certificate_than_the_pinned_one_is_refused(world):
    other, _ = self_signed("other", [])
    with pytest.raises(ClusterUnreachable, match="certificate verify failed"):
        world.client(replace(world.transport, certificate=other)).read("status")


def test_a_pinned_certificate_is_checked_even_when_validation_is_off(world):
    other, _ = self_signed("other", [])
    with pytest.raises(ClusterUnreachable):
        world.client(replace(world.transport, certificate=other, validate_certs=False)).read("status")


def test_a_self_signed_certificate_is_accepted_only_by_the_explicit_setting(world):
    with pytest.raises(ClusterUnreachable, match="certificate verify failed"):
        world.client(Transport("https", world.port)).read("status")
    assert world.client(Transport("https", world.port, validate_certs=False)).read("status")["is_cluster"]


def test_plain_http_is_spoken_only_when_asked_for(world):
    assert world.client(Transport("http", world.port)).read("status")["is_cluster"]
    assert Transport.from_settings({}).scheme == "https"
    assert Transport.from_settings({}).validate_certs is True
    with pytest.raises(SettingsInvalid):
        Transport.from_settings({"weka": {"scheme": "ftp"}})
    with pytest.raises(SettingsInvalid, match="PEM"):
        Transport("https", 1, True, "no certificate").session()


def test_f46_an_expired_token_is_refreshed_and_not_logged_in_again(world):
    client = world.client()
    client.read("status")
    logins = world.weka.users.logins
    world.weka.users.expire_all()
    assert client.read("hosts_list")
    assert world.weka.users.logins == logins


def test_when_the_refresh_token_is_gone_too_there_is_one_login(world):
    client = world.client()
    client.read("status")
    logins = world.weka.users.logins
    world.weka.users.set_password(USER, PASSWORD)
    assert client.read("hosts_list")
    assert world.weka.users.logins == logins + 1


def test_a_wrong_password_is_one_attempt_at_one_member(world):
    for _ in range(3):
        with pytest.raises(CredentialsRejected, match="Run import.yml again"):
            world.client(password="wrong").read("status")
    assert world.weka.users._attempts[USER].failures == 1
    assert world.client(fingerprint="two").read("status")
    world.ticker.seconds += 1801
    assert world.client().read("status")


def test_a_locked_account_is_told_apart(world):
    for number in range(5):
        with pytest.raises(CredentialsRejected):
            world.client(password="wrong", fingerprint=str(number)).read("status")
    with pytest.raises(CredentialsLocked, match="locked"):
        world.client(fingerprint="right").read("status")


def test_f41_a_hanging_member_is_dropped_within_the_time_of_the_pass(world, monkeypatch):
    monkeypatch.setattr("adapters.weka.rpc.READ_SECONDS", 0.2)
    world.weka.faults.add("hosts_list", {"hang_s": 1.0, "address": world.addresses[0]})
    client = world.client()
    assert client.read("hosts_list")
    assert client.address == world.addresses[1]


def test_the_time_of_all_calls_together_is_bounded(world):
    ticks = iter([0.0, 0.0, 1.0, 99.0])
    with pytest.raises(ClusterUnreachable, match="time for this pass"):
        world.client(seconds=10.0, ticks=lambda: next(ticks, 99.0)).read("status")


@pytest.mark.parametrize("fault", [{"http": 500}, {"http": 503}, {"http": 301}, {"drop_before": True}])
def test_a_read_moves_on_from_a_member_that_cannot_answer(world, fault):
    world.weka.faults.add("hosts_list", {**fault, "address": world.addresses[0]})
    client = world.client()
    assert len(client.read("hosts_list")) == 18
    assert client.address == world.addresses[1]


def test_a_change_whose_answer_was_lost_is_not_repeated(world):
    world.weka.faults.add("events_trigger_custom", {"drop_after": True, "times": 1})
    before = len(world.weka.events)
    with pytest.raises(ClusterUnreachable, match="not known"):
        world.client().change("events_trigger_custom", {"message": "once"})
    assert len(world.weka.events) == before + 1


def test_f40_an_error_inside_a_200_is_a_refusal_with_the_clusters_words(world):
    world.weka.faults.add("hosts_list", {"error": "not now", "code": -7})
    with pytest.raises(ClusterRefused, match=r"not now.*code -7"):
        world.client().read("hosts_list")


def test_an_unknown_method_means_that_this_member_is_in_no_cluster(world):
    with pytest.raises(ClusterUnreachable, match="in no cluster"):
        world.client().read("no_such_method")


def test_a_pool_without_addresses_is_an_error_and_never_an_empty_success(world):
    with pytest.raises(ClusterUnreachable, match="no running member"):
        world.client(addresses=[]).read("status")


def test_a_member_that_leaves_is_never_spoken_to(world):
    client = world.client()
    client.avoid(world.addresses[:5])
    assert client.read("status")
    assert client.address == world.addresses[5]


def test_f45_every_member_is_asked_which_cluster_it_is(world):
    world.weka.faults.guids[world.addresses[1]] = "foreign"
    client = world.client(guid=world.weka.guid)
    assert client.read("status")
    client.avoid([world.addresses[0]])
    with pytest.raises(WrongCluster, match="foreign"):
        client.change("events_trigger_custom", {"message": "never"})
    assert all(event["description"] != "never" for event in world.weka.events)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"not json", "not JSON"),
        (b"[]", "not JSON-RPC"),
        (b'{"jsonrpc": "2.0"}', "without a result"),
        (b'{"jsonrpc": "2.0", "result": {}, "id": "another"}', "another request"),
    ],
)
def test_f50_an_answer_of_another_shape_is_refused(answer, words):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\nConnection: close\r\n\r\n"
                connection.sendall(head.encode() + answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        rpc = Rpc(Transport("http", server.getsockname()[1]))
        with pytest.raises(ClusterAnswerUnknown, match=words):
            rpc.post("127.0.0.1", "status", {})
        thread.join(5)


def test_removing_what_is_gone_already_is_no_error_but_another_refusal_is(world):
    cluster = WekaCluster(world.client(), lambda: None)
    cluster.remove_drives(["00000000-0000-0000-0000-000000000000"])
    busy = cluster.view().machines[0]
    with pytest.raises(ClusterRefused):
        cluster.remove_drives([busy.drives[0].uuid])
    with pytest.raises(ClusterRefused):
        cluster.remove_container(busy.containers[0])


def test_s8_nothing_is_changed_once_the_lease_is_lost(world):
    def lost() -> None:
        raise LeaseLost("lost")

    cluster = WekaCluster(world.client(), lost)
    one = cluster.view().machines[0]
    for change in (
        lambda: cluster.deactivate_drives([one.drives[0].uuid]),
        lambda: cluster.deactivate_containers(one.containers),
        lambda: cluster.remove_drives([one.drives[0].uuid]),
        lambda: cluster.remove_container(one.containers[0]),
    ):
        with pytest.raises(LeaseLost):
            change()
    assert all(c.state == "ACTIVE" for c in world.weka.backends())


def view_of(world, not_before=None, addresses=None):
    return WekaCluster(world.client(addresses=addresses), lambda: None).view(not_before)


def test_f02_a_member_that_is_behind_is_not_asked_again(world):
    seen = view_of(world)
    assert seen.source == world.addresses[0]
    control.faults(world.weka, {"views": {world.addresses[0]: "frozen"}})
    world.ticker.seconds += 120
    assert view_of(world).source == world.addresses[0]
    later = view_of(world, not_before=seen.time + timedelta(seconds=60))
    assert later.source == world.addresses[1]
    assert later.time > seen.time
    with pytest.raises(ClusterUnreachable, match="before"):
        view_of(world, not_before=seen.time + timedelta(seconds=60), addresses=world.addresses[:1])


def test_f09_members_may_see_different_things(world):
    control.faults(world.weka, {"views": {world.addresses[0]: {"hosts_list": {"HostId<3>": {"state": "INACTIVE"}}}}})
    states = [
        {c.state for m in view_of(world, addresses=[address]).machines for c in m.containers}
        for address in world.addresses[:2]
    ]
    assert states == [{"ACTIVE", "INACTIVE"}, {"ACTIVE"}]


def test_wekas_dry_run_is_asked_where_the_release_has_it_and_its_words_are_told(world):
    cluster = WekaCluster(world.client(), lambda: None)
    view = cluster.view()
    one = view.machines[0].containers
    allowed, words = cluster.deactivation_check(one)
    assert allowed is False
    assert "protection" in words
    # The frontend of a machine holds neither data nor a place among the leaders.
    assert cluster.deactivation_check(one[2:]) == (True, "")
    assert {c.state for c in world.weka.backends()} == {"ACTIVE"}
    control.set_(world.weka, {"release": "4.4.2"})
    try:
        assert cluster.deactivation_check(one) is None, "the release said so a moment ago, and answers 404"
        older = WekaCluster(world.client(), lambda: None)
        older.view()
        assert older.deactivation_check(one) is None
    finally:
        control.set_(world.weka, {"release": "5.1.27"})


def test_a_dry_run_that_fails_is_no_yes(world):
    cluster = WekaCluster(world.client(), lambda: None)
    one = cluster.view().machines[0].containers
    world.weka.faults.add("cluster_deactivation_check", {"http": 503})
    with pytest.raises(ClusterUnreachable):
        cluster.deactivation_check(one)


def test_refused_logins_are_paused_for_longer_and_longer_and_given_up_before_the_account_is_locked(world):
    for count, pause in enumerate((1800, 3600, 7200), 1):
        with pytest.raises(CredentialsRejected):
            world.client(password="wrong").read("status")
        assert world.memory.noted["one"].refused == count
        world.ticker.seconds += pause - 1
        with pytest.raises(CredentialsRejected, match=f"{count} times, last at .* not tried again before .* UTC"):
            world.client(password="wrong").read("status")
        world.ticker.seconds += 1
    with pytest.raises(CredentialsRejected):
        world.client(password="wrong").read("status")
    world.ticker.seconds += 365 * 86400
    with pytest.raises(CredentialsRejected, match="4 times, last at .* not tried again at all. Run import.yml"):
        world.client(password="wrong").read("status")
    assert world.weka.users._attempts[USER].failures == 4
    assert world.client(fingerprint="stored anew").read("status")


def test_an_accepted_login_ends_the_count(world):
    with pytest.raises(CredentialsRejected):
        world.client(password="wrong").read("status")
    world.ticker.seconds += 1800
    assert world.client().read("status")
    assert (world.memory.noted["one"].refused, world.memory.noted["one"].unheard) == (0, 0)


def test_logins_whose_answer_is_lost_are_counted_and_stop_before_the_account_is_locked(world):
    world.weka.faults.add("user_login", {"drop_after": True})
    for _ in range(4):
        with pytest.raises(
            ClusterUnreachable, match="3 logins .* got no answer, the last one at .* none is tried before"
        ):
            world.client(password="wrong", sleep=world.sleep).read("status")
        world.ticker.seconds += 60
    assert world.weka.users._attempts[USER].failures == 3
    world.ticker.seconds += 1800
    with pytest.raises(ClusterUnreachable, match="4 logins"):
        world.client(password="wrong", sleep=world.sleep).read("status")
    assert world.weka.users._attempts[USER].failures == 4
    world.weka.faults.clear()
    world.ticker.seconds += 1800
    assert world.client().read("status"), "a cluster that answers again is used again"


def test_after_lost_answers_one_refusal_is_the_last_attempt(world):
    world.weka.faults.add("user_login", {"drop_after": True, "times": 2})
    with pytest.raises(CredentialsRejected):
        world.client(password="wrong").read("status")
    world.ticker.seconds += 1800
    with pytest.raises(CredentialsRejected):
        world.client(password="wrong").read("status")
    world.ticker.seconds += 365 * 86400
    with pytest.raises(CredentialsRejected, match="not tried again at all"):
        world.client(password="wrong").read("status")
    assert world.weka.users._attempts[USER].failures == 4


@pytest.mark.parametrize("fault", [{"http": 503}, {"error": "no such method", "code": -32601}, {"drop_before": True}])
def test_members_that_look_at_no_credentials_use_up_no_attempt(world, fault):
    """Members outside a cluster, those that start, and those that do not even tell their release."""
    method = "client_query_backend" if "drop_before" in fault else "user_login"
    for address in world.addresses[:5]:
        world.weka.faults.add(method, {**fault, "address": address})
    assert world.client().read("status")
    assert world.memory.noted["one"].unheard == 0


@pytest.mark.parametrize("fault", [{"http": 401}, {"http": 403}, {"http": 503}, {"error": "odd"}, {"http": 404}])
def test_a_release_that_tells_nothing_without_a_login_is_logged_in_to(world, fault):
    world.weka.faults.add("client_query_backend", fault)
    assert world.client().read("status")


def test_an_attempt_that_cannot_be_counted_is_not_made(world):
    def fails(*_: object) -> bool:
        raise ConnectionError("no table")

    world.memory.begin = fails
    try:
        with pytest.raises(ConnectionError):
            world.client(password="wrong").read("status")
    finally:
        del world.memory.begin
    assert USER not in world.weka.users._attempts


def test_of_many_that_log_in_at_once_each_gets_its_turn(world):
    world.memory.noted = {"one": Attempts(tried_at=int(world.ticker.seconds), unheard=3)}
    waits: list[float] = []

    def answered_meanwhile(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            world.memory.accepted("one", int(world.ticker.seconds))

    assert world.client(sleep=answered_meanwhile).read("status")
    assert len(waits) == 3


def test_nobody_waits_for_a_turn_that_does_not_come(world):
    world.memory.noted = {"one": Attempts(tried_at=int(world.ticker.seconds), unheard=3)}
    with pytest.raises(ClusterUnreachable, match="3 logins"):
        world.client(sleep=world.sleep).read("status")
    assert USER not in world.weka.users._attempts


@pytest.mark.parametrize(("password", "accepted"), [(PASSWORD, 30), ("wrong", 0)])
def test_thirty_instances_that_join_at_once_all_log_in_or_leave_the_account_open(world, password, accepted):
    """Each join is a function of its own, with tokens of its own; here those are thrown away at each attempt."""
    outcomes: list[str] = []

    def join() -> None:
        credentials = Credentials(USER, password, "one")
        guard = LoginGuard(credentials, world.memory, world.ticker, lambda seconds: time.sleep(seconds / 50))
        try:
            Login(credentials, guard)._login(Rpc(world.transport), world.addresses[0])
            outcomes.append("accepted")
        except CredentialsRejected:
            outcomes.append("rejected")

    threads = [threading.Thread(target=join) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count("accepted"), outcomes.count("rejected")) == (accepted, 30 - accepted)
    assert world.weka.users.locked() == {}
