"""Evaluation time of the two named GPU pods, whole path and engine alone, in each engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from benchmarks.table import markdown, spread, timed
from karb_guard.assembly import Choices, Guard, assemble
from karb_guard.engine.interface import Engine
from karb_guard.engine.opa_process import opa_server
from karb_guard.engine.opa_server import OpaServerEngine, OpaServerSettings
from karb_guard.evaluation import Evaluator
from karb_guard.evaluation.prepare import prepare
from karb_guard.manifests import parse

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
        rows += _rows("embedded", loaded.engine, loaded)
        rows += _rows("embedded, of a template seen before", loaded.engine, loaded, seen=True)
        with opa_server(loaded.bundle.server_bundle) as url:
            engine = OpaServerEngine(loaded.bundle.catalogue, OpaServerSettings(url))
            rows += _rows("OPA server on loopback", engine, loaded)
            engine.close()
    head = ("what", "pod", "findings", "ms, median of 7 rounds (min-max)")
    return markdown(head, rows)


def _rows(
    label: str, engine: Engine, loaded: Guard, *, seen: bool = False
) -> list[tuple[str, ...]]:
    """``seen``: as JSON from an API server, where what is made of a template is remembered."""
    evaluator = Evaluator(engine, loaded.evaluator.settings)
    rows = []
    for name in PODS:
        obj = pod(name)
        size = len(orjson.dumps(obj)) if seen else None
        (evaluation,) = evaluator.evaluate([obj], json_bytes=size)
        if evaluation.not_evaluated:
            raise SystemExit(f"{label}: {name}: {evaluation.not_evaluated}")
        means = timed(lambda obj=obj, size=size: evaluator.evaluate([obj], json_bytes=size))
        rows.append(
            (f"whole evaluation, {label}", name, str(len(evaluation.findings)), spread(means))
        )
    return rows
