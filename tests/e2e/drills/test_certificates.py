"""Certificates and authorities that change while pods are created: nobody may notice."""

from __future__ import annotations

import base64
import datetime
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from tests.support.balancer import HOST, until
from tests.support.cert_files import CertificateFiles
from tests.support.controlplane import Cluster
from tests.support.drilling import Drill, held_gracefully
from tests.support.fleet import SECRET, Fleet, Replica
from webhook.certificates import KeyPair, certificates_of, new_authority
from webhook.keeper import REFRESH_SECONDS

pytestmark = [pytest.mark.e2e, pytest.mark.drill]

Make = Callable[[str, Fleet], Drill]
SWAP_SECONDS = REFRESH_SECONDS + 15


def served(replica: Replica) -> x509.Certificate:
    return x509.load_pem_x509_certificate(ssl.get_server_certificate((HOST, replica.port)).encode())


def serve(fleet: Fleet, pair: KeyPair) -> Callable[[], bool]:
    leaf = certificates_of(pair.certificate)[0]
    return lambda: all(served(replica) == leaf for replica in fleet.replicas)


def failures(fleet: Fleet) -> list[float]:
    name = "karb_guard_certificate_refresh_failures_total"
    return [replica.metric(name) for replica in fleet.replicas]


def test_rotation_of_the_certificate(
    deploy: Callable[..., Any], drill: Make, tmp_path: Path
) -> None:
    files = CertificateFiles(tmp_path / "mounted")
    with deploy(tls=files.arguments()) as fleet:
        this = drill("certificate rotated (files)", fleet)
        with this.load() as load:
            event = time.monotonic()
            for _ in range(2):
                pair = files.leaf()
                files.write(pair)
                until(serve(fleet, pair), SWAP_SECONDS, "both replicas serve the new leaf")
            held_gracefully(this.finish(load, event))


def test_a_half_written_certificate(
    deploy: Callable[..., Any], drill: Make, tmp_path: Path
) -> None:
    files = CertificateFiles(tmp_path / "mounted")
    with deploy(tls=files.arguments()) as fleet:
        this = drill("half-written TLS Secret", fleet)
        before = [served(replica) for replica in fleet.replicas]
        with this.load() as load:
            event = time.monotonic()
            pair = files.leaf()
            files.write_half(pair)
            until(lambda: all(failures(fleet)), SWAP_SECONDS, "both replicas refuse the half")
            assert [served(replica) for replica in fleet.replicas] == before
            files.write(pair)
            until(serve(fleet, pair), SWAP_SECONDS, "both replicas serve the whole pair")
            held_gracefully(this.finish(load, event))


def test_replacement_of_the_authority(
    deploy: Callable[..., Any], drill: Make, cluster: Cluster
) -> None:
    """Somebody puts another one in place of ours, all at once."""
    with deploy() as fleet:
        this = drill("CA replaced", fleet)
        old = [served(replica) for replica in fleet.replicas]
        with this.load() as load:
            event = time.monotonic()
            new = new_authority(datetime.datetime.now(datetime.UTC))
            fleet.put_authority(new.certificate, new.key)
            ca = certificates_of(new.certificate)[0]

            def told() -> bool:
                return ca in certificates_of(base64.b64decode(fleet.ca_bundle()))

            until(told, SWAP_SECONDS, "API servers are told of the new authority")
            # Connections are made anew, as they are when a replica or an API server restarts.
            for replica in list(fleet.replicas):
                fleet.start_ready()
                fleet.terminate(replica)
            held_gracefully(this.finish(load, event))
        assert all(served(replica) not in old for replica in fleet.replicas)
        assert all(served(r).issuer == ca.subject for r in fleet.replicas)


def test_the_secret_of_the_authority_is_deleted(
    deploy: Callable[..., Any], drill: Make, cluster: Cluster
) -> None:
    with deploy() as fleet:
        this = drill("CA's Secret deleted", fleet)
        with this.load() as load:
            event = time.monotonic()
            cluster.kubectl("delete", f"-n{fleet.name}", "secret", SECRET)

            def back() -> bool:
                done = cluster.kubectl("get", f"-n{fleet.name}", "secret", SECRET, check=False)
                return done.returncode == 0

            until(back, SWAP_SECONDS, "the Secret is back")
            held_gracefully(this.finish(load, event))


def test_a_half_written_authority(
    deploy: Callable[..., Any], drill: Make, cluster: Cluster
) -> None:
    """A Secret with a certificate and without its key."""
    with deploy() as fleet:
        this = drill("CA's Secret half-written", fleet)
        with this.load() as load:
            event = time.monotonic()
            new = new_authority(datetime.datetime.now(datetime.UTC))
            fleet.put_authority(new.certificate, None)

            def whole() -> bool:
                template = "jsonpath={.data.ca\\.key}"
                done = cluster.kubectl(
                    "get", f"-n{fleet.name}", "secret", SECRET, "-o", template, check=False
                )
                return bool(done.stdout)

            until(whole, SWAP_SECONDS, "the Secret holds a whole pair again")
            held_gracefully(this.finish(load, event))


def test_an_authority_that_ends_is_replaced_before_it_does(
    deploy: Callable[..., Any], drill: Make, cluster: Cluster
) -> None:
    with deploy() as fleet:
        this = drill("CA about to expire", fleet)
        life = datetime.timedelta(minutes=5, seconds=REFRESH_SECONDS + 8)
        begun = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
        short = new_authority(begun, life)
        ends = certificates_of(short.certificate)[0].not_valid_after_utc
        with this.load() as load:
            event = time.monotonic()
            fleet.put_authority(short.certificate, short.key)
            until(
                lambda: datetime.datetime.now(datetime.UTC) > ends, SWAP_SECONDS * 2, "it expired"
            )
            for replica in list(fleet.replicas):
                fleet.start_ready()
                fleet.terminate(replica)
            held_gracefully(this.finish(load, event))
