"""Where policies are: the checkout's ``policies/`` or the copy in the wheel, and users' own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from karb_guard.model.errors import KarbGuardError
from karb_guard.model.invariant import Invariant

_PACKAGE = Path(__file__).resolve().parent.parent


def builtin_root() -> Path:
    """The folder of karb-guard's own policies.

    A wheel carries them as ``karb_guard/_policies``; an editable install has no such folder and
    uses ``policies/`` of the checkout. Raises ``KarbGuardError`` where neither exists.
    """
    for candidate in (_PACKAGE / "_policies", _PACKAGE.parent / "policies"):
        if (candidate / "lib").is_dir():
            return candidate
    raise KarbGuardError(
        f"karb-guard's own policies are neither in {_PACKAGE / '_policies'} nor in "
        f"{_PACKAGE.parent / 'policies'}; install karb-guard again"
    )


def is_builtin(root: Path) -> bool:
    """Whether ``root`` is the folder of karb-guard's own policies."""
    return root.resolve() == builtin_root().resolve()


def folder_of(invariant: Invariant, roots: Iterable[Path]) -> Path | None:
    """The folder that holds ``invariant``, in the first of ``roots`` that has it."""
    below = Path(invariant.category) / invariant.name.replace("-", "_")
    return next((root / below for root in roots if (root / below / "policy.rego").is_file()), None)
