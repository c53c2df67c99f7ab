"""Label selectors, as k8s.io/apimachinery reads them, over labels that may be known in part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from karb_guard.network.truth import Truth, all_of, negated

OPERATORS = frozenset({"In", "NotIn", "Exists", "DoesNotExist"})
_VALUED = frozenset({"In", "NotIn"})


class InvalidPolicyError(ValueError):
    """The API server refuses the policy, so that it protects nothing."""


class Labels(NamedTuple):
    """Labels as far as they are known."""

    values: Mapping[str, str]
    complete: bool = True
    """There are no others, apart from ``open``."""
    open: frozenset[str] = frozenset()
    """Keys that somebody else sets, so that their absence here says nothing."""

    def has(self, key: str) -> Truth:
        """Whether the key is there."""
        if key in self.values:
            return True
        return False if self.complete and key not in self.open else None

    def is_in(self, key: str, values: frozenset[str]) -> Truth:
        """Whether the key is there with one of ``values``."""
        return self.values[key] in values if key in self.values else self.has(key)


class Requirement(NamedTuple):
    """One line of a selector."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Labels) -> Truth:
        """``NotIn`` is true where the key is missing (``Requirement.Matches`` in labels)."""
        if self.operator == "In":
            return labels.is_in(self.key, self.values)
        if self.operator == "NotIn":
            return negated(labels.is_in(self.key, self.values))
        present = labels.has(self.key)
        return present if self.operator == "Exists" else negated(present)


class Selector(NamedTuple):
    """All its requirements hold; without any it selects everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Labels) -> Truth:
        """Whether the labels are selected."""
        return all_of(requirement.matches(labels) for requirement in self.requirements)

    @property
    def pair(self) -> tuple[str, str] | None:
        """A label that every selected object has; ``None`` where none is sure."""
        for key, operator, values in self.requirements:
            if operator == "In" and len(values) == 1:
                return key, next(iter(values))
        return None


def compile_selector(selector: Any) -> Selector:
    """A ``metav1.LabelSelector`` as it is written; raises ``InvalidPolicyError``.

    Source of what is refused: ``ValidateLabelSelector`` in apimachinery's
    pkg/apis/meta/v1/validation.
    """
    written = as_map(selector)
    labels = as_map(written.get("matchLabels"))
    requirements = [
        Requirement(as_text(key), "In", frozenset({as_text(value)}))
        for key, value in labels.items()
    ]
    requirements += [
        _requirement(as_map(item)) for item in as_list(written.get("matchExpressions"))
    ]
    return Selector(tuple(requirements))


def _requirement(expression: Mapping[str, Any]) -> Requirement:
    key, operator = as_text(expression.get("key")), as_text(expression.get("operator"))
    values = frozenset(as_text(value) for value in as_list(expression.get("values")))
    if operator not in OPERATORS or not key or bool(values) != (operator in _VALUED):
        raise InvalidPolicyError(f"matchExpressions: {operator} of {key!r} is not valid")
    return Requirement(key, operator, values)


def as_map(value: Any) -> Mapping[str, Any]:
    """A map; null is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidPolicyError("an object is needed")
    return value


def as_list(value: Any) -> list[Any]:
    """A list; null is an empty one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidPolicyError("an array is needed")
    return value


def as_text(value: Any) -> str:
    """A string."""
    if not isinstance(value, str):
        raise InvalidPolicyError("a string is needed")
    return value
