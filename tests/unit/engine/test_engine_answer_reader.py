"""Answers are read once; what is odd is never remembered as a pass."""

from __future__ import annotations

from karb_guard.engine.answer_reader import AnswerReader
from karb_guard.engine.interface import Answered, NotEvaluated
from karb_guard.model.remembered import Remembered

ROW = '{"check": "c", "path": ["spec", 0], "detail": {"n": 1}}'


def text(answers: str, revision: str = "r") -> bytes:
    return f'[{{"result": {{"revision": "{revision}", "answers": {answers}}}}}]'.encode()


def test_the_same_text_gives_the_same_violations() -> None:
    reader = AnswerReader(("a", "b"), ("a",), "r", Remembered(1 << 20))
    first, again = reader.read(text(f"[[{ROW}], null]")), reader.read(text(f"[[{ROW}], null]"))
    assert isinstance(first, Answered)
    assert [(v.invariant, v.path, v.detail) for v in first.violations] == [
        ("a", ("spec", 0), {"n": 1})
    ]
    assert again is first
    assert reader.read(text("[[], null]")) == Answered(())


def test_odd_answers_stay_not_evaluated() -> None:
    reader = AnswerReader(("a", "b"), ("a",), "r", Remembered(1 << 20))
    for odd in (b"[]", b"{", text("[null, []]"), text("[[]]"), text("[[], null]", "other")):
        for _ in range(2):
            assert isinstance(reader.read(odd), NotEvaluated)
