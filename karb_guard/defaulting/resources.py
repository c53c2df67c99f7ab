"""Pod-level resources: what the API server fills in when a pod has some of them.

``podutil.DefaultPodLevelResources`` of Kubernetes 1.37 (gates ``PodLevelResources`` and
``PodLevelResourcesFixDefaulting``, both on by default), in its order: limits of huge pages,
requests, limits. It runs when the pod is stored, after admission webhooks have seen it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from karb_guard.values.quantity import Quantity, parse_quantity

_HUGE_PAGES = "hugepages-"
_Amounts = dict[str, int]
"""Resource name -> milli-units."""


def default_pod_resources(
    resources: Any, containers: Sequence[dict[str, Any]], roles: Sequence[str]
) -> Any:
    """``spec.resources`` of a pod; ``containers`` have their requests from limits already."""
    if type(resources) is not dict:
        return resources
    limits = dict(resources.get("limits") or {})
    requests = dict(resources.get("requests") or {})
    if not limits and not requests:
        return resources
    of_limits = _aggregate("limits", containers, roles)
    _huge_page_limits(limits, requests, of_limits)
    _requests(limits, requests, _aggregate("requests", containers, roles))
    _limits(limits, requests, of_limits, _limited(containers))
    new = dict(resources)
    new.update({k: v for k, v in (("limits", limits), ("requests", requests)) if v})
    return new


def _supported(name: str) -> bool:
    return name in ("cpu", "memory") or name.startswith(_HUGE_PAGES)


def _huge_page_limits(limits: dict[str, Any], requests: dict[str, Any], total: _Amounts) -> None:
    for name, milli in total.items():
        if name.startswith(_HUGE_PAGES) and name not in requests and name not in limits:
            limits[name] = _text(milli)


def _requests(limits: dict[str, Any], requests: dict[str, Any], total: _Amounts) -> None:
    for name, milli in total.items():
        if name in ("cpu", "memory") and name not in requests:
            requests[name] = _text(milli)
    for name, value in limits.items():
        if _supported(name):
            requests.setdefault(name, value)


def _limits(
    limits: dict[str, Any], requests: dict[str, Any], total: _Amounts, limited: set[str]
) -> None:
    """The larger of request and the containers' limits, where every container has a limit."""
    for name, request in requests.items():
        if _supported(name) and name not in limits and name in limited and name in total:
            limits[name] = request if _milli(request) > total[name] else _text(total[name])


def _limited(containers: Sequence[dict[str, Any]]) -> set[str]:
    """Resources that every container limits."""
    found = [set(_section(container, "limits")) for container in containers]
    return set.intersection(*found) if found else set()


def _aggregate(
    section: str, containers: Sequence[dict[str, Any]], roles: Sequence[str]
) -> _Amounts:
    """What a pod needs at its peak (``AggregateContainerRequests``, KEP-753).

    The sum of main containers and sidecars, or what an init container needs together with the
    sidecars started before it, whichever is more.
    """
    total: _Amounts = {}
    sidecars: _Amounts = {}
    peak: _Amounts = {}
    for container, role in zip(containers, roles, strict=True):
        amounts = {name: _milli(value) for name, value in _section(container, section).items()}
        if role in ("main", "sidecar"):
            _add(total, amounts)
        if role == "sidecar":
            _add(sidecars, amounts)
            _raise(peak, sidecars)
        elif role == "init":
            together = dict(sidecars)
            _add(together, amounts)
            _raise(peak, together)
    _raise(total, peak)
    return total


def _section(container: dict[str, Any], section: str) -> dict[str, Any]:
    resources = container.get("resources")
    found = resources.get(section) if type(resources) is dict else None
    return found if type(found) is dict else {}


def _add(total: _Amounts, amounts: _Amounts) -> None:
    for name, milli in amounts.items():
        total[name] = total.get(name, 0) + milli


def _raise(total: _Amounts, amounts: _Amounts) -> None:
    for name, milli in amounts.items():
        if name not in total or milli > total[name]:
            total[name] = milli


def _milli(value: Any) -> int:
    quantity = parse_quantity(value)
    return quantity.milli if type(quantity) is Quantity else 0


def _text(milli: int) -> str:
    return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"
