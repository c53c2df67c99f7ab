"""``metricsapis``: whether the metrics that the judged autoscaler reads are served.

An HPA reads cpu and memory from ``metrics.k8s.io``, Pods and Object metrics from
``custom.metrics.k8s.io``, External ones from ``external.metrics.k8s.io``; each is an APIService
that hands the group to one Service (``pkg/controller/podautoscaler/metrics``, kube-aggregator).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from karb_guard.evaluation.autoscaling.shapes import mapping, mappings, text
from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.reads import Reads

API_SERVICE = ("apiregistration.k8s.io", "APIService")
READS = Reads(everywhere=(API_SERVICE,))
GROUPS = ("metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io")
_CORE = "v1."
"""The APIService of the core group, which every API server makes: who has it has them all."""
_CONDITIONS = {"HorizontalPodAutoscaler": "ScalingActive", "ScaledObject": "Ready"}
_OWN_SELECTOR = "scaledobject.keda.sh/name"
"""The label by which KEDA's metrics server knows what it is asked for."""

Json = dict[str, Any]
Object = Mapping[str, Any]


def provide(about: About) -> Json | None:
    """What is known; ``None`` where nothing is.

    * ``apis``: by API group ``service`` (``namespace/name``, null where nothing serves it) and
      ``problem`` (why its APIService is not available, else null). A group that is absent here is
      not known of;
    * ``condition``: what the controller says that it can't read (``reason``, ``message``), or
      null;
    * ``external``: names of External metrics that KEDA's metrics server would not answer for.
    """
    entry = about.prepared.document.get("autoscaler")
    if entry is None:
        return None
    apis = about.inventory.remembered(("metrics APIs",), lambda: _apis(about), of_cluster=True)
    condition = _condition(about.prepared.raw, entry["kind"])
    if not apis and condition is None:
        return None
    external = sorted(set(_external(about.prepared.raw)))
    return {"apis": apis, "condition": condition, "external": external}


def knows_all(about: About) -> bool:
    """Whether every APIService of the cluster is here."""
    return about.inventory.get(*API_SERVICE, None, _CORE) is not None


def service_of(obj: Object) -> str | None:
    """``namespace/name`` of the Service of an APIService; ``None`` for a local one."""
    service = mapping(mapping(obj.get("spec")).get("service"))
    name = text(service.get("name"))
    return None if name is None else f"{text(service.get('namespace')) or ''}/{name}"


def group_of(obj: Object) -> str | None:
    """The API group that an APIService is about."""
    return text(mapping(obj.get("spec")).get("group"))


def _apis(about: About) -> Json:
    apis: Json = {}
    if knows_all(about):
        apis = {group: {"service": None, "problem": None} for group in GROUPS}
    for obj in about.inventory.of_kind(*API_SERVICE):
        group = group_of(obj)
        if group in GROUPS:
            known = apis.get(group)
            if known is None or known["service"] is None or known["problem"] is not None:
                # Of two versions one that answers is enough.
                apis[group] = {"service": service_of(obj), "problem": _problem(obj)}
    return apis


def _problem(obj: Object) -> str | None:
    for condition in mappings(mapping(obj.get("status")).get("conditions")):
        if condition.get("type") == "Available" and condition.get("status") == "False":
            return _said(condition)
    return None


def _said(condition: Object) -> str:
    reason, message = text(condition.get("reason")), text(condition.get("message"))
    return ": ".join(each for each in (reason, (message or "")[:300]) if each) or "no reason given"


def _condition(obj: Object, kind: str) -> Json | None:
    for condition in mappings(mapping(obj.get("status")).get("conditions")):
        reason = text(condition.get("reason")) or ""
        wanted = condition.get("type") == _CONDITIONS.get(kind)
        if wanted and condition.get("status") == "False" and _is_about_metrics(kind, reason):
            return {"reason": reason, "message": (text(condition.get("message")) or "")[:300]}
    return None


def _is_about_metrics(kind: str, reason: str) -> bool:
    if kind == "HorizontalPodAutoscaler":
        return reason.startswith("FailedGet") and reason.endswith("Metric")
    return reason == "TriggerError"


def _external(obj: Object) -> Iterator[str]:
    if obj.get("kind") != "HorizontalPodAutoscaler":
        return
    for metric in mappings(mapping(obj.get("spec")).get("metrics")):
        asked = mapping(mapping(metric.get("external")).get("metric"))
        labels = mapping(mapping(asked.get("selector")).get("matchLabels"))
        name = text(asked.get("name"))
        if metric.get("type") == "External" and name is not None and _OWN_SELECTOR not in labels:
            yield name
