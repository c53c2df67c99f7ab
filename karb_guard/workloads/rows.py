"""What a row of the kind table says. The rows themselves are in ``kinds.py``.

A location is a pattern over the object: map keys joined by dots, ``[]`` after the key of a list
for each of its elements, ``*`` for each value of a map.

References to metadata are relative to the location's map: ``^`` goes one step up, the rest are
keys (``^metadata`` stands beside a PodSpec in a PodTemplateSpec), an empty reference is the map
itself, and a leading ``/`` starts at the object.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

SIBLING = "^metadata"
"""The metadata beside the PodSpec of a PodTemplateSpec."""


class Form(Enum):
    """How the map at a location describes a pod."""

    POD_SPEC = "podSpec"
    """A PodSpec as such."""
    KSERVE = "kserve"
    """A PodSpec inline in a KServe component, beside one container that stands for the server."""
    ARGO = "argo"
    """A template of an Argo Workflow, completed by the workflow's own fields."""
    NIM = "nim"
    """A NIMService's flat spec."""
    DYNAMO = "dynamo"
    """A Dynamo v1alpha1 component: ``extraPodSpec`` and resources of its own."""
    KUBEAI = "kubeai"
    """A KubeAI Model: a resource profile instead of resources, one container."""
    TRAINER = "trainer"
    """The ``trainer`` of a TrainJob, which overrides the runtime's ``node`` container."""


class Location(NamedTuple):
    """One place of a kind that describes pods."""

    pattern: str
    form: Form = Form.POD_SPEC
    metadata: str = SIBLING
    """The map whose ``labels`` and ``annotations`` the author writes for the pods."""
    inherits: tuple[str, ...] = ()
    """Further maps whose labels and annotations reach the pods, the stronger first."""
    passes: tuple[str, ...] = ()
    """Prefixes of the keys that ``inherits`` brings; empty: all of them reach the pods."""
    open: tuple[str, ...] = ()
    """Names of containers that are merged with something not visible here; ``*`` for all."""
    replicas: str | None = None
    """Pattern of the count of pods (of groups, where ``size`` is set), from the object's root.
    Wildcards take the element that the location's own wildcards took."""
    size: str | None = None
    """Pattern of the count of pods a group; the pods are replicas x size."""
    versions: tuple[str, ...] = ()
    """The API versions that have this place; empty for all."""


class Kind(NamedTuple):
    """One row."""

    group: str
    kind: str
    versions: tuple[str, ...]
    """The versions that the locations were checked against. Others are read the same way."""
    role: str
    locations: tuple[Location, ...]
    injects: tuple[str, ...] = ()
    operator: bool = True
