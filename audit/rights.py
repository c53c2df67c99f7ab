"""What a scan has to be allowed to list: the rules of the chart's ClusterRole, made from the plan.

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
"""Whose schemas say which custom resources may carry pods."""
_HEADER = """\
# What `karb-guard audit` lists of the kinds that it knows. Made by python -m audit.rights.
# Custom resources of other kinds that may carry pods have to be given by hand (audit.rules).
"""


def rules() -> dict[str, list[str]]:
    """API group -> resources, both sorted; the verb is ``list``."""
    catalogue, _ = read_catalogue(Choices())
    plan = plan_of(tuple(catalogue))
    kinds = {*plan.matched, *plan.context, *ROWS, CRD, WAIVER, ROLLOUT}
    found: dict[str, set[str]] = {}
    for group, kind in kinds:
        found.setdefault(group, set()).add(plural(kind))
    return {group: sorted(resources) for group, resources in sorted(found.items())}


def render() -> str:
    """The file's text."""
    lines = [_HEADER]
    for group, resources in rules().items():
        name = group or '""'
        lines.append(
            f"- apiGroups: [{name}]\n  resources: [{', '.join(resources)}]\n  verbs: [list]\n"
        )
    return "".join(lines)


if __name__ == "__main__":
    sys.stdout.write(render())
