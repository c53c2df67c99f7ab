"""Generates the Rego that dispatches one entry point group to its invariants.

An invariant that is not in ``input.params`` is not evaluated at all. The answer names every
invariant that was, also those without violations: what is missing was not judged, so that an
input which the engine couldn't read is never taken for a pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

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
    groups: Mapping[str, Sequence[Invariant]], revision: str, *, embedded: bool
) -> str:
    """The module behind every entry point.

    For a server: ``{"revision": ..., "answers": {name: [...]}}``. With ``embedded``, policies read
    as ``input.params`` what is in ``data`` under ``PARAMS``, and ``answers`` is an array: one place
    for each invariant of the group, in order, ``null`` for one that was not asked. To insert names
    into an object and to sort and write them took a seventh of an evaluation.

    An input that could not be read is null: it must not be made an object that holds nothing wrong.
    """
    lines = [f"package {PACKAGE}", "", f"revision := {json.dumps(revision)}"]
    if embedded:
        return "\n".join([*lines, *_places(groups)]) + "\n"
    rules = rule_names(list(groups))
    for group, members in groups.items():
        rule = rules[group]
        lines += ["", f'{rule} := {{"revision": revision, "answers": {rule}_answers}}', ""]
        lines += [
            f"{rule}_answers[{json.dumps(i.name)}] := data.{i.package}.violations if "
            f"input.params[{json.dumps(i.name)}]"
            for i in members
        ]
    return "\n".join(lines) + "\n"


def _places(groups: Mapping[str, Sequence[Invariant]]) -> Iterator[str]:
    members = {i.name: i for group in groups.values() for i in group}
    numbers = {name: number for number, name in enumerate(members)}
    for name, invariant in members.items():
        # Functions: rules would be kept for a second use, which there is none of.
        yield ""
        yield f"answer_{numbers[name]}(_) := data.{invariant.package}.violations if {{"
        yield f"\tinput.params[{json.dumps(name)}]"
        yield "} else := null"
    rules = rule_names(list(groups))
    for group, asked in groups.items():
        places = ", ".join(f"answer_{numbers[i.name]}(null)" for i in asked)
        yield ""
        # One reference under `with`: of an expression, each call would get a `with` of its own.
        yield f"{rules[group]}_answers := [{places}]"
        yield ""
        yield f"{rules[group]} := answer if {{"
        yield "\tis_object(input)"
        answer = f'{{"revision": revision, "answers": {rules[group]}_answers}}'
        yield f"\tanswer := {answer} with input.params as data.{PARAMS}"
        yield "}"
