"""One drill: a fleet in force, namespaces that it judges, a load on them, and what came of it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support import load as loads
from tests.support.api_proxy import ApiProxy
from tests.support.balancer import until
from tests.support.e2e_cluster import Namespaces, denied
from tests.support.fleet import Fleet
from tests.support.load import Load, Result

RATE = float(os.environ.get("DRILL_RATE", "40"))
"""Creates a second."""
SECONDS = float(os.environ.get("DRILL_SECONDS", "3"))
"""How long the load runs before the event, and well after it."""
EFFECTIVE_SECONDS = 20.0
WELL_AGAIN_SECONDS = 60.0
GRACE_SECONDS = 1.2
"""A second until a dead replica leaves the rotation, and the balancer's own look at it."""

ROWS: list[tuple[object, ...]] = []
"""Lines of the table that a run prints at its end."""
TIMES: list[tuple[str, str]] = []
"""What the cluster came back from, and in how many seconds."""


class Drill:
    """Made once the fleet is in force in two namespaces where everything is enforced."""

    def __init__(self, name: str, fleet: Fleet, api: ApiProxy, namespaces: Namespaces) -> None:
        self.name = name
        self.fleet = fleet
        self.api = api
        self.where = [namespaces.make("enforce", fleet) for _ in range(2)]
        self.in_force()

    def in_force(self) -> float:
        """Wait until bad objects are denied by name; how long it took."""
        return until(self.denies, EFFECTIVE_SECONDS, "a bad Deployment is denied")

    def denies(self) -> bool:
        """Whether the API server asks the webhook and takes its word."""
        return all("KARB-RES-002" in (denied(self.api, where) or "") for where in self.where)

    @contextmanager
    def load(self) -> Iterator[Load]:
        """A load that runs for a while before it is handed out."""
        with loads.running(self.fleet.cluster, self.where, RATE) as load:
            until(lambda: load.sent > RATE * SECONDS, 5 * SECONDS + 10, "the load runs")
            yield load

    def finish(self, load: Load, event: float) -> Result:
        """Let the load run until it goes well again, stop it, and add a line to the table."""
        since, needed = time.monotonic(), 0.6 * RATE * SECONDS
        try:
            until(lambda: load.right_since(since) > needed, WELL_AGAIN_SECONDS, "all is well again")
        finally:
            result = load.stop()
            ROWS.append(loads.row(self.name, result, event))
        return result

    def recovered(self, what: str, seconds: float) -> None:
        """Add a line to the table of recoveries."""
        TIMES.append((what, f"{seconds:.1f}"))


def held_in_every_drill(result: Result) -> None:
    """Nothing bad got in, and the load was what it says."""
    assert result.wrongly_admitted == 0, result.reasons()
    assert result.requests, "there was no load"
    assert result.unsettled == [], f"retries did not help:\n{result.reasons()}"


def held_gracefully(result: Result) -> None:
    """Nobody noticed."""
    held_in_every_drill(result)
    assert result.failed == [], result.reasons()
    assert result.unanswered == 0, result.reasons()


def held_abruptly(result: Result, event: float) -> None:
    """Failures are those in flight and those refused within a second; retries mend all."""
    held_in_every_drill(result)
    assert result.failed_after(event, GRACE_SECONDS) == [], result.reasons()
    early = [one for one in result.failed if one.ended < event]
    assert early == [], f"failed before the event: {early[:3]}"
