"""Reads what an entry point answers. Strict: whatever is odd is ``not evaluated``, not a pass."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

import orjson

from karb_guard.engine.interface import Answer, Answered, NotEvaluated
from karb_guard.model.finding import Violation

_KEYS = frozenset({"check", "path", "detail", "unknown"})
_SCALAR = (str, int, float, bool)


_LONG = re.compile(rb"\d{19}")
"""Numbers that may not fit into 64 bits."""


def parse_answer(text: bytes) -> Any:
    """JSON with exact integers; ``orjson`` makes floats of long ones. Raises ``ValueError``."""
    return json.loads(text) if _LONG.search(text) else orjson.loads(text)


class BadAnswerError(Exception):
    """An invariant answered something that isn't a violation."""


def read_answer(result: Any, expected: Collection[str], revision: str) -> Answer:
    """The answer in ``result``, the value of an entry point (see ``entrypoints``).

    ``expected`` are the invariants that had to be asked, ``revision`` that of our bundle.
    Violations are in one order for all engines, whatever order their sets came in.
    """
    if not isinstance(result, dict) or not isinstance(result.get("answers"), dict):
        return NotEvaluated("answer", "the engine gave no answer to the input document")
    if result.get("revision") != revision:
        return NotEvaluated(
            "answer",
            f"the engine answered with policies of revision {str(result.get('revision'))[:12]}, "
            f"not {revision[:12]}; load the current bundle",
        )
    answers = result["answers"]
    missing = [name for name in expected if name not in answers]
    if missing:
        return NotEvaluated("answer", f"the engine gave no answer for {', '.join(missing)}")
    try:
        return Answered(_violations(answers, expected))
    except BadAnswerError as error:
        return NotEvaluated("answer", str(error))


def _violations(answers: dict[str, Any], expected: Collection[str]) -> tuple[Violation, ...]:
    found: list[Violation] = []
    for name in expected:
        rows = answers[name]
        if not isinstance(rows, list):
            raise BadAnswerError(f"invariant {name}: `violations` is no set")
        found += [_violation(name, row) for row in rows]
    return tuple(sorted(found, key=_order) if len(found) > 1 else found)


def _violation(name: str, row: Any) -> Violation:
    if not isinstance(row, dict) or not row.keys() <= _KEYS:
        raise BadAnswerError(f"invariant {name}: not a violation: {str(row)[:200]}")
    check, path, detail = row.get("check"), row.get("path"), row.get("detail", {})
    if not isinstance(check, str) or not check:
        raise BadAnswerError(f"invariant {name}: a violation without `check`: {str(row)[:200]}")
    if not isinstance(path, list) or not all(_is_step(step) for step in path):
        raise BadAnswerError(
            f"invariant {name}, check {check}: `path` must be an array of strings and indexes, "
            f"got {str(path)[:200]}"
        )
    if not isinstance(detail, dict) or not all(_is_detail(v) for v in detail.values()):
        raise BadAnswerError(
            f"invariant {name}, check {check}: `detail` must hold strings, numbers, booleans or "
            f"lists of them, got {str(detail)[:200]}"
        )
    unknown = row.get("unknown")
    if unknown is not None and not isinstance(unknown, str):
        raise BadAnswerError(f"invariant {name}, check {check}: `unknown` must be a string")
    return Violation(name, check, tuple(path), detail, unknown)


def _is_step(step: Any) -> bool:
    return isinstance(step, str) or (type(step) is int and step >= 0)


def _is_detail(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(each, _SCALAR) for each in value)
    return value is None or isinstance(value, _SCALAR)


def _order(violation: Violation) -> str:
    # json, not orjson: details may be integers of any length.
    values = [violation.invariant, violation.check, violation.path]
    return json.dumps([*values, violation.detail, violation.unknown], sort_keys=True)
