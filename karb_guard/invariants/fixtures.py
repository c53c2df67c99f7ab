"""Fixtures: the example manifests of an invariant, and what each is expected to give.

Read by the tests of every door and by the generated pages (docs/architecture.md, "Fixtures").
The manifest itself is not parsed here: that is ``karb_guard.manifests``' work, with its rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from karb_guard.invariants import layout
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.invariants.fixture_text import START, split
from karb_guard.invariants.problems import CatalogueError, Problem, did_you_mean
from karb_guard.invariants.roots import folder_of
from karb_guard.invariants.validation import InvalidError, validate
from karb_guard.invariants.yaml_text import Parsed, YamlError, read
from karb_guard.model.invariant import Invariant


@dataclass(frozen=True, slots=True)
class Expected:
    """One finding that a fail fixture must give."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 -- pydantic reads it from the class

    check: str
    path: str
    """As ``model.path.format_path`` prints it."""
    line: int | None = None
    """1-based line of the field in the fixture's file, where the header names one."""


@dataclass(frozen=True, slots=True)
class FixtureHeader:
    """What the comment block at the head of a fixture says."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 -- pydantic reads it from the class

    about: str
    """What makes this case one of its own."""
    findings: tuple[Expected, ...] = ()
    also: tuple[str, ...] = ()
    """Short names of other invariants that the manifest can't help breaking."""
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Invariant's short name -> parameter -> value, for this fixture only."""


@dataclass(frozen=True, slots=True)
class Fixture:
    """One example manifest with its expectation."""

    invariant: Invariant
    fails: bool
    file: Path
    header: FixtureHeader
    text: str
    """The whole file, header included, so that line numbers are the file's."""
    context_file: Path | None = None
    context: str = ""
    """The text of the documents beside it: the inventory. Empty where there are none."""

    @property
    def case(self) -> str:
        """The file's name without its ending: ``deployment-zero-gpu``."""
        return self.file.name.removesuffix(".yaml")

    @property
    def manifest(self) -> str:
        """The text without the header, as pages show it."""
        return split(self.text)[1]


def fixtures_of(invariant: Invariant, roots: Iterable[Path], catalogue: Catalogue) -> list[Fixture]:
    """The fixtures of one invariant, pass before fail, each by name.

    ``also`` and ``params`` are checked against ``catalogue``. Raises ``CatalogueError`` with every
    bad header.
    """
    return _checked(_read_folder(invariant, tuple(roots), catalogue))


def all_fixtures(catalogue: Catalogue, roots: Iterable[Path]) -> list[Fixture]:
    """The fixtures of every invariant; raises ``CatalogueError`` with every bad header."""
    places = tuple(roots)
    return _checked(item for i in catalogue for item in _read_folder(i, places, catalogue))


def _checked(items: Iterable[Fixture | Problem]) -> list[Fixture]:
    found = list(items)
    problems = [item for item in found if isinstance(item, Problem)]
    if problems:
        raise CatalogueError(problems)
    return [item for item in found if isinstance(item, Fixture)]


def _read_folder(
    invariant: Invariant, roots: tuple[Path, ...], catalogue: Catalogue
) -> Iterator[Fixture | Problem]:
    folder = folder_of(invariant, roots)
    if folder is None:
        places = ", ".join(str(root) for root in roots)
        yield Problem(invariant.name, 0, "", f"has no folder in {places}")
        return
    for outcome in layout.OUTCOMES:
        for file in layout.case_files(folder / layout.FIXTURES / outcome):
            yield from _read_case(invariant, file, outcome == "fail", catalogue)


def _read_case(
    invariant: Invariant, file: Path, fails: bool, catalogue: Catalogue
) -> Iterator[Fixture | Problem]:
    context_file = layout.context_file(file)
    try:
        text = file.read_text(encoding="utf-8")
        beside = context_file.is_file()
        context = context_file.read_text(encoding="utf-8") if beside else ""
        parsed = read(_header_text(text))
        header = validate(FixtureHeader, _fixture(parsed))
    except YamlError as error:
        yield Problem(str(file), error.line, "fixture", f"{error.message}; mend the header")
    except InvalidError as error:
        for fault in error.faults:
            line = parsed.line(("fixture", *fault.path))
            yield Problem(
                str(file), line, fault.problem("", parsed, prefix="fixture").key, fault.message
            )
    except (OSError, UnicodeDecodeError) as error:
        yield Problem(str(file), 0, "", f"can't be read: {error}")
    else:
        faults = list(_header_faults(invariant, header, catalogue, fails=fails))
        for key, message in faults:
            yield Problem(str(file), parsed.line(("fixture", key)), f"fixture.{key}", message)
        if not faults:
            place = context_file if beside else None
            yield Fixture(invariant, fails, file, header, text, place, context)


def _header_text(text: str) -> str:
    first = text.partition("\n")[0]
    if first.rstrip() != START:
        raise YamlError(f"the first line must be `{START}`", 1)
    return split(text)[0]


def _fixture(parsed: Parsed) -> Any:
    value = parsed.value
    if not isinstance(value, dict) or list(value) != ["fixture"]:
        raise YamlError(f"indent every line below `{START}`", 2)
    return value["fixture"] if value["fixture"] is not None else {}


def _header_faults(
    invariant: Invariant, header: FixtureHeader, catalogue: Catalogue, *, fails: bool
) -> Iterator[tuple[str, str]]:
    if not header.about.strip():
        yield "about", "is empty; say what makes this case one of its own"
    if fails and not header.findings:
        yield "findings", "is missing; a fail fixture names its findings"
    if not fails and header.findings:
        yield "findings", "a pass fixture gives no finding; remove it or move the file to fail/"
    for expected in header.findings:
        if expected.check not in invariant.checks:
            hint = did_you_mean(expected.check, invariant.checks)
            yield "findings", f"{invariant.name} has no check {expected.check!r}; {hint}"
        if expected.line is not None and expected.line < 1:
            yield "findings", f"line {expected.line}; lines count from 1"
    if invariant.name in header.also:
        yield "also", f"{invariant.name} is the invariant itself; remove it"
    yield from _unknown_names(header, catalogue)


def _unknown_names(header: FixtureHeader, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    for name in header.also:
        if name not in catalogue.by_name:
            yield (
                "also",
                f"no invariant is called {name!r}; {did_you_mean(name, catalogue.by_name)}",
            )
    for name, values in header.params.items():
        owner = catalogue.by_name.get(name)
        if owner is None:
            hint = did_you_mean(name, catalogue.by_name)
            yield "params", f"no invariant is called {name!r}; {hint}"
            continue
        for param in values:
            if param not in owner.params:
                hint = did_you_mean(param, owner.params)
                yield "params", f"{name} has no parameter {param!r}; {hint}"
