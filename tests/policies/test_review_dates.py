"""The day decides what is overdue: it comes from the caller, as ``input.today``."""

from __future__ import annotations

import datetime

import pytest

from karb_guard.lint.runner import LintOptions, lint
from karb_guard.manifests import Source
from tests.support.judging import catalogue, evaluator_for

ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: llm
  namespace: inference
  annotations:
    karb.dev/review-by: "2027-03-31"
rules:
  - apiGroups: [""]
    resources: [configmaps]
    verbs: [get]
"""


@pytest.mark.parametrize(
    ("day", "checks"),
    [
        (datetime.date(2027, 3, 30), []),
        (datetime.date(2027, 3, 31), []),
        (datetime.date(2027, 4, 1), ["past"]),
        (datetime.date(2028, 1, 1), ["past"]),
    ],
)
def test_a_review_is_due_until_the_end_of_its_day(day: datetime.date, checks: list[str]) -> None:
    options = LintOptions(today=day)
    report = lint([Source("role.yaml", ROLE.encode())], evaluator_for({}), catalogue(), options)
    assert [found.finding.check for found in report.findings] == checks
