"""Tables of the evidence database. A change here is a new version and a step to it (schema.py).

Moments are microseconds since the epoch, so that every database keeps them alike.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

VERSION = 1
MAX_NAME = 253
"""Characters of a cluster's name."""
METADATA = MetaData()

SCHEMA = Table(
    "karb_schema",
    METADATA,
    Column("name", String(40), primary_key=True),
    Column("version", Integer, nullable=False),
)

SCANS = Table(
    "karb_scans",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("cluster", String(MAX_NAME), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("objects", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("warnings", Integer, nullable=False),
    Column("infos", Integer, nullable=False),
    Column("invariants", Text, nullable=False),  # JSON: short names that were asked
    Column("incomplete", Text, nullable=False),  # JSON: invariant or "" -> what was not read
    Index("karb_scans_by_time", "cluster", "at"),
)

NAMESPACES = Table(
    "karb_scan_namespaces",
    METADATA,
    Column("scan", ForeignKey("karb_scans.id", ondelete="CASCADE"), primary_key=True),
    Column("namespace", String(63), primary_key=True),
    Column("looked_at", Integer, nullable=False),
    Column("not_evaluated", Integer, nullable=False),
)

COUNTS = Table(
    "karb_scan_counts",
    METADATA,
    Column("scan", ForeignKey("karb_scans.id", ondelete="CASCADE"), primary_key=True),
    Column("namespace", String(63), primary_key=True),
    Column("invariant", String(100), primary_key=True),
    Column("open", Integer, nullable=False),
    Column("waived", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("ends", Text, nullable=False),  # JSON: last days of the waivers
)
