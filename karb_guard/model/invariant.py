"""The metadata of one invariant, as the catalogue holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from karb_guard.model.finding import Severity

PODS_GROUP = "pods"
"""The match value (and entry point group) of everything that carries pod templates."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A page that says more: upstream documentation, a CVE, a specification."""

    ref: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Invariant:
    """One invariant's metadata. Rego holds the logic; all words live here."""

    id: str
    """Permanent, ``KARB-<CATEGORY>-<NNN>``; never reused."""
    name: str
    """The short name: the folder's name with dashes."""
    category: str
    """The folder above it."""
    package: str
    """``karb.<category>.<folder>``."""
    title: str
    description: str
    severity: Severity
    since: str
    remediation: str
    checks: Mapping[str, str]
    """Check id -> message template (``str.format`` over the violation's detail)."""
    match: tuple[str, ...] = (PODS_GROUP,)
    context: tuple[str, ...] = ()
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Parameter name -> JSON Schema with ``description`` and ``default``."""
    references: tuple[Reference, ...] = ()
    paper: str | None = None
    self_waivable: bool = False
    """Whether the object's own annotation may waive it at admission."""
    identity: str = "field"
    """``field``, or ``value`` where the field's value belongs to a finding's identity."""
    amount: str | None = None
    """The detail whose number says how bad a finding is: at an update it may stay or shrink."""
    demanding: bool = False
    """Whether it asks for what short examples leave out (probes, budgets, digests), so that other
    invariants' fixtures need not list it under ``also:``."""
    opt_in: bool = False
    """Whether it is evaluated only where a profile, the configuration or ``--select`` names it."""
    evaluator: str = "rego"
    """``rego``, or ``python`` for the few raised outside of Rego (``malformed``, ``waiver-*``)."""

    @property
    def defaults(self) -> dict[str, Any]:
        """Parameter name -> default value."""
        return {name: schema["default"] for name, schema in self.params.items()}
