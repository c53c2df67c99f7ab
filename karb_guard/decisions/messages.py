"""The words of an admission decision: readable in a terminal, bounded in length.

The API server puts ``admission webhook "..." denied the request: `` before a denial, prints each
warning on a line of its own, and cuts warnings to 256 characters once they pass 4,096 in total
(``k8s.io/apiserver/pkg/endpoints/filters/warning.go``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from karb_guard.model.finding import Finding
from karb_guard.model.path import format_path

MAX_MESSAGE_CHARACTERS = 6144
MAX_LINE_CHARACTERS = 900
MAX_REMEDY_CHARACTERS = 300
MAX_WARNING_CHARACTERS = 256
MAX_WARNINGS_TOTAL = 4096
MAX_ANNOTATION_CHARACTERS = 4096


def clip(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` characters; a cut shows as ``…``."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def one_line(text: str) -> str:
    """White space collapsed and control characters escaped: safe in a header and in a log."""
    if text.isprintable() and "  " not in text and text == text.strip():
        return text  # nearly every text: of white space only the space counts as printable
    joined = " ".join(text.split())
    if joined.isprintable():
        return joined
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in joined)


@lru_cache(maxsize=1024)
def remedy(remediation: str) -> str:
    """The first paragraph of a remediation on one line; the example after it is not shown.

    Remembered: remediations are metadata, so there are no more of them than invariants.
    """
    text = one_line(remediation.strip().split("\n\n", 1)[0])
    return clip(text[:-1] + "." if text.endswith(":") else text, MAX_REMEDY_CHARACTERS)


@lru_cache(maxsize=4096)
def about(remediation: str, link: str | None, decided_by: str) -> str:
    """How to mend, where to read more and who enforces it, on one line.

    Remembered: metadata and settings make these, not objects.
    """
    see = [f"see {link}"] if link else []
    return " | ".join([f"to mend: {remedy(remediation)}", *see, f"enforced by {decided_by}"])


class Said(NamedTuple):
    """The words for a finding, which a denial needs twice."""

    what: str
    """Id, name and message."""
    where: str
    """The field's path; empty for the whole object."""


def said(finding: Finding) -> Said:
    """The words for ``finding``, safe on a terminal."""
    what = f"{finding.invariant_id} {finding.name}: {one_line(finding.message)}"
    return Said(what, one_line(format_path(finding.path)))


def finding_line(words: Said, note: str = "", more: str = "") -> str:
    """One finding in a denial: id and name, what, where, a note, and what else there is to say."""
    parts = [words.what]
    if words.where:
        parts.append(f"at {words.where}")
    if note:
        parts.append(one_line(note))
    if more:
        parts.append(more)
    return clip(" | ".join(parts), MAX_LINE_CHARACTERS)


def denial(head: str, lines: Sequence[str], tail: str) -> str:
    """``head``, as many ``lines`` as fit (and how many did not), ``tail``; a line each."""
    room = MAX_MESSAGE_CHARACTERS - len(head) - len(tail) - 80
    shown: list[str] = []
    for line in lines:
        room -= len(line) + 3
        if room < 0:
            break
        shown.append(f"- {line}")
    left = len(lines) - len(shown)
    more = [f"- and {left} more; karb-guard lint lists them all"] if left else []
    return "\n".join([head, *shown, *more, tail])


def warning_line(words: Said, suffix: str = "") -> str:
    """One finding as a warning: id and name, what, where."""
    where = f" ({words.where})" if words.where else ""
    return f"{words.what}{where}{suffix}"


def bound_warnings(warnings: Sequence[str]) -> tuple[str, ...]:
    """The warnings without duplicates, cut as the API server would, never beyond its total."""
    texts = [one_line(text) for text in dict.fromkeys(warnings)]
    if sum(map(len, texts)) <= MAX_WARNINGS_TOTAL:
        return tuple(texts)
    shown: list[str] = []
    room = MAX_WARNINGS_TOTAL - 80
    for text in texts:
        cut = clip(text, MAX_WARNING_CHARACTERS)
        if len(cut) > room:
            break
        room -= len(cut)
        shown.append(cut)
    left = len(texts) - len(shown)
    return (*shown, f"and {left} more; karb-guard lint lists them all") if left else tuple(shown)
