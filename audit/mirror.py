"""What watches have seen of a cluster, on disk: a copy of all objects that judging needs.

Memory holds none of them, whatever the cluster's size: an SQLite database in a temporary file
without a name, which nobody else reads and which is gone with the process (decision 5).
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from audit.collecting import without_bulk
from audit.dirt import Dirt, Scopes, essence, is_far_reaching, place_of
from audit.plan import Plan
from audit.spool import unusable
from audit.targets import Collection
from karb_guard.inventory.keys import key_of
from karb_guard.model.errors import KarbGuardError

AT_ONCE = 50
"""Objects that are read from disk together."""
_SCHEMA = """
CREATE TABLE object (
  collection TEXT, namespace TEXT, name TEXT, round INTEGER, essence BLOB, body BLOB);
CREATE UNIQUE INDEX by_name ON object (collection, namespace, name);
"""
_FOUND = "SELECT rowid, essence FROM object WHERE collection = ? AND namespace = ? AND name = ?"
_MADE = "INSERT INTO object VALUES (?, ?, ?, ?, ?, ?)"
_CHANGED = "UPDATE object SET round = ?, essence = ?, body = ? WHERE rowid = ?"
_OLDER = "DELETE FROM object WHERE collection = ? AND round < ? RETURNING namespace, name"
_ONE = (
    "DELETE FROM object WHERE collection = ? AND namespace = ? AND name = ? "
    "RETURNING namespace, name"
)
_ALL = "DELETE FROM object WHERE collection = ? RETURNING namespace, name"
_NEXT = (
    "SELECT namespace, name, body FROM object WHERE collection = ? "
    "AND (namespace, name) > (?, ?) ORDER BY namespace, name LIMIT ?"
)
_NEXT_IN = (
    "SELECT namespace, name, body FROM object WHERE collection = ? "
    "AND namespace = ? AND name > ? ORDER BY name LIMIT ?"
)

Json = dict[str, Any]


class Mirror:
    """Takes what watches see, from any thread, and says what changed."""

    def __init__(self, plan: Plan, dirt: Dirt | None = None) -> None:
        self._plan = plan
        self._dirt = dirt or Dirt()
        self._lock = threading.Condition()
        self._round = 0
        self.broken: KarbGuardError | None = None
        """Why the temporary file can't be used any more."""
        self._file = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        for text in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE"):
            self._file.execute(f"PRAGMA {text}")
        self._file.executescript(_SCHEMA)

    def close(self) -> None:
        """Forget all."""
        with self._lock:
            self._file.close()

    @contextlib.contextmanager
    def _used(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                self.broken = unusable(str(error))
                self._lock.notify_all()
                raise self.broken from error

    def begin(self) -> int:
        """A list begins; its number."""
        with self._lock:
            self._round += 1
            return self._round

    def take(self, collection: Collection, objects: Sequence[Json], number: int) -> None:
        """Some objects of a list."""
        with self._used():
            self._file.execute("BEGIN")
            try:
                for obj in objects:
                    self._put(collection, obj, number)
            finally:
                self._file.execute("COMMIT")

    def end(self, collection: Collection, number: int) -> None:
        """The list is complete: what it did not have is gone."""
        with self._used():
            self._drop(collection, _OLDER, (collection.key, number))

    def put(self, collection: Collection, obj: Json) -> None:
        """An object was made or changed."""
        with self._used():
            self._put(collection, obj, self._round)

    def remove(self, collection: Collection, obj: Json) -> None:
        """An object is gone."""
        key = key_of(obj)
        if key is None:
            return
        with self._used():
            self._drop(collection, _ONE, (collection.key, key[2] or "", key[3]))

    def forget(self, collection: Collection) -> None:
        """There is no such collection any more."""
        with self._used():
            self._drop(collection, _ALL, (collection.key,))

    def _put(self, collection: Collection, obj: Json, number: int) -> None:
        key = key_of(obj)
        if key is None:
            return
        namespace, name = key[2] or "", key[3]
        slim = without_bulk(obj)
        try:
            mark = essence(collection.kind, slim)
            body = orjson.dumps(slim, option=orjson.OPT_NON_STR_KEYS)
        except TypeError:
            # Text that is no Unicode: an API server has none. The scan says so of exports.
            return
        found = self._file.execute(_FOUND, (collection.key, namespace, name)).fetchone()
        if found is None:
            row = (collection.key, namespace, name, number, mark, body)
            self._file.execute(_MADE, row)
        else:
            self._file.execute(_CHANGED, (number, mark, body, found[0]))
        if found is None or found[1] != mark:
            self._mark(collection, [(namespace, name)])

    def _drop(self, collection: Collection, which: str, values: tuple[object, ...]) -> None:
        rows = self._file.execute(which, values).fetchall()
        self._mark(collection, rows)

    def _mark(self, collection: Collection, rows: Sequence[tuple[str, str]]) -> None:
        if not rows:
            return
        kind = collection.kind
        self._dirt.mark(*(place_of(kind, namespace, name) for namespace, name in rows))
        if is_far_reaching(self._plan, kind, namespaced=collection.namespaced):
            self._dirt.mark_everything()
        self._lock.notify_all()

    def objects(
        self, collection: Collection, namespaces: Sequence[str] | None = None
    ) -> Iterator[list[Json]]:
        """What is there now, some at a time; of these namespaces only, where they are given."""
        for namespace in [None] if namespaces is None else namespaces:
            last = (namespace or "", "")
            while rows := self._some(collection, namespace, last):
                last = rows[-1][0], rows[-1][1]
                yield [orjson.loads(body) for *_, body in rows]

    def _some(
        self, collection: Collection, namespace: str | None, after: tuple[str, str]
    ) -> list[tuple[str, str, bytes]]:
        which = _NEXT if namespace is None else _NEXT_IN
        with self._used():
            return self._file.execute(which, (collection.key, *after, AT_ONCE)).fetchall()

    def mark_everything(self) -> None:
        """Something that is no object changed: the day, a kind that is served, a right."""
        with self._lock:
            self._dirt.mark_everything()
            self._lock.notify_all()

    def wake(self) -> None:
        """Let whoever waits look up."""
        with self._lock:
            self._lock.notify_all()

    def clean(self) -> None:
        """Whatever changed so far is looked at now."""
        with self._lock:
            self._dirt.take()

    def rest(self, seconds: float) -> None:
        """See ``Dirt.rest``."""
        with self._lock:
            self._dirt.rest(seconds)

    def wait(self, seconds: float, ended: Callable[[], bool]) -> Scopes | None:
        """What to judge again, once it is time; ``None`` after ``seconds`` or when ``ended``.

        Raises a ``SpoolError`` if the temporary file can't be used any more.
        """
        with self._lock:
            due = self._dirt.due()
            if (due is None or due > 0) and not ended() and self.broken is None:
                self._lock.wait(seconds if due is None else min(seconds, due))
                due = self._dirt.due()
            if self.broken is not None:
                raise self.broken
            return self._dirt.take() if due is not None and due <= 0 else None
