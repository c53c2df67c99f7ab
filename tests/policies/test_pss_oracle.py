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

from karb_guard.engine.compiler import compile_policies
from karb_guard.engine.embedded import EmbeddedEngine, EmbeddedSettings
from karb_guard.evaluation import EvaluationSettings, Evaluator
from karb_guard.invariants.source import read
from karb_guard.model.finding import Evaluation, Finding
from karb_guard.toolchain import ToolchainError, find_go

REPOSITORY = Path(__file__).parents[2]
POLICIES = REPOSITORY / "policies"
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


@pytest.fixture(scope="session")
def evaluator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evaluator]:
    """The real path of an object, with both invariants and nothing else."""
    catalogue = read([POLICIES])
    invariants = [catalogue.get("pss-baseline"), catalogue.get("pss-restricted")]
    bundle = compile_policies(invariants, [POLICIES], tmp_path_factory.mktemp("bundle"))
    engine = EmbeddedEngine(bundle, EmbeddedSettings(deadline_seconds=30))
    yield Evaluator(engine, EvaluationSettings(invariants))
    engine.close()


def judged(evaluator: Evaluator, pods: Sequence[dict[str, Any]]) -> list[Evaluation]:
    """What karb-guard says about each pod."""
    answers = evaluator.evaluate(pods)
    assert [(a.not_evaluated, a.unknowns) for a in answers] == [(None, ())] * len(pods)
    return answers


def of(answer: Evaluation, invariant: str) -> list[Finding]:
    return [finding for finding in answer.findings if finding.name == invariant]


def fired_here(evaluator: Evaluator, pods: Sequence[dict[str, Any]]) -> list[Fired]:
    return [
        Fired(
            frozenset(finding.check for finding in of(answer, "pss-baseline")),
            frozenset(finding.check for finding in of(answer, "pss-restricted")),
        )
        for answer in judged(evaluator, pods)
    ]


def defaulted(pod: dict[str, Any]) -> dict[str, Any]:
    """The pod with the defaults that matter, which the API server sets before its checks run.

    A volume without a source is an emptyDir (``SetDefaults_Volume``); under hostNetwork a port is
    the node's too (``defaultHostNetworkPorts``, not for ephemeral containers, which have none).
    """
    spec = dict(pod["spec"])
    spec["volumes"] = [
        volume
        if any(v is not None for k, v in volume.items() if k != "name")
        else {**volume, "emptyDir": {}}
        for volume in spec.get("volumes") or ()
    ]
    if spec.get("hostNetwork"):
        for key in ("initContainers", "containers"):
            spec[key] = [on_host(container) for container in spec.get(key) or ()]
    return {**pod, "spec": spec}


def on_host(container: dict[str, Any]) -> dict[str, Any]:
    ports = [
        {**port, "hostPort": port.get("hostPort") or port.get("containerPort")}
        for port in container.get("ports") or ()
    ]
    return {**container, "ports": ports}


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
    samples: list[Sample], evaluator: Evaluator
) -> None:
    wrong = {}
    for sample, fired in zip(samples, fired_here(evaluator, [s.pod for s in samples]), strict=True):
        seen = fired.baseline if sample.level == "baseline" else fired.at_restricted()
        expected = named_after(sample)
        if seen != expected:
            wrong[sample.name] = (sorted(seen), sorted(expected))
    assert wrong == {}


def test_the_upstream_fixtures_cover_every_check(samples: list[Sample]) -> None:
    assert {s.check for s in samples if s.check} == BASELINE_CHECKS | RESTRICTED_CHECKS
    assert {s.level for s in samples if not s.check} == {"baseline", "restricted"}


def test_the_upstream_checks_say_the_same_about_their_fixtures(
    samples: list[Sample], oracle: Path, evaluator: Evaluator
) -> None:
    pods = [sample.pod for sample in samples]
    theirs = fired_upstream(oracle, pods)
    ours = fired_here(evaluator, pods)
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
    oracle: Path, evaluator: Evaluator, made_up: list[dict[str, Any]]
) -> None:
    ours = fired_here(evaluator, made_up)
    theirs = fired_upstream(oracle, made_up)
    assert [f.baseline for f in ours] == [f.baseline for f in theirs]
    assert [f.at_restricted() for f in ours] == [f.at_restricted() for f in theirs]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(pods(), min_size=10, max_size=16))
def test_no_field_is_reported_by_both_levels(
    evaluator: Evaluator, made_up: list[dict[str, Any]]
) -> None:
    for answer in judged(evaluator, made_up):
        baseline = {finding.path for finding in of(answer, "pss-baseline")}
        assert baseline & {finding.path for finding in of(answer, "pss-restricted")} == set()
