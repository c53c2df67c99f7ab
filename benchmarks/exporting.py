"""Everything of a cluster as files, as ``kubectl get -o json`` would write it, but page by page."""

from __future__ import annotations

from pathlib import Path

import orjson

from karb_guard.cluster.client import ClusterClient
from karb_guard.cluster.discovery import discover
from karb_guard.cluster.errors import ClusterError
from karb_guard.cluster.paging import Pager

LEFT_OUT = frozenset({"secrets", "events", "events.events.k8s.io"})
"""As docs/audit.md advises."""


def export(client: ClusterClient, directory: Path) -> int:
    """Write a ``List`` for each page of each kind into ``directory``; the number of objects."""
    pager, known, count = Pager(client), set(LEFT_OUT), 0
    for resource in discover(pager).resources:  # the preferred version of a kind first
        if resource.name in known:
            continue
        known.add(resource.name)
        try:
            for number, page in enumerate(pager.pages(resource.path())):
                file = directory / f"{resource.name}-{number:04d}.json"
                made = {"apiVersion": "v1", "kind": "List", "items": page.items}
                file.write_bytes(orjson.dumps(made))
                count += len(page.items)
        except ClusterError as error:
            if error.status not in (404, 405):  # what can only be created
                raise
    return count
