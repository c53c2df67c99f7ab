"""Finds the cluster to scan, as kubectl does."""

from __future__ import annotations

import os
from pathlib import Path

from karb_guard.cluster.client import ClusterClient, connect, current_context

_HOME = Path(".kube") / "config"
_IN_CLUSTER = "KUBERNETES_SERVICE_HOST"


def connected(
    kubeconfig: Path | None, context: str | None, *, in_cluster: bool = False
) -> tuple[ClusterClient, str]:
    """A client, and what to call the cluster. Raises ``ClusterError``.

    Without a kubeconfig it is ``$KUBECONFIG``, else ``~/.kube/config`` where there is one, else
    the cluster that this runs in.
    """
    file = None if in_cluster else kubeconfig or _usual()
    if file is None:
        client = connect()
        return client, client.host
    client = connect(file, context)
    return client, context or current_context(file) or client.host


def _usual() -> Path | None:
    named = os.environ.get("KUBECONFIG")
    if named:
        return Path(named)
    home = Path.home() / _HOME
    if home.exists() or _IN_CLUSTER not in os.environ:
        return home
    return None
