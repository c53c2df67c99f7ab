"""Effective parameters: the defaults of the metadata, overridden by configuration and ``--set``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from karb_guard.invariants.catalogue import Catalogue
from karb_guard.invariants.problems import did_you_mean, shown
from karb_guard.invariants.yaml_text import YamlError, read
from karb_guard.model.errors import KarbGuardError
from karb_guard.model.invariant import Invariant

Overrides = Mapping[str, Mapping[str, Any]]
"""Invariant's short name -> parameter -> value."""


class ParamError(KarbGuardError):
    """Parameters that can't be used; the message has one line for each."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


def effective(
    invariants: Iterable[Invariant], overrides: Overrides, catalogue: Catalogue
) -> dict[str, dict[str, Any]]:
    """Short name -> parameters, defaults filled in, for each of ``invariants``.

    ``overrides`` name invariants by short name or id and may name ones that are not enabled;
    all are checked. Raises ``ParamError`` with every unknown name and every value that its
    schema refuses.
    """
    faults: list[str] = []
    values: dict[str, dict[str, Any]] = {}
    for token, params in overrides.items():
        invariant = catalogue.find(token)
        if invariant is None:
            faults.append(_unknown_invariant(token, catalogue))
            continue
        values.setdefault(invariant.name, {}).update(params)
        faults += _faults(invariant, params)
    if faults:
        raise ParamError(faults)
    return {i.name: {**i.defaults, **values.get(i.name, {})} for i in invariants}


def _faults(invariant: Invariant, params: Mapping[str, Any]) -> Iterator[str]:
    for param, value in params.items():
        schema = invariant.params.get(param)
        if schema is None:
            yield _unknown_param(invariant, param)
        else:
            yield from _value_faults(f"{invariant.name}.{param}", schema, value)


def _value_faults(place: str, schema: Mapping[str, Any], value: Any) -> Iterator[str]:
    # Imported only where somebody overrides a parameter: jsonschema takes 60 ms.
    from karb_guard.invariants.param_schema import violations

    for message in violations(schema, value):
        remedy = f"it must be {expectation(schema)}"
        if schema.get("type") == "array" and not isinstance(value, (list, dict)):
            remedy += f", such as [{value}]"
        yield f"parameter {place}: {shown(value)} is refused: {message}; {remedy}"


def expectation(schema: Mapping[str, Any]) -> str:
    """What a parameter takes, in a few words: ``a list of string``, ``one of a, b``."""
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in schema["enum"])
    kind = schema.get("type", "any value")
    if kind == "array":
        items = schema.get("items")
        inner = expectation(items) if isinstance(items, Mapping) else "any value"
        return f"a list of {inner}"
    bounds = [
        f"{words} {schema[key]}"
        for key, words in (("minimum", "at least"), ("maximum", "at most"))
        if key in schema
    ]
    names = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return " ".join([names, *bounds])


def _unknown_invariant(token: str, catalogue: Catalogue) -> str:
    hint = did_you_mean(token, catalogue.by_name) or "`karb-guard list` shows all"
    return f"parameter {token}.*: no invariant is called {token!r}; {hint}"


def _unknown_param(invariant: Invariant, param: str) -> str:
    hint = did_you_mean(param, invariant.params) or "it has no parameters"
    return f"parameter {invariant.name}.{param}: {invariant.name} has none of that name; {hint}"


def parse_set(arguments: Iterable[str], catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """``--set NAME.PARAM=VALUE`` arguments as overrides; a later one replaces an earlier one.

    NAME is a short name or an id. VALUE, everything after the first ``=``, is YAML: ``5``,
    ``true``, ``[a, b]``, ``{a: b}``; quotes make text of it. Raises ``ParamError`` with every bad
    argument.
    """
    found: dict[str, dict[str, Any]] = {}
    faults: list[str] = []
    for argument in arguments:
        try:
            name, param, value = _parsed(argument, catalogue)
        except ValueError as error:
            faults.append(f"--set {argument}: {error}")
        else:
            found.setdefault(name, {})[param] = value
    if faults:
        raise ParamError(faults)
    return found


def _parsed(argument: str, catalogue: Catalogue) -> tuple[str, str, Any]:
    target, equals, text = argument.partition("=")
    token, dot, param = target.strip().partition(".")
    if not (equals and dot and token and param):
        raise ValueError("must be NAME.PARAM=VALUE, such as img-registry.registries=[nvcr.io]")
    invariant = catalogue.find(token)
    if invariant is None:
        hint = did_you_mean(token, catalogue.by_name) or "`karb-guard list` shows all"
        raise ValueError(f"no invariant is called {token!r}; {hint} (values of charts: --helm-set)")
    if param not in invariant.params:
        hint = did_you_mean(param, invariant.params) or "it has no parameters"
        raise ValueError(f"{invariant.name} has no parameter {param!r}; {hint}")
    try:
        return invariant.name, param, read(text).value
    except YamlError as error:
        raise ValueError(f"the value {error.message}; put text in quotes") from error


def merged(*layers: Overrides) -> dict[str, dict[str, Any]]:
    """Overrides of several layers, parameter by parameter; a later layer wins."""
    result: dict[str, dict[str, Any]] = {}
    for layer in layers:
        for name, params in layer.items():
            result.setdefault(name, {}).update(params)
    return result
