"""From the configuration to the mutator."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from karb_guard.assembly.guard import Guard, fact_settings
from karb_guard.config.load import ConfigError, Loaded
from karb_guard.config.settings import NamespaceMutation
from karb_guard.evaluation import EvaluationSettings
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.invariants.problems import Problem
from karb_guard.mutation.labels import forbidden
from karb_guard.mutation.mutator import Mutator
from karb_guard.mutation.options import MutationOptions, Taints
from karb_guard.values.quantity import Quantity, parse_quantity

TOLERATION_INVARIANT = "gpu-tol-missing"
"""Its parameters say which taint belongs to which GPU, so that both doors mean the same."""


def mutator_of(guard: Guard, *, preview: bool = False) -> Mutator:
    """The mutations that the configuration asks for; a ``preview`` is as if they were enabled.

    Raises ``ConfigError`` for a label that no Pod may take over.
    """
    mutation = guard.config.mutation
    _check_labels(guard.loaded)
    options = MutationOptions(
        enabled=mutation.enabled or preview,
        gpu_toleration=mutation.gpu_toleration,
        seccomp_profile=mutation.seccomp_profile,
        no_privilege_escalation=mutation.no_privilege_escalation,
        shared_memory_milli=_milli(mutation.shared_memory),
        cpu_per_gpu_milli=_milli(mutation.cpu_per_gpu),
        namespace_labels=mutation.namespace_labels,
        annotate=mutation.annotate,
        taints=taints_of(guard.evaluator.settings, guard.catalogue),
    )
    namespaces = [(entry.match, _changes(entry)) for entry in mutation.namespaces]
    return Mutator(options, namespaces, fact_settings(guard.config))


def taints_of(settings: EvaluationSettings, catalogue: Catalogue) -> Taints:
    """The parameters of ``gpu-tol-missing``, enabled or not; no taint at all without it."""
    invariant = catalogue.find(TOLERATION_INVARIANT)
    if invariant is None:
        return Taints()
    params = settings.params_of(invariant)
    return Taints(
        MappingProxyType(dict(params["taints"])), params["effect"], bool(params["injected"])
    )


def _check_labels(loaded: Loaded) -> None:
    keys, prefix = loaded.config.mutation.namespace_labels, loaded.config.facts.slo_prefix
    reasons = [(key, forbidden(key, prefix)) for key in keys]
    problems = [
        Problem(loaded.label, 0, "mutation.namespaceLabels", f"{key}: {reason}; take it out")
        for key, reason in reasons
        if reason is not None
    ]
    if problems:
        raise ConfigError(problems)


def _changes(entry: NamespaceMutation) -> dict[str, Any]:
    """What differs in the entry's namespaces, under the names of ``MutationOptions``."""
    said = {
        "enabled": entry.enabled,
        "gpu_toleration": entry.gpu_toleration,
        "seccomp_profile": entry.seccomp_profile,
        "no_privilege_escalation": entry.no_privilege_escalation,
        "shared_memory_milli": None if entry.shared_memory is None else _milli(entry.shared_memory),
        "cpu_per_gpu_milli": None if entry.cpu_per_gpu is None else _milli(entry.cpu_per_gpu),
    }
    return {key: value for key, value in said.items() if value is not None}


def _milli(text: str) -> int:
    quantity = parse_quantity(text)
    return quantity.milli if isinstance(quantity, Quantity) else 0
