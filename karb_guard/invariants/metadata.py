"""The METADATA block of a policy as a model: which keys it may have and what they must hold.

The only module of this room that imports pydantic at its head; import it only to read sources.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from karb_guard.invariants import templates
from karb_guard.invariants.problems import did_you_mean, shown
from karb_guard.model.context import CONTEXT_KEYS
from karb_guard.model.finding import Severity
from karb_guard.model.invariant import PODS_GROUP

ID = re.compile(r"KARB-([A-Z][A-Z0-9]{1,7})-([0-9]{3})")
"""``KARB-<CODE>-<NNN>``: the category's code and a number."""
_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
_CHECK = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_KIND = re.compile(r"(?P<group>[a-z0-9][a-z0-9.-]*)?/(?P<kind>[A-Z][A-Za-z0-9]*)")
_API_VERSION = re.compile(r"v[0-9]+((alpha|beta)[0-9]+)?")
_REFERENCE = re.compile(r"https://[^\s]+")


def _filled(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty; write it")
    return value.strip()


def _one_line(value: str) -> str:
    if "\n" in value:
        raise ValueError("holds a line break; it must be one line")
    return value


def _id(value: str) -> str:
    if not ID.fullmatch(value):
        raise ValueError(f"{shown(value)} is no id; write KARB-<CODE>-<NNN>, such as KARB-GPU-001")
    return value


def _version(value: str) -> str:
    if not _VERSION.fullmatch(value):
        raise ValueError(f"{shown(value)} is no release; write it as 1.2.3")
    return value


def _match(value: str) -> str:
    if value == PODS_GROUP:
        return value
    found = _KIND.fullmatch(value)
    if found and not _API_VERSION.fullmatch(found["group"] or ""):
        return value
    group, _, kind = value.replace("//", "/").partition("/")
    kind = kind.rpartition("/")[2]
    guess = f"/{kind}" if _API_VERSION.fullmatch(group) else f"{group}/{kind}"
    hint = f"did you mean {guess!r}?" if _KIND.fullmatch(guess) else "such as `apps/Deployment`"
    raise ValueError(f"{shown(value)} is neither `pods` nor group/Kind without a version; {hint}")


def _context(value: str) -> str:
    if value not in CONTEXT_KEYS:
        raise ValueError(f"{shown(value)} is no context key; {did_you_mean(value, CONTEXT_KEYS)}")
    return value


def _check_id(value: str) -> str:
    if not _CHECK.fullmatch(value):
        raise ValueError(f"check id {shown(value)} must be letters, digits, `-` and `_`")
    return value


def _template(value: str) -> str:
    if (fault := templates.fault(value)) is not None:
        raise ValueError(fault)
    return value


def _unique(values: list[str]) -> list[str]:
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"names {', '.join(twice)} twice; keep one")
    return values


def _url(value: str) -> str:
    if not _REFERENCE.fullmatch(value):
        raise ValueError(f"{shown(value)} is no https:// address")
    return value


Text = Annotated[str, AfterValidator(_filled)]
Line = Annotated[str, AfterValidator(_filled), AfterValidator(_one_line)]
Names = Annotated[list[Annotated[str, AfterValidator(_context)]], AfterValidator(_unique)]
Matches = Annotated[
    list[Annotated[str, AfterValidator(_match)]], Field(min_length=1), AfterValidator(_unique)
]
Checks = dict[Annotated[str, AfterValidator(_check_id)], Annotated[str, AfterValidator(_template)]]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RelatedResource(_Model):
    """One entry of ``related_resources``."""

    ref: Annotated[str, AfterValidator(_url)]
    description: str = ""


class Custom(_Model):
    """What stands under ``custom:``."""

    id: Annotated[str, AfterValidator(_id)]
    severity: Severity
    since: Annotated[str, AfterValidator(_version)]
    remediation: Text
    checks: Annotated[Checks, Field(min_length=1)]
    match: Matches = [PODS_GROUP]
    context: Names = []
    params: dict[str, dict[str, Any]] = {}
    paper: Line | None = None
    self_waivable: Annotated[bool, Field(alias="selfWaivable")] = False
    identity: Literal["field", "value"] = "field"
    amount: Annotated[str, AfterValidator(_filled)] | None = None
    demanding: bool = False
    opt_in: Annotated[bool, Field(alias="optIn")] = False
    evaluator: Literal["rego", "python"] = "rego"


class Metadata(_Model):
    """The whole block."""

    scope: Literal["package"] = "package"
    title: Line
    description: Text
    related_resources: list[RelatedResource] = []
    custom: Custom
