"""The chart's objects on a real API server: valid, with roles that suffice, and repaired."""

from __future__ import annotations

import argparse
import base64
import copy
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from karb_guard.cluster.client import ClusterClient, connect
from karb_guard.cluster.errors import ClusterError
from karb_guard.cluster.leases import Candidacy, Leader
from karb_guard.cluster.namespaces import NamespaceLabels
from tests.support.chart import (
    ALONE,
    COMBINATIONS,
    EVERYTHING,
    NAME,
    TOGETHER,
    flags,
    is_hook,
    registered,
)
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import seconds_until
from tests.support.helm import NAMESPACE, RELEASE, render
from webhook import authority, registration, uninstall
from webhook.certificates import new_authority
from webhook.keeper import utc_now
from webhook.metrics import Metrics
from webhook.registration import COLLECTIONS, Registrar
from webhook.secret_store import SecretStore

pytestmark = [pytest.mark.e2e, pytest.mark.drill]

CRDS = Path(__file__).parent / "data" / "monitoring_crds.yaml"

COLLECTION = COLLECTIONS["ValidatingWebhookConfiguration"]


def kubeconfig_of(cluster: Cluster, tmp_path: Path, account: str) -> Path:
    """A kubeconfig with a token of a ServiceAccount of the chart."""
    token = cluster.kubectl("create", "token", account, "-n", NAMESPACE).stdout.strip()
    document = yaml.safe_load(cluster.kubeconfig.read_text())
    document["users"][0]["user"] = {"token": token}
    file = tmp_path / f"kubeconfig-{account}"
    file.write_text(yaml.safe_dump(document))
    return file


def as_service_account(cluster: Cluster, tmp_path: Path) -> ClusterClient:
    """A client with the chart's ServiceAccount and no more rights than its roles give."""
    return connect(kubeconfig_of(cluster, tmp_path, RELEASE))


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[Cluster]:
    """A namespace of the module's own."""
    cluster.kubectl("create", "namespace", NAMESPACE)
    yield cluster
    cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture
def installed(namespace: Cluster) -> Iterator[Cluster]:
    """The chart's objects on the API server (no Pod runs where there are no nodes)."""
    cluster = namespace
    items = [obj for obj in render() if not is_hook(obj)]
    objects = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=objects)
    yield cluster
    cluster.kubectl("delete", "validatingwebhookconfiguration", NAME, "--ignore-not-found")
    cluster.kubectl("delete", "-f", "-", "--ignore-not-found", stdin=objects)


def prepare(cluster: Cluster) -> None:
    """A Pod is only valid beside its ServiceAccount, which a dry run does not make."""
    metadata = {"name": f"{RELEASE}-test", "namespace": NAMESPACE}
    document = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(document))


def known(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without cert-manager's kinds, which no API server here has."""
    return [obj for obj in objects if not obj["apiVersion"].startswith("cert-manager.io")]


def test_every_variant_is_valid_on_a_real_api_server(namespace: Cluster) -> None:
    prepare(namespace)
    for settings in [*COMBINATIONS, EVERYTHING]:
        items = known(render(*settings))
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        flags = ["--server-side", "--dry-run=server", "--validate=strict", "-f", "-"]
        namespace.kubectl("apply", *flags, stdin=text)
    document = json.dumps(registered(render()))
    namespace.kubectl("create", "--dry-run=server", "-f", "-", stdin=document)


def test_every_switch_applies_to_a_real_api_server(namespace: Cluster) -> None:
    """Strictly: an unknown or duplicate field is refused; CRDs have the operators' fields."""
    prepare(namespace)
    crds = CRDS.read_text()
    namespace.kubectl("apply", "--server-side", "-f", "-", stdin=crds)
    for name in ("servicemonitors", "prometheusrules"):
        crd = f"crd/{name}.monitoring.coreos.com"
        namespace.kubectl("wait", "--for=condition=Established", crd, "--timeout=30s")
    flags = ["--server-side", "--force-conflicts", "--validate=strict", "-f", "-"]
    items: list[dict[str, Any]] = []
    for settings in [*([setting] for setting in ALONE), TOGETHER]:
        items = known(render(*settings))
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        done = namespace.kubectl("apply", *flags, "--dry-run=server", stdin=text, check=False)
        assert done.returncode == 0, f"{settings}: {done.stderr}"
    # The last, everything together, for real.
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    namespace.kubectl("apply", *flags, stdin=text)
    namespace.kubectl("delete", "-f", "-", "--ignore-not-found", stdin=text)
    broken = copy.deepcopy(next(item for item in items if item["kind"] == "ServiceMonitor"))
    broken["spec"]["endpoints"][0]["intervall"] = "1s"
    done = namespace.kubectl("apply", *flags, stdin=json.dumps(broken), check=False)
    assert done.returncode != 0
    assert "intervall" in done.stderr
    namespace.kubectl("delete", "-f", "-", stdin=crds)


def test_the_roles_are_enough_and_not_more(installed: Cluster, tmp_path: Path) -> None:
    client = as_service_account(installed, tmp_path)
    labels = NamespaceLabels(client)
    labels.start()
    assert labels.wait(10)
    assert labels.cached("kube-system") is not None
    labels.stop()
    store = SecretStore(client, NAMESPACE, f"{RELEASE}-ca")
    made = authority.ensure(store, utc_now())
    assert authority.ensure(store, utc_now()) == made
    args = flags(render())
    owner = registration.owner_reference(client, args.owner)
    target = registration.of_template(registered(render()), owner)
    registrar = Registrar(client, [target], lambda: made.bundle, Metrics())
    assert registrar.ensure(target) == "created"
    assert registrar.ensure(target) == "unchanged"
    leader = Leader(client, Candidacy(NAMESPACE, args.lease, owner=owner))
    leader.start()
    seconds_until(lambda: leader.is_leader, 10)
    leader.stop()
    assert leader._watch.synced, "the Lease can't be watched"
    for path in (
        "/api/v1/secrets",
        f"/api/v1/namespaces/{NAMESPACE}/secrets",
        "/api/v1/pods",
        COLLECTION,
    ):
        with pytest.raises(ClusterError, match="403"):
            client.list(path)


def test_what_someone_changes_is_repaired(installed: Cluster, tmp_path: Path) -> None:
    client = as_service_account(installed, tmp_path)
    bundles = [new_authority(utc_now()).certificate for _ in range(2)]
    in_force = bundles[:1]
    target = registration.of_template(registered(render()))
    registrar = Registrar(client, [target], lambda: in_force[0], Metrics())
    assert registrar.ensure(target) == "created"
    for patch in (
        [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Fail"}],
        [{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}],
        [{"op": "replace", "path": "/webhooks/0/rules", "value": []}],
        [
            {
                "op": "add",
                "path": "/webhooks/0/matchConditions/-",
                "value": {"name": "never", "expression": "false"},
            }
        ],
        [{"op": "replace", "path": "/webhooks/0/namespaceSelector", "value": {}}],
    ):
        kind = "validatingwebhookconfiguration"
        installed.kubectl("patch", kind, NAME, "--type=json", "-p", json.dumps(patch))
        assert registrar.ensure(target) == "repaired", patch
        assert registrar.ensure(target) == "unchanged", patch
    in_force[0] = bundles[1]
    assert registrar.ensure(target) == "repaired"
    stored = client.get(f"{COLLECTION}/{NAME}")
    assert stored is not None
    assert base64.b64decode(stored["webhooks"][0]["clientConfig"]["caBundle"]) == bundles[1]
    installed.kubectl("delete", "validatingwebhookconfiguration", NAME)
    assert registrar.ensure(target) == "created"


def test_the_watch_repairs_without_waiting_for_the_next_round(
    installed: Cluster, tmp_path: Path
) -> None:
    client = as_service_account(installed, tmp_path)
    bundle = new_authority(utc_now()).certificate
    target = registration.of_template(registered(render()))
    registrar = Registrar(client, [target], lambda: bundle, Metrics())

    def exists() -> bool:
        return client.get(f"{COLLECTION}/{NAME}") is not None

    def within(seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if exists():
                return True
            time.sleep(0.05)
        return False

    registrar.start(lambda _: True)
    try:
        assert within(10)
        time.sleep(1)
        installed.kubectl("delete", "validatingwebhookconfiguration", NAME)
        assert within(5), "the deletion was not noticed before the periodic look"
    finally:
        registrar.stop()


def registered_by_a_replica(cluster: Cluster, tmp_path: Path) -> ClusterClient:
    """What a replica leaves behind that dies at once: a configuration and its Lease."""
    client = as_service_account(cluster, tmp_path)
    args = flags(render())
    owner = registration.owner_reference(client, args.owner)
    target = registration.of_template(registered(render()), owner)
    bundle = new_authority(utc_now()).certificate
    Registrar(client, [target], lambda: bundle, Metrics()).ensure(target)
    assert Leader(client, Candidacy(NAMESPACE, args.lease, owner=owner)).attempt()
    return client


def test_the_hooks_roles_are_enough_to_unregister(installed: Cluster, tmp_path: Path) -> None:
    client = registered_by_a_replica(installed, tmp_path)
    hooks = [obj for obj in render() if is_hook(obj) and obj["kind"] != "Job"]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": hooks})
    installed.kubectl("apply", "--server-side", "-f", "-", stdin=text)
    try:
        file = kubeconfig_of(installed, tmp_path, f"{RELEASE}-uninstall")
        (job,) = [obj for obj in render() if obj["kind"] == "Job"]
        words = job["spec"]["template"]["spec"]["containers"][0]["args"][2:]
        parser = argparse.ArgumentParser()
        uninstall.add_arguments(parser)
        words = [f"--kubeconfig={file}" if word == "--in-cluster" else word for word in words]
        assert uninstall.run(parser.parse_args(words)) == 0
        assert client.get(f"{COLLECTION}/{NAME}") is None
        with pytest.raises(ClusterError, match="403"):
            connect(file).list(COLLECTION)
    finally:
        installed.kubectl("delete", "-f", "-", "--ignore-not-found", stdin=text)


def test_without_the_hook_everything_goes_with_the_cluster_role(
    installed: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registered_by_a_replica(installed, tmp_path)
    installed.kubectl("delete", "clusterrole", NAME)

    def gone() -> bool:
        kinds = (("validatingwebhookconfiguration", NAME), ("lease", RELEASE))
        answers = [
            installed.kubectl("get", kind, name, "-n", NAMESPACE, check=False)
            for kind, name in kinds
        ]
        return all(answer.returncode != 0 for answer in answers)

    took = seconds_until(gone, 60)
    with capsys.disabled():
        print(f"\n    ClusterRole deleted: configuration and Lease are gone after {took:.1f} s")
