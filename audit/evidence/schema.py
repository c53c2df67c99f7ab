"""The version of the evidence database's tables: made, checked, and brought up to ours.

A step is a function that changes the tables of one version to those of the next, in SQL that SQLite
and PostgreSQL both have. All steps that a database lacks run in one transaction with the change of
its version: both databases take DDL back (sqlite.org/transactional.html, PostgreSQL's wiki on
transactional DDL), so that a step that fails leaves the old version as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sqlalchemy import Connection, insert, select, text, update

from audit.evidence.errors import EvidenceError
from audit.evidence.tables import METADATA, SCHEMA, VERSION

Step = Callable[[Connection], None]

STEPS: Mapping[int, Step] = MappingProxyType({})
"""Version -> the step from the one before. A new version of ``tables`` comes with its step; steps
are never changed later, and use no table of ``tables``, which tell of the newest version only."""
_ROW = "evidence"
_LOCK = 0x6B617262
"""For PostgreSQL's advisory locks: "karb"."""


def prepare(
    connection: Connection,
    name: str,
    version: int = VERSION,
    steps: Mapping[int, Step] = STEPS,
) -> int | None:
    """Make the tables, or bring them up to ``version``; the version they had, ``None`` for new.

    In the caller's transaction; of several processes that begin at once one works and the others
    wait. ``name`` is the database's, for messages. Raises ``EvidenceError`` for a newer version.
    """
    _alone(connection)
    SCHEMA.create(connection, checkfirst=True)
    found = _stored(connection)
    if found is None:
        METADATA.create_all(connection)
        connection.execute(insert(SCHEMA).values(name=_ROW, version=version))
        return None
    if found > version:
        raise EvidenceError(newer(name, found, version))
    for each in range(found + 1, version + 1):
        steps[each](connection)
    if found < version:
        connection.execute(update(SCHEMA).where(SCHEMA.c.name == _ROW).values(version=version))
    return found


def check(connection: Connection, name: str, version: int = VERSION) -> None:
    """Before a write: a newer karb-guard may have changed the tables while this one runs.

    Raises ``EvidenceError``.
    """
    found = _stored(connection)
    if found != version:
        raise EvidenceError(newer(name, found or 0, version))


def newer(name: str, found: int, version: int) -> str:
    """What to tell the user of a version that is not ours."""
    return (
        f"{name}: its tables have version {found}, this karb-guard knows them up to {version}; "
        "use the karb-guard that upgraded them, or another database"
    )


def _stored(connection: Connection) -> int | None:
    found: int | None = connection.execute(
        select(SCHEMA.c.version).where(SCHEMA.c.name == _ROW)
    ).scalar()
    return found


def _alone(connection: Connection) -> None:
    """Until the transaction ends. SQLite's begins with a lock for writing."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
