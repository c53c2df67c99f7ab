"""The gate for built-in functions: which the policies use, and whether the host may serve them.

OPA's own compiler finds the uses (``opa check`` with capabilities that lack everything but the
native ones), so a name in a comment or a string is no use, and every use has its line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from karb_guard.engine.builtins.names import COMPILE_TIME, HOST, HOST_CALL_MICROSECONDS, NATIVE
from karb_guard.engine.catalogue import HostCall
from karb_guard.engine.interface import EngineError
from karb_guard.engine.opa_command import run_opa

_UNDEFINED = "undefined function "
_MAX_ERRORS = "1000"


def host_calls(stage: Path, *, allow_host_builtins: bool) -> tuple[HostCall, ...]:
    """The uses of host-implemented built-ins in the Rego files below ``stage``.

    Raises ``EngineError``, with file and line, for a built-in that the embedded engine lacks,
    for a host-implemented one where ``allow_host_builtins`` is false, and for whatever else
    OPA's compiler refuses.
    """
    known = _capabilities()
    names = {builtin["name"] for builtin in known["builtins"]}
    uses = _uses(stage, _restrict(known, NATIVE | COMPILE_TIME))
    missing = [use for use in uses if use.builtin in names - HOST]
    if missing:
        raise EngineError(_lacking(missing))
    calls = tuple(use for use in uses if use.builtin in HOST)
    if calls and not allow_host_builtins:
        raise EngineError(_refused(calls))
    return calls


def cost_note(calls: Iterable[HostCall]) -> list[str]:
    """One line for each use, for whoever builds policies with host built-ins."""
    return [
        f"{call.source}:{call.line}: {call.builtin} is implemented by the host; each call costs "
        f"about {HOST_CALL_MICROSECONDS} microseconds, a native one less than one"
        for call in calls
    ]


def _capabilities() -> dict[str, Any]:
    known: dict[str, Any] = json.loads(run_opa(["capabilities", "--current"]).stdout)
    return known


def _restrict(known: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {**known, "builtins": [each for each in known["builtins"] if each["name"] in names]}


def _uses(stage: Path, capabilities: dict[str, Any]) -> list[HostCall]:
    file = stage / "capabilities.json"
    file.write_text(json.dumps(capabilities))
    command = ["check", "--format", "json", "--max-errors", _MAX_ERRORS]
    done = run_opa([*command, "--capabilities", file.name, "."], cwd=stage, check=False)
    file.unlink()
    if done.returncode == 0:
        return []
    errors = _errors(done.stdout, done.stderr)
    others = [error for error in errors if not _is_use(error)]
    unknown = [error for error in errors if _is_use(error) and not _is_builtin(error)]
    if others or unknown:
        raise EngineError("the policies don't compile:\n" + _lines(others + unknown))
    return [_use(error) for error in errors]


def _errors(stdout: str, stderr: str) -> list[dict[str, Any]]:
    try:
        errors: list[dict[str, Any]] = json.loads(stdout or stderr)["errors"]
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(f"opa check failed: {(stderr or stdout).strip()[:2000]}") from error
    return errors


def _is_use(error: dict[str, Any]) -> bool:
    return str(error.get("message", "")).startswith(_UNDEFINED)


def _is_builtin(error: dict[str, Any]) -> bool:
    # The policies' own functions are data.*; what is left is a built-in or a typing error.
    return not _name(error).startswith("data.")


def _name(error: dict[str, Any]) -> str:
    return str(error["message"]).removeprefix(_UNDEFINED)


def _use(error: dict[str, Any]) -> HostCall:
    location = error.get("location") or {}
    return HostCall(_name(error), str(location.get("file", "?")), int(location.get("row", 0)))


def _lacking(uses: Iterable[HostCall]) -> str:
    where = "; ".join(f"{use.source}:{use.line} uses {use.builtin}" for use in uses)
    return (
        f"the embedded engine has no such built-in function: {where}. It has OPA's native ones "
        f"and, implemented by the host, {', '.join(sorted(HOST))}; use those, or an OPA server"
    )


def _refused(uses: Iterable[HostCall]) -> str:
    where = "; ".join(f"{use.source}:{use.line} uses {use.builtin}" for use in uses)
    return (
        f"host built-in functions are not allowed here: {where}. Each call leaves the sandbox "
        f"and costs about {HOST_CALL_MICROSECONDS} microseconds: yield details, and put the "
        "words in the metadata"
    )


def _lines(errors: Iterable[dict[str, Any]]) -> str:
    return "\n".join(
        "{file}:{row}: {message}".format(
            **{"file": "?", "row": 0, **(error.get("location") or {})},
            message=error.get("message", error),
        )
        for error in errors
    )
