"""``karb-guard new``: a complete, working invariant to start from.

What it writes passes the registry, ``opa check --strict``, ``opa test`` and its own fixtures as it
is, so that the author changes something that works instead of mending something that doesn't.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from karb_guard import __version__
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.invariants.layout import FOLDER, LIBRARY
from karb_guard.model.errors import KarbGuardError

_TOKEN = re.compile(r"(?P<category>[^/]+)/(?P<name>[^/]+)")
_LAST_NUMBER = 999
_LONGEST = 50

FILES = (
    "policy.rego",
    "policy_test.rego",
    "fixtures/pass/pod-logs.yaml",
    "fixtures/fail/deployment-file-only.yaml",
)
"""What a new folder holds; the templates are the files of ``_scaffold/``."""


class ScaffoldError(KarbGuardError):
    """The folder can't be written; the message names what is in the way."""


def new(token: str, root: Path, catalogue: Catalogue, retired: Iterable[str] = ()) -> Path:
    """Write the folder of a new invariant below ``root`` and return it.

    ``token`` is ``<category>/<name>``, the name with dashes or underscores. ``catalogue`` and
    ``retired`` (ids) decide the next free id of the category's code. Raises ``ScaffoldError`` for
    a bad or taken name, an existing folder, or a root that can't be written.
    """
    category, folder = _split(token)
    name = folder.replace("_", "-")
    if name in catalogue.by_name:
        raise ScaffoldError(
            f"{name!r} is taken by {catalogue.by_name[name].id}; choose another name"
        )
    words = {word.replace("_", "-") for word in (*catalogue.by_category, category)}
    if name in words or category.replace("_", "-") in catalogue.by_name:
        raise ScaffoldError(
            f"{token}: a category and an invariant can't share a name; choose another"
        )
    target = root / category / folder
    if target.exists():
        raise ScaffoldError(f"{target} exists already; remove it or choose another name")
    values = {
        "id": next_id(category, catalogue, retired),
        "name": name,
        "package": f"karb.{category}.{folder}",
        "folder": folder,
        "since": __version__,
    }
    _write(target, values)
    return target


def _split(token: str) -> tuple[str, str]:
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise ScaffoldError(f"{token!r} must be <category>/<name>, such as gpu/gpu-exclusive")
    parts = match["category"].replace("-", "_"), match["name"].replace("-", "_")
    for part in parts:
        if not FOLDER.fullmatch(part) or len(part) > _LONGEST:
            raise ScaffoldError(
                f"{token!r}: {part!r} must be small letters, digits and single dashes, a letter "
                f"first, at most {_LONGEST} characters"
            )
    if parts[0] == LIBRARY:
        raise ScaffoldError(f"{token!r}: {LIBRARY!r} holds what policies share; choose a category")
    return parts


def next_id(category: str, catalogue: Catalogue, retired: Iterable[str] = ()) -> str:
    """The next id of ``category``: its code and one more than the highest number ever given."""
    taken = [*catalogue.by_id, *retired]
    code = _code(category, catalogue, taken)
    numbers = [int(id_.rpartition("-")[2]) for id_ in taken if id_.split("-")[1] == code]
    number = max(numbers, default=0) + 1
    if number > _LAST_NUMBER:
        raise ScaffoldError(f"category {category!r} has no number left under the code {code}")
    return f"KARB-{code}-{number:03d}"


def _code(category: str, catalogue: Catalogue, taken: Iterable[str]) -> str:
    """The category's code; for a new category its name's first letters that no other one has."""
    members = catalogue.by_category.get(category)
    if members:
        return members[0].id.split("-")[1]
    used = {id_.split("-")[1] for id_ in taken}
    letters = category.replace("_", "").upper()
    candidates = [letters[:length] for length in (8, 7, 6, 5, 4, 3, 2) if len(letters) >= length]
    candidates += [f"{letters[:6]}{number}" for number in range(1, 100)]
    return next(code for code in candidates if len(code) > 1 and code not in used)


def _write(target: Path, values: dict[str, str]) -> None:
    templates = files("karb_guard.invariants") / "_scaffold"
    try:
        for file in FILES:
            text = string.Template((templates / file).read_text(encoding="utf-8"))
            path = target / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.substitute(values), encoding="utf-8")
    except OSError as error:
        raise ScaffoldError(
            f"{target}: {error.strerror}; name a folder that can be written"
        ) from error
