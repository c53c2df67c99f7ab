"""The webhook keeps its registration right; the API server really checks its certificate."""

from __future__ import annotations

import base64
import datetime
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cryptography import x509

from tests.support.api_proxy import ApiProxy
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import (
    EFFECTIVE_SECONDS,
    SESSION_CONFIG,
    Namespaces,
    denied,
    deployment,
    seconds_until,
    until_judged,
)
from tests.support.webhook_process import KIND, LABEL, WebhookProcess, serving, unique
from webhook.authority import DirectoryStore
from webhook.certificates import (
    KeyPair,
    certificates_of,
    new_authority,
    pem_of,
)
from webhook.keeper import REFRESH_SECONDS

pytestmark = pytest.mark.e2e

REPAIR_SECONDS = 10
"""The watch tells of a change within milliseconds."""
ROTATION_SECONDS = REFRESH_SECONDS + REPAIR_SECONDS


@pytest.fixture(scope="module")
def own(
    start_webhook: Callable[..., WebhookProcess], api: ApiProxy, namespaces: Namespaces
) -> Iterator[tuple[WebhookProcess, str]]:
    """A webhook that these tests may harm, and a namespace where it enforces all."""
    with serving(start_webhook(SESSION_CONFIG)) as process:
        where = namespaces.make("enforce", process)
        until_judged(api, process, where)
        yield process, where


@pytest.fixture(scope="module")
def webhook(own: tuple[WebhookProcess, str]) -> WebhookProcess:
    return own[0]


@pytest.fixture(scope="module")
def where(own: tuple[WebhookProcess, str]) -> str:
    return own[1]


def stored(cluster: Cluster, name: str) -> dict[str, Any] | None:
    done = cluster.kubectl("get", KIND, name, "-ojson", check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def change(cluster: Cluster, name: str, path: str, value: Any) -> None:
    patch = json.dumps([{"op": "replace", "path": path, "value": value}])
    cluster.kubectl("patch", KIND, name, "--type=json", "-p", patch)


def in_force(api: ApiProxy, where: str) -> bool:
    """Whether the API server asks the webhook and takes its word."""
    return "KARB-RES-002" in (denied(api, where) or "")


def stranger() -> str:
    """A caBundle that vouches for nobody here."""
    authority = new_authority(datetime.datetime.now(datetime.UTC))
    return base64.b64encode(authority.certificate).decode()


HARM: dict[str, Any] = {
    "clientConfig/caBundle": stranger(),
    "clientConfig/url": "https://127.0.0.1:9/elsewhere",
    "failurePolicy": "Ignore",
    "rules": [],
}


@pytest.mark.parametrize("field", HARM)
def test_a_registration_that_someone_changes_is_put_right(
    cluster: Cluster, api: ApiProxy, webhook: WebhookProcess, where: str, field: str
) -> None:
    before = stored(cluster, webhook.name)
    assert before is not None
    change(cluster, webhook.name, f"/webhooks/0/{field}", HARM[field])

    def repaired() -> bool:
        now = stored(cluster, webhook.name)
        return now is not None and now["webhooks"] == before["webhooks"]

    seconds_until(repaired, REPAIR_SECONDS)
    after = stored(cluster, webhook.name)
    assert after is not None
    assert after["metadata"]["generation"] > before["metadata"]["generation"], "never changed"
    seconds_until(lambda: in_force(api, where), EFFECTIVE_SECONDS)


def test_a_deleted_registration_comes_back(
    cluster: Cluster, api: ApiProxy, webhook: WebhookProcess, where: str
) -> None:
    before = stored(cluster, webhook.name)
    assert before is not None
    cluster.kubectl("delete", KIND, webhook.name)

    def back() -> bool:
        now = stored(cluster, webhook.name)
        return now is not None and now["metadata"]["uid"] != before["metadata"]["uid"]

    seconds_until(back, REPAIR_SECONDS)
    after = stored(cluster, webhook.name)
    assert after is not None
    assert after["webhooks"] == before["webhooks"]
    seconds_until(lambda: in_force(api, where), EFFECTIVE_SECONDS)


@contextmanager
def registered_twin(cluster: Cluster, webhook: WebhookProcess, bundle: str) -> Iterator[str]:
    """A second registration of the same webhook that nobody repairs; its label's value."""
    document = stored(cluster, webhook.name)
    assert document is not None
    name = unique("karb-e2e-twin")
    document["metadata"] = {"name": name}
    for hook in document["webhooks"]:
        hook["clientConfig"]["caBundle"] = bundle
        hook["namespaceSelector"] = {"matchLabels": {LABEL: name}}
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(document))
    try:
        yield name
    finally:
        cluster.kubectl("delete", KIND, name)


def test_the_api_server_refuses_a_webhook_whose_certificate_the_bundle_does_not_cover(
    cluster: Cluster, api: ApiProxy, namespaces: Namespaces, webhook: WebhookProcess
) -> None:
    with registered_twin(cluster, webhook, stranger()) as name:
        where = namespaces.make("enforce", webhook, {LABEL: name})

        def failing() -> str:
            return api.create(deployment(), where, dry_run=True).message

        seconds_until(lambda: failing() != "", EFFECTIVE_SECONDS)
        assert "failed calling webhook" in failing()
        assert "certificate signed by unknown authority" in failing()


class Traffic:
    """Creates without end, and keeps what was not answered as it should be."""

    def __init__(self, api: ApiProxy, where: str) -> None:
        self._api, self._where = api, where
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.sent = 0
        self.failures: list[str] = []

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(0.01):
            answer = self._api.create(deployment(), self._where, dry_run=True)
            self.sent += 1
            if answer.status != 201 or answer.warnings:
                self.failures.append(f"{answer.status} {answer.message}")


def served(webhook: WebhookProcess) -> x509.Certificate:
    pem = ssl.get_server_certificate((webhook.host, webhook.port))
    return x509.load_pem_x509_certificate(pem.encode())


def trusted(webhook: WebhookProcess) -> bytes:
    return base64.b64decode(webhook.ca_bundle())


def test_a_new_certificate_authority_takes_over_without_a_dropped_review(
    api: ApiProxy, webhook: WebhookProcess, where: str
) -> None:
    store = DirectoryStore(webhook.tls_directory)
    old_pair, token = store.load()
    assert old_pair is not None
    old_leaf = served(webhook)
    new = new_authority(datetime.datetime.now(datetime.UTC))
    both = [*certificates_of(new.certificate), *certificates_of(old_pair.certificate)]
    with Traffic(api, where) as traffic:
        # First the API server has to trust both, then the old one may go.
        store.save(KeyPair(pem_of(both), new.key), token)
        seconds_until(lambda: trusted(webhook) == pem_of(both), ROTATION_SECONDS)
        assert served(webhook) == old_leaf, "changed before API servers could know the new CA"
        store.save(new, store.load()[1])
        seconds_until(lambda: trusted(webhook) == new.certificate, ROTATION_SECONDS)
        during = traffic.sent
        seconds_until(lambda: traffic.sent > during + 20, EFFECTIVE_SECONDS)
    leaf = served(webhook)
    leaf.verify_directly_issued_by(certificates_of(new.certificate)[0])
    assert leaf != old_leaf
    assert traffic.failures == []
    assert traffic.sent > 200
