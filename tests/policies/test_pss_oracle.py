"""pss-baseline and pss-restricted against Kubernetes' own checks, at the newest version.

Two oracles, both from the Go module that ``tools/pss-oracle`` pins: the pods of its
``test/testdata``, read where Go keeps the module, and its checks themselves, asked about pods
that hypothesis makes up.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karb_guard.toolchain import ToolchainError, find_go, find_opa

REPOSITORY = Path(__file__).parents[2]
ORACLE = REPOSITORY / "tools" / "pss-oracle"
MODULE = "k8s.io/pod-security-admission"
NEWEST = "v1.37"
TIMEOUT_SECONDS = 600

BASELINE_CHECKS = {
    "appArmorProfile",
    "capabilities_baseline",
    "hostNamespaces",
    "hostPathVolumes",
    "hostPorts",
    "hostProbesAndHostLifecycle",
    "privileged",
    "procMount",
    "seLinuxOptions",
    "seccompProfile_baseline",
    "sysctls",
    "windowsHostProcess",
}
RESTRICTED_CHECKS = {
    "allowPrivilegeEscalation",
    "capabilities_restricted",
    "procMount_restricted",
    "restrictedVolumes",
    "runAsNonRoot",
    "runAsUser",
    "seccompProfile_restricted",
}
OVERRIDES = {
    "hostPathVolumes": "restrictedVolumes",
    "capabilities_baseline": "capabilities_restricted",
    "seccompProfile_baseline": "seccompProfile_restricted",
    "procMount": "procMount_restricted",
}
"""``OverrideCheckIDs`` of the restricted checks: the baseline check that each one stands in for
in a restricted namespace. pss-restricted leaves to pss-baseline what that reports already."""


class Fired(NamedTuple):
    """The ids of the checks that refuse a pod."""

    baseline: frozenset[str]
    restricted: frozenset[str]

    def at_restricted(self) -> frozenset[str]:
        """What a restricted namespace says: overridden checks speak with their successor's id."""
        return frozenset(OVERRIDES.get(check, check) for check in self.baseline | self.restricted)


class Sample(NamedTuple):
    """One upstream fixture: ``check`` is what must refuse it, ``None`` if nothing may."""

    name: str
    level: str
    check: str | None
    pod: dict[str, Any]


ALSO_REFUSED = {
    "baseline/fail/windowshostprocess": {"hostNamespaces"},
    "restricted/fail/windowshostprocess": {"hostNamespaces"},
    "restricted/fail/privileged": {"allowPrivilegeEscalation"},
    "restricted/fail/allowprivilegeescalation3": {"capabilities_restricted"},
}
"""Fixtures that can't help breaking a second check: the API server refuses hostProcess without
hostNetwork, and allowPrivilegeEscalation: false beside privileged. The third has no container
security context at all. Keys are prefixes."""


def named_after(sample: Sample) -> set[str]:
    """The checks that must refuse the fixture, by the ids that its level speaks with."""
    if sample.check is None:
        return set()
    also = [checks for prefix, checks in ALSO_REFUSED.items() if sample.name.startswith(prefix)]
    checks = {sample.check}.union(*also)
    if sample.level == "restricted":
        return {OVERRIDES.get(check, check) for check in checks}
    return checks


@pytest.fixture(scope="session")
def go() -> Path:
    """A Go command; the one thing whose absence skips these tests."""
    try:
        return find_go()
    except ToolchainError as error:
        pytest.skip(f"the oracle is a Go module: {error}")


@pytest.fixture(scope="session")
def oracle(go: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that asks the upstream checks, built from the pinned module."""
    program = tmp_path_factory.mktemp("pss") / "pss-oracle"
    run_go(go, "build", "-mod=readonly", "-o", str(program), ".")
    return program


@pytest.fixture(scope="session")
def samples(go: Path) -> list[Sample]:
    """Every upstream fixture of the newest version, both levels."""
    run_go(go, "mod", "download", MODULE)
    root = Path(run_go(go, "list", "-m", "-f", "{{.Dir}}", MODULE).strip()) / "test" / "testdata"
    return list(read_samples(root))


def run_go(go: Path, *arguments: str) -> str:
    environment = {**os.environ, "GOFLAGS": "", "GOWORK": "off", "CGO_ENABLED": "0"}
    done = subprocess.run(
        [str(go), *arguments],
        cwd=ORACLE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"go {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def read_samples(root: Path) -> Iterator[Sample]:
    for level in ("baseline", "restricted"):
        ids = {check.lower(): check for check in BASELINE_CHECKS | RESTRICTED_CHECKS}
        for path in sorted((root / level / NEWEST).glob("*/*.yaml")):
            refused = path.parent.name == "fail"
            check = ids[path.stem.rstrip("0123456789")] if refused else None
            yield Sample(
                f"{level}/{path.parent.name}/{path.stem}",
                level,
                check,
                yaml.safe_load(path.read_text(encoding="utf-8")),
            )


def document(pod: dict[str, Any]) -> dict[str, Any]:
    """What policies see of a bare Pod, as docs/architecture.md describes it."""
    spec = dict(pod["spec"])
    lists = {"initContainers": "init", "containers": "main", "ephemeralContainers": "ephemeral"}
    containers = [
        {
            "name": container["name"],
            "role": role,
            "path": ["spec", key, index],
            "open": False,
            "spec": container,
        }
        for key, role in lists.items()
        for index, container in enumerate(spec.pop(key, None) or ())
    ]
    view = {
        "path": ["spec"],
        "metadataPath": ["metadata"],
        "labels": {},
        "annotations": pod["metadata"].get("annotations") or {},
        "spec": spec,
        "os": (spec.get("os") or {}).get("name") or "linux",
        "containers": containers,
    }
    workload = {"kind": "Pod", "group": "", "role": "pod", "injects": [], "operator": False}
    return {"object": pod, "workload": workload, "pods": [view]}


QUERY = """[answer |
    some document in input.documents
    baseline := data.karb.podsecurity.pss_baseline.violations with input as document
    restricted := data.karb.podsecurity.pss_restricted.violations with input as document
    answer := {"baseline": baseline, "restricted": restricted}
]"""


def judged(pods: Sequence[dict[str, Any]]) -> list[dict[str, list[dict[str, Any]]]]:
    """The violations of both invariants, a pod each, by OPA's own evaluator."""
    policies = REPOSITORY / "policies"
    command = [str(find_opa()), "eval", "--format=raw", "--stdin-input", "--ignore=*.yaml"]
    command += ["--data", str(policies / "podsecurity"), "--data", str(policies / "lib"), QUERY]
    text = ask(command, json.dumps({"documents": [document(pod) for pod in pods]}))
    answers: list[dict[str, list[dict[str, Any]]]] = json.loads(text)
    assert len(answers) == len(pods)
    return answers


def fired_here(pods: Sequence[dict[str, Any]]) -> list[Fired]:
    return [
        Fired(*(frozenset(v["check"] for v in answer[level]) for level in Fired._fields))
        for answer in judged(pods)
    ]


def defaulted(pod: dict[str, Any]) -> dict[str, Any]:
    """The pod with the one default that matters: a volume without a source is an emptyDir.

    The API server sets it before its checks run (``SetDefaults_Volume``).
    """
    volumes = [
        volume
        if any(v is not None for k, v in volume.items() if k != "name")
        else {**volume, "emptyDir": {}}
        for volume in pod["spec"].get("volumes") or ()
    ]
    return {**pod, "spec": {**pod["spec"], "volumes": volumes}}


def fired_upstream(oracle: Path, pods: Sequence[dict[str, Any]]) -> list[Fired]:
    text = ask([str(oracle)], "".join(json.dumps(defaulted(pod)) + "\n" for pod in pods))
    answers = [json.loads(line) for line in text.splitlines()]
    assert [answer for answer in answers if "error" in answer] == []
    return [Fired(frozenset(a["baseline"]), frozenset(a["restricted"])) for a in answers]


def ask(command: Sequence[str], stdin: str) -> str:
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


def test_every_upstream_fixture_is_judged_by_the_check_that_it_is_named_after(
    samples: list[Sample],
) -> None:
    wrong = {}
    for sample, fired in zip(samples, fired_here([s.pod for s in samples]), strict=True):
        seen = fired.baseline if sample.level == "baseline" else fired.at_restricted()
        expected = named_after(sample)
        if seen != expected:
            wrong[sample.name] = (sorted(seen), sorted(expected))
    assert wrong == {}


def test_the_upstream_fixtures_cover_every_check(samples: list[Sample]) -> None:
    assert {s.check for s in samples if s.check} == BASELINE_CHECKS | RESTRICTED_CHECKS
    assert {s.level for s in samples if not s.check} == {"baseline", "restricted"}


def test_the_upstream_checks_say_the_same_about_their_fixtures(
    samples: list[Sample], oracle: Path
) -> None:
    pods = [sample.pod for sample in samples]
    theirs = fired_upstream(oracle, pods)
    ours = fired_here(pods)
    assert [(s.name, f.baseline) for s, f in zip(samples, ours, strict=True)] == [
        (s.name, f.baseline) for s, f in zip(samples, theirs, strict=True)
    ]
    assert [(s.name, f.at_restricted()) for s, f in zip(samples, ours, strict=True)] == [
        (s.name, f.at_restricted()) for s, f in zip(samples, theirs, strict=True)
    ]


def maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with any subset of ``fields``, null included: Go takes null for absent."""
    return st.fixed_dictionaries(
        {}, optional={key: st.none() | value for key, value in fields.items()}
    )


PROFILES = maybe(type=st.sampled_from(["", "RuntimeDefault", "Localhost", "Unconfined", "x"]))
SELINUX = maybe(
    type=st.sampled_from(["", "container_t", "container_engine_t", "spc_t"]),
    user=st.sampled_from(["", "system_u"]),
    role=st.sampled_from(["", "system_r"]),
)
WINDOWS = maybe(hostProcess=st.booleans(), runAsUserName=st.just("u"))
SHARED = {
    "appArmorProfile": PROFILES,
    "seccompProfile": PROFILES,
    "seLinuxOptions": SELINUX,
    "windowsOptions": WINDOWS,
    "runAsNonRoot": st.booleans(),
    "runAsUser": st.sampled_from([0, 1, 1000]),
}
CAPABILITY = st.sampled_from(["ALL", "NET_BIND_SERVICE", "CHOWN", "NET_RAW", "SYS_ADMIN", ""])
CAPABILITIES = st.lists(CAPABILITY, max_size=3)
HANDLER = maybe(
    httpGet=maybe(host=st.sampled_from(["", "127.0.0.1", "h"]), port=st.just(80)),
    tcpSocket=maybe(host=st.sampled_from(["", "h"]), port=st.just(80)),
)
CONTAINER = maybe(
    securityContext=maybe(
        **SHARED,
        privileged=st.booleans(),
        allowPrivilegeEscalation=st.booleans(),
        procMount=st.sampled_from(["", "Default", "Unmasked"]),
        capabilities=maybe(add=CAPABILITIES, drop=CAPABILITIES),
    ),
    ports=st.lists(maybe(containerPort=st.just(80), hostPort=st.sampled_from([0, 80])), max_size=2),
    livenessProbe=HANDLER,
    readinessProbe=HANDLER,
    startupProbe=HANDLER,
    lifecycle=maybe(postStart=HANDLER, preStop=HANDLER),
)
VOLUME_TYPES = [
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "projected", "secret"),
    *("persistentVolumeClaim", "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo"),
    *("nfs", "iscsi", "glusterfs", "rbd", "flexVolume", "cinder", "cephfs", "flocker", "fc"),
    *("azureFile", "vsphereVolume", "quobyte", "azureDisk", "portworxVolume", "scaleIO"),
    *("photonPersistentDisk", "storageos"),
]
VOLUME: st.SearchStrategy[dict[str, Any]] = st.none().map(lambda _: {}) | st.dictionaries(
    st.sampled_from(VOLUME_TYPES), st.just({}), min_size=1, max_size=1
)
"""At most one source: two are refused by the API server."""
SYSCTL = st.sampled_from(
    ["kernel.shm_rmid_forced", "net.ipv4.tcp_rmem", "net.ipv4.tcp_notsent_lowat", "kernel.msgmax"]
)
ANNOTATIONS = st.dictionaries(
    st.sampled_from(
        [
            "container.apparmor.security.beta.kubernetes.io/main0",
            "container.apparmor.security.beta.kubernetes.io/",
            "container.seccomp.security.alpha.kubernetes.io/main0",
            "seccomp.security.alpha.kubernetes.io/pod",
            "other",
        ]
    ),
    st.sampled_from(["", "runtime/default", "localhost/a", "localhost", "unconfined"]),
    max_size=2,
)
POD_SPEC = maybe(
    hostNetwork=st.booleans(),
    hostPID=st.booleans(),
    hostIPC=st.booleans(),
    hostUsers=st.booleans(),
    os=maybe(name=st.sampled_from(["linux", "windows"])),
    securityContext=maybe(
        **SHARED, sysctls=st.lists(SYSCTL.map(lambda name: {"name": name}), max_size=2)
    ),
)


@st.composite
def pods(draw: st.DrawFn) -> dict[str, Any]:
    spec = draw(POD_SPEC)
    for key, least in (("initContainers", 0), ("containers", 1), ("ephemeralContainers", 0)):
        drawn = draw(st.lists(CONTAINER, min_size=least, max_size=2))
        spec[key] = [{"name": f"{key[:4]}{i}", **c} for i, c in enumerate(drawn)]
    drawn = draw(st.lists(VOLUME, max_size=2))
    spec["volumes"] = [{"name": f"v{i}", **volume} for i, volume in enumerate(drawn)]
    metadata = {"name": "made-up", "annotations": draw(ANNOTATIONS)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(pods(), min_size=10, max_size=16))
def test_the_upstream_checks_say_the_same_about_any_pod(
    oracle: Path, made_up: list[dict[str, Any]]
) -> None:
    ours = fired_here(made_up)
    theirs = fired_upstream(oracle, made_up)
    assert [f.baseline for f in ours] == [f.baseline for f in theirs]
    assert [f.at_restricted() for f in ours] == [f.at_restricted() for f in theirs]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(pods(), min_size=10, max_size=16))
def test_no_field_is_reported_by_both_levels(made_up: list[dict[str, Any]]) -> None:
    for answer in judged(made_up):
        paths = {level: {tuple(v["path"]) for v in answer[level]} for level in Fired._fields}
        assert paths["baseline"] & paths["restricted"] == set()
