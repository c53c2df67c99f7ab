"""Both engines give one answer: every fixture, and thousands of mutations of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from karb_guard.engine.bundles import bundle_for
from karb_guard.engine.interface import Engine
from karb_guard.engine.opa_process import opa_server
from karb_guard.engine.opa_server import OpaServerEngine, OpaServerSettings
from karb_guard.invariants.fixtures import Fixture
from tests.support.judging import (
    comparable,
    document_of,
    evaluator_for,
    fixture_id,
    fixtures,
    inventory_of,
    judge,
)
from tests.support.mutations import mutate

MUTATIONS = 5_000
BATCH = 50


@pytest.fixture(scope="module")
def server() -> Iterator[Engine]:
    """An engine that asks a real ``opa run --server`` with our bundle."""
    bundle = bundle_for([])
    with opa_server(bundle.server_bundle) as url:
        engine = OpaServerEngine(bundle.catalogue, OpaServerSettings(url, timeout_seconds=30))
        engine.check()
        yield engine
        engine.close()


@pytest.mark.parametrize("fixture", fixtures(), ids=fixture_id)
@pytest.mark.parametrize("context", [True, False], ids=["context", "alone"])
def test_both_engines_agree_on_a_fixture(fixture: Fixture, context: bool, server: Engine) -> None:
    ours = judge(fixture, context=context)
    theirs = judge(fixture, server, context=context)
    assert comparable(ours) == comparable(theirs)


def test_both_engines_agree_on_thousands_of_mutations(server: Engine) -> None:
    seen: Counter[str] = Counter()
    chosen = fixtures()
    for start in range(0, MUTATIONS, BATCH):
        fixture = chosen[(start // BATCH * 7) % len(chosen)]
        document = document_of(fixture)
        inventory = inventory_of(fixture, document)
        objects = [mutate(document.object, seed) for seed in range(start, start + BATCH)]
        ours = evaluator_for(fixture.header.params).evaluate(objects, inventory)
        theirs = evaluator_for(fixture.header.params, server).evaluate(objects, inventory)
        for seed, mine, other in zip(range(start, start + BATCH), ours, theirs, strict=True):
            assert comparable(mine) == comparable(other), f"{fixture_id(fixture)}, seed {seed}"
            seen[_outcome(mine)] += 1
            seen.update(f.name for f in mine.findings)
    assert seen.total() > MUTATIONS, "mutations that find nothing prove nothing"
    assert seen["malformed"] > MUTATIONS // 10, seen
    print(f"\n{MUTATIONS} mutations: {dict(seen.most_common())}")


def _outcome(evaluation: object) -> str:
    return "not evaluated" if getattr(evaluation, "not_evaluated", None) else "evaluated"
