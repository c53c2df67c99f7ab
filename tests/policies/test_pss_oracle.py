"""pss-baseline and pss-restricted against Kubernetes' own checks, at every version.

Two oracles, both from the Go module that ``tools/pss-oracle`` pins: the pods of its
``test/testdata``, read where Go keeps the module, and its checks themselves, asked about pods
that hypothesis makes up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karb_guard.toolchain import ToolchainError, find_go
from tests.support.pss import BASELINE, NEWEST, RESTRICTED, STANDS_IN, Fired, Standards, spoken
from tests.support.pss_pods import random_pod, sysctl_pods
from tests.support.pss_strategies import LABELS, NAMESPACE, VERSION, VERSIONS, pods
from tests.support.pss_upstream import LEVELS, Question, Said, Sample, Upstream

FIXTURES = 4537
"""Files in ``test/testdata`` of the pinned module: one that is missing proves nothing."""

EACH_VERSION = 250
"""Random pods that meet every version: upstream's fixtures alone don't notice when many of the
versions in which a check changes are off by one."""

Pods = list[dict[str, Any]]


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Upstream:
    """Upstream's checks; a Go command is the one thing whose absence skips these tests."""
    try:
        go = find_go()
    except ToolchainError as error:
        pytest.skip(f"the oracle is a Go module: {error}")
    return Upstream(go, tmp_path_factory.mktemp("pss"))


@pytest.fixture(scope="session")
def samples(upstream: Upstream) -> list[Sample]:
    """Every upstream fixture."""
    return upstream.samples()


@pytest.fixture(scope="session")
def standards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standards]:
    """Both invariants."""
    made = Standards(tmp_path_factory.mktemp("bundle"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def ours(samples: list[Sample], standards: Standards) -> list[frozenset[str]]:
    """Which checks refuse each sample here, at its level and version."""
    by_version: dict[str, Pods] = defaultdict(list)
    for sample in samples:
        by_version[sample.version].append(sample.pod)
    fired: dict[str, Iterator[Fired]] = {
        version: iter(standards.fired(members, version)) for version, members in by_version.items()
    }
    return [next(fired[s.version]).at(s.level, s.version) for s in samples]


def test_the_upstream_fixtures_are_all_here(samples: list[Sample]) -> None:
    assert len(samples) == FIXTURES
    everywhere = {(level, f"v1.{minor}") for level in LEVELS for minor in range(NEWEST + 1)}
    assert {(s.level, s.version) for s in samples} == everywhere
    assert {s.name for s in samples if not s.named} == {"base", "base_linux", "base_windows"}
    assert all(s.named for s in samples if s.refused)


def test_every_upstream_fixture_is_judged_by_the_check_that_it_is_named_after(
    samples: list[Sample], ours: list[frozenset[str]]
) -> None:
    wrong = {
        str(sample): sorted(seen)
        for sample, seen in zip(samples, ours, strict=True)
        if (_named(sample) not in seen if sample.refused else seen)
    }
    assert wrong == {}


def _named(sample: Sample) -> str:
    return spoken(sample.named, sample.version) if sample.level == "restricted" else sample.named


def test_the_upstream_checks_say_the_same_about_every_upstream_fixture(
    samples: list[Sample],
    ours: list[frozenset[str]],
    upstream: Upstream,
    capsys: pytest.CaptureFixture[str],
) -> None:
    theirs = upstream.ask(Question(s.pod, s.level, s.version) for s in samples)
    said = [Said(s.level, s.version, checks) for s, checks in zip(samples, ours, strict=True)]
    wrong = {
        str(sample): (sorted(here.checks), sorted(there.checks))
        for sample, here, there in zip(samples, said, theirs, strict=True)
        if here != there
    }
    with capsys.disabled():
        print(f"\nPod Security fixtures: {len(samples) - len(wrong)} of {FIXTURES} agree")
    assert wrong == {}


def test_the_upstream_fixtures_cover_every_check(samples: list[Sample], upstream: Upstream) -> None:
    assert {s.named for s in samples if s.refused} == {check.id for check in upstream.checks()}


def test_the_invariants_have_upstream_s_checks(standards: Standards, upstream: Upstream) -> None:
    for invariant, level in zip(standards.invariants, LEVELS, strict=True):
        theirs = {check.id for check in upstream.checks() if check.level == level}
        assert set(invariant.checks) == theirs, invariant.name


def test_the_newest_version_is_the_one_that_we_know(upstream: Upstream) -> None:
    assert max(minor for check in upstream.checks() for minor in check.versions) == NEWEST


def test_checks_stand_in_for_others_as_upstream_says(upstream: Upstream) -> None:
    theirs = {
        overridden: (check.id, check.versions[0])
        for check in upstream.checks()
        for overridden in check.overrides
    }
    assert theirs == STANDS_IN


@pytest.mark.parametrize("version", VERSIONS)
def test_the_upstream_checks_say_the_same_at_each_version(
    upstream: Upstream, standards: Standards, version: str
) -> None:
    random = Random(1)  # noqa: S311 - reproducible, not secret
    made_up = [*sysctl_pods(), *(random_pod(random) for _ in range(EACH_VERSION))]
    ours = standards.fired(made_up, version)
    for level in LEVELS:
        theirs = upstream.ask(Question(pod, level, version) for pod in made_up)
        wrong = [
            (pod, sorted(fired.at(level, version)), sorted(said.checks))
            for pod, fired, said in zip(made_up, ours, theirs, strict=True)
            if fired.at(level, version) != said.checks
        ]
        assert wrong == []


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(pods(), min_size=10, max_size=16), VERSION)
def test_the_upstream_checks_say_the_same_about_any_pod(
    upstream: Upstream, standards: Standards, made_up: Pods, version: str
) -> None:
    ours = standards.fired(made_up, version)
    for level in LEVELS:
        theirs = upstream.ask(Question(pod, level, version) for pod in made_up)
        assert [fired.at(level, version) for fired in ours] == [said.checks for said in theirs]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(pods(), min_size=4, max_size=8), VERSION, LABELS)
def test_a_namespace_s_labels_decide_as_upstream_lets_them(
    upstream: Upstream, standards: Standards, made_up: Pods, version: str, labels: dict[str, str]
) -> None:
    theirs = upstream.ask(Question(pod, "restricted", version, labels) for pod in made_up)
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": labels},
    }
    fired = standards.fired(made_up, version, [namespace])
    assert [f.at(s.level, s.version) for f, s in zip(fired, theirs, strict=True)] == [
        s.checks for s in theirs
    ]
    asked = {s.level for s in theirs}
    assert not any(f.baseline for f in fired) or asked != {"privileged"}
    assert not any(f.restricted for f in fired) or asked == {"restricted"}


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(pods(), min_size=10, max_size=16), VERSION)
def test_no_field_is_reported_by_both_levels(
    standards: Standards, made_up: Pods, version: str
) -> None:
    for answer in standards.judged(made_up, version):
        paths = {
            name: {finding.path for finding in answer.findings if finding.name == name}
            for name in (BASELINE, RESTRICTED)
        }
        assert paths[BASELINE] & paths[RESTRICTED] == set()
