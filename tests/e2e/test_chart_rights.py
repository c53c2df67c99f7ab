"""Least privilege: the chart's processes, each with its own token, on an API server that logs.

Everything that the chart can do is switched on and done: nothing is refused, and each right is
used. Custom resources are there as far as their names go: what is listed is the same.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from audit import rights
from karb_guard.cluster.client import connect
from karb_guard.reports.policy_report import APIS, MANAGED_BY, SOURCE
from karb_guard.workloads import ROWS
from karb_guard.workloads.plural import plural
from tests.support import grants
from tests.support.chart import NAME
from tests.support.chart_process import Pods, until
from tests.support.controlplane import OF_SERVICE_ACCOUNTS, Cluster, ControlPlane, free_port
from tests.support.e2e_cluster import BAD, CONTROLLERS, SERVICE_ACCOUNT, controller, pod
from tests.support.grants import Grant, Use
from tests.support.helm import NAMESPACE, RELEASE, render
from tests.support.report_crds import crds
from webhook import authority
from webhook.keeper import utc_now
from webhook.secret_store import SecretStore

pytestmark = pytest.mark.e2e

RIGHTS = ("ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
VALIDATING, MUTATING = "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"
JUDGED, LATER, DIRTY = "judged", "judged-later", "dirty"
SETTINGS = (
    'audit={"enabled":true,"rules":[{"apiGroups":["rights.karb.dev"],"resources":["servers"]}]}',
    'rollout={"enabled":true,"podSecurity":true,"scanEvery":"1h","every":"1s"}',
    'evidence.secretName="evidence"',
    (
        'config={"stages":{"namespaces":[{"match":"judged*","default":"audit","invariants":'
        '{"res-mem":"enforce"}}]},"mutation":{"enabled":true}}'
    ),
)
WRITE_BACK = {
    "openreports": 'audit.writeBack="openreports"',
    "wgpolicy": 'audit.writeBack="wgpolicy"',
}
VERSIONS = {"keda.sh": "v1alpha1"}
"""Of groups whose kinds carry no pods, where it isn't v1."""
BY = "system:serviceaccount:kube-system:replicaset-controller"
"""Who makes Pods: only the word of controllers counts about what is above them."""
SECONDS = 120
AUDIT = f"{RELEASE}-audit"
IN_THE_LOG_A_PATCH = "server-side apply of what is not there asks for it; shown below"
UNSEEN: Mapping[Grant, str] = {
    Grant(AUDIT, group, resource, "create"): IN_THE_LOG_A_PATCH
    for group, resource in (
        ("openreports.io", "reports"),
        ("openreports.io", "clusterreports"),
        ("wgpolicyk8s.io", "policyreports"),
        ("wgpolicyk8s.io", "clusterpolicyreports"),
    )
}
"""Rights that the audit log can't show, and why."""

Json = dict[str, Any]


@dataclass
class Played:
    """What was granted, what was done, and what the processes said."""

    cluster: Cluster
    pods: Mapping[str, Pods]
    """By ``audit.writeBack``."""
    granted: frozenset[Grant]
    used: list[Use]
    said: Mapping[str, str]
    """Process -> its output."""
    codes: Mapping[str, int]


class Scene:
    """An API server of one's own with the chart's rights, in which its processes run."""

    def __init__(self, cluster: Cluster, directory: Path) -> None:
        self.cluster = cluster
        self.pods: dict[str, Pods] = {}
        for name, setting in WRITE_BACK.items():
            objects = render(*SETTINGS, setting)
            self.pods[name] = Pods(cluster, NAMESPACE, objects, directory)
        self.directory = directory
        self.said: dict[str, str] = {}
        self.codes: dict[str, int] = {}
        self.granted: frozenset[Grant] = frozenset()
        (directory / "url").write_text(f"sqlite:///{directory}/evidence.db", encoding="ascii")

    @property
    def chart(self) -> Pods:
        """All but what is written back is the same."""
        return self.pods["openreports"]

    def apply(self, *objects: Json, namespace: str = NAMESPACE) -> None:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.cluster.kubectl("apply", "--server-side", "-n", namespace, "-f", "-", stdin=text)

    def install(self) -> None:
        """The kinds, the namespaces, and of the chart what grants."""
        kinds = [*foreign(self.cluster), server()]
        kinds += [crd for api in APIS.values() for crd in crds(api)]
        ours = [o for o in self.chart.objects if o["kind"] == "CustomResourceDefinition"]
        self.apply(*kinds, *ours)
        self.cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        for name in (NAMESPACE, JUDGED, DIRTY):
            self.namespace(name)
        self.grant("openreports")

    def grant(self, write_back: str) -> None:
        """As ``helm upgrade`` would."""
        objects = [o for o in self.pods[write_back].objects if o["kind"] in RIGHTS]
        for obj in objects:
            self.apply(obj, namespace=obj["metadata"].get("namespace", NAMESPACE))
        self.granted |= grants.granted(objects)

    def namespace(self, name: str) -> None:
        self.cluster.kubectl("create", "namespace", name)
        wait = ("--for=create", "serviceaccount/default", "--timeout=30s")
        self.cluster.kubectl("wait", f"-n{name}", *wait)
        self.cluster.kubectl("create", f"-n{name}", "serviceaccount", SERVICE_ACCOUNT)

    def uses(self) -> list[Use]:
        return grants.uses(log_of(self.cluster), NAMESPACE)

    def until_used(self, account: str, log: Path, but: str = "") -> None:
        """Wait until an account used all its rights but those on one resource.

        Those that are left fail a test.
        """
        ours = [g for g in self.granted if g.account == account and g.resource != but]
        with contextlib.suppress(AssertionError):
            until(lambda: not grants.unused(ours, self.uses()), SECONDS, log)


def foreign(cluster: Cluster) -> list[Json]:
    """A CustomResourceDefinition for each kind that a scan lists and this API server lacks."""
    served = set(cluster.kubectl("api-resources", "-o", "name").stdout.split())
    found = []
    for group, kind in sorted(rights.listed()):
        name = f"{plural(kind)}.{group}" if group else plural(kind)
        if name in served or group == "karb.dev":
            continue
        row = ROWS.get((group, kind))
        version = row.versions[0] if row is not None else VERSIONS.get(group, "v1")
        found.append(custom(group, kind, version, {"x-kubernetes-preserve-unknown-fields": True}))
    assert len(found) > 40, "kinds of other projects"
    return found


def server() -> Json:
    """A kind that nobody knows and that may carry pods."""
    containers = {"type": "array", "items": {"x-kubernetes-preserve-unknown-fields": True}}
    pods = {"type": "object", "properties": {"containers": containers}}
    return custom("rights.karb.dev", "Server", "v1", {"properties": {"spec": pods}})


def custom(group: str, kind: str, version: str, schema: Json) -> Json:
    name = plural(kind)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{name}.{group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, a test"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": name},
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", **schema}},
                }
            ],
        },
    }


def webhook_command(pods: Pods, port: int) -> list[str]:
    """The webhook's, for a process that an API server reaches by URL."""
    url = f"https://127.0.0.1:{port}"
    changes = {
        "--config=": f"--config={pods.file(RELEASE, 'karb-guard.yaml')}",
        "--port=": f"--port={port}",
        "--metrics-port=": f"--metrics-port={free_port()}",
        "--drain-seconds=": "--drain-seconds=0",
        "--service=": f"--url={url}",
    }
    if not has_kind(pods, VALIDATING):
        file = pods.file(RELEASE, "registration.yaml", lambda text: by_url(text, url))
        changes["--registration-file="] = f"--registration-file={file}"
    command = pods.command("Deployment", RELEASE, changes)
    return [*command, "--address=127.0.0.1", "--tls-host=127.0.0.1"]


def has_kind(pods: Pods, kind: str) -> bool:
    return any(obj["kind"] == kind for obj in pods.objects)


def play_webhook(scene: Scene) -> None:
    """The webhook: registered, repaired, asked about what controllers make, and unregistered."""
    port = free_port()
    command = webhook_command(scene.chart, port)
    with scene.chart.running(command, "webhook.log") as log:
        for kind in (VALIDATING, MUTATING):
            until(lambda kind=kind: has(scene.cluster, kind, NAME), SECONDS, log)
        record = f"{RELEASE}-enforcement"
        until(lambda: has(scene.cluster, "configmap", record, "-n", NAMESPACE), SECONDS, log)
        time.sleep(1.1)  # a creationTimestamp has whole seconds: younger than the enforcement
        probe = ("create", "-n", JUDGED, "--dry-run=server", "-f", "-")
        bad = json.dumps(pod("probe", **BAD))

        def judges() -> bool:
            return "res-mem" in scene.cluster.kubectl(*probe, stdin=bad, check=False).stderr

        until(judges, SECONDS, log)
        ask_about_controllers(scene)
        ask_about_a_namespace_that_is_not_seen(port)
        scene.namespace(LATER)
        for kind in (VALIDATING, MUTATING):
            patch = '[{"op":"replace","path":"/webhooks/0/timeoutSeconds","value":9}]'
            scene.cluster.kubectl("patch", kind, NAME, "--type=json", "-p", patch)
        told = scene.chart.run(scene.chart.command("Pod", f"{RELEASE}-test", {}))
        scene.said["test"], scene.codes["test"] = told.stdout + told.stderr, told.returncode
        scene.until_used(RELEASE, log, but="secrets")
        scene.said["webhook"] = log.read_text()
    renew_the_authority(scene)
    away = scene.chart.run(scene.chart.command("Job", f"{RELEASE}-uninstall", {}))
    scene.said["unregister"], scene.codes["unregister"] = away.stdout + away.stderr, away.returncode


def by_url(text: str, url: str) -> str:
    """The registration with addresses on this machine."""
    documents = [document for document in yaml.safe_load_all(text) if document]
    for webhook in (w for document in documents for w in document["webhooks"]):
        path = webhook["clientConfig"].pop("service")["path"]
        webhook["clientConfig"] = {"url": f"{url}{path}"}
    return yaml.safe_dump_all(documents)


def has(cluster: Cluster, *what: str) -> bool:
    return cluster.kubectl("get", *what, check=False).returncode == 0


def ask_about_controllers(scene: Scene) -> None:
    """Pods that are denied, as the workload above each of them is younger than the enforcement."""
    for kind in CONTROLLERS:
        scene.apply(controller(kind, f"top-{kind.lower()}"), namespace=JUDGED)
        text = scene.cluster.kubectl(
            "get", kind.lower(), f"top-{kind.lower()}", "-n", JUDGED, "-o", "json"
        ).stdout
        made = json.loads(text)
        reference = {
            "apiVersion": made["apiVersion"],
            "kind": kind,
            "name": made["metadata"]["name"],
            "uid": made["metadata"]["uid"],
            "controller": True,
        }
        denied = pod(f"of-{kind.lower()}", **BAD)
        denied["metadata"]["ownerReferences"] = [reference]
        create = ("create", "-n", JUDGED, f"--as={BY}", "-f", "-")
        for _ in range(2):  # the second one counts in the first one's Event
            done = scene.cluster.kubectl(*create, stdin=json.dumps(denied), check=False)
            assert done.returncode, f"{kind}: it is not older: {done.stderr}"
            assert "res-mem" in done.stderr, f"{kind}: {done.stderr}"


def ask_about_a_namespace_that_is_not_seen(port: int) -> None:
    """Its first objects may come before the watch tells of it: it is asked for."""
    obj = pod("first")
    request = {
        "uid": "first",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "operation": "CREATE",
        "namespace": "not-seen",
        "name": "first",
        "userInfo": {"username": "somebody"},
        "object": obj,
    }
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    trusting = ssl._create_unverified_context()  # noqa: S323 - loopback, and not what is tested
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=trusting)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/validate", json.dumps(review), headers)
    assert connection.getresponse().status == 200
    connection.close()


def renew_the_authority(scene: Scene) -> None:
    """As the webhook does once in years: the same code, with a later clock."""
    client = connect(scene.chart.kubeconfig(RELEASE))
    store = SecretStore(client, NAMESPACE, f"{RELEASE}-ca")
    made = authority.ensure(store, utc_now())
    assert authority.ensure(store, made.not_after).bundle != made.bundle
    client.close()
    scene.cluster.kubectl("delete", "secret", f"{RELEASE}-ca", "-n", NAMESPACE)


def play_rollout(scene: Scene) -> None:
    """The controller: two steps, their Events, Pod Security labels, and a scan of its own."""
    scene.apply(rollout("enforce"))
    changes = {
        "--config=": f"--config={scene.chart.file(RELEASE, 'karb-guard.yaml')}",
        "--evidence-file=": f"--evidence-file={scene.directory / 'url'}",
    }
    command = scene.chart.command("Deployment", f"{RELEASE}-rollout", changes)
    with scene.chart.running(command, "rollout.log") as log:
        label = "jsonpath={.metadata.labels.pod-security\\.kubernetes\\.io/audit}"
        seen = ("namespace", DIRTY, "-o", label)
        until(lambda: scene.cluster.kubectl("get", *seen).stdout == "baseline", SECONDS, log)
        scene.apply(rollout("off"))
        scene.until_used(f"{RELEASE}-rollout", log)
        until(lambda: "scanned" in log.read_text(), SECONDS, log)
        scene.said["rollout"] = log.read_text()


def rollout(stage: str) -> Json:
    return {
        "apiVersion": "karb.dev/v1alpha1",
        "kind": "InvariantRollout",
        "metadata": {"name": "res-mem"},
        "spec": {
            "invariant": "res-mem",
            "namespaces": [{"name": DIRTY, "stage": stage}],
            "gates": {},
            "podSecurity": {"level": "baseline"},
        },
    }


def play_audit(scene: Scene, write_back: str) -> None:
    """The CronJob's scan: report objects are written, and those that nothing is left for go."""
    api = APIS[write_back]
    for kind in (api.kind, api.cluster_kind):
        metadata = {"name": "karb-guard-15", "labels": {MANAGED_BY: SOURCE}}
        scene.apply(
            {"apiVersion": api.api_version, "kind": kind, "metadata": metadata, "results": []},
            namespace=DIRTY,
        )
    done = scene.pods[write_back].run(audit_command(scene.pods[write_back], scene.directory))
    scene.said[write_back], scene.codes[write_back] = done.stdout + done.stderr, done.returncode


def audit_command(pods: Pods, directory: Path) -> list[str]:
    changes = {
        "--config=": f"--config={pods.file(RELEASE, 'karb-guard.yaml')}",
        "--evidence=": f"--evidence=sqlite:///{directory}/evidence.db",
    }
    return pods.command("CronJob", AUDIT, changes)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Everything that the chart's processes do, once."""
    with ExitStack() as stack:
        plane = ControlPlane(tmp_path_factory.mktemp("plane"), audit_rules=OF_SERVICE_ACCOUNTS)
        stack.callback(plane.stop)
        scene = Scene(plane.start(), tmp_path_factory.mktemp("scene"))
        scene.install()
        play_webhook(scene)
        scene.apply(controller("Deployment", **BAD), namespace=DIRTY)
        play_rollout(scene)
        for write_back in WRITE_BACK:
            scene.grant(write_back)
            play_audit(scene, write_back)
        yield Played(
            scene.cluster, scene.pods, scene.granted, scene.uses(), scene.said, scene.codes
        )


def test_nothing_is_refused(played: Played) -> None:
    assert [use for use in played.used if use.code in (401, 403)] == []
    assert played.codes == {"test": 0, "unregister": 0, "openreports": 0, "wgpolicy": 0}, (
        played.said
    )
    for name, said in played.said.items():
        assert "is forbidden: User" not in said, name


def test_each_right_is_used(played: Played) -> None:
    accounts = {RELEASE, AUDIT, *(f"{RELEASE}-{what}" for what in ("rollout", "test", "uninstall"))}
    assert {grant.account for grant in played.granted} == accounts
    unused = grants.unused(played.granted, played.used)
    assert unused == sorted(UNSEEN), "take it from the chart, or say why it can't be seen"


def test_the_scans_have_no_gap_and_write_their_reports(played: Played) -> None:
    for write_back in WRITE_BACK:
        said = played.said[write_back]
        assert ", 0 not listed, " in said, said
        assert " written, " in said, said
        assert "2 deleted" in said, said


@pytest.mark.parametrize(
    "settings",
    [(), ('admission.managedBy="chart"', 'config={"mutation":{"enabled":true}}')],
    ids=["webhook", "chart"],
)
def test_whoever_registers_has_what_that_takes(
    played: Played, tmp_path: Path, settings: tuple[str, ...]
) -> None:
    """By default nothing is changed by the webhook, so that it may not register that it does."""
    pods = Pods(played.cluster, NAMESPACE, render(*settings), tmp_path)
    port, group = free_port(), "admissionregistration.k8s.io"
    kinds = (VALIDATING, MUTATING) if settings else (VALIDATING,)
    objects = of_the_cluster(pods)
    stored = [o for o in pods.objects if o["kind"] in kinds]
    for registered in stored:
        text = by_url(yaml.safe_dump(registered), f"https://127.0.0.1:{port}")
        objects.append(yaml.safe_load(text))
    items = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    played.cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=items)
    # What was uninstalled holds it for ten minutes.
    played.cluster.kubectl("delete", "lease", RELEASE, "-n", NAMESPACE, "--ignore-not-found")
    before = len(grants.uses(log_of(played.cluster), NAMESPACE))
    ours = [
        g for g in grants.granted(of_the_cluster(pods)) if (g.account, g.group) == (RELEASE, group)
    ]
    assert {grant.resource for grant in ours} == {f"{kind.lower()}s" for kind in kinds}

    def used() -> list[Use]:
        return grants.uses(log_of(played.cluster), NAMESPACE)[before:]

    with pods.running(webhook_command(pods, port), "webhook.log") as log:
        for kind in kinds:
            until(lambda kind=kind: bundle(played.cluster, kind) != "", SECONDS, log)
            patch = '[{"op":"remove","path":"/webhooks/0/clientConfig/caBundle"}]'
            played.cluster.kubectl("patch", kind, NAME, "--type=json", "-p", patch)
            until(lambda kind=kind: bundle(played.cluster, kind) != "", SECONDS, log)
        with contextlib.suppress(AssertionError):
            until(lambda: not grants.unused(ours, used()), SECONDS, log)
    for kind in kinds:
        played.cluster.kubectl("delete", kind, NAME)
    assert grants.unused(ours, used()) == []
    assert [use for use in used() if use.code in (401, 403)] == []


def log_of(cluster: Cluster) -> Path:
    assert cluster.audit_log is not None
    return cluster.audit_log


def of_the_cluster(pods: Pods) -> list[Json]:
    return [o for o in pods.objects if o["kind"] in ("ClusterRole", "ClusterRoleBinding")]


def bundle(cluster: Cluster, kind: str) -> str:
    template = "jsonpath={.webhooks[0].clientConfig.caBundle}"
    return cluster.kubectl("get", kind, NAME, "-o", template, check=False).stdout


@pytest.mark.parametrize("write_back", WRITE_BACK)
def test_a_report_that_is_not_there_takes_the_right_to_create(
    played: Played, write_back: str
) -> None:
    pods, api = played.pods[write_back], APIS[write_back]
    role = next(
        o
        for o in pods.objects
        if o["kind"] == "ClusterRole" and "-reports" in o["metadata"]["name"]
    )
    rules = [{**rule, "verbs": ["list", "patch", "delete"]} for rule in role["rules"]]
    less = json.dumps({**role, "rules": rules})
    apply = ("apply", "--server-side", "--force-conflicts", "-f", "-")
    played.cluster.kubectl(*apply, stdin=less)
    kinds = {api.plural: ("-n", DIRTY), api.cluster_plural: ()}
    group = api.api_version.partition("/")[0]
    for name, where in kinds.items():
        played.cluster.kubectl("delete", f"{name}.{group}", "--all", *where)
    done = pods.run(audit_command(pods, pods.directory))
    assert done.returncode == 2
    for name in kinds:
        assert f'cannot create resource "{name}" in API group "{group}"' in done.stderr
    played.cluster.kubectl(*apply, stdin=json.dumps(role))
    assert pods.run(audit_command(pods, pods.directory)).returncode == 0
