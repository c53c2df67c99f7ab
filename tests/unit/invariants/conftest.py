"""A small, good policy root that each test spoils in one way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

POLICY = """\
# METADATA
# title: Something is wrong
# description: |-
#   Why it matters.
# related_resources:
# - ref: https://kubernetes.io/docs/
#   description: Documentation
# custom:
#   id: KARB-GPU-001
#   severity: error
#   since: 0.1.0
#   match: [pods]
#   params:
#     allowed:
#       type: array
#       items: {type: string}
#       description: What is allowed.
#       default: []
#   checks:
#     wrong: '{thing} is wrong'
#   remediation: |-
#     Mend it.
package karb.gpu.gpu_thing

params := input.params["gpu-thing"]

violations contains v if {
	some thing in input.things
	not thing in params.allowed
	v := {"check": "wrong", "path": [], "detail": {"thing": thing}}
}
"""
TEST = "package karb.gpu.gpu_thing_test\n\ntest_nothing if true\n"
PASSES = "# fixture:\n#   about: nothing is wrong\nkind: Pod\n"
FAILS = """\
# fixture:
#   about: something is wrong
#   findings:
#   - check: wrong
#     path: spec.thing
kind: Pod
"""


class Root:
    """A policy root under construction."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "lib").mkdir(parents=True)
        self.write("lib/pods.rego", "package karb.lib.pods\n")

    def write(self, file: str, text: str) -> Path:
        path = self.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def add(
        self, place: str = "gpu/gpu_thing", *, id_: str = "KARB-GPU-001", policy: str = POLICY
    ) -> Path:
        """A good invariant at ``place``, made from the sample (or from ``policy``)."""
        category, folder = place.split("/")
        names = {
            "karb.gpu.gpu_thing": f"karb.{category}.{folder}",
            '"gpu-thing"': f'"{folder.replace("_", "-")}"',
            "KARB-GPU-001": id_,
        }
        for file, sample in (
            ("policy.rego", policy),
            ("policy_test.rego", TEST),
            ("fixtures/pass/pod-good.yaml", PASSES),
            ("fixtures/fail/pod-bad.yaml", FAILS),
        ):
            text = sample
            for old, new in names.items():
                text = text.replace(old, new)
            self.write(f"{place}/{file}", text)
        return self.path / place

    def edit(self, old: str, new: str, file: str = "gpu/gpu_thing/policy.rego") -> None:
        """Replace ``old``, which must be there, in one file."""
        path = self.path / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def empty_root(tmp_path: Path) -> Root:
    return Root(tmp_path / "policies")


@pytest.fixture
def root(empty_root: Root) -> Root:
    empty_root.add()
    return empty_root


@pytest.fixture
def new_root(tmp_path: Path) -> Callable[[str], Root]:
    """Make a further root of the given name."""
    return lambda name: Root(tmp_path / name)
