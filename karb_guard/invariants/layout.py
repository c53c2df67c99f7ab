"""The files of an invariant's folder: what must be there, what may be, and what may not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from karb_guard.invariants.problems import Problem

FOLDER = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
"""Names of categories and invariants, as folders: a part of a Rego package."""
LIBRARY = "lib"
RETIRED = "retired.yaml"
POLICY, POLICY_TEST, FIXTURES = "policy.rego", "policy_test.rego", "fixtures"
OUTCOMES = ("pass", "fail")
CONTEXT_SUFFIX = ".context.yaml"

_CASE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+\.yaml")
_LIBRARY_PACKAGE = re.compile(r"karb\.lib(?:_test)?(?:\.[\w.]+)?")
_PACKAGE = re.compile(r"^package[ \t]+([A-Za-z_][\w.]*)", re.MULTILINE)
_TEST = re.compile(r"^(?:todo_)?test_", re.MULTILINE)
_AT_ROOT = frozenset({RETIRED, "profiles.yaml", "README.md", ".manifest"})


def children(folder: Path) -> list[Path]:
    """What a folder holds, sorted; hidden files (editors, ``.DS_Store``) don't count."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def root_faults(root: Path, label: str) -> Iterator[Problem]:
    """What doesn't belong directly into a root, into a category, or into the library."""
    for path in children(root):
        if path.is_file() and path.name not in _AT_ROOT:
            yield _unknown(
                path, root, label, "a root holds category folders, retired.yaml and profiles.yaml"
            )
        elif path.is_dir() and path.name == LIBRARY:
            yield from _library_faults(path, root, label)
        elif path.is_dir():
            yield from _category_faults(path, root, label)


def _library_faults(folder: Path, root: Path, label: str) -> Iterator[Problem]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in {".rego", ".md"}:
            yield _unknown(path, root, label, "the library holds .rego files")
        elif path.suffix == ".rego" and not _LIBRARY_PACKAGE.fullmatch(package_of(read_text(path))):
            message = "its package must be karb.lib or start with karb.lib., as its folder says"
            yield Problem(name_of(path, root, label), 0, "package", message)


def _category_faults(folder: Path, root: Path, label: str) -> Iterator[Problem]:
    if not FOLDER.fullmatch(folder.name):
        yield _bad_name(folder, root, label, "category")
    for path in children(folder):
        if path.is_file() and path.name != "README.md":
            yield _unknown(path, root, label, "a category holds one folder an invariant")
        elif path.is_dir() and not FOLDER.fullmatch(path.name):
            yield _bad_name(path, root, label, "invariant")


def invariant_folders(root: Path) -> Iterator[Path]:
    """Every ``<category>/<invariant>/`` below ``root``; the library is none."""
    for category in children(root):
        if category.is_dir() and category.name != LIBRARY:
            yield from (path for path in children(category) if path.is_dir())


def folder_faults(folder: Path, root: Path, label: str, *, rego: bool) -> Iterator[Problem]:
    """What is missing from an invariant's folder, and what doesn't belong there.

    ``rego`` is false for ``evaluator: python``, which needs no ``policy_test.rego``.
    """
    place = name_of(folder, root, label)
    parts = set(part_files(folder))
    for path in children(folder):
        if path not in parts and path.name not in {POLICY, POLICY_TEST, FIXTURES, "README.md"}:
            yield _unknown(path, root, label, "remove it, or move it to lib/ or fixtures/")
    yield from _test_faults(folder, place, rego=rego)
    fixtures = folder / FIXTURES
    for outcome in OUTCOMES:
        if not any(case_files(fixtures / outcome)):
            yield Problem(
                place, 0, f"{FIXTURES}/{outcome}", f"no {outcome} fixture; add <kind>-<case>.yaml"
            )
    yield from _fixture_faults(fixtures, root, label)


def _test_faults(folder: Path, place: str, *, rego: bool) -> Iterator[Problem]:
    test = folder / POLICY_TEST
    if not test.is_file():
        if rego:
            yield Problem(place, 0, "", f"has no {POLICY_TEST}; add one that tests the rule")
        return
    text, package = read_text(test), f"karb.{folder.parent.name}.{folder.name}"
    if not _TEST.search(text):
        yield Problem(f"{place}/{POLICY_TEST}", 0, "", "has no rule named test_...; add one")
    if package_of(text) not in {package, f"{package}_test"}:
        message = f"{package_of(text)} is not its folder's; write `package {package}_test`"
        yield Problem(f"{place}/{POLICY_TEST}", 0, "package", message)


def package_of(text: str) -> str:
    """The package that a Rego file declares; empty where it has no package line."""
    found = _PACKAGE.search(text)
    return found[1] if found else ""


def part_files(folder: Path) -> Iterator[Path]:
    """Further Rego files beside ``policy.rego``: a long rule in parts, all of one package."""
    for path in children(folder):
        if path.suffix == ".rego" and path.name != POLICY and not path.name.endswith("_test.rego"):
            yield path


def case_files(folder: Path) -> Iterator[Path]:
    """The fixtures of one outcome, sorted, without their context documents."""
    if folder.is_dir():
        for path in children(folder):
            if path.name.endswith(".yaml") and not path.name.endswith(CONTEXT_SUFFIX):
                yield path


def context_file(case: Path) -> Path:
    """Where a fixture's context documents stand."""
    return case.with_name(case.name.removesuffix(".yaml") + CONTEXT_SUFFIX)


def read_text(path: Path) -> str:
    """A file's first megabyte, whatever its bytes are: enough to look for a word in it."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(1 << 20)


def _fixture_faults(fixtures: Path, root: Path, label: str) -> Iterator[Problem]:
    if not fixtures.is_dir():
        return
    for path in children(fixtures):
        if not path.is_dir() or path.name not in OUTCOMES:
            yield _unknown(path, root, label, "fixtures/ holds pass/ and fail/")
            continue
        cases = set(case_files(path))
        for file in children(path):
            yield from _case_faults(file, cases, name_of(file, root, label))


def _case_faults(file: Path, cases: set[Path], place: str) -> Iterator[Problem]:
    if file in cases:
        if not _CASE.fullmatch(file.name):
            yield Problem(place, 0, "", "must be named <kind>-<case>.yaml, in small letters")
    elif not file.name.endswith(CONTEXT_SUFFIX):
        yield Problem(place, 0, "", "unknown file; a fixture is a .yaml file")
    elif file not in {context_file(case) for case in cases}:
        case = file.name.removesuffix(CONTEXT_SUFFIX)
        yield Problem(place, 0, "", f"belongs to no fixture; add {case}.yaml or remove it")


def label_of(root: Path) -> str:
    """A root as messages name it: relative to where the user stands, if it is below."""
    try:
        return root.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return root.as_posix()


def name_of(path: Path, root: Path, label: str) -> str:
    """How messages name a path: the root as the user gave it, then the path below it."""
    return "/".join([label, *path.relative_to(root).parts])


def _unknown(path: Path, root: Path, label: str, remedy: str) -> Problem:
    return Problem(name_of(path, root, label), 0, "", f"unknown file; {remedy}")


def _bad_name(path: Path, root: Path, label: str, what: str) -> Problem:
    message = (
        f"{path.name!r} can't name {'an' if what == 'invariant' else 'a'} {what}: "
        "small letters, digits and single underscores, a letter first"
    )
    return Problem(name_of(path, root, label), 0, "", message)
