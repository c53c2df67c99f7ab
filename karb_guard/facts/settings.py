"""What a cluster's owner may add to the facts' own knowledge."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

SLO_PREFIX = "karb.dev/"

SLO_NAMES = {
    "p95-latency": "slo-p95-latency",
    "error-rate": "slo-error-rate",
    "cold-start": "slo-cold-start",
    "model-load": "slo-model-load",
    "tier": "tier",
    "owner": "owner",
    "model": "model",
}
"""The fact's name -> the key that it is written under, after the prefix."""


@dataclass(frozen=True)
class FactSettings:
    """Patterns are shell globs (``*`` also crosses ``/`` and ``.``); they add to the known ones."""

    slo_prefix: str = SLO_PREFIX
    """What labels and annotations of objectives, tier, owner and model begin with."""
    gpu_resources: tuple[str, ...] = ()
    """Further resource names that are accelerators: ``example.com/npu``."""
    gpu_taints: tuple[str, ...] = ()
    """Further taint keys of GPU nodes; ``sku=gpu`` means that key with that value."""
    gpu_labels: tuple[str, ...] = ()
    """Further node label keys that select accelerators; ``pool=gpu*`` means those values."""
    gpu_device_classes: tuple[str, ...] = ()
    """Further DeviceClasses (Dynamic Resource Allocation) whose devices are accelerators."""
    other_device_classes: tuple[str, ...] = ()
    """Further DeviceClasses whose devices are none: network cards, CPUs."""

    @cached_property
    def slo_keys(self) -> dict[str, str]:
        """The fact's name -> the full label or annotation key."""
        return {name: self.slo_prefix + key for name, key in SLO_NAMES.items()}
