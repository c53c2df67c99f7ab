"""Run a command against a fresh kind cluster: ``python -m tests.support.kind_cluster CMD ...``.

For machines with containers. The API server in the kind node reaches the webhook of the test on
the host through the gateway of kind's network, so the same suite runs unchanged.
"""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CLUSTER = f"karb-guard-e2e-{os.getpid()}"
NODE_IMAGE = os.environ.get("KIND_NODE_IMAGE", "kindest/node:v1.37.0")
REMEDY = "install kind (https://kind.sigs.k8s.io) and a container runtime that docker talks to"


def main(command: list[str]) -> int:
    """Create the cluster, run ``command`` with it, delete the cluster; the command's exit code."""
    for needed in ("kind", "docker"):
        if shutil.which(needed) is None:
            print(f"e2e-kind: {needed} is not on PATH; {REMEDY}", file=sys.stderr)
            return 2
    with tempfile.TemporaryDirectory(prefix="karb-guard-kind-") as directory:
        kubeconfig = Path(directory) / "kubeconfig"
        _kind(
            "create",
            "cluster",
            f"--image={NODE_IMAGE}",
            f"--kubeconfig={kubeconfig}",
            "--wait=120s",
        )
        try:
            environment = {
                **os.environ,
                "KUBECONFIG_UNDER_TEST": str(kubeconfig),
                "KARB_GUARD_E2E_HOST": _gateway(),
            }
            return subprocess.run(command, env=environment, check=False).returncode
        finally:
            _kind("delete", "cluster", f"--kubeconfig={kubeconfig}")


def _kind(*arguments: str) -> None:
    subprocess.run(["kind", *arguments, f"--name={CLUSTER}"], check=True, timeout=600)


def _gateway() -> str:
    """The host's IPv4 address in kind's network, as the node's API server reaches it."""
    found = subprocess.run(
        ["docker", "network", "inspect", "kind"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    for entry in json.loads(found.stdout)[0]["IPAM"]["Config"]:
        gateway = entry.get("Gateway")
        if gateway and ipaddress.ip_address(gateway).version == 4:
            return str(gateway)
    raise SystemExit("e2e-kind: docker's network 'kind' has no IPv4 gateway")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
