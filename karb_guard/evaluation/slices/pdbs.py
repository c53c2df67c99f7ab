"""``pdbs``: the PodDisruptionBudgets that select the judged object's pods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, NamedTuple

from karb_guard.evaluation.slices.about import About, only_sure
from karb_guard.evaluation.slices.reads import Reads
from karb_guard.inventory import Inventory
from karb_guard.inventory.backends import TemplateIndex
from karb_guard.model.patterns import lazy
from karb_guard.network.selectors import (
    InvalidPolicyError,
    Labels,
    Selector,
    compile_selector,
)

PDB = ("policy", "PodDisruptionBudget")
READS = Reads(here=(PDB,), workloads=True)
MAX_BUDGETS = 1_000
"""In one namespace. Of more, half would not be the truth: the key is then absent."""
MAX_DOUBTFUL = 20
"""Of the budgets that select pods only if an operator adds a label; one is doubt enough."""
_AMOUNTS = ("minAvailable", "maxUnavailable")
_PERCENT = lazy(r"([0-9]{1,9})%")

Json = dict[str, Any]


class _Budget(NamedTuple):
    selector: Selector
    entry: Json


def provide(about: About) -> list[Json] | None:
    """One entry for each budget that selects, or may select, pods of the object.

    ``pods`` are the indices of the templates that it selects, ``maybe`` of those where labels that
    an operator adds decide. ``minAvailable`` and ``maxUnavailable`` are ``{"count"}`` or
    ``{"percent"}``, null where unset; ``shared``: it counts pods of other workloads too, or may.
    A budget that the API server would refuse is left out.
    """
    if not about.prepared.pods or len(about.neighbours(*PDB)) > MAX_BUDGETS:
        return None
    key = ("pdbs", about.namespace)
    budgets = about.inventory.remembered(key, lambda: _Budgets(_budgets(about)))
    operator = about.prepared.workload is not None and about.prepared.workload.operator
    labels = [Labels(pod["labels"], complete=not operator) for pod in about.prepared.pods]
    near = (entry for each in budgets.near(labels) if (entry := _selecting(each, labels)))
    far = (entry for each in budgets.far(labels) if (entry := _selecting(each, labels)))
    found = [*near, *islice(far, MAX_DOUBTFUL)]
    return only_sure(found, known=about.knows(*PDB))


class _Budgets:
    """The budgets of a namespace, by a label that all of their pods have."""

    def __init__(self, budgets: Iterable[_Budget]) -> None:
        self._by_key: dict[str | None, dict[tuple[str, str] | None, list[_Budget]]] = {}
        for budget in budgets:
            pair = budget.selector.pair
            rows = self._by_key.setdefault(pair and pair[0], {})
            rows.setdefault(pair, []).append(budget)

    def near(self, labels: list[Labels]) -> Iterator[_Budget]:
        """All that could select pods with one of these sets of labels as they are."""
        pairs = {pair for each in labels for pair in each.values.items()}
        for pair in (None, *sorted(pairs)):
            yield from self._by_key.get(pair and pair[0], {}).get(pair, ())

    def far(self, labels: list[Labels]) -> Iterator[_Budget]:
        """Those of labels that somebody else may add."""
        open_ = [each.values for each in labels if not each.complete]
        for key, rows in self._by_key.items() if open_ else ():
            if key is not None and any(key not in values for values in open_):
                known = {(key, each.values[key]) for each in labels if key in each.values}
                yield from chain.from_iterable(
                    budgets for pair, budgets in rows.items() if pair not in known
                )


def _selecting(budget: _Budget, labels: list[Labels]) -> Json | None:
    verdicts = [budget.selector.matches(each) for each in labels]
    if not any(verdict is not False for verdict in verdicts):
        return None
    sure = [i for i, verdict in enumerate(verdicts) if verdict is True]
    return {
        **budget.entry,
        "pods": sure,
        "maybe": [i for i, verdict in enumerate(verdicts) if verdict is None],
    }


def _budgets(about: About) -> Iterator[_Budget]:
    index = _templates(about.inventory, about.namespace)
    for budget in about.applied(*PDB):
        spec, metadata = budget.get("spec"), budget.get("metadata")
        if not isinstance(spec, Mapping) or spec.get("selector") is None:
            continue  # a null selector selects nothing (policy/v1)
        try:
            selector = compile_selector(spec["selector"])
        except InvalidPolicyError:
            continue
        amounts = {field: _amount(spec.get(field)) for field in _AMOUNTS}
        if any(amounts[field] is None and spec.get(field) is not None for field in _AMOUNTS):
            continue
        name = metadata.get("name") if isinstance(metadata, Mapping) else None
        entry = {"name": str(name or ""), **amounts, "shared": _shared(selector, index)}
        yield _Budget(selector, entry)


def _amount(value: Any) -> Json | None:
    if type(value) is int:
        return {"count": value}
    match = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    return {"percent": int(match[1])} if match else None


def _templates(inventory: Inventory, namespace: str | None) -> TemplateIndex:
    """What makes pods in a namespace, without what a controller made of something that is here."""
    return TemplateIndex(obj for obj in inventory.objects_in(namespace) if not _is_controlled(obj))


def _is_controlled(obj: Mapping[str, Any]) -> bool:
    metadata = obj.get("metadata")
    references = metadata.get("ownerReferences") if isinstance(metadata, Mapping) else None
    return isinstance(references, list) and bool(references)


def _shared(selector: Selector, index: TemplateIndex) -> bool:
    """Whether more than one workload's pods are selected, or it can't be told by labels alone."""
    if not selector.requirements:
        return True
    if any(need.operator != "In" or len(need.values) != 1 for need in selector.requirements):
        return True
    wanted = {need.key: next(iter(need.values)) for need in selector.requirements}
    return len(index.selected(wanted)) > 1
