"""Puts an audit into the cluster as report objects, and takes away those of earlier scans.

Sparing with etcd: what has not changed is not written, writes are paced, and what is read comes in
small pages of which the names and hashes are kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from karb_guard.cluster.client import ClusterClient, segment
from karb_guard.cluster.errors import ClusterError
from karb_guard.model.audit import Audit
from karb_guard.model.errors import UsageError
from karb_guard.reports.policy_report import (
    CONTENT,
    MANAGED_BY,
    SOURCE,
    ReportApi,
    report_objects,
)

MANAGER = "karb-guard-audit"
PAGE = 10
"""Objects of a page: each may have some hundred KiB."""
WRITES_PER_SECOND = 20
RETRIES = 3
"""Of a request that the API server answers with 429 (too many requests) or 5xx."""

Json = dict[str, Any]
Answer = TypeVar("Answer")
Key = tuple[str, str]
"""(namespace, name); the namespace is empty for what is in none."""


@dataclass(slots=True)
class Written:
    """What became of the objects."""

    written: int = 0
    unchanged: int = 0
    deleted: int = 0
    left_out_results: int = 0
    left_out_namespaces: int = 0
    failed: list[str] = field(default_factory=list)
    """Objects that could not be written or deleted, each with the reason."""

    def line(self) -> str:
        """What to tell the user."""
        said = f"{self.written} written, {self.unchanged} unchanged, {self.deleted} deleted"
        if self.left_out_results:
            said += f"; {self.left_out_results} findings are in none of them, to bound their number"
        return f"report objects: {said}"


class Writer:
    """Brings the report objects of one group to what an audit says."""

    def __init__(
        self,
        client: ClusterClient,
        api: ReportApi,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._api = api
        self._sleep = sleep

    def write(self, audit: Audit) -> Written:
        """Write what changed, and delete what no finding is left for.

        Only objects of our own, by label, and only of namespaces that were scanned: a scan of one
        namespace leaves the others' alone. Raises ``UsageError`` where the group is not installed,
        ``ClusterError`` where its objects can't be read.
        """
        wanted = report_objects(audit, self._api)
        done = Written(
            left_out_results=wanted.left_out_results,
            left_out_namespaces=len(wanted.left_out_namespaces),
        )
        existing = dict(self._existing())
        keep = {_key(made) for made in wanted.objects}
        for made in wanted.objects:
            key = _key(made)
            if existing.get(key) == made["metadata"]["annotations"][CONTENT]:
                done.unchanged += 1
            elif self._tried(done, key, partial(self._apply, made)):
                done.written += 1
        for key in sorted(existing.keys() - keep):
            if key[0] in audit.namespaces and self._tried(
                done, key, partial(self._client.delete, self._path(*key))
            ):
                done.deleted += 1
        return done

    def _apply(self, made: Json) -> None:
        self._client.apply(self._path(*_key(made)), made, MANAGER)

    def _tried(self, done: Written, key: Key, call: Callable[[], None]) -> bool:
        """Whether the call succeeded, perhaps after a pause; else its reason is kept."""
        self._sleep(1 / WRITES_PER_SECOND)
        try:
            self._patiently(call)
        except ClusterError as error:
            done.failed.append(f"{'/'.join(filter(None, key))}: {error}")
            return False
        return True

    def _patiently(self, call: Callable[[], Answer]) -> Answer:
        """The call's answer, after pauses where the API server asks for them.

        It does so under load, and for some seconds after a CustomResourceDefinition changed.
        """
        for attempt in range(RETRIES):
            try:
                return call()
            except ClusterError as error:
                if error.status != 429 and error.status < 500:
                    raise
                self._sleep(2.0**attempt)
        return call()

    def _existing(self) -> Iterator[tuple[Key, str]]:
        """Our objects in the cluster, each with the hash of its content."""
        for plural in (self._api.plural, self._api.cluster_plural):
            for item in self._pages(f"/apis/{self._api.api_version}/{plural}"):
                annotations = item["metadata"].get("annotations") or {}
                yield _key(item), annotations.get(CONTENT, "")

    def _pages(self, path: str) -> Iterator[Json]:
        query: Mapping[str, str] = {"labelSelector": f"{MANAGED_BY}={SOURCE}", "limit": str(PAGE)}
        following = ""
        while True:
            asked = {**query, "continue": following} if following else query
            page = self._patiently(partial(self._client.get, path, asked))
            if page is None:
                raise UsageError(
                    f"{self._api.api_version} is not installed in this cluster: apply the "
                    "CustomResourceDefinitions of its project, or leave out --write-back"
                )
            yield from page.get("items") or ()
            following = (page.get("metadata") or {}).get("continue", "")
            if not following:
                return

    def _path(self, namespace: str, name: str) -> str:
        base = f"/apis/{self._api.api_version}"
        if not namespace:
            return f"{base}/{self._api.cluster_plural}/{segment(name)}"
        return f"{base}/namespaces/{segment(namespace)}/{self._api.plural}/{segment(name)}"


def _key(made: Mapping[str, Any]) -> Key:
    return made["metadata"].get("namespace", ""), made["metadata"]["name"]
