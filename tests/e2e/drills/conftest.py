"""Fleets of webhooks on a control plane that drills may harm, and the table that they fill."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.table import markdown
from tests.support.api_proxy import ApiProxy, proxied
from tests.support.controlplane import Cluster, ControlPlane
from tests.support.drilling import ROWS, TIMES, Drill
from tests.support.e2e_cluster import SESSION_CONFIG, Namespaces
from tests.support.fleet import Fleet, deployed
from tests.support.load import HEAD


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the drills measured."""
    if ROWS:
        terminalreporter.write_line("\n" + markdown(HEAD, ROWS))
    if TIMES:
        terminalreporter.write_line("\n" + markdown(("the cluster came back from", "s"), TIMES))


@pytest.fixture(scope="session")
def controlled() -> Iterator[tuple[ControlPlane, Cluster]]:
    """A control plane of the drills' own: they stop and start its API server."""
    if "KUBECONFIG_UNDER_TEST" in os.environ:
        pytest.skip("drills stop the API server; they don't do that to somebody else's")
    with tempfile.TemporaryDirectory(prefix="karb-guard-drill-") as directory:
        plane = ControlPlane(Path(directory))
        try:
            yield plane, plane.start()
        finally:
            plane.stop()


@pytest.fixture(scope="session")
def plane(controlled: tuple[ControlPlane, Cluster]) -> ControlPlane:
    """Its processes."""
    return controlled[0]


@pytest.fixture(scope="session")
def cluster(controlled: tuple[ControlPlane, Cluster]) -> Cluster:
    """The cluster that it is."""
    return controlled[1]


@pytest.fixture(scope="session")
def api(cluster: Cluster) -> Iterator[ApiProxy]:
    """Raw answers of this API server, not of the one that the other tests share."""
    with proxied(cluster) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def namespaces(cluster: Cluster) -> Namespaces:
    """Makes namespaces in this cluster; they end with it."""
    return Namespaces(cluster)


@pytest.fixture
def deploy(cluster: Cluster, tmp_path: Path) -> Callable[..., AbstractContextManager[Fleet]]:
    """``with deploy() as fleet``: two replicas that enforce the session's configuration."""

    def make(config: dict[str, Any] | None = None, **changes: Any) -> AbstractContextManager[Fleet]:
        return deployed(cluster, tmp_path, config or SESSION_CONFIG, **changes)

    return make


@pytest.fixture
def drill(api: ApiProxy, namespaces: Namespaces) -> Callable[[str, Fleet], Drill]:
    """``drill("kill -9", fleet)``: the fleet in force."""
    return lambda name, fleet: Drill(name, fleet, api, namespaces)
