"""Names in the configuration against the catalogue: a misspelt one must not silently do nothing.

Separate from ``load``, because the catalogue depends on the configuration's ``policies``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from karb_guard.config.load import ConfigError, Loaded
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.invariants.problems import Problem, did_you_mean
from karb_guard.model.finding import Severity
from karb_guard.model.invariant import Invariant
from karb_guard.model.stage import Stage

if TYPE_CHECKING:
    from karb_guard.decisions.stages import StagePolicy, StageRules


def check_names(loaded: Loaded, catalogue: Catalogue) -> None:
    """Raise ``ConfigError`` with every id, name and category that ``catalogue`` doesn't have.

    Parameters are checked by ``invariants.params.effective``.
    """
    problems = [
        Problem(loaded.label, 0, key, f"no invariant or category is called {token!r}; {hint}")
        for key, token in _tokens(loaded)
        if not catalogue.members(token)
        for hint in [catalogue.suggestion(token) or "`karb-guard list` shows all"]
    ]
    problems += [
        Problem(loaded.label, 0, "params", f"no invariant is called {token!r}; {hint}")
        for token in loaded.config.params
        if catalogue.find(token) is None
        for hint in [did_you_mean(token, catalogue.by_name) or "`karb-guard list` shows all"]
    ]
    if problems:
        raise ConfigError(problems)


def _tokens(loaded: Loaded) -> Iterator[tuple[str, str]]:
    config = loaded.config
    places: list[tuple[str, Iterable[str]]] = [
        ("select", config.select),
        ("extendSelect", config.extend_select),
        ("ignore", config.ignore),
        ("severity", config.severity),
        ("stages.invariants", config.stages.invariants),
    ]
    for index, entry in enumerate(config.stages.namespaces):
        places.append((f"stages.namespaces[{index}].invariants", entry.invariants))
    for key, tokens in places:
        yield from ((key, token) for token in tokens)


def severities(overrides: Mapping[str, Severity], catalogue: Catalogue) -> dict[str, Severity]:
    """Short name -> severity, for what ``severity:`` names; a single invariant beats a category."""
    found: dict[str, Severity] = {}
    for token in sorted(overrides, key=lambda token: catalogue.find(token) is not None):
        found |= {invariant.name: overrides[token] for invariant in catalogue.members(token)}
    return found


def stage_policy(
    loaded: Loaded, catalogue: Catalogue, invariants: Iterable[Invariant]
) -> StagePolicy:
    """The stages that the configuration sets, for ``invariants`` with their effective severity."""
    from karb_guard.decisions.stages import StagePolicy  # lint has no stages

    stages = loaded.config.stages
    return StagePolicy(
        tuple(invariants),
        _rules(stages.invariants, None, catalogue),
        [(n.match, _rules(n.invariants, n.default, catalogue)) for n in stages.namespaces],
        severities=stages.default,
        labels_may_loosen=stages.labels.may_loosen,
    )


def _rules(stages: Mapping[str, Stage], default: Stage | None, catalogue: Catalogue) -> StageRules:
    from karb_guard.decisions.stages import StageRules

    named: dict[str, Stage] = {}
    categories: dict[str, Stage] = {}
    for token, stage in stages.items():
        invariant = catalogue.find(token)
        if invariant is None:
            categories[token.lower()] = stage
        else:
            named[invariant.name] = stage
    return StageRules(named, categories, default)
