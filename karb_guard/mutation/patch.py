"""From changes to an RFC 6902 patch that applies to the object as it arrived."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from karb_guard.model.finding import Path
from karb_guard.mutation.changes import Change

Operation = dict[str, Any]


class UnfitError(Exception):
    """A change leads through something that is neither a map nor a list: not ours to mend."""


def pointer(path: Path) -> str:
    """RFC 6901: ``("metadata", "labels", "a/b")`` -> ``/metadata/labels/a~1b``."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


def patch_of(obj: Mapping[str, Any], changes: Iterable[Change]) -> list[Operation]:
    """Operations in the order of ``changes``, all of them ``add``.

    RFC 6902 creates no parents, so what is absent (or null) above a field is added with it. Raises
    ``UnfitError``.
    """
    draft = _Draft(obj)
    for change in changes:
        value = copy.deepcopy(change.value)
        if change.append:
            draft.append(change.path, value)
        else:
            draft.put(change.path, value)
    return draft.operations


class _Draft:
    """The object, and beside it what operations have added so far; the object is not copied."""

    def __init__(self, obj: Mapping[str, Any]) -> None:
        self._obj = obj
        self._added: dict[Path, Any] = {}
        """Maps and lists that an operation adds: what belongs inside goes into its value."""
        self.operations: list[Operation] = []

    def put(self, path: Path, value: Any) -> None:
        """Set a field of a map."""
        parent = path[:-1]
        found = self._at(parent)
        if found is None:
            self.put(parent, {path[-1]: value})
        elif not isinstance(found, dict):
            raise UnfitError(pointer(parent))
        elif parent in self._added:
            found[path[-1]] = value
            self._remember(path, value)
        else:
            self._add(path, path, value)

    def append(self, path: Path, value: Any) -> None:
        """Add an element to a list."""
        found = self._at(path)
        if found is None:
            self.put(path, [value])
        elif not isinstance(found, list):
            raise UnfitError(pointer(path))
        elif path in self._added:
            found.append(value)
        else:
            self._add((*path, "-"), None, value)

    def _add(self, path: Path, place: Path | None, value: Any) -> None:
        self.operations.append({"op": "add", "path": pointer(path), "value": value})
        if place is not None:
            self._remember(place, value)

    def _remember(self, path: Path, value: Any) -> None:
        if isinstance(value, (dict, list)):
            self._added[path] = value
        if isinstance(value, dict):
            for key, inner in value.items():
                self._remember((*path, key), inner)

    def _at(self, path: Path) -> Any:
        """What stands at ``path`` by now; ``None`` where nothing does."""
        if path in self._added:
            return self._added[path]
        node: Any = self._obj
        for depth, step in enumerate(path):
            if node is None:
                return None
            if isinstance(step, int):
                if not isinstance(node, list) or step >= len(node):
                    raise UnfitError(pointer(path[:depth]))
                node = node[step]
            else:
                if not isinstance(node, dict):
                    raise UnfitError(pointer(path[:depth]))
                node = node.get(step)
        return node
