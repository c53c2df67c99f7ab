"""Small policies in a temporary folder, and the metadata that goes with them."""

from __future__ import annotations

from pathlib import Path

from karb_guard.engine.bundle import CompiledBundle
from karb_guard.engine.compiler import compile_policies
from karb_guard.model.finding import Severity
from karb_guard.model.invariant import Invariant

OWNER = """
violations contains {"check": "owner", "path": ["metadata", "labels", "owner"], "detail": {}} if {
	not input.object.metadata.labels.owner
}
"""

IMAGES = """
violations contains v if {
	some pod in input.pods
	some container in pod.containers
	every registry in input.params["img"].registries {
		not startswith(container.image, registry)
	}
	v := {
		"check": "registry",
		"path": array.concat(container.path, ["image"]),
		"detail": {"image": container.image, "allowed": input.params["img"].registries},
	}
}
"""

ECHO = """
violations contains v if {
	some i, value in input.values
	v := {"check": "value", "path": ["values", i], "detail": {"value": value}}
}
"""


def invariant(name: str, number: int = 1, **changes: object) -> Invariant:
    """The metadata of ``policies/demo/<name>``."""
    values: dict[str, object] = {
        "id": f"KARB-DEMO-{number:03}",
        "name": name,
        "category": "demo",
        "package": f"karb.demo.{name.replace('-', '_')}",
        "title": f"title of {name}",
        "description": "why",
        "severity": Severity.ERROR,
        "since": "0.1.0",
        "remediation": "mend it",
        "checks": {"check": "text"},
    }
    return Invariant(**{**values, **changes})  # type: ignore[arg-type]


def write(root: Path, rules: dict[str, str]) -> Path:
    """Write ``policies/demo/<name>/policy.rego`` for each rule body; returns the root."""
    for name, body in rules.items():
        folder = root / "demo" / name.replace("-", "_")
        folder.mkdir(parents=True, exist_ok=True)
        text = f"package karb.demo.{folder.name}\n{body}"
        (folder / "policy.rego").write_text(text, encoding="utf-8")
    (root / "lib").mkdir(exist_ok=True)
    return root


def compiled(folder: Path, rules: dict[str, str], *, host: bool = False) -> CompiledBundle:
    """Compile rules in the group ``pods``."""
    root = write(folder / "policies", rules)
    members = [invariant(name, number) for number, name in enumerate(rules, 1)]
    return compile_policies(members, [root], folder / "bundle", allow_host_builtins=host)


def enabled(*names: str) -> dict[str, dict[str, object]]:
    """Parameters that enable the invariants without parameters of their own."""
    return {name: {} for name in names}
