"""Generates the Rego that dispatches one entry point group to its invariants.

An invariant that is not in ``input.params`` is not evaluated at all. The answer names every
invariant that was, also those without violations: what is missing was not judged, so that an
input which the engine couldn't read is never taken for a pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from karb_guard.model.invariant import PODS_GROUP, Invariant
from karb_guard.workloads import carries_pods

PACKAGE = "karb_guard.entry"
"""Outside of ``karb``, where the policies' own packages are."""

HOST_PACKAGE = "karb_guard.host"
FIND_N = "karb_guard/host/find_n"
"""The entry point with which the host answers ``regex.find_n``: the module's own RE2, so that a
pattern means the same and stays linear in time, as it would not in Python's ``re``."""

PARAMS = "karb_guard_params"
"""The document of ``data`` that holds the parameters for the embedded engine. They are the same for
every input: an instance reads them once, where a document would carry them to each evaluation (4.7
KB of 13 for the whole catalogue, a tenth of its time)."""

FIND_N_REGO = f"""package {HOST_PACKAGE}

# OPA's native function finds nothing with a pattern that is none; OPA's own is undefined.
find_n := [match[0] | some match in matches] if regex.is_valid(input.pattern)

matches := regex.find_all_string_submatch_n(input.pattern, input.value, input.number)
"""


def group_members(invariants: Sequence[Invariant]) -> dict[str, list[Invariant]]:
    """Match value -> the Rego invariants behind it, each sorted by name.

    Those that name a kind with pods (``/Pod``) can be asked through ``pods`` as well: such an
    object would otherwise be evaluated twice, and half of the time goes into reading it.
    """
    groups: dict[str, list[Invariant]] = {}
    for invariant in sorted(invariants, key=lambda each: each.name):
        if invariant.evaluator == "rego":
            pods = [PODS_GROUP] if any(map(carries_pods, invariant.match)) else []
            for group in dict.fromkeys([*invariant.match, *pods]):
                groups.setdefault(group, []).append(invariant)
    return dict(sorted(groups.items()))


def rule_names(groups: Sequence[str]) -> dict[str, str]:
    """Match value -> rule name: ``pods``, ``kind_networking_k8s_io_networkpolicy``."""
    names: dict[str, str] = {}
    for group in groups:
        plain = re.sub(r"\W", "_", group).lower().strip("_")
        name = plain if group == "pods" else f"kind_{plain}"
        while name in names.values():  # `a.b/C` and `a_b/C` would meet
            name += "_"
        names[group] = name
    return names


def dispatch_rego(
    groups: Mapping[str, Sequence[Invariant]], revision: str, *, params_in_data: bool
) -> str:
    """The module behind every entry point: ``{"revision": ..., "answers": {name: [...]}}``.

    With ``params_in_data``, policies read as ``input.params`` what is in ``data`` under ``PARAMS``.
    An input that could not be read is null: it must not be made an object that holds nothing wrong.
    """
    rules = rule_names(list(groups))
    read, params = ("is_object(input); ", f" with input.params as data.{PARAMS}")
    if not params_in_data:
        read, params = "", ""
    lines = [f"package {PACKAGE}", "", f"revision := {json.dumps(revision)}"]
    for group, members in groups.items():
        rule = rules[group]
        answer = f'answer := {{"revision": revision, "answers": {rule}_answers}}{params}'
        lines += ["", f"{rule} := answer if {{ {read}{answer} }}", ""]
        lines += [
            f"{rule}_answers[{json.dumps(i.name)}] := data.{i.package}.violations if "
            f"input.params[{json.dumps(i.name)}]"
            for i in members
        ]
    return "\n".join(lines) + "\n"
