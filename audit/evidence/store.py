"""Writes scans into the evidence database, and reads them back."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, create_engine, delete, event, insert, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from audit.evidence import schema
from audit.evidence.errors import EvidenceError
from audit.evidence.tables import COUNTS, MAX_NAME, NAMESPACES, SCANS
from karb_guard.model.audit import TrendPoint
from karb_guard.model.finding import Severity
from karb_guard.rollout.evidence import EXPORT, Counts, ScanEvidence

KEEP = 400
"""Scans of one cluster: more than a year of daily ones."""
MAX_ROWS = 200_000
"""Of one scan's counts; more is refused."""
TREND = 30
TIMEOUT_SECONDS = 10
_OTHERS = ("mysql", "mariadb", "mssql", "oracle")
_IS_LIVE = ~SCANS.c.cluster.startswith(EXPORT, autoescape=True)
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)


class HistoryPoint(NamedTuple):
    """One invariant in one namespace in one scan."""

    at: datetime.datetime
    open: int
    waived: int


class EvidenceStore:
    """One database. Use as a context; safe to use from several threads."""

    def __init__(self, url: str, keep: int = KEEP) -> None:
        """Connect, and make the tables or bring them up to date. Raises ``EvidenceError``.

        ``url``: ``sqlite:///evidence.db`` or ``postgresql://user:password@host/database``.
        ``keep``: scans of one cluster.
        """
        self._url = _parsed(url)
        self._keep = keep
        self._engine = _engine(self._url)
        with self._errors(), self._engine.begin() as connection:
            schema.prepare(connection, self.name)

    def __enter__(self) -> EvidenceStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End all connections."""
        self._engine.dispose()

    @property
    def name(self) -> str:
        """How messages call it: without the password, and without options, which may hold one."""
        return self._url.set(query={}).render_as_string(hide_password=True)

    def record(self, scan: ScanEvidence) -> None:
        """Keep a scan, and forget those beyond the bound. The same scan twice is kept once."""
        if len(scan.counts) > MAX_ROWS:
            raise EvidenceError(f"{self.name}: a scan has {len(scan.counts)} counts > {MAX_ROWS}")
        with self._errors(), self._engine.begin() as connection:
            schema.check(connection, self.name)
            at = _number(scan.at)
            there = select(SCANS.c.id).where(
                SCANS.c.cluster == _stored_name(scan.cluster), SCANS.c.at == at
            )
            if connection.execute(there).first() is not None:
                return
            made = connection.execute(insert(SCANS).values(_scan_row(scan, at)))
            number = made.inserted_primary_key
            assert number is not None  # noqa: S101 - an INSERT of one row has one
            _insert_details(connection, number[0], scan)
            self._forget(connection, _stored_name(scan.cluster))

    def latest(self, cluster: str | None = None) -> ScanEvidence | None:
        """The newest scan; of the one cluster there is where none is named. Never an export's.

        Raises ``EvidenceError`` where several clusters are there and none is named.
        """
        with self._errors(), self._engine.connect() as connection:
            name = self._only(connection) if cluster is None else _stored_name(cluster)
            query = select(SCANS).where(SCANS.c.cluster == name, _IS_LIVE)
            row = connection.execute(query.order_by(SCANS.c.at.desc()).limit(1)).first()
            return None if row is None else _evidence(connection, row)

    def trend(
        self, cluster: str, before: datetime.datetime | None = None, limit: int = TREND
    ) -> Sequence[TrendPoint]:
        """What earlier scans of a cluster counted, oldest first; the newest ``limit`` of them."""
        query = select(SCANS).where(SCANS.c.cluster == _stored_name(cluster))
        if before is not None:
            query = query.where(SCANS.c.at < _number(before))
        query = query.order_by(SCANS.c.at.desc()).limit(limit)
        with self._errors(), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [TrendPoint(_moment(row.at), _severities(row), row.objects) for row in rows[::-1]]

    def history(
        self, cluster: str, namespace: str, invariant: str, limit: int = KEEP
    ) -> Sequence[HistoryPoint]:
        """An invariant's violations in a namespace over time, oldest first.

        Scans that did not look at the namespace or did not ask the invariant are left out.
        """
        counts = (COUNTS.c.namespace == namespace) & (COUNTS.c.invariant == invariant)
        query = (
            select(SCANS.c.at, SCANS.c.invariants, COUNTS.c.open, COUNTS.c.waived)
            .join(NAMESPACES, (NAMESPACES.c.scan == SCANS.c.id))
            .outerjoin(COUNTS, (COUNTS.c.scan == SCANS.c.id) & counts)
            .where(SCANS.c.cluster == _stored_name(cluster), NAMESPACES.c.namespace == namespace)
            .where(NAMESPACES.c.looked_at == 1)
            .order_by(SCANS.c.at.desc())
            .limit(limit)
        )
        with self._errors(), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        asked = [row for row in rows[::-1] if invariant in json.loads(row.invariants)]
        return [HistoryPoint(_moment(r.at), r.open or 0, r.waived or 0) for r in asked]

    def _forget(self, connection: Connection, cluster: str) -> None:
        query = select(SCANS.c.id).where(SCANS.c.cluster == cluster).order_by(SCANS.c.at.desc())
        old = connection.execute(query.offset(self._keep)).scalars().all()
        if old:
            for table in (COUNTS, NAMESPACES):
                connection.execute(delete(table).where(table.c.scan.in_(old)))
            connection.execute(delete(SCANS).where(SCANS.c.id.in_(old)))

    def _only(self, connection: Connection) -> str | None:
        query = select(SCANS.c.cluster).where(_IS_LIVE).distinct().limit(2)
        names = connection.execute(query).scalars().all()
        if len(names) > 1:
            raise EvidenceError(f"{self.name}: it holds several clusters; name one (--cluster)")
        return names[0] if names else None

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """The database's errors as ours: one line, no statement, no parameters."""
        try:
            yield
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            said = " ".join(str(cause).split())[:300]
            raise EvidenceError(f"{self.name}: {said}") from error


def _parsed(url: str) -> URL:
    """Raises ``EvidenceError`` without the URL's text, which may hold a password."""
    try:
        parsed = make_url(url.strip())
    except (ArgumentError, ValueError):
        raise _unreadable() from None  # its text may be a piece of the URL
    if "\0" in url:
        raise _unreadable()
    name = parsed.drivername
    if name in ("postgres", "postgresql", "postgresql+psycopg"):
        # A password with "@" or "/" in it: the rest of it is taken for a host or a database.
        if "@" in f"{parsed.host}{parsed.database}":
            raise _unreadable()
        return parsed.set(drivername="postgresql+psycopg")
    if name not in ("sqlite", "sqlite+pysqlite"):
        # Only a word is repeated that can't be the half of something else.
        said = name if name in _OTHERS else "this URL"
        raise EvidenceError(f"{said}: evidence is kept in sqlite or postgresql, in nothing else")
    if parsed.database in (None, "", ":memory:"):
        raise EvidenceError("the evidence URL names no file: sqlite:///evidence.db does")
    return parsed


def _unreadable() -> EvidenceError:
    return EvidenceError(
        "the evidence URL can't be read; it looks like sqlite:///evidence.db or "
        "postgresql://user:password@host/database, where @ / : ? # % in a name or password are "
        "written as %40 %2F %3A %3F %23 %25"
    )


def _engine(url: URL) -> Engine:
    """Nothing is connected yet. Raises ``EvidenceError`` for options that can't be meant."""
    try:
        return _postgresql(url) if url.drivername.startswith("postgresql") else _sqlite(url)
    except (ArgumentError, ValueError, TypeError):
        raise _unreadable() from None  # its text may be a piece of the URL


def _postgresql(url: URL) -> Engine:
    options = {"connect_timeout": TIMEOUT_SECONDS, "options": "-c statement_timeout=60000"}
    return create_engine(url, pool_pre_ping=True, pool_size=2, connect_args=options)


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": TIMEOUT_SECONDS})

    # pysqlite begins late and would let two processes create the same table: we begin, and at once
    # for writing (docs.sqlalchemy.org, "Serializable isolation / Savepoints / Transactional DDL").
    @event.listens_for(engine, "connect")
    def _manual(connection: Any, record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _stored_name(cluster: str) -> str:
    """A name as the column holds it: of a longer one the beginning and a hash of all of it.

    Paths of exports get long.
    """
    if len(cluster) <= MAX_NAME:
        return cluster
    digest = hashlib.sha256(cluster.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{cluster[: MAX_NAME - 17]}~{digest}"


def _scan_row(scan: ScanEvidence, at: int) -> dict[str, Any]:
    return {
        "cluster": _stored_name(scan.cluster),
        "at": at,
        "objects": scan.objects,
        "errors": scan.severities.get(Severity.ERROR, 0),
        "warnings": scan.severities.get(Severity.WARNING, 0),
        "infos": scan.severities.get(Severity.INFO, 0),
        "invariants": json.dumps(sorted(scan.invariants)),
        "incomplete": json.dumps(dict(scan.incomplete)),
    }


def _insert_details(connection: Connection, number: int, scan: ScanEvidence) -> None:
    names = sorted({*scan.namespaces, *scan.not_evaluated})
    if names:
        connection.execute(
            insert(NAMESPACES),
            [
                {
                    "scan": number,
                    "namespace": name,
                    "looked_at": int(name in scan.namespaces),
                    "not_evaluated": scan.not_evaluated.get(name, 0),
                }
                for name in names
            ],
        )
    if scan.counts:
        connection.execute(
            insert(COUNTS),
            [
                {
                    "scan": number,
                    "namespace": namespace,
                    "invariant": invariant,
                    "open": counts.open,
                    "waived": counts.waived,
                    "unknown": counts.unknown,
                    "ends": json.dumps([day.isoformat() for day in counts.ends]),
                }
                for (namespace, invariant), counts in sorted(scan.counts.items())
            ],
        )


def _evidence(connection: Connection, row: Row[Any]) -> ScanEvidence:
    names = connection.execute(select(NAMESPACES).where(NAMESPACES.c.scan == row.id)).all()
    counts = connection.execute(select(COUNTS).where(COUNTS.c.scan == row.id)).all()
    return ScanEvidence(
        at=_moment(row.at),
        cluster=row.cluster,
        namespaces=frozenset(n.namespace for n in names if n.looked_at),
        counts={(c.namespace, c.invariant): _counts(c) for c in counts},
        not_evaluated={n.namespace: n.not_evaluated for n in names if n.not_evaluated},
        incomplete=json.loads(row.incomplete),
        invariants=frozenset(json.loads(row.invariants)),
        severities={s: n for s, n in _severities(row).items() if n},
        objects=row.objects,
    )


def _counts(row: Row[Any]) -> Counts:
    ends = tuple(datetime.date.fromisoformat(day) for day in json.loads(row.ends))
    return Counts(row.open, row.waived, ends, row.unknown)


def _severities(row: Row[Any]) -> Mapping[Severity, int]:
    return {
        Severity.ERROR: row.errors,
        Severity.WARNING: row.warnings,
        Severity.INFO: row.infos,
    }


def _number(moment: datetime.datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(number: int) -> datetime.datetime:
    return _EPOCH + number * _MICROSECOND
