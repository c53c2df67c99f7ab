"""What is wrong with a file that people wrote, in words that name file, key, value and remedy."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from karb_guard.model.errors import KarbGuardError

MAX_VALUE_CHARACTERS = 80


class Problem(NamedTuple):
    """One thing to mend."""

    file: str
    line: int
    """1-based; 0 where the whole file or folder is meant."""
    key: str
    """The key inside the file, such as ``custom.severity``; empty where the file is meant."""
    message: str
    """What is wrong with which value, and the remedy."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class ProblemsError(KarbGuardError):
    """Several problems at once: a person mends them all in one go."""

    heading = "there are problems"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        lines = [f"  {problem}" for problem in self.problems]
        super().__init__("\n".join([f"{self.heading}:", *lines]))


class CatalogueError(ProblemsError):
    """The set of invariants is refused; nothing is evaluated with it."""

    heading = "the invariants are refused"


class UnknownNameError(KarbGuardError):
    """A name that nothing in the catalogue has."""


def shown(value: Any) -> str:
    """A value as messages print it: JSON, shortened, control characters escaped."""
    text = json.dumps(value, ensure_ascii=True, default=str)
    if len(text) > MAX_VALUE_CHARACTERS:
        return text[: MAX_VALUE_CHARACTERS - 3] + "..."
    return text


def did_you_mean(word: str, known: Iterable[str], everything: int = 12) -> str:
    """``did you mean X?``, or all that is known where that is short; empty if neither fits."""
    import difflib  # only where something is wrong: start-up doesn't pay for it

    candidates: Sequence[str] = sorted(set(known))
    close = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    if not close:
        folded = {candidate.lower(): candidate for candidate in candidates}
        close = [folded[word.lower()]] if word.lower() in folded else []
    if close:
        return f"did you mean {close[0]!r}?"
    if 0 < len(candidates) <= everything:
        return "known: " + ", ".join(candidates)
    return ""
