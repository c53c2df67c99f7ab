"""The evidence database, the same on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import contextlib
import datetime
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, func, inspect, select, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from audit.evidence import schema
from audit.evidence import store as evidence_store
from audit.evidence.errors import EvidenceError
from audit.evidence.source import StoredScans
from audit.evidence.store import EvidenceStore, HistoryPoint
from audit.evidence.tables import COUNTS, NAMESPACES, SCANS, VERSION
from karb_guard.model.audit import TrendPoint
from karb_guard.model.finding import Severity
from karb_guard.rollout.evidence import EXPORT, Counts, ScanEvidence
from tests.support.postgres import binaries, postgres

AT = datetime.datetime(2026, 3, 2, 8, 0, 0, 123456, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def scan(day: int = 0, opened: int = 1, cluster: str = "prod") -> ScanEvidence:
    ends = (datetime.date(2026, 4, 1), datetime.date(2026, 5, 1))
    return ScanEvidence(
        at=AT + day * DAY,
        cluster=cluster,
        namespaces=frozenset({"a", "b"}),
        counts={
            ("a", "res-mem"): Counts(opened, 2, ends, 3),
            ("", "rbac-wildcard"): Counts(open=1),
        },
        not_evaluated={"b": 1, "": 2},
        incomplete={"gpu-pin": "nodes: forbidden"},
        invariants=frozenset({"res-mem", "gpu-pin"}),
        severities={Severity.INFO: 4, **({Severity.ERROR: opened} if opened else {})},
        objects=17,
    )


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    directory = binaries()
    if directory is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql, or pip install pgserver")
    with postgres(directory) as url:
        yield url


def _driver(url: str) -> str:
    return url.replace("postgresql:", "postgresql+psycopg:")


@contextlib.contextmanager
def create(url: str) -> Iterator[Engine]:
    """An engine as a process of its own would have it."""
    engine = evidence_store._engine(evidence_store._parsed(url))
    try:
        yield engine
    finally:
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/evidence.db"
    server: str = request.getfixturevalue("server")
    name = f"test_{abs(hash(request.node.name)) % 10**9}"
    engine = create_engine(_driver(server), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.rsplit("/", 1)[0] + f"/{name}"


def test_what_is_recorded_is_read_back_whole(url: str) -> None:
    with EvidenceStore(url) as store:
        assert store.latest() is None
        store.record(scan())
        store.record(scan())
        store.record(scan(1, opened=0))
        assert store.latest("prod") == scan(1, opened=0)
    with EvidenceStore(url) as again:
        assert again.latest() == scan(1, opened=0)
        assert len(again.trend("prod")) == 2


def test_the_trend_is_oldest_first_and_without_what_comes_after(url: str) -> None:
    with EvidenceStore(url) as store:
        for day in (2, 0, 1):
            store.record(scan(day, opened=day))
        points = store.trend("prod", before=AT + 2 * DAY)
        assert points == [
            TrendPoint(
                AT + day * DAY,
                {Severity.ERROR: day, Severity.WARNING: 0, Severity.INFO: 4},
                17,
            )
            for day in (0, 1)
        ]
        assert [p.at for p in store.trend("prod", limit=1)] == [AT + 2 * DAY]
        assert store.trend("elsewhere") == []


def test_the_history_tells_no_violation_from_not_looked(url: str) -> None:
    with EvidenceStore(url) as store:
        store.record(scan(0, opened=3))
        store.record(scan(1, opened=0))
        assert store.history("prod", "a", "res-mem") == [
            HistoryPoint(AT, 3, 2),
            HistoryPoint(AT + DAY, 0, 2),
        ]
        assert store.history("prod", "b", "res-mem")[0] == HistoryPoint(AT, 0, 0)
        assert store.history("prod", "nowhere", "res-mem") == []
        assert store.history("prod", "a", "img-tag") == []


def test_scans_beyond_the_bound_are_forgotten_with_all_their_rows(url: str) -> None:
    with EvidenceStore(url, keep=3) as store:
        for day in range(6):
            store.record(scan(day))
        store.record(scan(0, cluster="other"))
        assert [p.at for p in store.trend("prod")] == [AT + day * DAY for day in (3, 4, 5)]
        assert len(store.trend("other")) == 1
        with store._engine.connect() as connection:
            rows = [
                connection.execute(select(func.count()).select_from(table)).scalar()
                for table in (SCANS, NAMESPACES, COUNTS)
            ]
    assert rows == [4, 12, 8]


def test_of_several_clusters_one_has_to_be_named(url: str) -> None:
    with EvidenceStore(url) as store:
        store.record(scan())
        store.record(scan(cluster="other"))
        with pytest.raises(EvidenceError, match="several clusters"):
            store.latest()
        found = StoredScans(store, "other").latest()
        assert found is not None
        assert found.cluster == "other"
        assert StoredScans(store).latest() is None


def test_an_export_has_a_trend_and_is_no_evidence(url: str) -> None:
    name = EXPORT + "p.json"
    with EvidenceStore(url) as store:
        store.record(scan(5, cluster=name))
        assert store.latest() is None
        assert store.latest(name) is None
        store.record(scan(1))
        assert StoredScans(store).latest() == scan(1)
        assert [point.at for point in store.trend(name)] == [AT + 5 * DAY]


def test_clusters_with_long_names_are_told_apart_and_found_again(url: str) -> None:
    one, other = "ä" * 300 + "1", "ä" * 300 + "2"
    with EvidenceStore(url, keep=2) as store:
        for day in range(3):
            store.record(scan(day, cluster=one))
        store.record(scan(2, cluster=one))
        store.record(scan(9, cluster=other))
        assert [point.at for point in store.trend(one)] == [AT + DAY, AT + 2 * DAY]
        found = StoredScans(store, one).latest()
        assert found is not None
        assert found.at == AT + 2 * DAY
        assert len(store.history(one, "a", "res-mem")) == 2


def test_newer_tables_are_refused_and_left_alone(url: str) -> None:
    with EvidenceStore(url) as store:
        store.record(scan())
        with store._engine.begin() as connection:
            connection.execute(text("UPDATE karb_schema SET version = 99"))
            connection.execute(text("DROP TABLE karb_scan_counts"))
        with pytest.raises(EvidenceError, match="upgraded them"):
            store.record(scan(1))
    with pytest.raises(EvidenceError, match="have version 99, this karb-guard knows them up to 1"):
        EvidenceStore(url)
    with pytest.raises(EvidenceError, match="version 99"):
        EvidenceStore(url)
    with create_engine(_driver(url)).connect() as connection:
        tables = inspect(connection).get_table_names()
    assert "karb_scan_counts" not in tables


def test_every_version_has_its_step() -> None:
    assert sorted(schema.STEPS) == list(range(2, VERSION + 1))


def _note(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE karb_scans ADD COLUMN note TEXT"))
    connection.execute(text("UPDATE karb_scans SET note = cluster"))


def _rename(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE karb_scans RENAME COLUMN note TO remark"))


def _fail(connection: Connection) -> None:
    _rename(connection)
    connection.execute(text("SELECT nothing FROM nowhere"))


def _state(store: EvidenceStore) -> tuple[int, list[str]]:
    """The version, and the columns of the scans that came by steps."""
    with store._engine.connect() as connection:
        version = connection.execute(text("SELECT version FROM karb_schema")).scalar()
        columns = [column["name"] for column in inspect(connection).get_columns("karb_scans")]
    assert version is not None
    return version, [name for name in columns if name not in SCANS.c]


def test_older_tables_are_brought_up_step_by_step_with_what_they_hold(url: str) -> None:
    with EvidenceStore(url) as store:
        store.record(scan())
        with store._engine.begin() as connection:
            assert schema.prepare(connection, "db", 3, {2: _note, 3: _rename}) == 1
        assert _state(store) == (3, ["remark"])
        with store._engine.connect() as connection:
            held = connection.execute(text("SELECT cluster, remark FROM karb_scans")).all()
        assert held == [("prod", "prod")]
        with store._engine.begin() as connection:
            assert schema.prepare(connection, "db", 3, {}) == 3, "nothing is left to do"


def test_a_step_that_fails_leaves_the_old_version_whole(url: str) -> None:
    with EvidenceStore(url) as store:
        store.record(scan())
        with (
            pytest.raises((OperationalError, ProgrammingError)),
            store._engine.begin() as connection,
        ):
            schema.prepare(connection, "db", 3, {2: _note, 3: _fail})
        assert _state(store) == (1, [])
        store.record(scan(1))
        assert store.latest() == scan(1)


def test_of_several_processes_one_takes_each_step(url: str) -> None:
    taken: list[int] = []
    problems: list[BaseException] = []

    def step(connection: Connection) -> None:
        taken.append(2)
        _note(connection)

    def upgrade() -> None:
        try:
            with create(url) as engine, engine.begin() as connection:
                schema.prepare(connection, "db", 2, {2: step})
        except Exception as error:  # noqa: BLE001 - whatever it is, the test says it
            problems.append(error)

    EvidenceStore(url).close()
    threads = [threading.Thread(target=upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (problems, taken) == ([], [2])


def test_several_processes_may_begin_at_once(url: str) -> None:
    problems: list[BaseException] = []

    def begin(day: int) -> None:
        try:
            with EvidenceStore(url) as store:
                store.record(scan(day))
        except EvidenceError as error:
            problems.append(error)

    threads = [threading.Thread(target=begin, args=(day,)) for day in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with EvidenceStore(url) as store:
        assert len(store.trend("prod")) == 6


def test_a_database_that_is_away_is_named_without_its_password() -> None:
    with pytest.raises(EvidenceError) as raised:
        EvidenceStore("postgresql://karb:hunter2@127.0.0.1:1/evidence")
    assert "karb:***@127.0.0.1:1/evidence" in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "hunter2",
        "hunter2://db/x",
        "mysql://karb:hunter2@db/x",
        "",
        "postgresql://karb:half@hunter2:more@127.0.0.1:1/evidence",
        "postgresql://karb:half@hunter2@127.0.0.1:1/evidence",
        "postgresql://karb/half:hunter2@127.0.0.1:1/evidence",
        "postgresql://karb:hunter2@127.0.0.1:notaport/evidence",
        "postgresql://karb@127.0.0.1:1/evidence?password=hunter2",
        "postgresql://karb:hunter2@127.0.0.1:99999/evidence",
        "postgresql://karb:hunter2@127.0.0.1:1/evidence?connect_timeout=soon",
        "postgresql://karb:hunter2@127.0.0.1:1/evi\0dence",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///hunter2.db?timeout=abc",
        "sqlite://hunter2/x.db",
        "sqlite:///no-such-folder/\0.db",
    ],
)
def test_another_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(EvidenceError) as raised:
        EvidenceStore(url)
    assert "hunter2" not in str(raised.value)


def test_a_database_that_goes_away_is_no_evidence(server: str) -> None:
    with EvidenceStore(server) as store:
        source = StoredScans(store)
        with store._engine.begin() as connection:
            connection.execute(text("DROP TABLE karb_scans CASCADE"))
        assert source.latest() is None
