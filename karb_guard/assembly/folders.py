"""The folders of policies at every start, a cached bundle or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from karb_guard.invariants import layout
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.invariants.problems import CatalogueError, Problem


def check_folders(roots: Sequence[Path], catalogue: Catalogue) -> None:
    """Raise ``CatalogueError`` for what is missing from policy folders, or doesn't belong there.

    A bundle is found by its Rego: one that was compiled when a folder was complete says nothing
    about a fixture or a test that was deleted since.
    """
    faults = [fault for root in roots for fault in _faults(root, catalogue)]
    if faults:
        raise CatalogueError(faults)


def _faults(root: Path, catalogue: Catalogue) -> Iterator[Problem]:
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
