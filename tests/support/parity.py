"""Fixtures as the webhook would judge them, for the test that holds both doors together."""

from __future__ import annotations

import copy
import datetime
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from karb_guard import workloads
from karb_guard.decisions import waivers
from karb_guard.invariants.fixtures import Fixture
from karb_guard.model.finding import Finding
from tests.support.api_proxy import RESOURCES
from tests.support.judging import catalogue, document_of, evaluator_for, fixtures
from webhook import rules
from webhook.loading import SharedEvaluator
from webhook.neighbours import JUDGED, WATCHED, Neighbours, kind_of

Json = dict[str, Any]
Params = Mapping[str, Mapping[str, Any]]


def built_in_fixtures() -> list[Fixture]:
    """The fixtures of kinds that every API server knows and that the webhook is registered for."""
    known = [f for f in fixtures() if _version_and_kind(f) in _KNOWN]
    return [f for f in known if _is_registered(document_of(f).object)]


def _is_registered(obj: Mapping[str, Any]) -> bool:
    group = str(obj["apiVersion"]).rpartition("/")[0]
    if workloads.resolve(obj).templates:
        return True
    return f"{group}/{obj['kind']}" in rules.catalogue_kinds()


_KNOWN = {(version.split()[0], kind) for kind, version in RESOURCES.items()}


def _version_and_kind(fixture: Fixture) -> tuple[str, str]:
    obj = document_of(fixture).object
    return str(obj["apiVersion"]), str(obj["kind"])


@dataclass
class Round:
    """Fixtures that one configuration serves: no parameter is wanted with two values."""

    params: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    fixtures: list[Fixture] = field(default_factory=list)

    def takes(self, params: Params) -> bool:
        """Whether the round's parameters can be extended by ``params``."""
        return all(self.params.get(name, values) == values for name, values in params.items())


def rounds(members: Iterable[Fixture]) -> list[Round]:
    """The fixtures in few rounds, those without parameters in the first, which has none."""
    made = [Round()]
    for fixture in members:
        params = fixture.header.params
        home = next((r for r in made[1:] if r.takes(params)), None) if params else made[0]
        if home is None:
            home = Round()
            made.append(home)
        home.params.update(params)
        home.fixtures.append(fixture)
    return made


def moved(fixture: Fixture, namespace: str) -> Json:
    """The fixture's object in another namespace."""
    obj: Json = copy.deepcopy(dict(document_of(fixture).object))
    metadata = dict(obj.get("metadata") or {})
    metadata["namespace"] = namespace
    if not metadata.get("name") and not metadata.get("generateName"):
        metadata["name"] = "fixture"
    return {**obj, "metadata": metadata}


def judged(obj: Json, params: Params) -> tuple[list[Finding], set[str]]:
    """What lint finds in ``obj`` alone, heeding the waivers that admission heeds.

    And the invariants that can't be decided without other objects. Beside an autoscaler there is
    nothing, and the webhook knows that, so it is known here too.
    """
    if f"{str(obj['apiVersion']).partition('/')[0]}/{obj['kind']}" in JUDGED:
        where = str(obj["metadata"]["namespace"])
        shared = SharedEvaluator(evaluator_for(params))
        evaluation = shared.evaluate(obj, where, None, neighbours=NOTHING_BESIDE)
    else:
        (evaluation,) = evaluator_for(params).evaluate([obj])
    assert evaluation.not_evaluated is None
    today = datetime.datetime.now(datetime.UTC).date()
    rules = waivers.WaiverRules(catalogue().by_name, today, None, True)
    outcome = waivers.apply(evaluation, waivers.sources(obj, evaluation.templates), rules)
    undecided = {unknown.name for unknown in evaluation.unknowns}
    return [*outcome.active, *outcome.problems], undecided


NOTHING_BESIDE = Neighbours((), frozenset(map(kind_of, WATCHED.values())))
"""What the webhook knows of an autoscaler in an empty namespace: a target may come next."""


def tally(findings: Iterable[Finding]) -> str:
    """The findings as the audit annotation counts them."""
    counts = Counter(finding.name for finding in findings)
    return ", ".join(f"{name} x{n}" if n > 1 else name for name, n in sorted(counts.items()))


def cluster_objects(objects: Iterable[Json]) -> list[Json]:
    """RuntimeClasses and PriorityClasses that Pods name: without them they would be refused."""
    found: dict[tuple[str, str], Json] = {}
    for obj in objects:
        spec = obj["spec"] if obj["kind"] == "Pod" else {}
        for key, version, kind, rest in (
            ("runtimeClassName", "node.k8s.io/v1", "RuntimeClass", {"handler": "runc"}),
            ("priorityClassName", "scheduling.k8s.io/v1", "PriorityClass", {"value": 1000}),
        ):
            name = spec.get(key)
            if isinstance(name, str) and name and not name.startswith("system-"):
                metadata = {"name": name}
                found[kind, name] = {"apiVersion": version, "kind": kind, "metadata": metadata}
                found[kind, name].update(rest)
    return list(found.values())
