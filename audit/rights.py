"""What a scan has to be allowed to read: the rules of the chart's ClusterRole, made from the plan.

``python -m audit.rights > charts/karb-guard/files/audit-rules.yaml``.
"""

from __future__ import annotations

import sys

from audit.plan import ROLLOUT, WAIVER, plan_of
from karb_guard.assembly.policies import Choices, read_catalogue
from karb_guard.evaluation.slices.reads import GroupKind
from karb_guard.workloads import ROWS
from karb_guard.workloads.plural import plural

CRD: GroupKind = ("apiextensions.k8s.io", "CustomResourceDefinition")
"""Whose schemas say which custom resources may carry pods: asked for one by one, by name."""
_HEADER = """\
# What `karb-guard audit` reads of the kinds that it knows. Made by python -m audit.rights.
# Custom resources of other kinds that may carry pods have to be given by hand (audit.rules), and
# what invariants read that are off by default: values.yaml names it.
"""


def listed(*, everything: bool = False) -> frozenset[GroupKind]:
    """The kinds that a scan lists, where they are served.

    With the invariants that are on by default, or with ``everything`` of the catalogue.
    """
    catalogue, _ = read_catalogue(Choices())
    plan = plan_of(tuple(i for i in catalogue if everything or not i.opt_in))
    return frozenset({*plan.matched, *plan.context, *ROWS, WAIVER, ROLLOUT})


def rules() -> dict[str, dict[str, list[str]]]:
    """API group -> verb -> resources, all sorted."""
    found: dict[str, dict[str, set[str]]] = {}
    for group, kind in listed():
        found.setdefault(group, {}).setdefault("list", set()).add(plural(kind))
    found.setdefault(CRD[0], {}).setdefault("get", set()).add(plural(CRD[1]))
    return {
        group: {verb: sorted(resources) for verb, resources in sorted(verbs.items())}
        for group, verbs in sorted(found.items())
    }


def render() -> str:
    """The file's text."""
    lines = [_HEADER]
    for group, verbs in rules().items():
        name = group or '""'
        lines += [
            f"- apiGroups: [{name}]\n  resources: [{', '.join(resources)}]\n  verbs: [{verb}]\n"
            for verb, resources in verbs.items()
        ]
    return "".join(lines)


if __name__ == "__main__":
    sys.stdout.write(render())
