"""The KARB paper held against its own invariants: its templates as published, and as mended.

``docs/paper.md`` shows the outcome; ``pytest --update-golden`` writes its tables anew.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from karb_guard.evaluation import EvaluationSettings, Evaluator
from karb_guard.evaluation.prepare import kind_group
from karb_guard.invariants import profiles
from karb_guard.invariants.params import effective
from karb_guard.invariants.roots import builtin_root
from karb_guard.inventory import Inventory
from karb_guard.model.finding import Evaluation, Severity
from karb_guard.model.invariant import PODS_GROUP, Invariant
from tests.support.controlplane import REPOSITORY
from tests.support.judging import catalogue, embedded

PUBLISHED = REPOSITORY / "tests" / "e2e" / "data" / "paper"
MENDED = REPOSITORY / "examples" / "paper"
CONFIG = REPOSITORY / "examples" / "karb-guard.yaml"
PAGE = REPOSITORY / "docs" / "paper.md"
BEGIN, END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"

Objects = dict[str, dict[str, Any]]
"""Manifests by kind and name (``Deployment inference-deployment``)."""

GPU_POD = "Pod example-gpu-inference"
DEPLOYMENT = "Deployment inference-deployment"
SCALER = "ScaledObject inference-scaler"
POOL = "NodePool gpu"
HPA = "HorizontalPodAutoscaler inference-hpa"
QUEUE_SCALER = "ScaledObject inference-queue-scaler"
BOTH = f"{HPA} and {QUEUE_SCALER}"
ROLE = "Role release"
TEMPLATES = (
    (GPU_POD, "III", DEPLOYMENT),
    (BOTH, "II", SCALER),
    ("NetworkPolicy default-deny", "IV", "NetworkPolicy default-deny"),
)
"""A template of the paper, its section, and the mended object that stands for it."""


@cache
def paper() -> tuple[Invariant, ...]:
    """The invariants of the profile ``paper``."""
    profile = profiles.load("paper", [builtin_root()], catalogue())
    return tuple(profiles.members(profile, catalogue()))


@cache
def evaluator() -> Evaluator:
    """The profile, with the registries of the examples."""
    chosen = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["params"]
    params = effective(catalogue(), chosen, catalogue())
    return Evaluator(embedded(), EvaluationSettings(invariants=paper(), params=params))


def objects_of(folder: Path) -> Objects:
    """Every manifest of a folder, in the namespace ``inference`` where the paper names none."""
    found: Objects = {}
    for file in sorted(folder.glob("*.yaml")):
        for obj in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            if folder == PUBLISHED:
                obj["metadata"].setdefault("namespace", "inference")
            found[f"{obj['kind']} {obj['metadata']['name']}"] = obj
    return found


def judged(objects: Objects) -> dict[str, Evaluation]:
    """The evaluations of objects that are applied together to an empty cluster."""
    everything = list(objects.values())
    evaluations = evaluator().evaluate(everything, Inventory(everything), complete=True)
    assert not [each for each in evaluations if each.not_evaluated]
    return dict(zip(objects, evaluations, strict=True))


def broken(evaluation: Evaluation) -> set[str]:
    return {finding.name for finding in evaluation.findings}


def asked_of(obj: Mapping[str, Any]) -> list[Invariant]:
    """The invariants of the paper that judge a kind."""
    groups = {kind_group(obj)} | ({PODS_GROUP} if obj["kind"] == "Pod" else set())
    return [i for i in paper() if groups & set(i.match) and i.evaluator == "rego"]


def with_both_scalers() -> Objects:
    """The mended templates with the paper's HPA and ScaledObject, which name one Deployment."""
    objects = objects_of(MENDED)
    del objects[SCALER]
    published = objects_of(PUBLISHED)
    return objects | {name: published[name] for name in (HPA, QUEUE_SCALER)}


def test_as_published_the_hpa_and_the_scaled_object_are_two_owners_of_one_target() -> None:
    evaluations = judged(with_both_scalers())
    (finding,) = evaluations[HPA].findings
    assert (finding.name, finding.check) == ("as-conflict", "several")
    assert not evaluations[DEPLOYMENT].findings
    assert not evaluations[QUEUE_SCALER].findings


@pytest.mark.parametrize("alone", [HPA, QUEUE_SCALER])
def test_each_of_them_alone_is_enough(alone: str) -> None:
    objects = with_both_scalers()
    del objects[QUEUE_SCALER if alone == HPA else HPA]
    evaluations = judged(objects)
    assert not [*evaluations[DEPLOYMENT].findings, *evaluations[alone].findings]


def test_as_published_the_gpu_pod_breaks_the_paper_s_own_invariants() -> None:
    expected = {
        "img-registry",
        "img-tag",
        "owner",
        "pss-restricted",
        "sa-automount",
        "sa-default",
        "slo-required",
    }
    assert broken(judged(objects_of(PUBLISHED))[GPU_POD]) == expected


def test_of_the_other_templates_one_breaks_another_by_being_the_second_owner() -> None:
    evaluations = judged(objects_of(PUBLISHED))
    assert [name for name, each in evaluations.items() if each.findings] == [GPU_POD, HPA]


def test_mended_the_templates_pass_every_invariant_of_the_paper() -> None:
    for name, evaluation in judged(objects_of(MENDED)).items():
        assert not evaluation.findings, name
        assert not evaluation.unknowns, name


def test_what_the_paper_writes_is_still_in_the_mended_templates() -> None:
    pod = objects_of(PUBLISHED)[GPU_POD]["spec"]
    mended = objects_of(MENDED)[DEPLOYMENT]["spec"]["template"]["spec"]
    assert mended["tolerations"] == pod["tolerations"]
    assert mended["nodeSelector"] == pod["nodeSelector"]
    assert mended["containers"][0]["resources"] == pod["containers"][0]["resources"]
    policy = objects_of(PUBLISHED)["NetworkPolicy default-deny"]["spec"]
    assert objects_of(MENDED)["NetworkPolicy default-deny"]["spec"] == policy


# What is taken away from the mended templates, or put back as the paper has it.


def pod_spec(objects: Objects) -> dict[str, Any]:
    spec: dict[str, Any] = objects[DEPLOYMENT]["spec"]["template"]["spec"]
    return spec


def server(objects: Objects) -> dict[str, Any]:
    container: dict[str, Any] = pod_spec(objects)["containers"][0]
    return container


def pod_metadata(objects: Objects) -> dict[str, Any]:
    metadata: dict[str, Any] = objects[DEPLOYMENT]["spec"]["template"]["metadata"]
    return metadata


def rule(**fields: list[str]) -> Callable[[Objects], None]:
    """A Role whose only rule differs from the example's."""

    def change(objects: Objects) -> None:
        objects[ROLE]["rules"][0].update(fields)

    return change


def cluster_rule(**fields: list[str]) -> Callable[[Objects], None]:
    """A ClusterRole with one rule."""

    def change(objects: Objects) -> None:
        objects["ClusterRole release"] = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": objects[ROLE]["metadata"] | {"namespace": None},
            "rules": [fields],
        }
        del objects["ClusterRole release"]["metadata"]["namespace"]

    return change


def bound(role: str, **subject: str) -> Callable[[Objects], None]:
    """A ClusterRoleBinding beside the example's RoleBinding."""

    def change(objects: Objects) -> None:
        made = copy.deepcopy(objects["RoleBinding release"])
        made["kind"] = "ClusterRoleBinding"
        del made["metadata"]["namespace"]
        made["roleRef"] |= {"kind": "ClusterRole", "name": role}
        made["subjects"][0] |= subject
        objects["ClusterRoleBinding release"] = made

    return change


def without(find: Callable[[Objects], dict[str, Any]], field: str) -> Callable[[Objects], None]:
    def change(objects: Objects) -> None:
        del find(objects)[field]

    return change


def with_(find: Callable[[Objects], dict[str, Any]], **fields: Any) -> Callable[[Objects], None]:
    def change(objects: Objects) -> None:
        find(objects).update(fields)

    return change


def limits(objects: Objects) -> dict[str, Any]:
    found: dict[str, Any] = server(objects)["resources"]["limits"]
    return found


def toleration(objects: Objects) -> dict[str, Any]:
    found: dict[str, Any] = pod_spec(objects)["tolerations"][0]
    return found


def of_metadata(name: str, section: str) -> Callable[[Objects], dict[str, Any]]:
    def find(objects: Objects) -> dict[str, Any]:
        found: dict[str, Any] = objects[name]["metadata"][section]
        return found

    return find


def spec_of(name: str, *path: str) -> Callable[[Objects], dict[str, Any]]:
    def find(objects: Objects) -> dict[str, Any]:
        found: Any = objects[name]["spec"]
        for step in path:
            found = found[step]
        return dict(found) if not isinstance(found, dict) else found

    return find


def request_only(objects: Objects) -> None:
    server(objects)["resources"]["requests"] = {
        "nvidia.com/gpu": limits(objects).pop("nvidia.com/gpu")
    }


CASES: dict[str, Callable[[Objects], None]] = {
    "as-conflict": lambda objects: objects.update({HPA: objects_of(PUBLISHED)[HPA]}),
    "av-scaler": lambda objects: objects.pop(SCALER),
    "av-warm": lambda objects: pod_metadata(objects)["labels"].update(
        {"karb.dev/tier": "critical"}
    ),
    "cost-zero-pool": with_(spec_of(POOL, "disruption"), consolidateAfter="Never"),
    "gpu-node-taint": without(spec_of(POOL, "template", "spec"), "taints"),
    "gpu-pin": without(pod_spec, "nodeSelector"),
    "gpu-tol-leak": without(limits, "nvidia.com/gpu"),
    "gpu-tol-missing": without(pod_spec, "tolerations"),
    "gpu-tol-wild": without(toleration, "key"),
    "img-registry": with_(server, image="your-registry/your-inference-image:v1"),
    "img-tag": with_(server, image="registry.example.com/ml/inference"),
    "np-boundary": without(
        of_metadata("NetworkPolicy router-to-server", "annotations"), "karb.dev/boundary"
    ),
    "np-egress-deny": with_(spec_of("NetworkPolicy default-deny"), policyTypes=["Ingress"]),
    "np-ingress-deny": with_(spec_of("NetworkPolicy default-deny"), policyTypes=["Egress"]),
    "obs-port": without(server, "ports"),
    "owner": lambda objects: pod_metadata(objects)["labels"].pop("karb.dev/owner"),
    "pss-baseline": with_(pod_spec, hostNetwork=True),
    "pss-ns-label": without(
        of_metadata("Namespace inference", "labels"), "pod-security.kubernetes.io/warn"
    ),
    "pss-restricted": without(server, "securityContext"),
    "rbac-admin": bound("cluster-admin"),
    "rbac-anon": bound("view", name="system:anonymous", kind="User"),
    "rbac-escalate": rule(
        apiGroups=["rbac.authorization.k8s.io"], resources=["roles"], verbs=["escalate"]
    ),
    "rbac-exec": rule(apiGroups=[""], resources=["pods/exec"], verbs=["create"]),
    "rbac-nodeproxy": cluster_rule(apiGroups=[""], resources=["nodes/proxy"], verbs=["get"]),
    "rbac-review": without(of_metadata(ROLE, "annotations"), "karb.dev/review-by"),
    "rbac-secrets": rule(apiGroups=[""], resources=["secrets"], verbs=["list"]),
    "rbac-webhook": cluster_rule(
        apiGroups=["admissionregistration.k8s.io"],
        resources=["validatingwebhookconfigurations"],
        verbs=["patch"],
    ),
    "rbac-wild": rule(verbs=["*"]),
    "rc-approved": with_(pod_spec, runtimeClassName="somebodys-own"),
    "res-cpu-req": without(limits, "cpu"),
    "res-gpu-shape": request_only,
    "res-mem": without(limits, "memory"),
    "sa-automount": lambda objects: [
        pod_spec(objects).pop("automountServiceAccountToken"),
        objects["ServiceAccount inference"].pop("automountServiceAccountToken"),
    ],
    "sa-default": without(pod_spec, "serviceAccountName"),
    "slo-format": lambda objects: pod_metadata(objects)["annotations"].update(
        {"karb.dev/slo-p95-latency": "fast"}
    ),
    "slo-required": lambda objects: pod_metadata(objects)["annotations"].pop(
        "karb.dev/slo-cold-start"
    ),
}
"""Invariant -> the change to the mended templates that breaks it."""

SIDE_EFFECTS = {
    "pss-baseline": {"np-egress-deny", "np-ingress-deny"},
}
"""What such a change can't help breaking beside"""


def test_every_invariant_of_the_paper_has_its_case() -> None:
    assert set(CASES) == {i.name for i in paper()} - {"malformed"}


@pytest.mark.parametrize("name", sorted(CASES))
def test_without_its_field_a_mended_template_breaks_the_invariant(name: str) -> None:
    objects = objects_of(MENDED)
    CASES[name](objects)
    found = set().union(*(broken(each) for each in judged(objects).values()))
    assert found == {name} | SIDE_EFFECTS.get(name, set())


# The page.


def outcome(evaluation: Evaluation, invariant: Invariant) -> str:
    """``passes``, or ``fails`` and why."""
    messages = [f.message for f in evaluation.findings if f.name == invariant.name]
    if messages:
        more = f" (and {len(messages) - 1} more)" if len(messages) > 1 else ""
        return f"**fails**: {min(messages)}{more}".replace("|", "\\|")
    unknowns = [u.reason for u in evaluation.unknowns if u.name == invariant.name]
    return f"undecided: {unknowns[0]}" if unknowns else "passes"


def rows(
    name: str, published: Mapping[str, Evaluation], mended: Mapping[str, Evaluation]
) -> Iterator[Sequence[str]]:
    templates = {template: other for template, _, other in TEMPLATES}
    other = DEPLOYMENT if name == BOTH else templates[name]
    of_scalers = [i for i in paper() if {"autoscalers", "scaletarget"} & set(i.context)]
    for invariant in of_scalers if name == BOTH else asked_of(objects_of(PUBLISHED)[name]):
        after = outcome(mended[other], invariant)
        link = f"[{invariant.name}](catalogue/{invariant.name}.md)"
        severity = "error" if invariant.severity is Severity.ERROR else invariant.severity.value
        yield link, severity, outcome(published[name], invariant), after


def tables() -> str:
    """The tables of the page."""
    published, mended = judged(objects_of(PUBLISHED)), judged(objects_of(MENDED))
    together = judged(with_both_scalers())
    findings = (*together[DEPLOYMENT].findings, *together[HPA].findings)
    published[BOTH] = together[DEPLOYMENT]._replace(findings=findings)
    lines: list[str] = []
    for name, section, other in TEMPLATES:
        lines += [f"### {name} (section {section})", ""]
        found = list(rows(name, published, mended))
        lines += [f"| invariant | severity | as published | mended: {other} |", "|---|---|---|---|"]
        lines += [f"| {' | '.join(row)} |" for row in found]
        lines.append("")
    return "\n".join(lines)


def test_the_page_shows_what_is_found(request: pytest.FixtureRequest) -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    old, _, after = rest.partition(END)
    if request.config.getoption("--update-golden"):
        PAGE.write_text(f"{before}{BEGIN}{tables()}{END}{after}", encoding="utf-8")
    else:
        assert old == tables(), "run pytest --update-golden and read the diff"
