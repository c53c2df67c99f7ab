"""Helm charts through lint, rendered by the real helm."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Done, karb_guard
from tests.support.commands import path_with
from tests.support.helm import CHART, helm, helm_path

HELPERS = '{{- define "demo.name" -}}{{ .Release.Name }}-{{ .Chart.Name }}{{- end -}}\n'
POD = """{{- if .Values.pod.enabled }}
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "demo.name" . }}
  labels:
    heritage: {{ .Release.Service }}
spec:
  containers:
  - name: web
    image: {{ required "image is needed" .Values.image }}
    resources: {limits: {memory: 64Mi}}
{{- end }}
"""
POD_IMAGE_LINE = 12
"""Of the rendered template, its first two lines being helm's `---` and `# Source:`."""
HOOK = """apiVersion: v1
kind: Pod
metadata:
  name: check
  annotations: {helm.sh/hook: test}
spec:
  containers:
  - name: check
    image: busybox:latest
"""
CRD = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  names: {kind: Thing, plural: things}
  scope: Namespaced
  versions: []
"""
FILES = {
    "Chart.yaml": "apiVersion: v2\nname: demo\nversion: 1.2.3\n",
    "values.yaml": "pod: {enabled: true}\nimage: nginx:latest\n",
    "templates/_helpers.tpl": HELPERS,
    "templates/pod.yaml": POD,
}
TAG = ("--select", "img-tag", "--format", "json")


@pytest.fixture(scope="module")
def helm_only(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which helm is there, and nothing else."""
    return path_with(tmp_path_factory.mktemp("bin"), helm=helm_path())


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A chart in a directory that isn't called like it."""
    return write(tmp_path / "charts" / "web", FILES)


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def findings(done: Done) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done.out)["findings"]
    return found


def problems(done: Done) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done.out)["problems"]
    return found


def test_a_finding_names_the_template_and_the_line_of_what_it_renders_to(
    chart: Path, tmp_path: Path, helm_only: dict[str, str]
) -> None:
    done = karb_guard("lint", "charts/web", *TAG, cwd=tmp_path, env=helm_only)
    (finding,) = findings(done)
    assert done.code == 1
    assert finding["file"] == "charts/web/templates/pod.yaml"
    assert (finding["line"], finding["rendered"]) == (POD_IMAGE_LINE, True)
    assert finding["object"]["name"] == "release-name-demo"
    shown = helm("template", str(chart), "--show-only", "templates/pod.yaml").stdout
    assert shown.splitlines()[POD_IMAGE_LINE - 1] == "    image: nginx:latest"


def test_the_text_report_says_that_the_line_is_rendered(
    chart: Path, tmp_path: Path, helm_only: dict[str, str]
) -> None:
    done = karb_guard("lint", "charts/web", "--select", "img-tag", cwd=tmp_path, env=helm_only)
    head = f"charts/web/templates/pod.yaml (rendered):{POD_IMAGE_LINE}:5: Pod release-name-demo\n"
    assert done.out.startswith(head)
    assert "1 document checked, 0 of unknown kind, 0 unparsed." in done.out


def test_annotations_and_code_scanning_get_no_line_that_the_file_does_not_have(
    chart: Path, tmp_path: Path, helm_only: dict[str, str]
) -> None:
    where = {"cwd": tmp_path, "env": helm_only}
    arguments = ("lint", "charts/web", "--select", "img-tag", "--format")
    github = karb_guard(*arguments, "github", **where).out
    assert "file=charts/web/templates/pod.yaml,line=1,title=" in github
    assert f"(line {POD_IMAGE_LINE} of what it renders to)" in github
    log = json.loads(karb_guard(*arguments, "sarif", **where).out)
    (location,) = log["runs"][0]["results"][0]["locations"]
    region = location["physicalLocation"]["region"]
    assert region["startLine"] == 1
    assert region["properties"]["renderedLine"] == POD_IMAGE_LINE


def test_release_and_namespace_are_those_of_the_command_line(
    chart: Path, helm_only: dict[str, str]
) -> None:
    options = ("--release-name", "blue", "--namespace", "shop")
    done = karb_guard("lint", chart, *TAG, *options, env=helm_only)
    (finding,) = findings(done)
    assert finding["object"]["name"] == "blue-demo"
    assert finding["object"]["namespace"] == "shop"


def test_network_policies_of_the_release_s_namespace_count_for_its_pods(
    chart: Path, helm_only: dict[str, str]
) -> None:
    policy = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny}
spec: {podSelector: {}, policyTypes: [Ingress]}
"""
    write(chart, {"templates/policy.yaml": policy})
    arguments = ("lint", chart, "--select", "np-ingress-deny", "--namespace", "shop")
    assert karb_guard(*arguments, env=helm_only).code == 0
    write(chart, {"templates/policy.yaml": policy.replace("{}", "{matchLabels: {a: b}}")})
    assert karb_guard(*arguments, env=helm_only).code == 1


def test_values_files_and_settings_reach_the_chart_in_helms_order(
    chart: Path, tmp_path: Path, helm_only: dict[str, str]
) -> None:
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text("image: nginx:1.29.1\n")
    two.write_text("image: nginx\n")

    def code(*options: str | Path) -> int:
        return karb_guard("lint", chart, *TAG, *options, env=helm_only).code

    assert code("--values", one) == 0
    assert code("--values", one, "--values", two) == 1
    assert code("--values", two, "--values", one) == 0
    assert code("--values", two, "--helm-set", "image=nginx:1.29.1") == 0


def test_a_packed_chart_is_rendered(chart: Path, tmp_path: Path, helm_only: dict[str, str]) -> None:
    with tarfile.open(tmp_path / "demo-1.2.3.tgz", "w:gz") as packed:
        packed.add(chart, "demo")
    done = karb_guard("lint", "demo-1.2.3.tgz", *TAG, cwd=tmp_path, env=helm_only)
    (finding,) = findings(done)
    assert finding["file"] == "demo-1.2.3.tgz/templates/pod.yaml"


def test_a_warning_of_helm_is_passed_on_and_drops_nothing(
    chart: Path, tmp_path: Path, helm_only: dict[str, str]
) -> None:
    # a value that is a map in the chart and a text on the command line
    override = tmp_path / "v.yaml"
    override.write_text("pod: {enabled: {deep: 1}}\nimage: nginx:latest\n")
    done = karb_guard("lint", chart, *TAG, "--values", override, env=helm_only)
    report = json.loads(done.out)
    assert [finding["line"] for finding in report["findings"]] == [POD_IMAGE_LINE]
    assert done.code == 1
    direct = helm("template", str(chart), "--values", str(override))
    assert direct.returncode == 0
    assert direct.stderr.strip(), "helm no longer warns here: find another warning"
    assert [note.partition(" helm says: ")[0] for note in report["notes"]] == [f"{chart}:"]
    text = karb_guard("lint", chart, "--values", override, env=helm_only).out
    assert f"note: {chart}: helm says: " in text


def test_a_template_that_fails_is_an_error_at_its_place(
    chart: Path, tmp_path: Path, helm_only: dict[str, str]
) -> None:
    done = karb_guard(
        "lint", "charts/web", *TAG, "--helm-set", "image=", cwd=tmp_path, env=helm_only
    )
    assert done.code == 2
    (problem,) = problems(done)
    assert (problem["file"], problem["line"]) == ("charts/web/templates/pod.yaml", 11)
    assert "image is needed" in problem["message"]


def test_one_chart_that_fails_hides_no_other_input(
    chart: Path, tmp_path: Path, helm_only: dict[str, str]
) -> None:
    write(tmp_path / "bad", {**FILES, "templates/x.yaml": "{{ nope }}\n"})
    done = karb_guard("lint", "bad", "charts/web", *TAG, cwd=tmp_path, env=helm_only)
    assert done.code == 2
    assert [finding["file"] for finding in findings(done)] == ["charts/web/templates/pod.yaml"]
    assert [problem["file"] for problem in problems(done)] == ["bad/templates/x.yaml"]


@pytest.mark.parametrize("text", ["a: [\n", "a: b: c\n"])
def test_a_template_that_renders_to_no_yaml_is_an_error(
    text: str, chart: Path, helm_only: dict[str, str]
) -> None:
    write(chart, {"templates/odd.yaml": text})
    done = karb_guard("lint", chart, *TAG, env=helm_only)
    assert done.code == 2
    assert problems(done)[0]["file"].endswith("templates/odd.yaml")


def test_a_missing_dependency_is_an_error_without_a_download(
    chart: Path, helm_only: dict[str, str]
) -> None:
    text = FILES["Chart.yaml"] + (
        "dependencies:\n- {name: redis, version: 1.0.0, repository: 'https://127.0.0.1:1'}\n"
    )
    write(chart, {"Chart.yaml": text})
    done = karb_guard("lint", chart, *TAG, env=helm_only)
    assert done.code == 2
    (problem,) = problems(done)
    assert "missing in charts/" in problem["message"]
    assert "helm dependency build" in problem["remedy"]


def test_a_missing_helm_is_an_error_that_names_it(chart: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = karb_guard("lint", chart, env={"PATH": str(tmp_path / "empty")})
    assert done.code == 2
    assert f"{chart}: unparsed: can't be rendered: `helm` is not on PATH" in done.out
    assert "install helm" in done.out


def test_subcharts_hooks_and_crds_are_judged_under_their_own_names(
    chart: Path, tmp_path: Path, helm_only: dict[str, str]
) -> None:
    write(
        chart,
        {
            "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
            "charts/sub/templates/job.yaml": HOOK.replace("name: check\n  ann", "name: job\n  ann"),
            "templates/hook.yaml": HOOK,
            "crds/thing.yaml": CRD,
        },
    )
    done = karb_guard("lint", "charts/web", *TAG, cwd=tmp_path, env=helm_only)
    assert sorted(finding["file"] for finding in findings(done)) == [
        "charts/web/charts/sub/templates/job.yaml",
        "charts/web/templates/hook.yaml",
        "charts/web/templates/pod.yaml",
    ]
    coverage = json.loads(done.out)["coverage"]
    assert (coverage["checked"], coverage["files"]) == (4, 4)


def test_a_chart_that_renders_nothing_is_no_verdict(chart: Path, helm_only: dict[str, str]) -> None:
    off = ("--helm-set", "pod.enabled=false")
    done = karb_guard("lint", chart, *off, env=helm_only)
    assert done.code == 2
    assert "a chart that renders nothing with these values" in done.out


def test_charts_below_a_directory_are_rendered_on_request(
    chart: Path, tmp_path: Path, helm_only: dict[str, str]
) -> None:
    write(tmp_path, {"pod.yaml": HOOK})
    where = {"cwd": tmp_path, "env": helm_only}
    plain = karb_guard("lint", ".", "--select", "img-tag", **where)
    assert "left out: 1 x a template of a Helm chart" in plain.out
    assert "1 error;" in plain.out
    rendered = karb_guard("lint", ".", "--render", *TAG, **where)
    files = {finding["file"] for finding in findings(rendered)}
    assert files == {"pod.yaml", "charts/web/templates/pod.yaml"}


def test_a_value_of_a_chart_given_to_set_is_told_the_right_option(chart: Path) -> None:
    done = karb_guard("lint", chart, "--set", "image.tag=1")
    assert done.code == 2
    assert "--helm-set" in done.err


OPEN_IN_EVERY_CLUSTER = {
    "img-digest",  # whoever pushes the image knows it
    "np-broad",  # API servers have no label, and no address that a chart could know
    "np-metadata",  # for the same reason: port 443 everywhere
    "np-egress-deny",  # the namespace is its owner's
    "np-ingress-deny",
    "rbac-review",  # a chart can't know the day
    "rbac-webhook",  # managedBy: webhook, which creates its own configuration
}
NARROW = (
    f"image.digest=sha256:{'5e' * 32}",
    "admission.managedBy=chart",
    "rbac.reviewBy=2999-01-01",
    "networkPolicy.denyByDefault=true",
    "networkPolicy.clients[0].ipBlock.cidr=10.0.0.0/28",
    "networkPolicy.dns[0].ipBlock.cidr=10.96.0.10/32",
    "networkPolicy.apiServers[0].ipBlock.cidr=10.0.0.0/28",
)


def test_our_own_chart_s_defaults_break_what_a_chart_can_t_know(helm_only: dict[str, str]) -> None:
    arguments = ("lint", CHART, "--namespace", "karb-guard", "--format", "json")
    done = karb_guard(*arguments, env=helm_only)
    assert {finding["name"] for finding in findings(done)} == OPEN_IN_EVERY_CLUSTER
    assert problems(done) == []


def test_our_own_chart_can_be_made_to_break_nothing(helm_only: dict[str, str]) -> None:
    arguments = ("lint", CHART, "--namespace", "karb-guard", "--format", "json")
    narrow = [part for setting in NARROW for part in ("--helm-set", setting)]
    done = karb_guard(*arguments, *narrow, env=helm_only)
    assert (done.code, findings(done)) == (0, [])
