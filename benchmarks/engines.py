"""Evaluation time of the two named GPU pods, whole path and engine alone, in each engine."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import orjson

from benchmarks.pods import workloads
from benchmarks.table import markdown, spread, timed
from karb_guard.assembly import Choices, Guard, assemble
from karb_guard.engine.embedded import EmbeddedEngine, EmbeddedSettings
from karb_guard.engine.interface import Engine
from karb_guard.engine.opa_process import opa_server
from karb_guard.engine.opa_server import OpaServerEngine, OpaServerSettings
from karb_guard.evaluation import Evaluator
from karb_guard.evaluation.prepare import prepare
from karb_guard.manifests import parse
from karb_guard.model.finding import Evaluation

EXAMPLES = Path(__file__).parents[1] / "examples"
PODS = ("clean", "ten-findings")


def pod(name: str) -> dict[str, Any]:
    """One of the named pods as an object."""
    text = (EXAMPLES / "pods" / f"{name}.yaml").read_bytes()
    (document,) = parse(text, name).documents
    return document.object


def guard() -> Guard:
    """The whole catalogue with the examples' configuration."""
    return assemble(Choices(config_file=EXAMPLES / "karb-guard.yaml"))


def run() -> str:
    """The table."""
    rows = []
    with guard() as loaded:
        for name in PODS:
            obj = pod(name)
            prepared = timed(
                lambda obj=obj: prepare(obj, loaded.evaluator.settings.facts, None, ())
            )
            rows.append(("Python: defaults, facts, input document", name, "", spread(prepared)))
        forgetful = EmbeddedEngine(loaded.bundle, EmbeddedSettings(remembered_bytes=0))
        rows += _rows("embedded, nothing remembered", forgetful, loaded, seen=None)
        rows += _new(loaded)
        rows += _rows("embedded, of a template seen before", loaded.engine, loaded, seen=True)
        with opa_server(loaded.bundle.server_bundle) as url:
            engine = OpaServerEngine(loaded.bundle.catalogue, OpaServerSettings(url))
            rows += _rows("OPA server on loopback", engine, loaded)
            engine.close()
    head = ("what", "pod", "findings", "ms, median of 7 rounds (min-max)")
    return markdown(head, rows)


def _new(loaded: Guard) -> list[tuple[str, ...]]:
    """Pods of which no two have a template in common, more than are ever remembered."""
    evaluator = Evaluator(loaded.engine, loaded.evaluator.settings)
    rows = []
    for name in PODS:
        bodies = workloads(name)
        objects = [orjson.loads(body)["request"]["object"] for body in bodies]
        pairs = cycle(zip(objects, map(len, bodies), strict=True))

        def judge(pairs: Iterator[tuple[dict[str, Any], int]] = pairs) -> Evaluation:
            obj, size = next(pairs)
            return evaluator.evaluate([obj], json_bytes=size)[0]

        found = str(len(judge().findings))
        label = "whole evaluation, embedded, of a template never seen"
        rows.append((label, name, found, spread(timed(judge))))
    return rows


def _rows(
    label: str, engine: Engine, loaded: Guard, *, seen: bool | None = False
) -> list[tuple[str, ...]]:
    """``seen``: as JSON from an API server, where what is made of a template is remembered.

    ``None``: as such JSON, and nothing is.
    """
    evaluator = Evaluator(engine, loaded.evaluator.settings, remember=seen is not None)
    rows = []
    for name in PODS:
        obj = pod(name)
        size = None if seen is False else len(orjson.dumps(obj))
        (evaluation,) = evaluator.evaluate([obj], json_bytes=size)
        if evaluation.not_evaluated:
            raise SystemExit(f"{label}: {name}: {evaluation.not_evaluated}")
        means = timed(lambda obj=obj, size=size: evaluator.evaluate([obj], json_bytes=size))
        rows.append(
            (f"whole evaluation, {label}", name, str(len(evaluation.findings)), spread(means))
        )
    return rows
