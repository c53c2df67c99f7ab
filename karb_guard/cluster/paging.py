"""Lists of raw JSON, page by page, that survive what happens to API servers.

A list that takes minutes meets 429s, an API server that is restarted, and continue tokens that
expire (etcd compacts every five minutes). Each of these is waited for within bounds; what is left
is told by a ``ClusterError``.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import orjson

from karb_guard.cluster.ahead import Ahead
from karb_guard.cluster.client import PAGE, ClusterClient, Json, Query
from karb_guard.cluster.errors import ClusterError, ExpiredError

FIRST_PAGE = 50
"""Objects of a first page: nobody knows yet how large they are."""
PAGE_BYTES = 4 * 2**20
"""What a page should be: parsed, it is ten times as large."""
FEWEST = 5
"""Objects of a page however large they are."""
TIMEOUT_SECONDS = 60.0
"""Of one page: the API server's own bound."""
MAX_RESTARTS = 5
"""How often one list is begun anew because its continue token expired."""
_PATIENT = frozenset({0, 429, 500, 502, 503, 504})
"""No answer at all, and answers that another attempt may change."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try again."""

    attempts: int = 16
    """Per request, the first included."""
    first_seconds: float = 0.25
    longest_seconds: float = 10.0
    """Between two attempts; a server's ``Retry-After`` may ask for more, up to six times this."""
    sleep: Callable[[float], None] = time.sleep

    def wait(self, attempt: int, error: ClusterError) -> None:
        """Sleep after attempt number ``attempt`` (from 0), doubling, with jitter."""
        seconds = min(self.first_seconds * 2**attempt, self.longest_seconds)
        seconds *= random.uniform(0.75, 1.0)  # noqa: S311 -- spreads clients, protects nothing
        if error.retry_after is not None:
            seconds = max(seconds, min(error.retry_after, 6 * self.longest_seconds))
        self.sleep(seconds)


class Page(NamedTuple):
    """Some objects of a list, each with its apiVersion and kind."""

    items: list[Json]
    begins: bool = False
    """The list starts here; of an earlier start nothing counts any more."""
    remaining: int | None = None
    """How many are still to come, where the server says so."""
    version: str = ""
    """The resource version of the list, to watch from."""


class Pager:
    """Reads collections of one API server."""

    def __init__(self, client: ClusterClient, patience: Patience | None = None) -> None:
        self._client = client
        self._patience = patience or Patience()

    def get(self, path: str, query: Query | None = None, accept: str = "") -> bytes:
        """The body of a GET, with patience. Raises ``ClusterError``."""
        attempt = 0
        while True:
            try:
                return self._client.read(path, query or {}, TIMEOUT_SECONDS, accept)
            except ClusterError as error:
                attempt += 1
                if error.status not in _PATIENT or attempt >= self._patience.attempts:
                    raise
                self._patience.wait(attempt - 1, error)

    def pages(self, path: str, query: Query | None = None) -> Iterator[Page]:
        """All objects of a collection.

        After a 410 it goes on with the token that the server offers (what changed in between is
        seen as it is now), else it begins anew, which the next page says. Raises ``ClusterError``.
        """
        token, limit, begins, restarts = "", FIRST_PAGE, True, 0
        ahead: Ahead[bytes] | None = None
        while True:
            try:
                body = ahead.result() if ahead else self.get(path, _asked(query, token, limit))
            except ExpiredError as error:
                restarts += 1
                if restarts > MAX_RESTARTS:
                    raise
                token, ahead = error.continue_token or "", None
                begins = not token
                continue
            answer = _list(body, path)
            items = _complete(answer)
            metadata = answer.get("metadata") or {}
            version = str(metadata.get("resourceVersion", ""))
            token = metadata.get("continue") or ""
            limit = _limit(len(body), len(items))
            # The API server makes the next page while this one is worked on.
            ahead = Ahead(partial(self.get, path, _asked(query, token, limit))) if token else None
            yield Page(items, begins, metadata.get("remainingItemCount"), version)
            if not token:
                return
            begins = False


def _asked(query: Query | None, token: str, limit: int) -> Query:
    """The query of one page."""
    page = {**(query or {}), "limit": str(limit)}
    return {**page, "continue": token} if token else page


def _limit(size: int, count: int) -> int:
    """Objects of the next page, so that it is of a bounded size."""
    return max(FEWEST, min(PAGE, PAGE_BYTES * max(count, 1) // max(size, 1)))


def _list(body: bytes, path: str) -> Json:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ClusterError(f"GET {path}: the answer is no JSON ({error})") from error
    if not isinstance(answer, dict) or not isinstance(answer.get("items") or [], list):
        raise ClusterError(f"GET {path}: the answer is no list")
    return answer


def _complete(answer: Json) -> list[Json]:
    """The items; those of built-in kinds leave apiVersion and kind to the list."""
    version, kind = answer.get("apiVersion"), str(answer.get("kind", "")).removesuffix("List")
    items: list[Any] = answer.get("items") or []
    return [
        item if "kind" in item else {"apiVersion": version, "kind": kind, **item}
        for item in items
        if isinstance(item, dict)
    ]
