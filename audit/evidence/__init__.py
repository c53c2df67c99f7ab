"""The history of scans in a database: SQLite by default, PostgreSQL by URL. Extra ``evidence``."""
