"""What a document of an export holds: an object, or lists of them, in lists too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from audit.folding import Json
from karb_guard.evaluation.slices.reads import GroupKind
from karb_guard.inventory.keys import group_of
from karb_guard.model.report import Problem

MAX_DEPTH = 16
"""Lists in lists; kubectl makes none, and who joins exports makes two or three."""
_REMEDY = "export it anew, or mend the file"


@dataclass(slots=True)
class Unpacking:
    """One reading of one export."""

    listed: set[GroupKind] = field(default_factory=set)
    """Kinds of which a whole list was there (a ``PodList``, an empty one too)."""
    problems: list[Problem] = field(default_factory=list)
    not_objects: int = 0
    """Well-formed values that are no Kubernetes objects, outside of lists of such."""

    def objects(self, document: Any, file: str) -> Iterator[Json]:
        """The objects of a document, each with a kind; ``file`` is for problems.

        An array holds objects as a ``List`` does, but a must-gather has arrays of other things:
        what is no object there is counted and no problem.
        """
        for value in document if isinstance(document, list) else (document,):
            if isinstance(value, dict) and _has_kind(value):
                yield from self._unpacked(value, file, 0)
            else:
                self.not_objects += value is not None

    def _unpacked(self, value: Json, file: str, depth: int) -> Iterator[Json]:
        kind = value["kind"]
        if not kind.endswith("List") or "items" not in value:
            yield value
            return
        items = value["items"] or []  # Go writes an empty list as null
        if not isinstance(items, list) or depth == MAX_DEPTH:
            what = "is no list" if depth < MAX_DEPTH else f"are in more than {MAX_DEPTH} lists"
            self._say(file, f"the items of a {kind} {what}")
            return
        of = kind.removesuffix("List")
        if of and not _continues(value):
            self.listed.add((group_of(value), of))
        implied = {"apiVersion": value.get("apiVersion"), "kind": of} if of else {}
        odd = 0
        for item in items:
            found = {**implied, **item} if isinstance(item, dict) and "kind" not in item else item
            if isinstance(found, dict) and _has_kind(found):
                yield from self._unpacked(found, file, depth + 1)
            else:
                odd += 1
        if odd:
            self._say(file, f"{odd} of the {len(items)} items of a {kind} are no objects")

    def _say(self, file: str, message: str) -> None:
        self.problems.append(Problem(file, None, None, message, remedy=_REMEDY))


def _has_kind(value: Json) -> bool:
    kind = value.get("kind")
    return isinstance(kind, str) and kind != ""


def _continues(document: Json) -> bool:
    metadata = document.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("continue"))
