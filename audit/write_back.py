"""Puts an audit into the cluster as report objects, and takes away those of earlier scans.

Sparing with etcd: what has not changed is not written, writes are paced, and what is read comes in
small pages of which the names and hashes are kept.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    NOT_READ,
    SOURCE,
    ReportApi,
    kept,
    report_objects,
)
from karb_guard.reports.unread import Unread

MANAGER = "karb-guard-audit"
PAGE = 10
"""Objects of a page: each may have some hundred KiB."""
WRITES_PER_SECOND = 20
SAID = 5
"""Kinds that the user's line names."""
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
    kept: Counter[str] = field(default_factory=Counter)
    """What was not read -> results of earlier scans about it, which stay."""
    failed: list[str] = field(default_factory=list)
    """Objects that could not be written or deleted, each with the reason."""

    def line(self) -> str:
        """What to tell the user."""
        said = f"{self.written} written, {self.unchanged} unchanged, {self.deleted} deleted"
        if self.left_out_results:
            said += f"; {self.left_out_results} findings are in none of them, to bound their number"
        if self.kept:
            whys = [why for why, _ in self.kept.most_common(SAID)]
            more = ", ..." if len(self.kept) > SAID else ""
            said += (
                f"; {self.kept.total()} results of earlier scans stay, as this one did not read "
                f"what they are about: {', '.join(whys)}{more}"
            )
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
        namespace leaves the others' alone. Results of earlier scans about what this one could not
        read stay. Raises ``UsageError`` where the group is not installed,
        ``ClusterError`` where its objects can't be read.
        """
        existing, earlier = self._existing(audit)
        wanted = report_objects(audit, self._api, earlier)
        done = Written(
            left_out_results=wanted.left_out_results,
            left_out_namespaces=len(wanted.left_out_namespaces),
            kept=_not_read(wanted.objects),
        )
        keep = {_key(made) for made in wanted.objects}
        scanned = {*audit.namespaces, ""}  # of which all stays that was not looked at
        for made in wanted.objects:
            key = _key(made)
            if existing.get(key) == made["metadata"]["annotations"][CONTENT]:
                done.unchanged += 1
            elif self._tried(done, key, partial(self._apply, made)):
                done.written += 1
        for key in sorted(existing.keys() - keep):
            if key[0] in scanned and self._tried(
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

    def _existing(self, audit: Audit) -> tuple[dict[Key, str], dict[str, list[Json]]]:
        """Our objects in the cluster, each with the hash of its content; and what has to stay.

        That is, by namespace, the results that the audit says nothing about.
        """
        unread = Unread(audit)
        hashes: dict[Key, str] = {}
        earlier: dict[str, list[Json]] = {}
        for plural in (self._api.plural, self._api.cluster_plural):
            for item in self._pages(f"/apis/{self._api.api_version}/{plural}"):
                key = _key(item)
                annotations = item["metadata"].get("annotations") or {}
                hashes[key] = annotations.get(CONTENT, "")
                if unread.loses_nothing or (key[0] and key[0] not in audit.namespaces):
                    continue
                stay = _staying(item.get("results") or (), unread)
                earlier.setdefault(key[0], []).extend(stay)
        return hashes, earlier

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


def _staying(results: Iterable[Json], unread: Unread) -> Iterator[Json]:
    """Those that an audit says nothing about."""
    for result in results:
        if not unread.in_scope(result):
            yield result
        elif (why := unread.why(result)) is not None:
            yield kept(result, why)


def _not_read(objects: Iterable[Json]) -> Counter[str]:
    results = (result for made in objects for result in made["results"])
    said = ((result.get("properties") or {}).get(NOT_READ) for result in results)
    return Counter(why for why in said if why is not None)


def _key(made: Mapping[str, Any]) -> Key:
    return made["metadata"].get("namespace", ""), made["metadata"]["name"]
