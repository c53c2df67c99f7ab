"""What people ask for before a stage is raised: ``gates``, ``canary``, ``paused`` of ``spec``."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from karb_guard.model.errors import KarbGuardError
from karb_guard.model.stage import Stage
from karb_guard.rollout import freeze
from karb_guard.rollout.times import duration_of

DEFAULT_SOAK = datetime.timedelta(hours=72)
DEFAULT_EVIDENCE_AGE = datetime.timedelta(hours=26)
"""A scan a day, and two hours to be late."""
DEFAULT_WINDOW = datetime.timedelta(hours=1)
DEFAULT_DENIALS = 10
DEFAULT_ROLLBACKS = 2
MAX_WAVES = 20


class GatesError(KarbGuardError):
    """``spec`` holds something that its CRD refuses. Nothing is raised by it."""


@dataclass(frozen=True, slots=True)
class Canary:
    """Namespaces in the order of a label's values; those without one of them come last."""

    label: str
    order: tuple[str, ...]

    def wave(self, labels: Mapping[str, str]) -> int:
        """0 for the first; ``len(order)`` for all that the order does not name."""
        value = labels.get(self.label)
        return self.order.index(value) if value in self.order else len(self.order)

    def name(self, wave: int) -> str:
        """What people call a wave."""
        return f"{self.label}={self.order[wave]}" if wave < len(self.order) else "the rest"


@dataclass(frozen=True, slots=True)
class Gates:
    """Effective values, defaults filled in."""

    soak: Mapping[Stage, datetime.timedelta] = field(default_factory=dict)
    """How long ``audit`` and ``warn`` last at least, and ``enforce`` before the next wave."""
    evidence_age: datetime.timedelta = DEFAULT_EVIDENCE_AGE
    """How old a scan may be."""
    window: datetime.timedelta = DEFAULT_WINDOW
    """In which denials are counted, and for which counters have to be known without a gap."""
    max_denials: int = DEFAULT_DENIALS
    """In the window; what would have been denied at a lower stage counts alike."""
    roll_back: bool = True
    max_rollbacks: int = DEFAULT_ROLLBACKS
    """After so many in a row a person has to ask for the next promotion."""
    windows: tuple[freeze.Window, ...] = ()
    canary: Canary | None = None
    paused: bool = False

    def soak_of(self, stage: Stage) -> datetime.timedelta:
        """How long the stage lasts at least."""
        return self.soak.get(stage, DEFAULT_SOAK)


def read(spec: Mapping[str, Any]) -> Gates:
    """``spec`` of an ``InvariantRollout`` with ``gates``. Raises ``GatesError``."""
    gates = spec.get("gates")
    if not isinstance(gates, Mapping):
        raise GatesError("spec.gates is missing: the stages of spec count at once")
    return Gates(
        soak=_soaks(gates),
        evidence_age=_duration(gates, "evidenceMaxAge", DEFAULT_EVIDENCE_AGE),
        window=_duration(gates, "denialWindow", DEFAULT_WINDOW),
        max_denials=_count(gates, "maxDenials", DEFAULT_DENIALS),
        roll_back=gates.get("rollBack", True) is not False,
        max_rollbacks=_count(gates, "maxRollbacks", DEFAULT_ROLLBACKS),
        windows=freeze.read(gates.get("freezeWindows")),
        canary=_canary(spec.get("canary")),
        paused=bool(spec.get("paused")),
    )


def _soaks(gates: Mapping[str, Any]) -> dict[Stage, datetime.timedelta]:
    general = _duration(gates, "soak", DEFAULT_SOAK)
    stages = gates.get("soakPerStage") or {}
    if not isinstance(stages, Mapping):
        raise GatesError("spec.gates.soakPerStage has to be an object")
    found = {}
    for stage in (Stage.AUDIT, Stage.WARN, Stage.ENFORCE):
        found[stage] = _duration(stages, stage.value, general, "spec.gates.soakPerStage")
    return found


def _duration(
    written: Mapping[str, Any],
    key: str,
    default: datetime.timedelta,
    where: str = "spec.gates",
) -> datetime.timedelta:
    value = written.get(key)
    if value is None:
        return default
    found = duration_of(value)
    if found is None:
        raise GatesError(f"{where}.{key}={str(value)[:40]} is no duration such as 72h (to 8784h)")
    return found


def _count(written: Mapping[str, Any], key: str, default: int) -> int:
    value = written.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise GatesError(f"spec.gates.{key}={str(value)[:40]} has to be a number from 0")
    return value


def _canary(written: Any) -> Canary | None:
    if written is None:
        return None
    label = written.get("label") if isinstance(written, Mapping) else None
    order = written.get("order") if isinstance(written, Mapping) else None
    if not isinstance(label, str) or not isinstance(order, list) or len(order) > MAX_WAVES:
        raise GatesError(f"spec.canary needs label and order, at most {MAX_WAVES} values")
    return Canary(label, tuple(map(str, order)))
