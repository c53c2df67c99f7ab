"""What a policy's Rego says about itself, as far as a line of text shows it.

OPA accepts all of this and the rule would then pass everything in silence: a body without
``violations``, parameters read under another invariant's name, a parameter nobody declared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from karb_guard.invariants.problems import did_you_mean

_VIOLATIONS = re.compile(r"^violations\b", re.MULTILINE)
_OWN_PARAMS = re.compile(r"\binput\.params(?:\[\s*\"([^\"]*)\"\s*\]|\.([A-Za-z_]\w*))")
_NAMED_PARAMS = re.compile(r"^params\s*:=\s*input\.params\b", re.MULTILINE)
_PARAM = re.compile(r"(?<![\w.])params\.([A-Za-z_]\w*)|\bglobs\.any_of\(params, \"([^\"]*)\"")


@dataclass(frozen=True, slots=True)
class BodyFault:
    """Something wrong in one Rego file; ``line`` is 1-based, 0 for the whole."""

    file: str
    line: int
    message: str


def faults(name: str, files: Mapping[str, str], params: Mapping[str, Any]) -> Iterator[BodyFault]:
    """Everything wrong with the Rego of invariant ``name``; ``files`` is file name -> text."""
    bodies = {file: _without_comments(text) for file, text in files.items()}
    if not any(_VIOLATIONS.search(body) for body in bodies.values()):
        message = "has no rule `violations`; write `violations contains v if { ... }`"
        yield BodyFault(next(iter(files)), 0, message)
    named = any(_NAMED_PARAMS.search(body) for body in bodies.values())
    for file, body in bodies.items():
        yield from _foreign_params(name, file, body)
        if named:
            yield from _undeclared_params(file, body, params)


def _without_comments(text: str) -> str:
    """The text with whole-line comments blanked, so that line numbers stay."""
    return "\n".join("" if line.lstrip().startswith("#") else line for line in text.splitlines())


def _foreign_params(name: str, file: str, body: str) -> Iterator[BodyFault]:
    for match in _OWN_PARAMS.finditer(body):
        owner = match[1] if match[1] is not None else match[2]
        if owner != name:
            own = f'its own parameters are input.params["{name}"]'
            yield BodyFault(file, _line(body, match), f'reads input.params["{owner}"]; {own}')


def _undeclared_params(file: str, body: str, params: Mapping[str, Any]) -> Iterator[BodyFault]:
    for match in _PARAM.finditer(body):
        read = match[1] or match[2]
        if read not in params:
            hint = did_you_mean(read, params) or "declare it under custom.params"
            message = f"reads parameter {read!r}, which is not declared; {hint}"
            yield BodyFault(file, _line(body, match), message)


def _line(body: str, match: re.Match[str]) -> int:
    return body.count("\n", 0, match.start()) + 1
