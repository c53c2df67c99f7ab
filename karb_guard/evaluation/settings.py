"""What an evaluator is told once: which invariants, with which parameters, within which bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from karb_guard.facts.settings import FactSettings
from karb_guard.model.finding import Severity
from karb_guard.model.invariant import Invariant


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """The enabled invariants with their effective parameters and severities."""

    invariants: Sequence[Invariant]
    """Only these are evaluated."""
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Invariant name -> effective parameters (defaults filled in); absent means the defaults."""
    severities: Mapping[str, Severity] = field(default_factory=dict)
    """Invariant name -> severity that replaces the metadata's."""
    facts: FactSettings = field(default_factory=FactSettings)

    def params_of(self, invariant: Invariant) -> Mapping[str, Any]:
        """The parameters that ``invariant`` is evaluated with."""
        return self.params.get(invariant.name, invariant.defaults)

    def severity_of(self, invariant: Invariant) -> Severity:
        """The severity that ``invariant``'s findings carry."""
        return self.severities.get(invariant.name, invariant.severity)
