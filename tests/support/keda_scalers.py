"""The facts of KEDA's scalers that policies need, generated from KEDA's own schema.

``python -m tests.support.keda_scalers --write`` reads ``schema/generated/scalers-schema.json`` of
the Go module that ``tools/keda`` pins (downloaded if need be) and writes
``policies/lib/keda_scalers.rego``: for each type of trigger the fields that it requires, and where
else than in the trigger's metadata they may stand; and the fields that hold its target.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from karb_guard.toolchain import find_go

ROOT = Path(__file__).parents[2]
PINNED = ROOT / "tools" / "keda"
TARGET = ROOT / "policies" / "lib" / "keda_scalers.rego"
MODULE = "github.com/kedacore/keda/v2"
SCHEMA = Path("schema", "generated", "scalers-schema.json")
TIMEOUT_SECONDS = 300

SECOND_NAMES: Mapping[str, frozenset[str]] = {"ibmmq": frozenset({"queueNames"})}
"""Fields that the schema calls required and that are another name of one that is."""

TARGETS: Mapping[str, Mapping[str, str | None]] = {
    "cpu": {"value": None},
    "gcp-spanner": {"targetValue": "activationValue"},
    "github-runner": {"targetWorkflowQueueLength": None},
    "memory": {"value": None},
    "rabbitmq": {"queueLength": "activationValue"},
    "redis-cluster-streams": {"pendingEntriesCount": None, "streamLength": None},
    "redis-sentinel-streams": {"pendingEntriesCount": None, "streamLength": None},
    "redis-streams": {"pendingEntriesCount": None, "streamLength": None},
    "solarwinds": {"targetValue": "activationValue"},
    "splunk": {"targetValue": "activationValue"},
}
"""Targets that can't be told from the names in the schema (pkg/scalers, the scalers' structs)."""
UNUSED_AT_ZERO = frozenset({"solace-direct-messaging", "solace-event-queue", "lagCount"})
"""Types, and fields of types, of several targets, where 0 means that one is not used."""
_ACTIVATION = "activation"

_HEAD = """\
# Generated from KEDA's schema of its scalers by tests/support/keda_scalers.py; don't edit.
# Source: {module} {version}, {schema}
package karb.lib.keda_scalers

# Type of trigger -> field that it requires -> where else it may stand: in a TriggerAuthentication
# (auth), or in an environment variable of the target that `<field>FromEnv` names (env).
required := {{
"""
_TARGETS_HEAD = """\

# Type of trigger -> field that holds a target, above zero -> the field of its activation, or null.
targets := {
"""


def version() -> str:
    """The pinned version of the module."""
    text = (PINNED / "go.mod").read_text(encoding="utf-8")
    (found,) = re.findall(rf"{re.escape(MODULE)} (v\S+)", text)
    return str(found)


def directory(go: str) -> Path:
    """The module. Raises ``subprocess.CalledProcessError`` where it can't be had."""
    command = [go, "mod", "download", "-json", f"{MODULE}@{version()}"]
    done = subprocess.run(
        command, cwd=PINNED, capture_output=True, check=True, timeout=TIMEOUT_SECONDS
    )
    return Path(json.loads(done.stdout)["Dir"])


def schema(go: str) -> Mapping[str, Any]:
    """KEDA's schema. Raises like ``directory``."""
    text = (directory(go) / SCHEMA).read_text(encoding="utf-8")
    found: Mapping[str, Any] = json.loads(text)
    return found


def rego(scalers: Sequence[Mapping[str, Any]]) -> str:
    """The text of the library."""
    lines = [_HEAD.format(module=MODULE, version=version(), schema=SCHEMA.as_posix())]
    for scaler in sorted(scalers, key=lambda each: str(each["type"])):
        fields = dict(_required(scaler))
        body = ", ".join(f'"{name}": {json.dumps(where)}' for name, where in sorted(fields.items()))
        lines.append(f'\t"{scaler["type"]}": {{{body}}},\n')
    lines += ["}\n", _TARGETS_HEAD]
    for scaler in sorted(scalers, key=lambda each: str(each["type"])):
        if pairs := _targets(scaler):
            body = ", ".join(f'"{name}": {json.dumps(pairs[name])}' for name in sorted(pairs))
            lines.append(f'\t"{scaler["type"]}": {{{body}}},\n')
    return "".join([*lines, "}\n"])


def _targets(scaler: Mapping[str, Any]) -> Mapping[str, str | None]:
    """A target is what has an ``activation`` field of its name."""
    if scaler["type"] in UNUSED_AT_ZERO:
        return {}
    names = {field["name"] for field in scaler["parameters"]}
    found: dict[str, str | None] = {}
    for name in names:
        rest = name.removeprefix(_ACTIVATION)
        target = rest[:1].lower() + rest[1:]
        if rest != name and target in names - UNUSED_AT_ZERO:
            found[target] = name
    return {**found, **TARGETS.get(scaler["type"], {})}


def _required(scaler: Mapping[str, Any]) -> Sequence[tuple[str, list[str]]]:
    found = []
    for field in scaler["parameters"]:
        if field.get("optional") or "default" in field:
            continue
        if field["name"] in SECOND_NAMES.get(scaler["type"], ()):
            continue
        places = {"triggerAuthenticationVariableReadable": "auth", "envVariableReadable": "env"}
        found.append((field["name"], [word for key, word in places.items() if field.get(key)]))
    return found


def main() -> int:
    """``--write`` the library, or say whether it is what the schema gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    text = rego(schema(str(find_go()))["scalers"])
    if write:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    return int(TARGET.read_text(encoding="utf-8") != text)


if __name__ == "__main__":
    raise SystemExit(main())
