"""Label selectors as ``LabelSelectorAsSelector`` of k8s.io/apimachinery reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from karb_guard.rbac.shapes import MalformedError, maps, optional_map, text, texts

IN = "In"
NOT_IN = "NotIn"
EXISTS = "Exists"
DOES_NOT_EXIST = "DoesNotExist"


class Requirement(NamedTuple):
    """One condition on one label."""

    key: str
    operator: str
    """``In``, ``NotIn``, ``Exists`` or ``DoesNotExist``."""
    values: tuple[str, ...] = ()

    @property
    def positive(self) -> bool:
        """Whether only objects that carry the label can meet it."""
        return self.operator in {IN, EXISTS}

    def met_by(self, labels: Mapping[str, str]) -> bool:
        """Whether ``labels`` meet it. ``NotIn`` is met where the label is missing."""
        if self.operator == IN:
            return self.key in labels and labels[self.key] in self.values
        if self.operator == NOT_IN:
            return self.key not in labels or labels[self.key] not in self.values
        return (self.key in labels) is (self.operator == EXISTS)


Selector = tuple[Requirement, ...]
"""All of them have to be met; an empty one selects everything."""


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether every requirement is met."""
    return all(requirement.met_by(labels) for requirement in selector)


def parse_selector(written: Mapping[str, Any]) -> Selector:
    """``matchLabels`` and ``matchExpressions``; raises ``MalformedError`` for what is refused.

    Refused are unknown operators, ``In`` and ``NotIn`` without values, the others with some.
    """
    labels = optional_map(written.get("matchLabels"))
    equal = [Requirement(text(key), IN, (text(value),)) for key, value in labels.items()]
    return (*equal, *(_expression(entry) for entry in maps(written.get("matchExpressions"))))


def _expression(entry: Mapping[str, Any]) -> Requirement:
    operator, values = text(entry.get("operator")), texts(entry.get("values"))
    if operator not in {IN, NOT_IN, EXISTS, DOES_NOT_EXIST}:
        raise MalformedError
    if bool(values) is not (operator in {IN, NOT_IN}):
        raise MalformedError
    return Requirement(text(entry.get("key")), operator, values)
