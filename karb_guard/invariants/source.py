"""Reads policy folders into a catalogue, and refuses a bad set with everything that is wrong.

The path is the registration: ``<root>/<category>/<folder>/policy.rego``. No list is kept anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from karb_guard.invariants import layout, profiles
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.invariants.policy_file import PolicyFile, read_policy
from karb_guard.invariants.problems import CatalogueError, Problem
from karb_guard.invariants.retired import Retired, read_retired

MAX_INVARIANTS = 2000


def read(roots: Sequence[Path], *, may_be_empty: bool = False) -> Catalogue:
    """The invariants of all ``roots`` (karb-guard's own first, then users') as one catalogue.

    A root without any invariant is refused (it may be misspelt), unless ``may_be_empty``: where
    the first one is about to be written.
    Raises ``CatalogueError`` with one problem for each culprit: file, key, value and remedy.
    """
    policies: list[PolicyFile] = []
    retired: dict[str, Retired] = {}
    problems: list[Problem] = []
    for root in _distinct(roots):
        label = layout.label_of(root)
        found, faults = _read_root(root, label, may_be_empty=may_be_empty)
        gone, retired_faults = read_retired(root / layout.RETIRED, f"{label}/{layout.RETIRED}")
        policies += found
        retired |= gone
        problems += [*faults, *retired_faults]
    problems += [problem for policy in policies for problem in policy.problems]
    problems += _set_faults(policies, retired)
    if problems:
        raise CatalogueError(problems)
    catalogue = Catalogue(tuple(policy.invariant for policy in policies if policy.invariant))
    _, faults = profiles.read(roots, catalogue)
    if faults:
        raise CatalogueError(faults)
    return catalogue


def retired_ids(roots: Sequence[Path]) -> frozenset[str]:
    """Every id that ``retired.yaml`` of any root keeps from being given again."""
    return frozenset(
        id_ for root in _distinct(roots) for id_ in read_retired(root / layout.RETIRED, "")[0]
    )


def _distinct(roots: Sequence[Path]) -> list[Path]:
    return list({root.resolve(): root for root in roots}.values())


def _read_root(
    root: Path, label: str, *, may_be_empty: bool
) -> tuple[list[PolicyFile], list[Problem]]:
    if not root.is_dir():
        return [], [Problem(label, 0, "", "is no folder; name one that holds policies")]
    problems = list(layout.root_faults(root, label))
    folders = list(layout.invariant_folders(root))
    if len(folders) > MAX_INVARIANTS:
        message = f"holds {len(folders)} invariants; the most is {MAX_INVARIANTS}"
        return [], [Problem(label, 0, "", message)]
    if not folders and not may_be_empty:
        message = "holds no invariant; expected <category>/<invariant>/policy.rego"
        problems.append(Problem(label, 0, "", message))
    policies = [read_policy(folder, layout.name_of(folder, root, label)) for folder in folders]
    for folder, policy in zip(folders, policies, strict=True):
        if (folder / layout.POLICY).is_file():
            rego = policy.evaluator != "python"
            problems += layout.folder_faults(folder, root, label, rego=rego)
    return policies, problems


def _set_faults(policies: Sequence[PolicyFile], retired: dict[str, Retired]) -> Iterator[Problem]:
    """What is wrong with the set as a whole."""
    yield from _id_faults(policies, retired)
    yield from _name_faults(policies)
    yield from _code_faults(policies)


def _id_faults(policies: Sequence[PolicyFile], retired: dict[str, Retired]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for policy in policies:
        if policy.id is None:
            continue
        if policy.id in retired:
            was = retired[policy.id]
            yield Problem(
                policy.place,
                policy.id_line,
                "custom.id",
                f"{policy.id} is retired (it was {was.name}: {was.reason}); take a free number",
            )
        if policy.id in first:
            message = f"{policy.id} is the id of {first[policy.id]} too; take a free number"
            yield Problem(policy.place, policy.id_line, "custom.id", message)
        first.setdefault(policy.id, policy.place)


def _name_faults(policies: Sequence[PolicyFile]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    categories = {policy.category.replace("_", "-") for policy in policies}
    for policy in policies:
        if policy.name in first:
            message = f"{policy.name!r} is the name of {first[policy.name]} too; rename the folder"
            yield Problem(policy.place, 0, "name", message)
        if policy.name in categories:
            message = (
                f"{policy.name!r} is a category too, so --select can't tell; rename the folder"
            )
            yield Problem(policy.place, 0, "name", message)
        first.setdefault(policy.name, policy.place)


def _code_faults(policies: Sequence[PolicyFile]) -> Iterator[Problem]:
    """One code a category and one category a code, so that an id says where to look."""
    codes: dict[str, tuple[str, str]] = {}
    owners: dict[str, tuple[str, str]] = {}
    for policy in policies:
        if policy.id is None:
            continue
        code = policy.id.split("-")[1]
        known, by = codes.setdefault(policy.category, (code, policy.place))
        owner, place = owners.setdefault(code, (policy.category, policy.place))
        if known != code:
            message = f"{policy.id}: category {policy.category!r} has the code {known} ({by})"
            yield Problem(policy.place, policy.id_line, "custom.id", f"{message}; use that")
        elif owner != policy.category:
            message = f"{policy.id}: the code {code} belongs to category {owner!r} ({place})"
            yield Problem(policy.place, policy.id_line, "custom.id", f"{message}; use another")
