"""``karb-guard webhook test``: whether a Pod without a memory limit meets the webhook.

A dry run through the API server, as an author's ``kubectl apply --dry-run=server`` would be: it
tests registration, Service, certificate and policies at once, and leaves nothing behind.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from karb_guard.cluster.client import connect, segment
from karb_guard.cluster.errors import ClusterError
from karb_guard.model.errors import KarbGuardError, UsageError

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "karb-guard-test"},
    "spec": {
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "test",
                "image": "karb-guard.invalid/test:latest",
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
    },
}
"""No memory limit and no digest; in all else what Pod Security's restricted level asks for."""
MARK = "KARB-"
"""Every finding's id begins with it, in warnings as in denials."""


class SilentError(KarbGuardError):
    """The Pod went through without a word of ours."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``webhook test``."""
    parser.add_argument("--kubeconfig", type=Path, metavar="FILE", help="how to reach the cluster")
    parser.add_argument(
        "--in-cluster", action="store_true", help="use the pod's own service account"
    )
    parser.add_argument(
        "--namespace", default="default", help="one that is judged (default: default)"
    )


def run(args: argparse.Namespace) -> int:
    """Ask, and say what came back. Raises ``KarbGuardError`` where the webhook said nothing."""
    if (args.kubeconfig is None) != args.in_cluster:
        raise UsageError("webhook test needs one of --kubeconfig and --in-cluster")
    said = ask(args.kubeconfig, args.namespace)
    sys.stdout.write(f"a Pod without a memory limit in {args.namespace}: {said}\n")
    return 0


def ask(kubeconfig: Path | None, namespace: str) -> str:
    """What the webhook says about the Pod. Raises ``SilentError`` and ``ClusterError``."""
    client = connect(kubeconfig)
    try:
        warnings = client.dry_run(f"/api/v1/namespaces/{segment(namespace)}/pods", POD)
    except ClusterError as error:
        if MARK not in str(error):
            raise
        return f"denied: {error}"
    finally:
        client.close()
    ours = [text for text in warnings if MARK in text]
    if not ours:
        raise SilentError(
            f"namespace {namespace}: karb-guard said nothing about a Pod without a memory limit. "
            "Is a replica ready (/readyz), is the ValidatingWebhookConfiguration there, and is the "
            "namespace judged (admission.excludedNamespaces, exemptNamespaces, stages off)?"
        )
    return f"{len(ours)} warnings, the first: {ours[0]}"
