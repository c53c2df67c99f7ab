"""kwok (https://kwok.sigs.k8s.io) plays the kubelets of nodes that nobody has.

Its controller is built from its Go module, as the control plane is; the stages that make nodes
Ready and pods Running are those that the module ships.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from karb_guard.toolchain import ToolchainError, cache_dir, find_go
from tests.support.controlplane import KWOK_VERSION, TOOLS, ControlPlane

MODULE = "sigs.k8s.io/kwok"
STAGES = ("node/fast", "node/heartbeat-with-lease", "pod/fast")
"""Folders of ``kustomize/stage`` in the module."""
LEASE_SECONDS = 200
"""A lease is renewed four times in its life. Kubelets' 40 s would mean 100 writes a second for
1,000 nodes, which a machine with 2 cores feels."""
PARALLEL = 16
"""Stages that are played at a time, of pods and of nodes."""
_DOWNLOAD_SECONDS = 300

Json = dict[str, Any]


def start(control: ControlPlane) -> None:
    """Let kwok take every node of the cluster, and the pods that are bound to them.

    The first time it is built (about 3 minutes on 2 cores). Raises ``ToolchainError`` where that
    can't be done, and says why.
    """
    config = control.directory / "kwok.yaml"
    config.write_text(yaml.safe_dump_all([_options(), *stages()]), encoding="utf-8")
    control.spawn("kwok", f"--config={config}", f"--kubeconfig={control.kubeconfig}", "--v=WARN")


def _options() -> Json:
    options = {
        "manageAllNodes": True,
        "nodeLeaseDurationSeconds": LEASE_SECONDS,
        "podPlayStageParallelism": PARALLEL,
        "nodePlayStageParallelism": PARALLEL,
        "nodeLeaseParallelism": PARALLEL,
    }
    return {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokConfiguration",
        "options": options,
    }


def stages() -> list[Json]:
    """The module's stages, kept beside the program: whoever has both needs no Go any more."""
    kept = cache_dir() / "bin" / f"kwok-{KWOK_VERSION}-stages.yaml"
    if not kept.is_file():
        found = _module() / "kustomize" / "stage"
        files = [file for each in STAGES for file in sorted((found / each).glob("*.yaml"))]
        read = (yaml.safe_load(file.read_text(encoding="utf-8")) for file in files)
        made = [obj for obj in read if obj["kind"] == "Stage"]
        partial = kept.with_suffix(".partial")
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(yaml.safe_dump_all(made), encoding="utf-8")
        partial.replace(kept)
    return list(yaml.safe_load_all(kept.read_text(encoding="utf-8")))


def _module() -> Path:
    """Where Go keeps the module's files. Raises ``ToolchainError``."""
    command = [str(find_go()), "mod", "download", "-json", f"{MODULE}@v{KWOK_VERSION}"]
    place = TOOLS["kwok"][0]
    try:
        done = subprocess.run(
            command, cwd=place, capture_output=True, check=True, timeout=_DOWNLOAD_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolchainError(f"kwok's stages can't be had from its Go module: {error}") from error
    return Path(json.loads(done.stdout)["Dir"])
