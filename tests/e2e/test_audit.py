"""``karb-guard audit`` of a real API server with a planted cluster."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from audit.connecting import connected
from audit.dump import Dump
from audit.live import LiveCluster
from audit.plan import Plan
from audit.progress import Progress
from audit.scan import Scanner, ScanOptions, Source
from karb_guard.assembly import Choices, Guard, assemble
from karb_guard.cluster.paging import Pager
from karb_guard.lint.runner import LintOptions, lint
from karb_guard.manifests.reading import read_paths
from karb_guard.model.audit import Audit
from karb_guard.model.finding import Severity
from karb_guard.reports import Format, render_audit
from tests.support import planted
from tests.support.api_proxy import proxied
from tests.support.api_script import Query, Reply, failure, scripted
from tests.support.browser import chromium, faults, visit
from tests.support.cli import karb_guard
from tests.support.controlplane import Cluster, ControlPlane
from tests.support.planted import MIB, Plot, of_places, open_findings, wrong

pytestmark = pytest.mark.e2e
PREFIX = "karb-audit"


@dataclass
class Stage:
    """A control plane of its own, so that "nothing else" means something."""

    control: ControlPlane
    cluster: Cluster
    plots: list[Plot]
    guard: Guard

    def scan(self, kubeconfig: Path | None = None, progress: Progress | None = None) -> Audit:
        client, name = connected(kubeconfig or self.cluster.kubeconfig, None)
        pager = Pager(client)

        def source(plan: Plan) -> Source:
            return LiveCluster(pager, plan, (), progress)

        return self.judge(source, name, progress)

    def judge(
        self, source: Callable[[Plan], Source], name: str, progress: Progress | None = None
    ) -> Audit:
        guard = self.guard
        scanner = Scanner(guard.engine, guard.evaluator.settings, guard.catalogue, guard.loaded)
        return scanner.scan(source, ScanOptions(cluster=name), progress)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[Stage]:
    if not cluster.owned:
        pytest.skip("planting violations and stopping API servers takes a cluster of one's own")
    control = ControlPlane(tmp_path_factory.mktemp("audited"))
    try:
        started = control.start()
        plots = planted.plots(PREFIX)
        planted.install(started, plots)
        planted.inject(started, plots[-1])
        _settle(started, plots)
        choices = Choices(set_params=planted.PARAMS, ignore=planted.UNSERVED)
        with assemble(choices) as guard:
            yield Stage(control, started, plots, guard)
    finally:
        control.stop()


def _settle(cluster: Cluster, plots: list[Plot]) -> None:
    """Wait until the controllers have made a pod of each Deployment."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        listed = cluster.kubectl("get", "pods", "-A", "-lapp.kubernetes.io/name", "-o", "name")
        if len(listed.stdout.split()) >= 2 * len(plots) + 3:
            return
        time.sleep(0.5)
    raise AssertionError("the Deployments' pods did not come")


def test_every_planted_violation_is_found_and_nothing_else(stage: Stage) -> None:
    audit = stage.scan()
    assert of_places(open_findings(audit.report), PREFIX) == wrong(stage.plots)
    assert audit.missing == ()
    assert audit.report.problems == []


def test_what_only_the_pods_have_is_marked_and_told_once(stage: Stage) -> None:
    found = [
        each for each in stage.scan().report.open_findings if each.finding.container == "proxy"
    ]
    names = [each.finding.name for each in found]
    assert sorted(names) == sorted(set(names))
    assert {each.finding.owner.kind for each in found} == {"Widget"}
    assert {each.finding.object.kind for each in found} == {"Pod"}
    assert all("injected: not in what Widget odd asks for" in e.finding.message for e in found)


def test_namespaces_are_summed_up(stage: Stage) -> None:
    audit = stage.scan()
    summary = audit.namespaces[f"{PREFIX}-clean"]
    assert summary.workloads == 1
    assert summary.gpus == 2
    assert summary.stages["res-mem"].value == "warn"


def test_the_command_says_where_and_how_much(stage: Stage, tmp_path: Path) -> None:
    done = karb_guard(
        "audit",
        "--kubeconfig",
        stage.cluster.kubeconfig,
        *planted.SETTINGS,
        "-n",
        f"{PREFIX}-memory",
        "--severity",
        "error",
        cwd=tmp_path,
    )
    assert done.code == 1
    assert f"{PREFIX}-memory/Deployment/chat-server:" in done.out
    assert "error res-mem KARB-RES-002: main container metrics has no memory limit" in done.out
    assert "in 1 namespace checked, 0 not listed" in done.out
    clean = karb_guard(
        "audit",
        "--kubeconfig",
        stage.cluster.kubeconfig,
        *planted.SETTINGS,
        "-n",
        f"{PREFIX}-clean",
        cwd=tmp_path,
    )
    assert clean.code == 0, clean.out


def test_the_page_of_the_planted_cluster_is_sound_in_a_browser(
    stage: Stage, tmp_path: Path
) -> None:
    audit = stage.scan()
    page = render_audit(audit, Format.HTML)
    print(f"{len(audit.report.findings)} findings, {len(page.encode()):,} bytes")
    assert len(page.encode()) < 2_000_000
    with chromium() as browser:
        seen = visit(browser, page, tmp_path)
        assert not faults(seen)
        listed = seen.page.locator("#findings-list > li").count()
        assert listed == len(audit.report.open_findings) > 0


def test_an_export_gives_the_same_findings(stage: Stage, tmp_path: Path) -> None:
    file = _export(stage.cluster, tmp_path)
    live = stage.scan()
    dumped = stage.judge(lambda plan: Dump([str(file)], plan, complete=True), "dump")
    assert _identities(dumped) == _identities(live)
    assert dumped.missing == ()


def test_an_export_says_which_kinds_it_does_not_hold(stage: Stage, tmp_path: Path) -> None:
    file = _export(stage.cluster, tmp_path, without="horizontalpodautoscalers.autoscaling")
    audit = stage.judge(lambda plan: Dump([str(file)], plan), "dump")
    what = {missing.what for missing in audit.missing}
    assert "HorizontalPodAutoscaler.autoscaling" in what
    assert "av-scaler" not in {found.finding.name for found in audit.report.findings}
    assert "av-scaler" in {unknown.name for unknown in audit.report.unknowns}
    assert audit.exit_code == 2


def test_the_export_linted_as_files_has_the_same_findings(stage: Stage, tmp_path: Path) -> None:
    """One verdict. Lint judges every pod for itself, the scan folds them into their owners."""
    file = _export(stage.cluster, tmp_path)
    options = LintOptions(complete=True, fail_on=Severity.ERROR)
    linted = lint(read_paths([str(file)]), stage.guard.evaluator, stage.guard.catalogue, options)
    of_lint = {found.finding.identity: found.finding for found in linted.open_findings}
    of_scan = _identities(stage.scan())
    assert of_scan <= set(of_lint)
    # An annotation of the Deployment is not on its pods: lint does not know what made them.
    beyond = [of_lint[identity] for identity in set(of_lint) - of_scan]
    assert {finding.owner.namespace for finding in beyond} == {f"{PREFIX}-waived"}
    assert {finding.object.kind for finding in beyond} <= {"Pod", "ReplicaSet"}


def test_a_kind_without_permission_is_said_and_leaves_its_invariants_undecided(
    stage: Stage, tmp_path: Path
) -> None:
    kubeconfig = _restricted(stage, tmp_path, "horizontalpodautoscalers")
    audit = stage.scan(kubeconfig)
    assert [missing.what for missing in audit.missing] == ["horizontalpodautoscalers.autoscaling"]
    assert "grant the verb list" in audit.missing[0].reason
    assert "av-scaler" in audit.missing[0].undecided
    names = {found.finding.name for found in audit.report.findings}
    assert not names & {"av-scaler", "as-target"}
    assert "av-scaler" in {unknown.name for unknown in audit.report.unknowns}
    assert audit.exit_code == 2


def test_objects_as_large_as_the_api_server_takes_are_judged(stage: Stage) -> None:
    """A custom resource of 1 MiB, and annotations up to their limit on a Deployment's pods."""
    name = f"{PREFIX}-large"
    stored = stage.cluster.kubectl("get", f"-n{name}", "widget", "heavy", "-o", "json").stdout
    assert len(stored) > MIB
    audit = stage.scan()
    found = of_places(open_findings(audit.report), name)
    assert found == wrong([plot for plot in stage.plots if plot.namespace == name])
    undecided = {
        place: {u.name for u in audit.report.unknowns if u.object.namespace == f"{PREFIX}-{place}"}
        for place in ("large", "clean", "widget")
    }
    assert undecided["large"] == undecided["clean"] | undecided["widget"]
    assert audit.report.coverage.not_evaluated == 0


@dataclass
class Once(Progress):
    """Does something when a kind is first listed."""

    kind: str
    act: Callable[[], None]
    done: bool = field(default=False)

    def part(self, done: int, of: int | None, what: str) -> None:
        if what == f"listing {self.kind}" and not self.done:
            self.done = True
            self.act()


def test_an_api_server_that_is_restarted_in_mid_scan_is_waited_for(stage: Stage) -> None:
    before = _identities(stage.scan())
    restarting: list[threading.Thread] = []

    def restart() -> None:
        stage.control.stop_process("kube-apiserver")
        thread = threading.Thread(target=stage.control.start_apiserver)
        thread.start()
        restarting.append(thread)

    audit = stage.scan(progress=Once("namespaces", restart))
    restarting[0].join(120)
    assert audit.missing == ()
    assert _identities(audit) == before


def test_an_api_server_that_says_429_is_waited_for(stage: Stage, tmp_path: Path) -> None:
    """Every eighth request is turned away in front of the API server; all others reach it."""
    before = _identities(stage.scan())
    count = itertools.count(1)
    turned_away: list[str] = []
    with proxied(stage.cluster) as api:

        def answer(path: str, query: Query) -> Reply:
            if next(count) % 8 == 0:
                turned_away.append(path)
                return failure(429, "too many requests, please try again later", retry_after=1)
            forwarded = api.request("GET", path, **query)
            return Reply(forwarded.body, forwarded.status)

        with scripted(answer) as script:
            audit = stage.scan(script.kubeconfig(tmp_path))
    assert len(turned_away) > 3
    assert audit.missing == ()
    assert audit.report.problems == []
    assert audit.report.coverage.not_evaluated == 0
    assert _identities(audit) == before


def test_a_kind_that_is_removed_while_scanning_is_said(stage: Stage) -> None:
    """Last: the Widgets are gone afterwards."""

    def remove() -> None:
        stage.cluster.kubectl("delete", "crd", "widgets.e2e.karb.dev", "--timeout=30s")

    audit = stage.scan(progress=Once("namespaces", remove))
    assert [missing.what for missing in audit.missing] == ["widgets.e2e.karb.dev"]
    assert "removed" in audit.missing[0].reason
    expected = {each for each in wrong(stage.plots) if "/Widget/" not in each[0]}
    found = of_places(open_findings(audit.report), PREFIX)
    assert {each for each in found if "/Widget/" not in each[0] and "/Pod/" not in each[0]} == (
        expected
    )


def _identities(audit: Audit) -> set[object]:
    return {found.finding.identity for found in audit.report.open_findings}


def _export(cluster: Cluster, directory: Path, without: str = "") -> Path:
    """What ``kubectl get -o json`` writes of everything but Secrets and Events."""
    listed = cluster.kubectl("api-resources", "--verbs=list", "-o", "name").stdout.split()
    left_out = {"secrets", "events", "events.events.k8s.io", without}
    kinds = ",".join(sorted(set(listed) - left_out))
    file = directory / "dump.json"
    file.write_text(cluster.kubectl("get", kinds, "-A", "-o", "json").stdout)
    return file


def _restricted(stage: Stage, directory: Path, plural: str) -> Path:
    """A kubeconfig of somebody who may list everything but one kind."""
    resources = stage.cluster.kubectl("api-resources", "--verbs=list", "-o", "name").stdout
    allowed = [each.partition(".") for each in resources.split()]
    rules = [
        {"apiGroups": [group], "resources": [name], "verbs": ["get", "list"]}
        for name, _, group in allowed
        if name not in (plural, "secrets")
    ]
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "karb-auditor", "annotations": {"karb.dev/review-by": "2099-01-01"}},
        "rules": rules,
    }
    stage.cluster.kubectl("apply", "-f", "-", stdin=json.dumps(role))
    run = stage.cluster.kubectl
    run("create", "-nkube-system", "serviceaccount", "karb-auditor")
    run(
        "create",
        "clusterrolebinding",
        "karb-auditor",
        "--clusterrole=karb-auditor",
        "--serviceaccount=kube-system:karb-auditor",
    )
    token = run("create", "token", "-nkube-system", "karb-auditor").stdout.strip()
    config = json.loads(run("config", "view", "--raw", "--flatten", "-o", "json").stdout)
    config["users"][0]["user"] = {"token": token}
    file = directory / "restricted"
    file.write_text(json.dumps(config))
    return file
