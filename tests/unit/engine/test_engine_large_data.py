"""Modules whose strings need more memory than `opa build` asks for."""

from __future__ import annotations

from pathlib import Path

from karb_guard.engine.embedded import EmbeddedEngine
from karb_guard.engine.interface import Answered
from tests.support.small_policies import compiled, enabled

WORDS = [f"word-{number:06}-" + "x" * 80 for number in range(5000)]
"""About half a megabyte of data segments; the module says that two pages (128 KiB) will do."""

RULE = f"""
words := {{{", ".join(f'"{word}"' for word in WORDS)}}}

violations contains {{"check": "check", "path": ["word"], "detail": {{}}}} if {{
	input.word in words
}}
"""


def test_a_module_with_much_text_is_instantiated_and_finds_its_words(tmp_path: Path) -> None:
    engine = EmbeddedEngine(compiled(tmp_path, {"words": RULE}))
    inputs = [{"word": WORDS[0]}, {"word": WORDS[-1]}, {"word": "another"}]
    answers = engine.evaluate("pods", enabled("words"), inputs)
    assert all(isinstance(answer, Answered) for answer in answers), answers
    assert [len(a.violations) for a in answers if isinstance(a, Answered)] == [1, 1, 0]
    engine.close()
