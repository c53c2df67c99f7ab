"""The folders of policies at every start, a cached bundle or not."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from karb_guard.invariants.catalogue import Catalogue
    from karb_guard.invariants.problems import Problem

_MARK = "folders-"
"""How the file in a bundle's directory is called that says which state of folders was whole."""


def check_folders(roots: Sequence[Path], catalogue: Catalogue, cache: Path | None = None) -> None:
    """Raise ``CatalogueError`` for what is missing from policy folders, or doesn't belong there.

    A bundle is found by its Rego: one that was compiled when a folder was complete says nothing
    about a fixture or a test that was deleted since. ``cache`` is a directory that remembers
    which state of the folders was found whole: looking at names, sizes and times takes 2 ms,
    looking at everything 20.
    """
    mark = cache / f"{_MARK}{_state(roots)}" if cache else None
    if mark is not None and mark.exists():
        return
    faults = [fault for root in roots for fault in _faults(root, catalogue)]
    if faults:
        from karb_guard.invariants.problems import CatalogueError

        raise CatalogueError(faults)
    if mark is not None:
        _remember(mark)


def _state(roots: Sequence[Path]) -> str:
    """A hash over every file's name, size and time of change."""
    digest = hashlib.sha256()
    for root in roots:
        digest.update(os.fsencode(root.resolve()) + b"\0")
        for line in sorted(_entries(str(root))):
            digest.update(line.encode(errors="surrogateescape") + b"\n")
    return digest.hexdigest()[:32]


def _entries(top: str) -> Iterator[str]:
    pending = [top]
    while pending:
        with os.scandir(pending.pop()) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                    yield entry.path
                else:
                    status = entry.stat(follow_symlinks=False)
                    yield f"{entry.path}\0{status.st_size}\0{status.st_mtime_ns}"


def _remember(mark: Path) -> None:
    # A cache that can't be written costs time, nothing else. One state is kept.
    with contextlib.suppress(OSError):
        for old in mark.parent.glob(f"{_MARK}*"):
            old.unlink(missing_ok=True)
        mark.touch()


def _faults(root: Path, catalogue: Catalogue) -> Iterator[Problem]:
    from karb_guard.invariants import layout
    from karb_guard.invariants.problems import Problem

    label = layout.label_of(root)
    yield from layout.root_faults(root, label)
    folders = list(layout.invariant_folders(root))
    if not folders:
        message = "holds no invariant; expected <category>/<invariant>/policy.rego"
        yield Problem(label, 0, "", message)
    for folder in folders:
        invariant = catalogue.find(folder.name.replace("_", "-"))
        rego = invariant is None or invariant.evaluator == "rego"
        if (folder / layout.POLICY).is_file():
            yield from layout.folder_faults(folder, root, label, rego=rego)
        else:
            message = f"has no {layout.POLICY}; add it, or remove the folder"
            yield Problem(layout.name_of(folder, root, label), 0, "", message)
