"""Certificates: made here, tested before they serve, swapped without dropping a connection."""

from __future__ import annotations

import contextlib
import datetime
import http.client
import socket
import ssl
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from tests.support.webhook_rig import Rig, body, pod
from webhook import authority, certificates, tls
from webhook.authority import Authority, ConflictError, DirectoryStore
from webhook.certificates import CertificateError, KeyPair
from webhook.keeper import CertificateKeeper, Files, SelfManaged
from webhook.metrics import Metrics
from webhook.tls import Listener, Material, client_context

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.UTC)
HOSTS = ("localhost", "127.0.0.1", "karb-guard.karb-system.svc")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime.datetime:
        return self.now


def material(now: datetime.datetime = NOW, hosts: tuple[str, ...] = HOSTS) -> Material:
    ca = certificates.new_authority(now)
    return Material(certificates.issue_leaf(ca, hosts, now), ca.certificate)


@contextlib.contextmanager
def serving(listener: Listener) -> Iterator[int]:
    """The application on a free port of loopback."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        Rig().app,
        http="httptools",
        lifespan="off",
        log_config=None,
        access_log=False,
        ssl_context_factory=lambda _config, _default: listener.context,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)


def connect(port: int, bundle: bytes, host: str = "localhost") -> http.client.HTTPSConnection:
    connection = http.client.HTTPSConnection(host, port, timeout=5, context=client_context(bundle))
    connection.connect()
    return connection


def ask(connection: http.client.HTTPSConnection) -> int:
    headers = {"content-type": "application/json"}
    connection.request("POST", "/validate", body(pod("server", limit="1Gi")), headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def peer(connection: http.client.HTTPSConnection) -> bytes:
    assert isinstance(connection.sock, ssl.SSLSocket)
    found = connection.sock.getpeercert(binary_form=True)
    assert found is not None
    return found


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_client_that_trusts_the_generated_ca_gets_an_answer(host: str) -> None:
    served = material()
    listener = Listener()
    listener.swap(served, NOW)
    with serving(listener) as port:
        assert served.ca_bundle is not None
        assert ask(connect(port, served.ca_bundle, host)) == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(port, certificates.new_authority(NOW).certificate, host)


def test_rotation_keeps_open_connections_and_serves_new_ones_with_the_new_pair() -> None:
    before, after = material(), material()
    assert before.ca_bundle is not None
    assert after.ca_bundle is not None
    listener = Listener()
    listener.swap(before, NOW)
    with serving(listener) as port:
        old = connect(port, before.ca_bundle)
        assert ask(old) == 200
        stream = old.sock
        listener.swap(after, NOW)
        assert ask(old) == 200
        assert old.sock is stream, "the connection was dropped"
        new = connect(port, after.ca_bundle)
        assert ask(new) == 200
        assert peer(new) != peer(old)
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(port, before.ca_bundle)


def test_a_mismatched_pair_is_refused_and_the_old_one_keeps_serving() -> None:
    before, other = material(), material()
    assert before.ca_bundle is not None
    listener = Listener()
    listener.swap(before, NOW)
    mixed = KeyPair(other.pair.certificate, before.pair.key)
    with serving(listener) as port:
        with pytest.raises(CertificateError, match="can't be loaded together"):
            listener.swap(Material(mixed, other.ca_bundle), NOW)
        assert ask(connect(port, before.ca_bundle)) == 200
    assert listener.material == before


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (lambda good, other: Material(good.pair, other.ca_bundle), "test handshake failed"),
        (lambda good, _: Material(KeyPair(b"", good.pair.key), None), "holds none|not readable"),
        (lambda good, _: Material(KeyPair(good.pair.certificate[:200], b""), None), "not readable"),
        (lambda good, _: Material(KeyPair(good.pair.certificate, b""), None), "loaded together"),
        (lambda good, _: Material(KeyPair(b"x" * 300_000, b""), None), "at most"),
        (lambda good, _: Material(good.pair, b""), "holds none|not readable"),
        (lambda good, _: Material(good.pair, good.ca_bundle[:200]), "not readable"),
        (lambda good, _: Material(good.pair, b"\xff\xfe"), "holds none|not readable"),
    ],
    ids=[
        "another CA",
        "empty certificate",
        "half certificate",
        "empty key",
        "huge",
        "empty CA",
        "half CA",
        "CA that is no text",
    ],
)
def test_unusable_material_is_refused(broken: object, problem: str) -> None:
    good, other = material(), material()
    with pytest.raises(CertificateError, match=problem):
        tls.tested_context(broken(good, other), NOW)  # type: ignore[operator]


def test_a_leaf_outside_of_its_time_is_refused() -> None:
    old = material(NOW - 200 * DAY)
    with pytest.raises(CertificateError, match="not now"):
        tls.tested_context(Material(old.pair, None), NOW)


def test_the_leaf_names_the_service_and_never_outlives_its_ca() -> None:
    ca = certificates.new_authority(NOW, 30 * DAY)
    leaf = certificates.certificates_of(certificates.issue_leaf(ca, HOSTS, NOW).certificate)[0]
    parent = certificates.certificates_of(ca.certificate)[0]
    assert set(certificates.hosts_of(leaf)) == set(HOSTS)
    assert leaf.not_valid_after_utc == parent.not_valid_after_utc
    leaf.verify_directly_issued_by(parent)


def test_no_key_shows_in_a_repr() -> None:
    pair = certificates.new_authority(NOW)
    assert "PRIVATE" not in repr(Material(pair, None)) + repr(Authority(pair)) + str(pair)


def test_the_authority_file_is_private_and_survives_a_restart(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "tls")
    first = authority.ensure(store, NOW)
    mode = stat.S_IMODE((tmp_path / "tls" / "authority.pem").stat().st_mode)
    assert mode == 0o600
    assert store.public_file.read_bytes() == first.bundle
    assert b"PRIVATE" not in store.public_file.read_bytes()
    assert authority.ensure(DirectoryStore(tmp_path / "tls"), NOW) == first
    assert sorted(file.name for file in (tmp_path / "tls").iterdir()) == ["authority.pem", "ca.crt"]


def test_the_authority_is_renewed_at_two_thirds_and_both_are_trusted(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    first = authority.ensure(store, NOW)
    assert authority.ensure(store, NOW + 242 * DAY) == first
    second = authority.ensure(store, NOW + 244 * DAY)
    assert certificates.certificates_of(second.bundle)[1:] == certificates.certificates_of(
        first.bundle
    )
    assert certificates.belong_together(second.pair)


def test_an_expired_authority_is_replaced_without_hands(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    first = authority.ensure(store, NOW)
    later = NOW + 400 * DAY
    second = authority.ensure(store, later, first)
    assert len(certificates.certificates_of(second.bundle)) == 1
    assert second.not_after > later


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nx"])
def test_a_broken_store_is_filled_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "authority.pem").write_bytes(content)
    found = authority.ensure(DirectoryStore(tmp_path), NOW)
    assert authority.ensure(DirectoryStore(tmp_path), NOW) == found


def test_a_lost_store_gets_its_authority_back(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    first = authority.ensure(store, NOW)
    (tmp_path / "authority.pem").unlink()
    assert authority.ensure(store, NOW, first) == first
    assert store.load()[0] == first.pair


class RacingStore(DirectoryStore):
    """Another replica writes just before each of our first writes."""

    def __init__(self, directory: Path, races: int) -> None:
        super().__init__(directory)
        self.races = races

    def save(self, pair: KeyPair, token: object) -> None:
        if self.races:
            self.races -= 1
            current = self.load()[1]
            super().save(certificates.new_authority(NOW), current)
            raise ConflictError
        super().save(pair, token)


def test_replicas_that_start_together_agree_on_one_authority(tmp_path: Path) -> None:
    found = authority.ensure(RacingStore(tmp_path, 1), NOW)
    assert authority.ensure(DirectoryStore(tmp_path), NOW) == found


class Endless:
    """A store that loses every race."""

    def load(self) -> tuple[KeyPair | None, object]:
        return None, None

    def save(self, pair: KeyPair, token: object) -> None:
        raise ConflictError


def test_endless_races_end() -> None:
    with pytest.raises(CertificateError, match="changed at every attempt"):
        authority.ensure(Endless(), NOW)


def keeper_of(tmp_path: Path, clock: Clock) -> tuple[CertificateKeeper, Listener, Metrics]:
    listener, metrics = Listener(), Metrics()
    source = SelfManaged(DirectoryStore(tmp_path), HOSTS)
    keeper = CertificateKeeper(source, listener, metrics, clock)
    keeper.start()
    return keeper, listener, metrics


def test_nothing_changes_while_all_is_good(tmp_path: Path) -> None:
    keeper, listener, _ = keeper_of(tmp_path, Clock())
    before = listener.material
    assert keeper.refresh() is False
    assert listener.material is before


class Recorder(Listener):
    """Notes what is swapped in, without handshakes: the moved clock is not OpenSSL's."""

    def swap(self, material: Material, now: datetime.datetime) -> None:
        self.material = material


def test_the_leaf_is_renewed_at_two_thirds_of_its_life(tmp_path: Path) -> None:
    clock, listener = Clock(), Recorder()
    source = SelfManaged(DirectoryStore(tmp_path), HOSTS)
    keeper = CertificateKeeper(source, listener, Metrics(), clock)
    keeper.start()
    first = listener.material
    clock.now = NOW + 59 * DAY
    assert keeper.refresh() is False
    clock.now = NOW + 61 * DAY
    assert keeper.refresh() is True
    assert listener.material is not None
    assert first is not None
    assert listener.material.pair != first.pair
    assert listener.material.ca_bundle == first.ca_bundle


def test_a_new_authority_is_trusted_before_it_signs_a_renewal(tmp_path: Path) -> None:
    clock, listener = Clock(), Recorder()
    source = SelfManaged(DirectoryStore(tmp_path), HOSTS)
    keeper = CertificateKeeper(source, listener, Metrics(), clock)
    keeper.start()
    for day in range(1, 250):
        clock.now = NOW + day * DAY
        leaf_before = listener.material.pair if listener.material else None
        bundle_before = keeper.bundle()
        if keeper.refresh() and keeper.bundle() != bundle_before:
            break
    assert listener.material is not None
    assert listener.material.pair == leaf_before, "the new CA signed at once"
    assert len(certificates.certificates_of(keeper.bundle() or b"")) == 2


def test_an_authority_replaced_from_outside_takes_over_and_ours_stays_trusted(
    tmp_path: Path,
) -> None:
    keeper, listener, _ = keeper_of(tmp_path, Clock())
    before = listener.material
    other = certificates.new_authority(NOW)
    (tmp_path / "authority.pem").write_bytes(other.key + other.certificate)
    assert keeper.refresh() is True
    assert listener.material is not None
    assert before is not None
    assert before.ca_bundle is not None
    assert listener.material == Material(before.pair, other.certificate + before.ca_bundle)
    stored = DirectoryStore(tmp_path).load()[0]
    assert stored is not None
    assert stored.certificate == listener.material.ca_bundle
    assert certificates.belong_together(stored)


def test_an_authority_that_is_taken_out_of_the_bundle_gets_a_new_leaf_at_once(
    tmp_path: Path,
) -> None:
    keeper, listener, _ = keeper_of(tmp_path, Clock())
    before = listener.material
    other = certificates.new_authority(NOW)
    (tmp_path / "authority.pem").write_bytes(other.key + other.certificate)
    keeper.refresh()
    (tmp_path / "authority.pem").write_bytes(other.key + other.certificate)
    assert keeper.refresh() is True
    assert listener.material is not None
    assert before is not None
    assert listener.material.ca_bundle == other.certificate
    assert listener.material.pair != before.pair


@pytest.mark.parametrize("leads", [True, False])
def test_an_authority_put_in_place_of_ours_and_due_at_once_leaves_ours_trusted(
    tmp_path: Path, leads: bool
) -> None:
    """API servers trust ours alone until the next bundle is registered."""
    store = DirectoryStore(tmp_path) if leads else ReadOnly(tmp_path)
    ours = authority.ensure(DirectoryStore(tmp_path), NOW)
    other = certificates.new_authority(NOW - 10 * DAY, 11 * DAY)
    (tmp_path / "authority.pem").write_bytes(other.key + other.certificate)
    found = authority.ensure(store, NOW, ours, lambda: leads)
    trusted = certificates.certificates_of(found.bundle)
    assert certificates.certificates_of(ours.bundle)[0] in trusted
    assert certificates.certificates_of(other.certificate)[0] in trusted
    assert found.is_due(NOW) is not leads, "the leader has made the next one"


class ReadOnly(DirectoryStore):
    """What a follower has."""

    def save(self, pair: KeyPair, token: object) -> None:
        raise AssertionError("a follower wrote")


def follow(tmp_path: Path, now: datetime.datetime, held: Authority | None = None) -> Authority:
    return authority.ensure(ReadOnly(tmp_path), now, held, lambda: False)


def test_a_follower_waits_for_the_leader_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="the leader has to make it"):
        follow(tmp_path, NOW)
    made = authority.ensure(DirectoryStore(tmp_path), NOW)
    assert follow(tmp_path, NOW) == made
    assert follow(tmp_path, NOW + 250 * DAY) == made, "due, but still good"
    (tmp_path / "authority.pem").unlink()
    assert follow(tmp_path, NOW, made) == made
    (tmp_path / "authority.pem").write_bytes(made.pair.key[:50] + made.bundle)
    assert follow(tmp_path, NOW, made) == made, "half written"
    with pytest.raises(CertificateError, match="the leader has to make it"):
        follow(tmp_path, NOW + 400 * DAY, made)


def test_a_half_written_authority_is_written_anew_as_it_was(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    first = authority.ensure(store, NOW)
    other = certificates.new_authority(NOW)
    (tmp_path / "authority.pem").write_bytes(first.pair.key + other.certificate)
    assert authority.ensure(store, NOW, first) == first
    assert store.load()[0] == first.pair


def test_a_short_life_has_a_beginning() -> None:
    ca = certificates.new_authority(NOW, datetime.timedelta(seconds=30))
    assert certificates.renewal_time(certificates.certificates_of(ca.certificate)[0]) > NOW


def write_pair(folder: Path, pair: KeyPair) -> None:
    (folder / "tls.crt").write_bytes(pair.certificate)
    (folder / "tls.key").write_bytes(pair.key)


def test_files_are_followed_and_a_half_written_pair_changes_nothing(tmp_path: Path) -> None:
    clock, listener, metrics = Clock(), Listener(), Metrics()
    first, second = material(), material()
    write_pair(tmp_path, first.pair)
    source = Files(tmp_path / "tls.crt", tmp_path / "tls.key")
    keeper = CertificateKeeper(source, listener, metrics, clock)
    keeper.start()
    (tmp_path / "tls.crt").write_bytes(second.pair.certificate)
    assert keeper.refresh() is False
    assert listener.material == Material(first.pair, None)
    failures = "karb_guard_certificate_refresh_failures_total"
    assert metrics.registry.get_sample_value(failures) == 1
    (tmp_path / "tls.key").write_bytes(second.pair.key)
    assert keeper.refresh() is True
    assert listener.material == Material(second.pair, None)
    (tmp_path / "tls.key").unlink()
    assert keeper.refresh() is False
    assert listener.material == Material(second.pair, None)


def test_a_ca_with_comments_in_any_alphabet_is_trusted() -> None:
    good = material()
    assert good.ca_bundle is not None
    tls.tested_context(Material(good.pair, "# Prüfstelle\n".encode() + good.ca_bundle), NOW)


def test_a_half_written_ca_changes_nothing_and_the_next_one_is_taken(tmp_path: Path) -> None:
    listener, metrics = Listener(), Metrics()
    first, second = material(), material()
    assert first.ca_bundle is not None
    assert second.ca_bundle is not None
    write_pair(tmp_path, first.pair)
    ca = tmp_path / "ca.crt"
    ca.write_bytes(first.ca_bundle)
    source = Files(tmp_path / "tls.crt", tmp_path / "tls.key", ca)
    keeper = CertificateKeeper(source, listener, metrics, Clock())
    keeper.start()
    write_pair(tmp_path, second.pair)
    for half in (b"", second.ca_bundle[:200], b"\xff"):
        ca.write_bytes(half)
        assert keeper.refresh() is False
        assert listener.material == first
    ca.write_bytes(second.ca_bundle)
    assert keeper.refresh() is True
    assert listener.material == second


def test_a_source_that_fails_in_an_unknown_way_changes_nothing() -> None:
    class Broken:
        def load(self, _now: object, _current: object) -> Material:
            raise RuntimeError("nobody thought of this")

    metrics = Metrics()
    assert CertificateKeeper(Broken(), Listener(), metrics, Clock()).refresh() is False
    failures = "karb_guard_certificate_refresh_failures_total"
    assert metrics.registry.get_sample_value(failures) == 1


def test_an_expired_certificate_makes_the_process_unready(tmp_path: Path) -> None:
    clock = Clock()
    keeper, _, metrics = keeper_of(tmp_path, clock)
    assert keeper.missing() is None
    clock.now = NOW + 91 * DAY
    assert "expired" in (keeper.missing() or "")
    gauge = "karb_guard_certificate_not_after_timestamp_seconds"
    expiry = metrics.registry.get_sample_value(gauge, {"certificate": "leaf"})
    assert expiry == pytest.approx((NOW + 90 * DAY).timestamp(), abs=2)


def test_without_a_certificate_a_handshake_fails_and_the_process_lives() -> None:
    listener = Listener()
    with serving(listener) as port:
        with pytest.raises(ssl.SSLError):
            connect(port, certificates.new_authority(NOW).certificate)
        served = material()
        listener.swap(served, NOW)
        assert served.ca_bundle is not None
        assert ask(connect(port, served.ca_bundle)) == 200
