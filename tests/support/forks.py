"""Marks of tests that fork, as a scan does (``audit.workers``)."""

from __future__ import annotations

import sys

import pytest

needs_forks = pytest.mark.skipif(
    sys.platform != "linux",
    reason="a scan forks on Linux alone: on macOS the system's libraries break in a fork",
)
beside_threads = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
"""Python 3.12 and newer warn; the thread of pytest-xdist's processes holds no lock of ours."""
