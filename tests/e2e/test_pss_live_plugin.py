"""Our Pod Security invariants and the API server's own PodSecurity plugin say the same.

Random pods are created (dry-run) in namespaces of each level and many versions. Where the plugin
refuses one, its message gives each check's reason; ours must find exactly these checks.
"""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any, NamedTuple

import pytest

from karb_guard.workloads import carries_pods
from tests.support.api_proxy import RESOURCES, Answer, ApiProxy
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import RUN_LABEL
from tests.support.pss import NEWEST, Standards, spoken
from tests.support.pss_pods import random_pod
from tests.support.webhook_process import unique

pytestmark = pytest.mark.e2e

Json = dict[str, Any]

SEED = 1937
PODS = 2_000
TEMPLATES = 400
LEAST_HITS = 20
LEAST_DENIED = 0.3
LEAST_ALLOWED = 0.1
CLIENTS = 4
BATCH = 200

LABEL = "pod-security.kubernetes.io/"
VERSIONS = ("", "latest", *(f"v1.{minor}" for minor in range(NEWEST + 1)))
"""The empty one: a namespace without a version label."""
CHANGING = ("", "latest", "v1.34", "v1.35", "v1.36", "v1.37")
"""Half of the pods meet one of these: the checks of v1.34 and v1.35 exist in no other."""

REASONS = {
    "allowPrivilegeEscalation != false": "allowPrivilegeEscalation",
    "forbidden AppArmor profile": "appArmorProfile",
    "forbidden AppArmor profiles": "appArmorProfile",
    "forbidden sysctls": "sysctls",
    "host namespaces": "hostNamespaces",
    "hostPath volumes": "hostPathVolumes",
    "hostPort": "hostPorts",
    "hostProcess": "windowsHostProcess",
    "non-default capabilities": "capabilities_baseline",
    "privileged": "privileged",
    "probe or lifecycle host": "hostProbesAndHostLifecycle",
    "procMount": "procMount",
    "restricted volume types": "restrictedVolumes",
    "runAsNonRoot != true": "runAsNonRoot",
    "runAsUser=0": "runAsUser",
    "seLinuxOptions": "seLinuxOptions",
    "seccompProfile": "seccompProfile_baseline",
    "unrestricted capabilities": "capabilities_restricted",
}
"""``ForbiddenReason`` of each check of k8s.io/pod-security-admission/policy -> its id. Two pairs
of checks share their reason; in a restricted namespace the successor speaks (``spoken``)."""

VIOLATES = re.compile(
    r'violates? PodSecurity "(?P<level>\w+):(?P<version>[\w.]+)": (?P<why>.*)', re.S
)


class Place(NamedTuple):
    """A namespace: the level and version of its labels, and the object as the server has it."""

    level: str
    version: str
    namespace: Json

    @property
    def name(self) -> str:
        name: str = self.namespace["metadata"]["name"]
        return name

    @property
    def judged_by(self) -> str:
        """The version that decides."""
        return self.version or "latest"


class Asked(NamedTuple):
    """An object that is to be created somewhere."""

    obj: Json
    place: Place


@pytest.fixture(scope="module")
def standards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standards]:
    """Both invariants."""
    made = Standards(tmp_path_factory.mktemp("bundle"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def run(cluster: Cluster) -> Iterator[str]:
    """A name for this run's namespaces, which go with it."""
    name = unique("karb-pss")
    yield name
    cluster.kubectl("delete", "namespace", f"-l{RUN_LABEL}={name}", "--wait=false")


def make_place(api: ApiProxy, run: str, mode: str, level: str, version: str = "") -> Place:
    """A namespace with a level in ``mode``, and the ServiceAccount that pods need."""
    labels = {RUN_LABEL: run, LABEL + mode: level}
    if version:
        labels[f"{LABEL}{mode}-version"] = version
    name = "-".join([run, mode, level, version.replace(".", "-") or "none"])
    made = _create(api, "/api/v1/namespaces", "Namespace", {"name": name, "labels": labels})
    _create(
        api, f"/api/v1/namespaces/{name}/serviceaccounts", "ServiceAccount", {"name": "default"}
    )
    return Place(level, version, made)


def _create(api: ApiProxy, path: str, kind: str, metadata: Json) -> Json:
    answer = api.request("POST", path, {"apiVersion": "v1", "kind": kind, "metadata": metadata})
    assert answer.status in (201, 409), answer.message  # the controller may have been faster
    return answer.body


@pytest.fixture(scope="module")
def places(api: ApiProxy, run: str) -> dict[tuple[str, str], Place]:
    """A namespace of each level and version."""
    wanted = [("baseline", v) for v in VERSIONS] + [("restricted", v) for v in VERSIONS]
    wanted.append(("privileged", ""))
    return {key: make_place(api, run, "enforce", *key) for key in wanted}


def pods_in_places(places: dict[tuple[str, str], Place]) -> list[Asked]:
    """Each pod at each level, at a version of its own."""
    random = Random(SEED)  # noqa: S311 - reproducible, not secret
    asked: list[Asked] = []
    for _ in range(PODS):
        pod = random_pod(random)
        version = random.choice(CHANGING if random.random() < 0.5 else VERSIONS)
        keys = (("privileged", ""), ("baseline", version), ("restricted", version))
        asked += [Asked(_in(pod, places[key]), places[key]) for key in keys]
    return asked


def _in(obj: Json, place: Place) -> Json:
    return {**obj, "metadata": {**obj["metadata"], "namespace": place.name}}


def answers_to(api: ApiProxy, asked: Sequence[Asked]) -> list[Answer]:
    """What the API server says to each, over a few connections that stay open."""

    def ask(one: Asked) -> Answer:
        return api.create(one.obj, one.place.name, dry_run=True)

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(ask, asked))


def checks_in(message: str, place: Place) -> frozenset[str]:
    """The ids of the checks whose reasons the plugin gives."""
    found = VIOLATES.search(message)
    assert found, message
    assert (found["level"], found["version"]) == (place.level, place.judged_by)
    ids = (REASONS[reason] for reason in reasons(found["why"]))
    if place.level == "restricted":
        return frozenset(spoken(check, place.judged_by) for check in ids)
    return frozenset(ids)


def reasons(text: str) -> list[str]:
    """``a (details, more), b (details)`` -> ``[a, b]``; nothing of ours has a parenthesis."""
    without_details = re.sub(r" \([^()]*\)", "", text)
    return without_details.split(", ")


def denial(answer: Answer, one: Asked) -> frozenset[str]:
    """The checks that refuse; none where the pod was taken."""
    if answer.status == 201:
        return frozenset()
    assert answer.status == 403, f"{answer.message}\n{json.dumps(one.obj)}"
    return checks_in(answer.message, one.place)


def warned(answer: Answer, one: Asked) -> frozenset[str]:
    """The checks that the plugin warns of."""
    assert answer.status == 201, f"{answer.message}\n{json.dumps(one.obj)}"
    said = [text for text in answer.warnings if VIOLATES.search(text)]
    return checks_in(said[0], one.place) if said else frozenset()


def found_here(standards: Standards, asked: Sequence[Asked]) -> list[frozenset[str]]:
    """The checks that karb-guard finds, with the namespaces' labels deciding."""
    namespaces = list({one.place.name: one.place.namespace for one in asked}.values())
    found: list[frozenset[str]] = []
    for start in range(0, len(asked), BATCH):
        batch = asked[start : start + BATCH]
        fired = standards.fired([one.obj for one in batch], namespaces=namespaces)
        found += [f.at(o.place.level, o.place.judged_by) for f, o in zip(fired, batch, strict=True)]
    return found


def assert_agreement(
    asked: Sequence[Asked], theirs: Sequence[frozenset[str]], ours: Sequence[frozenset[str]]
) -> None:
    """Fails with the first few differences and what it takes to look at them."""
    wrong = [
        f"{o.place.name}: the plugin {sorted(t)}, karb-guard {sorted(h)}: {json.dumps(o.obj)}"
        for o, t, h in zip(asked, theirs, ours, strict=True)
        if t != h
    ]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(asked)} differ:", *wrong[:5]])


def test_random_pods_are_judged_as_the_plugin_judges_them(
    api: ApiProxy,
    places: dict[tuple[str, str], Place],
    standards: Standards,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = pods_in_places(places)
    answers = answers_to(api, asked)
    theirs = [denial(answer, one) for answer, one in zip(answers, asked, strict=True)]
    ours = found_here(standards, asked)
    denied = Counter(one.place.level for one, checks in zip(asked, theirs, strict=True) if checks)
    hits = Counter(check for checks in theirs for check in checks)
    with capsys.disabled():
        print(f"\n{PODS} pods at each level; denied: {dict(denied)}; hits of each check:")
        print("  " + ", ".join(f"{check} {number}" for check, number in sorted(hits.items())))
    assert_agreement(asked, theirs, ours)
    for level in ("baseline", "restricted"):
        assert LEAST_DENIED <= denied[level] / PODS <= 1 - LEAST_ALLOWED
    assert denied["privileged"] == 0
    known = {check for invariant in standards.invariants for check in invariant.checks}
    assert {check: hits[check] for check in known if hits[check] < LEAST_HITS} == {}


TEMPLATE_KINDS = sorted(
    kind
    for kind, resource in RESOURCES.items()
    if kind != "Pod" and carries_pods(f"{resource.split()[0].rpartition('/')[0]}/{kind}")
)
WARNED_AT = ("v1.0", "v1.18", "v1.24", "v1.30", "v1.34", "v1.37", "latest")


def with_host_ports(spec: Json) -> Json:
    """The spec with the host ports that hostNetwork gives its pods.

    The API server sets them on Pods only (``SetDefaults_Pod``), so the plugin doesn't warn of
    them in a template and then refuses its pods; karb-guard judges the pods that will be.
    """
    if not spec.get("hostNetwork"):
        return spec
    spec = copy.deepcopy(spec)
    for container in (*spec["containers"], *spec["initContainers"]):
        for port in container.get("ports", ()):
            port["hostPort"] = port["containerPort"]
    return spec


def carrying(kind: str, pod: Json) -> Json:
    """An object of ``kind`` whose template is the pod's."""
    labels = {"app": "llm"}
    metadata = {"annotations": pod["metadata"]["annotations"], "labels": labels}
    once = {"restartPolicy": "Never"} if kind in ("Job", "CronJob") else {}
    template = {"metadata": metadata, "spec": {**with_host_ports(pod["spec"]), **once}}
    selector: Json = {"selector": {"matchLabels": labels}, "template": template}
    special: dict[str, Json] = {
        "CronJob": {"schedule": "0 6 * * *", "jobTemplate": {"spec": {"template": template}}},
        "Job": {"template": template},
        "ReplicationController": {"selector": labels, "template": template},
        "StatefulSet": {**selector, "serviceName": "llm"},
    }
    version = RESOURCES[kind].split()[0]
    obj: Json = {"apiVersion": version, "kind": kind, "metadata": {"name": "random"}}
    if kind == "PodTemplate":
        return {**obj, "template": template}
    return {**obj, "spec": special.get(kind, selector)}


def test_templates_are_judged_as_the_plugin_warns_of_them(
    api: ApiProxy, run: str, standards: Standards, capsys: pytest.CaptureFixture[str]
) -> None:
    random = Random(SEED)  # noqa: S311 - reproducible, not secret
    wanted = [(level, version) for level in ("baseline", "restricted") for version in WARNED_AT]
    warning = [make_place(api, run, "warn", *key) for key in wanted]
    asked = []
    for _ in range(TEMPLATES):
        place = random.choice(warning)
        asked.append(
            Asked(_in(carrying(random.choice(TEMPLATE_KINDS), random_pod(random)), place), place)
        )
    answers = answers_to(api, asked)
    theirs = [warned(answer, one) for answer, one in zip(answers, asked, strict=True)]
    ours = [
        standards.fired([one.obj], one.place.version)[0].at(one.place.level, one.place.version)
        for one in asked
    ]
    kinds = Counter(one.obj["kind"] for one, checks in zip(asked, theirs, strict=True) if checks)
    with capsys.disabled():
        print(f"\n{TEMPLATES} templates; warned of, by kind: {dict(sorted(kinds.items()))}")
    assert_agreement(asked, theirs, ours)
    assert set(kinds) == set(TEMPLATE_KINDS)
