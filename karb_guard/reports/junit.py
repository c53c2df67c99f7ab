"""JUnit XML: one test suite a file, one test case a finding, for CI test panels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from karb_guard.model.path import format_path
from karb_guard.model.report import LocatedFinding, Problem, Report

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write (https://www.w3.org/TR/xml/#charsets)."""


def render(report: Report) -> str:
    """The report as JUnit XML. A waived finding is a skipped case, an unread file an error."""
    cases: dict[str, list[ET.Element]] = {}
    for found in report.findings:
        cases.setdefault(found.region.file, []).append(_case(found))
    for problem in report.problems:
        cases.setdefault(problem.file, []).append(_error(problem))
    if not cases:
        clean = ET.Element("testcase", name=report.coverage.line(), classname="karb-guard")
        cases["karb-guard"] = [clean]
    root = ET.Element("testsuites", name="karb-guard")
    for file, elements in cases.items():
        suite = ET.SubElement(root, "testsuite", _attributes(name=file))
        suite.extend(elements)
        _count(suite, elements)
    _count(root, [case for elements in cases.values() for case in elements])
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _count(element: ET.Element, cases: Iterable[ET.Element]) -> None:
    """Put the totals that CI panels read on a suite."""
    outcomes = [child.tag for case in cases for child in (list(case) or [ET.Element("passed")])]
    element.set("tests", str(len(outcomes)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(outcomes.count(tag)))


def _case(found: LocatedFinding) -> ET.Element:
    finding, region = found.finding, found.region
    name = f"{finding.object} {finding.name} {format_path(finding.path)}"
    case = ET.Element(
        "testcase",
        _attributes(
            name=name, classname=finding.invariant_id, file=region.file, line=str(region.line)
        ),
    )
    if not found.is_open:
        reason = "known: it is in the baseline" if found.waived is None else found.waived
        ET.SubElement(case, "skipped", _attributes(message=reason))
        return case
    failure = ET.SubElement(
        case, "failure", _attributes(type=finding.severity.value, message=finding.message)
    )
    failure.text = _legal(f"{region.location}\n{finding.remediation}")
    return case


def _error(problem: Problem) -> ET.Element:
    place = {} if problem.line is None else {"line": str(problem.line)}
    case = ET.Element(
        "testcase",
        _attributes(name=problem.kind, classname=problem.kind, file=problem.file, **place),
    )
    error = ET.SubElement(case, "error", _attributes(type=problem.kind, message=problem.message))
    error.text = _legal("\n".join(filter(None, (problem.location, problem.remedy))))
    return case


def _attributes(**values: str) -> dict[str, str]:
    return {key: _legal(value) for key, value in values.items()}


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)
