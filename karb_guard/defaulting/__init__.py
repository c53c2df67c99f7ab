"""The API server's static defaults (Kubernetes 1.37), pure and copy-on-write."""

from karb_guard.defaulting.objects import default_fields
from karb_guard.defaulting.pods import PodDefaults, default_pod, default_pod_template
from karb_guard.defaulting.table import TABLE, Default
from karb_guard.defaulting.whole import TEMPLATES, apply

__all__ = [
    "TABLE",
    "TEMPLATES",
    "Default",
    "PodDefaults",
    "apply",
    "default_fields",
    "default_pod",
    "default_pod_template",
]
