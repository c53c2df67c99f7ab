"""pss-baseline and pss-restricted by the real path of an object, in upstream's terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from karb_guard.engine.compiler import compile_policies
from karb_guard.engine.embedded import EmbeddedEngine, EmbeddedSettings
from karb_guard.evaluation import EvaluationSettings, Evaluator
from karb_guard.invariants.source import read
from karb_guard.inventory import Inventory
from karb_guard.model.finding import Evaluation

POLICIES = Path(__file__).parents[2] / "policies"
NEWEST = 37
BASELINE, RESTRICTED = "pss-baseline", "pss-restricted"

STANDS_IN = {
    "hostPathVolumes": ("restrictedVolumes", 0),
    "seccompProfile_baseline": ("seccompProfile_restricted", 19),
    "capabilities_baseline": ("capabilities_restricted", 22),
    "procMount": ("procMount_restricted", 35),
}
"""Baseline check -> the restricted check that speaks for it in a restricted namespace, and since
which minor version (upstream's ``OverrideCheckIDs``; a test holds this table to them). Our
pss-restricted leaves to pss-baseline what that reports already."""


def minor(version: str) -> int:
    """The minor version that ``version`` is judged by."""
    return NEWEST if version == "latest" else int(version.removeprefix("v1."))


class Fired(NamedTuple):
    """The ids of the checks that refuse a pod."""

    baseline: frozenset[str]
    restricted: frozenset[str]

    def at(self, level: str, version: str) -> frozenset[str]:
        """What a namespace of that level says: overridden checks speak by their successor's id."""
        if level == "privileged":
            return frozenset()
        if level == "baseline":
            return self.baseline
        return frozenset(spoken(check, version) for check in self.baseline | self.restricted)


def spoken(check: str, version: str) -> str:
    """The id by which a restricted namespace of ``version`` reports ``check``."""
    successor, since = STANDS_IN.get(check, (check, 0))
    return successor if minor(version) >= since else check


class Standards:
    """Both invariants and nothing else, compiled into ``directory``."""

    def __init__(self, directory: Path) -> None:
        catalogue = read([POLICIES])
        self.invariants = [catalogue.get(name) for name in (BASELINE, RESTRICTED)]
        bundle = compile_policies(self.invariants, [POLICIES], directory)
        self._engine = EmbeddedEngine(bundle, EmbeddedSettings(deadline_seconds=30))
        self._evaluator = cache(self._made)

    def close(self) -> None:
        """Free the engine."""
        self._engine.close()

    def _made(self, version: str, labels: bool) -> Evaluator:
        params = {
            i.name: {**i.defaults, "version": version, "namespaceLabels": labels}
            for i in self.invariants
        }
        return Evaluator(self._engine, EvaluationSettings(self.invariants, params=params))

    def judged(
        self,
        objects: Sequence[Mapping[str, Any]],
        version: str = "latest",
        namespaces: Sequence[Mapping[str, Any]] | None = None,
    ) -> list[Evaluation]:
        """What karb-guard says of each; with ``namespaces`` their labels decide."""
        evaluator = self._evaluator(version, namespaces is not None)
        answers = evaluator.evaluate(objects, Inventory(namespaces or ()))
        assert [(a.not_evaluated, a.unknowns) for a in answers] == [(None, ())] * len(objects)
        return answers

    def fired(
        self,
        objects: Sequence[Mapping[str, Any]],
        version: str = "latest",
        namespaces: Sequence[Mapping[str, Any]] | None = None,
    ) -> list[Fired]:
        """The checks of ``judged``."""
        return [
            Fired(*(_checks(answer, name) for name in (BASELINE, RESTRICTED)))
            for answer in self.judged(objects, version, namespaces)
        ]


def _checks(answer: Evaluation, name: str) -> frozenset[str]:
    return frozenset(finding.check for finding in answer.findings if finding.name == name)
