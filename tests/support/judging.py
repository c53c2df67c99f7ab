"""Judges fixtures with the whole catalogue, for the tests that hold the doors together."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from karb_guard.engine.bundles import bundle_for
from karb_guard.engine.embedded import EmbeddedEngine
from karb_guard.engine.interface import Engine
from karb_guard.evaluation import EvaluationSettings, Evaluator
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.invariants.fixtures import Fixture, all_fixtures
from karb_guard.invariants.params import effective
from karb_guard.invariants.roots import builtin_root
from karb_guard.inventory import Inventory
from karb_guard.manifests import Document, parse
from karb_guard.model.finding import Evaluation


@cache
def catalogue() -> Catalogue:
    """The catalogue of the repository's policies, as the bundle holds it."""
    return bundle_for([]).catalogue.invariants


@cache
def embedded() -> EmbeddedEngine:
    """One embedded engine for the session."""
    return EmbeddedEngine(bundle_for([]))


@cache
def fixtures() -> tuple[Fixture, ...]:
    """Every fixture of the repository."""
    return tuple(all_fixtures(catalogue(), [builtin_root()]))


def fixture_id(fixture: Fixture) -> str:
    """``gpu-tol-leak/fail/pod-leak``: what a failing test should say."""
    return f"{fixture.invariant.name}/{'fail' if fixture.fails else 'pass'}/{fixture.case}"


def document_of(fixture: Fixture) -> Document:
    """The fixture's object with its positions."""
    parsed = parse(fixture.text.encode(), str(fixture.file))
    assert not parsed.problems, parsed.problems
    (document,) = parsed.documents
    return document


def inventory_of(fixture: Fixture, document: Document, *, context: bool = True) -> Inventory:
    """The fixture's object and, with ``context``, the documents beside it."""
    inventory = Inventory()
    inventory.add(document.object)
    if context and fixture.context:
        for other in parse(fixture.context.encode(), str(fixture.context_file)).documents:
            inventory.add(other.object)
    return inventory


def evaluator_for(
    params: Mapping[str, Mapping[str, Any]],
    engine: Engine | None = None,
    *,
    demanding: bool = True,
) -> Evaluator:
    """An evaluator of the whole catalogue, the demanding ones too, with a fixture's parameters."""
    everything = catalogue()
    settings = EvaluationSettings(
        invariants=[i for i in everything.invariants if demanding or not i.demanding],
        params=effective(everything, params, everything),
    )
    return Evaluator(engine or embedded(), settings)


def judge(fixture: Fixture, engine: Engine | None = None, *, context: bool = True) -> Evaluation:
    """Evaluate one fixture with the whole catalogue."""
    document = document_of(fixture)
    inventory = inventory_of(fixture, document, context=context)
    evaluator = evaluator_for(fixture.header.params, engine)
    (evaluation,) = evaluator.evaluate([document.object], inventory)
    return evaluation


def comparable(evaluation: Evaluation) -> Evaluation:
    """The evaluation with findings and unknowns in a fixed order: sets have none."""
    return evaluation._replace(
        findings=tuple(sorted(evaluation.findings, key=repr)),
        unknowns=tuple(sorted(evaluation.unknowns, key=repr)),
    )


def policy_folder(fixture: Fixture) -> Path:
    """The folder of the fixture's invariant."""
    return fixture.file.parents[2]
