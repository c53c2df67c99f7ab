"""The kind table and the pod templates of objects."""

from karb_guard.workloads.kinds import ROWS, TABLE, carries_pods
from karb_guard.workloads.owners import owner_is_known
from karb_guard.workloads.patterns import json_type
from karb_guard.workloads.resolve import MAX_TEMPLATES, resolve
from karb_guard.workloads.rows import Form, Kind, Location
from karb_guard.workloads.scale import Scale, scale_of
from karb_guard.workloads.shapes import (
    Alias,
    Container,
    MetadataSource,
    Misfit,
    Template,
    Workload,
)

__all__ = [
    "MAX_TEMPLATES",
    "ROWS",
    "TABLE",
    "Alias",
    "Container",
    "Form",
    "Kind",
    "Location",
    "MetadataSource",
    "Misfit",
    "Scale",
    "Template",
    "Workload",
    "carries_pods",
    "json_type",
    "owner_is_known",
    "resolve",
    "scale_of",
]
