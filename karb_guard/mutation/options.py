"""Which mutations are on, and with which values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Taints:
    """The taints of GPU pools: the parameters of ``gpu-tol-missing``."""

    keys: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Vendor -> key of the taint; other vendors' pods get no toleration."""
    effect: str = "NoSchedule"
    injected: bool = False
    """Whether the cluster adds tolerations by itself (plugin ExtendedResourceToleration)."""


@dataclass(frozen=True, slots=True)
class MutationOptions:
    """The switches in one namespace. What is off by default is opt-in."""

    enabled: bool = False
    gpu_toleration: bool = True
    seccomp_profile: bool = True
    no_privilege_escalation: bool = True
    shared_memory_milli: int = 0
    """The sizeLimit of /dev/shm, in thousandths of a byte; 0: no volume is added."""
    cpu_per_gpu_milli: int = 0
    """The CPU request for each GPU, in thousandths of a core; 0: none is added."""
    namespace_labels: tuple[str, ...] = ()
    """Keys of labels that pods take over from their namespace."""
    annotate: bool = True
    """Whether the Pod's annotation lists the changes."""
    taints: Taints = field(default_factory=Taints)
