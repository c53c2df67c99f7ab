"""``profiles.yaml`` of a policy root: named sets of invariants, severities and parameters.

Read only where a profile other than ``standard`` is asked for, and by what checks a set of
policies as a whole: a start with the defaults doesn't pay for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from karb_guard.invariants.catalogue import Catalogue
from karb_guard.invariants.problems import CatalogueError, Problem, UnknownNameError, did_you_mean
from karb_guard.model.finding import Severity
from karb_guard.model.invariant import Invariant

FILE = "profiles.yaml"
STANDARD = "standard"
"""The profile without a profile: every invariant as its metadata says."""
MAX_PROFILES = 100
NAME = re.compile(r"[a-z][a-z0-9_-]{0,99}")
_KEYS = {"warnings_as_errors": "warningsAsErrors"}


def _key_of(name: str) -> str:
    return _KEYS.get(name, name)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a profile changes about the catalogue."""

    __pydantic_config__ = {"extra": "forbid", "alias_generator": _key_of}  # noqa: RUF012 -- for pydantic

    name: str
    description: str
    select: tuple[str, ...] = ()
    """Ids, short names or categories; empty: every invariant."""
    severity: Mapping[str, Severity] = field(default_factory=dict)
    """By id, short name or category."""
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By id or short name."""
    warnings_as_errors: bool = False
    """Whether every warning is an error, after ``severity``."""

    def severities(self, catalogue: Catalogue) -> dict[str, Severity]:
        """Short name -> severity, for every invariant whose own the profile replaces.

        A single invariant beats its category.
        """
        found: dict[str, Severity] = {}
        for token in sorted(self.severity, key=lambda token: catalogue.find(token) is not None):
            found |= {i.name: self.severity[token] for i in catalogue.members(token)}
        if self.warnings_as_errors:
            found |= {
                i.name: Severity.ERROR
                for i in catalogue
                if found.get(i.name, i.severity) is Severity.WARNING
            }
        return found


DEFAULT = Profile(STANDARD, "Every invariant, with the severity and parameters its page says.")


def load(name: str, roots: Sequence[Path], catalogue: Catalogue) -> Profile:
    """The profile called ``name``, checked against ``catalogue``.

    Raises ``UnknownNameError`` with a suggestion where no root has it, ``CatalogueError`` with
    everything that is wrong with the files.
    """
    if name == STANDARD:
        return DEFAULT
    profiles, problems = read(roots, catalogue)
    if problems:
        raise CatalogueError(problems)
    if name not in profiles:
        hint = did_you_mean(name, [*profiles, STANDARD])
        raise UnknownNameError(f"no profile is called {name!r}; {hint}")
    return profiles[name]


def read(roots: Sequence[Path], catalogue: Catalogue) -> tuple[dict[str, Profile], list[Problem]]:
    """The profiles of all ``roots`` by name, and what is wrong with them. No root needs any."""
    found: dict[str, Profile] = {}
    problems: list[Problem] = []
    for root in {root.resolve(): root for root in roots}.values():
        label = f"{_label(root)}/{FILE}"
        for profile, line, faults in _read(root / FILE, label, catalogue):
            problems += faults
            if profile is not None and profile.name in found:
                message = f"{profile.name!r} is there twice; rename one of them"
                problems.append(Problem(label, line, "name", message))
            elif profile is not None:
                found[profile.name] = profile
    return found, problems


def _label(root: Path) -> str:
    from karb_guard.invariants.layout import label_of

    return label_of(root)


Entry = tuple[Profile | None, int, list[Problem]]
"""A profile (or none, where the file is bad), its line, and what is wrong with it."""


def _read(file: Path, label: str, catalogue: Catalogue) -> Iterator[Entry]:
    from karb_guard.invariants import yaml_text
    from karb_guard.invariants.validation import InvalidError, validate

    if not file.is_file():
        return
    try:
        parsed = yaml_text.read(file.read_text(encoding="utf-8"))
        profiles = validate(list[Profile], parsed.value if parsed.value is not None else [])
    except yaml_text.YamlError as error:
        yield None, 0, [Problem(label, error.line, "", f"{error.message}; mend it")]
        return
    except (OSError, UnicodeDecodeError) as error:
        yield None, 0, [Problem(label, 0, "", f"can't be read: {error}")]
        return
    except InvalidError as error:
        yield None, 0, [fault.problem(label, parsed) for fault in error.faults]
        return
    if len(profiles) > MAX_PROFILES:
        message = f"holds {len(profiles)} profiles; the most is {MAX_PROFILES}"
        yield None, 0, [Problem(label, 0, "", message)]
        return
    for index, profile in enumerate(profiles):
        line = parsed.line((index,))
        places = (Problem(label, line, f"[{index}].{k}", m) for k, m in _faults(profile, catalogue))
        yield profile, line, list(places)


def _faults(profile: Profile, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """(Key, what is wrong): names that nothing has, parameters that their schema refuses."""
    from karb_guard.invariants.params import ParamError, effective

    if not NAME.fullmatch(profile.name):
        yield "name", f"{profile.name!r}: small letters, digits, `-` and `_`, a letter first"
    if not profile.description.strip():
        yield "description", "is empty; say what the profile is for"
    if profile.name == STANDARD and replace(profile, description=DEFAULT.description) != DEFAULT:
        yield "name", "standard is what the invariants' own metadata say; name it otherwise"
    for key, tokens in (("select", profile.select), ("severity", profile.severity)):
        for token in tokens:
            if not catalogue.members(token):
                hint = catalogue.suggestion(token) or "`karb-guard list` shows all"
                yield key, f"no invariant or category is called {token!r}; {hint}"
    try:
        effective((), profile.params, catalogue)
    except ParamError as error:
        yield from (("params", fault) for fault in error.faults)


def members(profile: Profile, catalogue: Catalogue) -> tuple[Invariant, ...]:
    """The invariants of a profile, sorted by id."""
    return catalogue.select(profile.select)
