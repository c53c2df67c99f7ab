"""What an API server drops when it stores an object changes no verdict: what is empty.

Manifests are judged as written, stored objects without them (``omitempty`` of Kubernetes' types);
one verdict across the doors needs both to mean the same.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from karb_guard import workloads
from karb_guard.invariants.fixtures import Fixture
from karb_guard.model.finding import Evaluation
from tests.support.judging import document_of, evaluator_for, fixture_id, fixtures, inventory_of

POD_LISTS = (
    "imagePullSecrets",
    "initContainers",
    "readinessGates",
    "resourceClaims",
    "tolerations",
    "topologySpreadConstraints",
    "volumes",
)
CONTAINER_LISTS = ("args", "command", "env", "envFrom", "ports", "volumeDevices", "volumeMounts")
POD_STRINGS = ("hostname", "nodeName", "priorityClassName", "schedulerName", "serviceAccountName")
POD_FLAGS = ("hostIPC", "hostNetwork", "hostPID")
CONTAINER_STRINGS = ("imagePullPolicy", "workingDir")
CONTAINER_FLAGS = ("stdin", "tty")
SECURITY_LISTS = ("supplementalGroups", "sysctls")
BUILT_IN = ("apps/v1", "batch/v1", "v1")
Json = dict[str, Any]


def written_out(spec: Json) -> None:
    """Put an empty list, map or word, or false, wherever a PodSpec says nothing."""
    say(spec, [], *POD_LISTS)
    say(spec, "", *POD_STRINGS)
    say(spec, False, *POD_FLAGS)
    say(spec, {}, "nodeSelector")
    for container in [*dicts(spec.get("containers")), *dicts(spec["initContainers"])]:
        say(container, [], *CONTAINER_LISTS)
        say(container, "", *CONTAINER_STRINGS)
        say(container, False, *CONTAINER_FLAGS)
        say(container, {}, "resources")
        say(container["resources"], {}, "limits", "requests")
        say((container.get("securityContext") or {}).get("capabilities"), [], "add", "drop")
    say(spec.get("securityContext"), [], *SECURITY_LISTS)


def say(value: object, empty: object, *names: str) -> None:
    if isinstance(value, dict):
        for name in names:
            value.setdefault(name, copy.copy(empty))


def dicts(value: object) -> list[Json]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def specs(obj: Json) -> Iterator[Json]:
    for template in workloads.resolve(obj).templates:
        at: Any = obj
        for step in template.path:
            at = at[step]
        if isinstance(at, dict):
            yield at


def tally(evaluation: Evaluation) -> Counter[tuple[str, str, str]]:
    findings = ((f.name, f.check, "finding") for f in evaluation.findings)
    unknowns = ((u.name, u.reason, "unknown") for u in evaluation.unknowns)
    return Counter([*findings, *unknowns])


WITH_PODS = [
    f
    for f in fixtures()
    if str((o := document_of(f).object).get("apiVersion")) in BUILT_IN
    and list(specs(copy.deepcopy(dict(o))))
]


@pytest.mark.parametrize("fixture", WITH_PODS, ids=fixture_id)
def test_what_is_empty_says_as_much_as_none(fixture: Fixture) -> None:
    document = document_of(fixture)
    obj = copy.deepcopy(dict(document.object))
    metadata = obj.setdefault("metadata", {})
    for name in ("labels", "annotations"):
        metadata.setdefault(name, {})
    for spec in specs(obj):
        written_out(spec)
    evaluator = evaluator_for(fixture.header.params)
    inventory = inventory_of(fixture, document)
    (plain,) = evaluator.evaluate([document.object], inventory)
    (wordy,) = evaluator.evaluate([obj], inventory)
    assert tally(wordy) == tally(plain)
