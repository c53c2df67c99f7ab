"""The lines of ``audit --watch``, and the schema that they are published with."""

from __future__ import annotations

import copy
import datetime
import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from karb_guard.model.change import Change, Event
from karb_guard.reports import changes
from tests.support.cli import REPOSITORY
from tests.support.sample_audit import audit
from tests.support.sample_report import LEAK, PIN

REFERENCE = REPOSITORY / "docs" / "reference"
NAMES = ("watch", "audit", "report")
SCHEMAS: dict[str, dict[str, Any]] = {
    name: json.loads((REFERENCE / f"{name}.schema.json").read_text()) for name in NAMES
}
REGISTRY: Registry[Any] = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS.values()
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMAS["watch"], registry=REGISTRY)
SMALL = audit(12, namespaces=3, workloads=3, invariants=(LEAK, PIN))
AT = datetime.datetime(2026, 3, 9, 6, 30, 5, tzinfo=datetime.UTC)
FOUND = SMALL.report.findings[0]
CHANGES = [
    Change(AT, Event.APPEARED, FOUND),
    Change(AT, Event.GONE, FOUND),
    Change(AT, Event.UNSEEN, None, "pods", "not allowed", ("gpu-pin",)),
    Change(AT, Event.SEEN, None, "pods"),
    Change(AT, Event.LATE, None, "pods", "not watched"),
]


def test_the_schema_is_a_schema_and_is_named() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS["watch"])
    assert SCHEMAS["watch"]["properties"]["schemaVersion"]["const"] == changes.SCHEMA_VERSION
    assert SCHEMAS["watch"]["$id"].endswith(f"-{changes.SCHEMA_VERSION}.json")
    assert "reference/watch.schema.json" in (REPOSITORY / "docs" / "reports.md").read_text()
    events = {"audit", *(event.value for event in Event)}
    assert set(SCHEMAS["watch"]["properties"]["event"]["enum"]) == events


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: c.event.value)
def test_each_line_is_one_document_that_fits_the_schema(change: Change) -> None:
    line = changes.json_line(change)
    assert line.count("\n") == 1
    VALIDATOR.validate(json.loads(line))


def test_the_first_line_is_the_report() -> None:
    line = changes.first_line(SMALL)
    assert line.count("\n") == 1
    document = json.loads(line)
    VALIDATOR.validate(document)
    assert document["audit"]["exitCode"] == SMALL.exit_code


def test_the_schema_refuses_what_is_no_line() -> None:
    lines = [changes.first_line(SMALL), *map(changes.json_line, CHANGES)]
    for line in lines:
        whole = json.loads(line)
        for key in whole:
            broken = copy.deepcopy(whole)
            del broken[key]
            assert not VALIDATOR.is_valid(broken), (key, line)
        assert not VALIDATOR.is_valid({**whole, "more": 1})


def test_people_read_one_line_each() -> None:
    finding = FOUND.finding._replace(message="no \x1b[31mlimit\nat all")
    ref = finding.object
    changed = Change(AT, Event.APPEARED, replace(FOUND, finding=finding))
    assert changes.text_line(changed) == (
        f"06:30:05 + {ref.namespace} {ref.kind}/{ref.name} {finding.invariant_id} "
        f"{finding.severity.value} {finding.name}: no \ufffd[31mlimit\ufffdat all\n"
    )
    assert [changes.text_line(each) for each in CHANGES[2:]] == [
        "06:30:05 ! not seen: pods: not allowed; undecided: gpu-pin\n",
        "06:30:05 = seen again: pods\n",
        "06:30:05 ~ seen late: pods: not watched\n",
    ]
    assert "\x1b[31;1m+\x1b[0m" in changes.text_line(CHANGES[0], colour=True)
