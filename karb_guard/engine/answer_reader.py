"""Reads the answers of the embedded engine's module, each text only once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from karb_guard.engine.answers import parse_answer, read_answer
from karb_guard.engine.interface import Answer, Answered, NotEvaluated
from karb_guard.model.remembered import Remembered

FACTOR = 8
"""What an answer takes once it is read, in lengths of its text."""


class AnswerReader:
    """Of one entry point with one set of parameters.

    An answer names places and values, not the object, so replicas have one and the same.
    """

    def __init__(
        self,
        names: Sequence[str],
        expected: Sequence[str],
        revision: str,
        store: Remembered[Answered],
        name: bytes = b"",
    ) -> None:
        """``names`` are the entry point's invariants, of which ``expected`` were asked.

        ``store`` is shared with other readers, from which ``name`` tells this one.
        """
        self._names, self._expected, self._revision = names, expected, revision
        self._known = store
        self._name = name + b"\0"  # which no answer holds

    def read(self, text: bytes) -> Answer:
        """The answer in a result set; what is odd is ``NotEvaluated``. It is shared: don't write.

        Who reads what was read before gets the same violations.
        """
        key = self._name + text
        known = self._known.get(key)
        if known is not None:
            return known
        answer = self._read(text)
        if isinstance(answer, Answered):
            self._known.keep(key, answer, FACTOR * len(text))
        return answer

    def _read(self, text: bytes) -> Answer:
        try:
            rows = parse_answer(text)
        except ValueError as error:
            return NotEvaluated("answer", f"the policies' answer is no JSON: {error}")
        result = rows[0].get("result") if rows else None
        return read_answer(_named(result, self._names), self._expected, self._revision)


def _named(result: Any, names: Sequence[str]) -> Any:
    """The answer with names for places (``dispatch_rego``); what is no such answer, as it is."""
    if not isinstance(result, dict) or not isinstance(places := result.get("answers"), list):
        return result
    if len(places) != len(names):
        return None  # of other policies than the catalogue's
    answers = {name: rows for name, rows in zip(names, places, strict=True) if rows is not None}
    return {"revision": result.get("revision"), "answers": answers}
