"""Which layer of the KARB paper an invariant belongs to.

The paper (section II, "KARB partitions the system into five layers") has edge ingress and
authentication, routing and policy, buffering, model serving, and observability with SLO
enforcement. What it asks of all of them alike (section IV) is governance here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from karb_guard.model.invariant import Invariant


class Layer(str, Enum):
    """In the order in which a request passes them; governance, which is none of them, last."""

    EDGE = "edge"
    ROUTING = "routing"
    BUFFERING = "buffering"
    SERVING = "serving"
    OBSERVABILITY = "observability"
    GOVERNANCE = "governance"

    __hash__ = str.__hash__

    @property
    def meaning(self) -> str:
        """What the layer answers for, in a few words."""
        return _MEANING[self]


_MEANING = {
    Layer.EDGE: "who reaches the models",
    Layer.ROUTING: "where traffic may go",
    Layer.BUFFERING: "queues, signals and autoscaling",
    Layer.SERVING: "GPUs, memory, models, availability",
    Layer.OBSERVABILITY: "metrics and objectives",
    Layer.GOVERNANCE: "images, rights, Pod Security, owners",
}

BY_CATEGORY: Mapping[str, Layer] = MappingProxyType(
    {
        "autoscaling": Layer.BUFFERING,
        "availability": Layer.SERVING,
        "cost": Layer.SERVING,
        "gpu": Layer.SERVING,
        "images": Layer.GOVERNANCE,
        "labels": Layer.GOVERNANCE,
        "manifest": Layer.SERVING,
        "network": Layer.ROUTING,
        "observability": Layer.OBSERVABILITY,
        "podsecurity": Layer.GOVERNANCE,
        "rbac": Layer.GOVERNANCE,
        "resources": Layer.SERVING,
        "runtimeclass": Layer.SERVING,
        "storage": Layer.SERVING,
        "waivers": Layer.GOVERNANCE,
    }
)
"""The category's layer, for all its invariants but those of ``BY_NAME``."""

BY_NAME: Mapping[str, Layer] = MappingProxyType(
    {
        "av-scaler": Layer.BUFFERING,
        "av-warm": Layer.BUFFERING,
        "cost-idle": Layer.BUFFERING,
        "np-boundary": Layer.EDGE,
        "np-ingress-deny": Layer.EDGE,
        "slo-format": Layer.OBSERVABILITY,
        "slo-required": Layer.OBSERVABILITY,
        "svc-public": Layer.EDGE,
    }
)
"""Invariants whose category is about something else than they are."""


def layer_of(invariant: Invariant) -> Layer:
    """Its layer; a category of somebody's own policies is governance."""
    by_category = BY_CATEGORY.get(invariant.category, Layer.GOVERNANCE)
    return BY_NAME.get(invariant.name, by_category)
