"""One unit of the plan -> its sources: a closed choice of commands."""

from __future__ import annotations

from typing import assert_never

from karb_guard.manifests import Source
from karb_guard.rendering import helm, kustomize
from karb_guard.rendering.commands import DEFAULT_LIMITS, RenderLimits
from karb_guard.rendering.options import RenderOptions
from karb_guard.rendering.plan import Form, Unit


def rendered(unit: Unit, options: RenderOptions, limits: RenderLimits | None) -> list[Source]:
    """Everything that the unit stands for, or one source that says why it can't be had."""
    limits = limits or DEFAULT_LIMITS
    if unit.form is Form.HELM:
        return helm.sources(unit.path, options, limits)
    if unit.form is Form.KUSTOMIZE:
        return kustomize.sources(unit.path, options, limits)
    assert_never(unit.form)
