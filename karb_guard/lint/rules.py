"""What waivers are read with, in lint and in the audit."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace

from karb_guard.decisions import waivers
from karb_guard.evaluation import EvaluationSettings
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.model.invariant import Invariant


def waiver_rules(
    catalogue: Catalogue, settings: EvaluationSettings, today: datetime.date
) -> waivers.WaiverRules:
    """What waivers are read with; findings about waivers take the configured severity too."""
    known: Mapping[str, Invariant] = {
        **catalogue.by_name,
        **{
            name: replace(invariant, severity=settings.severity_of(invariant))
            for name in waivers.ABOUT_WAIVERS
            if (invariant := catalogue.by_name.get(name)) is not None
        },
    }
    enabled = frozenset(invariant.name for invariant in settings.invariants)
    return waivers.WaiverRules(catalogue=known, today=today, enabled=enabled)
