"""``quotas``: the ResourceQuotas of the judged object's namespace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from karb_guard.evaluation.slices.about import About
from karb_guard.evaluation.slices.reads import Reads
from karb_guard.facts.resources import amounts

QUOTA = ("", "ResourceQuota")
READS = Reads(here=(QUOTA,))
MAX_QUOTAS = 100
"""In one namespace. Of more, half would not be the truth: the key is then absent."""
_MAX_SCOPES = 20

Json = dict[str, Any]


def provide(about: About) -> list[Json] | None:
    """One entry a ResourceQuota: ``name``, ``hard`` in milli-units, ``scopes``.

    A quota with scopes counts only the pods that all of them match, so it bounds nobody else;
    ``scopes`` names each (``NotTerminating``, ``PriorityClass``). A quota whose fields have wrong
    types is left out: the API server would refuse it.
    """
    if not about.knows(*QUOTA) or len(about.neighbours(*QUOTA)) > MAX_QUOTAS:
        return None
    return about.inventory.remembered(("quotas", about.namespace), lambda: list(_quotas(about)))


def _quotas(about: About) -> Iterator[Json]:
    for quota in about.neighbours(*QUOTA):
        spec, metadata = quota.get("spec"), quota.get("metadata")
        if isinstance(spec, dict) and (scopes := _scopes(spec)) is not None:
            name = metadata.get("name") if isinstance(metadata, Mapping) else None
            yield {"name": str(name or ""), "hard": _hard(spec), "scopes": scopes}


def _hard(spec: Mapping[str, Any]) -> dict[str, int]:
    """The amounts by resource; of ``spec``, which the quota controller copies to its status."""
    if not isinstance(spec.get("hard"), dict):
        return {}
    return {name: amount for name, amount in amounts(spec, "hard").items() if isinstance(name, str)}


def _scopes(spec: Mapping[str, Any]) -> list[str] | None:
    """The scopes in both spellings; ``None`` where one is malformed."""
    selector = spec.get("scopeSelector")
    written = [spec.get("scopes"), _expressions(selector)]
    if any(each is not None and not isinstance(each, list) for each in written):
        return None
    found: list[str] = []
    for scope in (*(written[0] or ()), *(written[1] or ())):
        name = scope.get("scopeName") if isinstance(scope, Mapping) else scope
        if not isinstance(name, str) or len(found) >= _MAX_SCOPES:
            return None
        found.append(name)
    return sorted(set(found))


def _expressions(selector: Any) -> Any:
    """``matchExpressions``; no list where the selector itself is malformed."""
    if selector is None:
        return None
    return selector.get("matchExpressions") if isinstance(selector, Mapping) else "malformed"
