"""The registry reads metadata itself; OPA's own reading of the same files is the oracle."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from karb_guard.invariants.problems import CatalogueError
from karb_guard.invariants.roots import builtin_root
from karb_guard.invariants.source import read
from karb_guard.model.invariant import Invariant
from karb_guard.toolchain.opa import find_opa


def inspected(root: Path) -> dict[str, dict[str, Any]]:
    """Package -> the annotations of package scope that OPA finds below ``root``."""
    command = [str(find_opa()), "inspect", "-a", "-f", "json", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = {}
    for entry in json.loads(done.stdout)["annotations"]:
        annotations = entry["annotations"]
        if annotations["scope"] == "package":
            found[".".join(str(part["value"]) for part in entry["path"][1:])] = annotations
    return found


def assert_same(ours: Invariant, theirs: dict[str, Any]) -> None:
    custom = theirs["custom"]
    assert ours.title == theirs["title"]
    assert ours.description == theirs["description"].strip()
    assert [(r.ref, r.description) for r in ours.references] == [
        (r["ref"], r.get("description", "")) for r in theirs.get("related_resources", [])
    ]
    assert ours.id == custom["id"]
    assert ours.severity.value == custom["severity"]
    assert ours.since == custom["since"]
    assert ours.paper == custom.get("paper")
    assert ours.remediation == custom["remediation"].strip()
    assert dict(ours.checks) == custom["checks"]
    assert list(ours.match) == custom.get("match", ["pods"])
    assert list(ours.context) == custom.get("context", [])
    assert ours.self_waivable == custom.get("selfWaivable", False)
    assert ours.identity == custom.get("identity", "field")
    assert ours.evaluator == custom.get("evaluator", "rego")
    assert dict(ours.params) == custom.get("params", {})


def test_our_policies_mean_to_us_what_they_mean_to_opa():
    root = builtin_root()
    if not any(root.glob("*/*/policy.rego")):
        pytest.skip(f"{root} holds no policy")
    theirs = inspected(root)
    catalogue = read([root])
    assert {i.package for i in catalogue} == set(theirs)
    for invariant in catalogue:
        assert_same(invariant, theirs[invariant.package])


SUBTLE = """\
# METADATA
# title: 'A colon: in quotes, # no comment'
# description: >
#   folded
#   text
#
#   and a paragraph
# custom:
#   id: KARB-GPU-001
#   severity: info   # a comment
#   since: 0.1.0
#   match:
#   - /Namespace
#   - apps/Deployment
#   checks: {one: 'plain', two: "quo\\"ted"}
#   params:
#     words: {type: array, description: d, default: [on, off, 'yes', "1:30", 2026-01-02x, ~]}
#     numbers: {type: array, description: d, default: [1, -2, 1.5, 1e3, '010', true]}
#     nested: {type: object, description: d, default: {a: {b: [], c: ''}, d: "\\u00e9 é"}}
#   remediation: |+
#     first
#       indented
#
package karb.gpu.gpu_thing

violations contains v if {
	some v in input.things
}
"""


def test_subtle_yaml_means_to_us_what_it_means_to_opa(root):
    root.write("gpu/gpu_thing/policy.rego", SUBTLE)
    (invariant,) = read([root.path])
    assert_same(invariant, inspected(root.path)["karb.gpu.gpu_thing"])


@pytest.mark.parametrize("old", ["# METADATA\n", "severity: error", "title: Something"])
def test_the_comparison_can_fail(root, old):
    theirs = inspected(root.path)["karb.gpu.gpu_thing"]
    new = {"# METADATA\n": "# METADATA\n\n", "severity: error": "severity: info"}
    root.edit(old, new.get(old, "title: Nothing"))
    with pytest.raises((AssertionError, CatalogueError)):
        assert_same(read([root.path]).get("gpu-thing"), theirs)
