"""OPA as the engine: what a sidecar's death costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.drilling import Drill, held_gracefully, held_in_every_drill
from tests.support.e2e_cluster import SESSION_CONFIG
from tests.support.fleet import Fleet
from tests.support.load import Result
from tests.support.opa_sidecar import OpaSidecar

pytestmark = [pytest.mark.e2e, pytest.mark.drill]

BACK_SECONDS = 3.0
"""Until a server that is back has been asked, and the replica is in rotation again."""
AWAY_SECONDS = 2.0
"""As long as a kubelet takes to start a container again."""


@pytest.fixture
def sidecars(tmp_path: Path) -> Iterator[list[OpaSidecar]]:
    made = [OpaSidecar(tmp_path / f"opa-{number}.log") for number in range(2)]
    try:
        for sidecar in made:
            sidecar.start()
        yield made
    finally:
        for sidecar in made:
            sidecar.kill()


@pytest.fixture
def killed(
    deploy: Callable[..., Any],
    drill: Callable[[str, Fleet], Drill],
    sidecars: list[OpaSidecar],
    tmp_path: Path,
) -> Callable[[str], tuple[Result, float]]:
    """``killed(when_away)``: kill one of two sidecars under load, and start it again."""

    def run(when_away: str) -> tuple[Result, float]:
        with deploy(replicas=0) as fleet:
            for number, sidecar in enumerate(sidecars):
                file = tmp_path / f"karb-guard-{number}.yaml"
                opa = {"url": sidecar.url, "whenAway": when_away}
                config = {**SESSION_CONFIG, "engine": {"type": "opa", "opa": opa}}
                file.write_text(yaml.safe_dump(config), encoding="utf-8")
                fleet.wait_ready(fleet.start(f"--config={file}"))
            fleet.wait_registered()
            this = drill(f"OPA killed, {when_away}", fleet)
            with this.load() as load:
                event = time.monotonic()
                sidecars[0].kill()
                time.sleep(AWAY_SECONDS)
                sidecars[0].start()
                return this.finish(load, event), event

    return run


def test_opa_is_killed_and_nothing_stands_in(
    killed: Callable[[str], tuple[Result, float]],
) -> None:
    """Its replica denies without a verdict until OPA is back, and lets nothing in."""
    result, event = killed("not-evaluated")
    held_in_every_drill(result)
    assert result.failed_after(event, AWAY_SECONDS + BACK_SECONDS) == [], result.reasons()


def test_opa_is_killed_and_the_embedded_engine_stands_in(
    killed: Callable[[str], tuple[Result, float]],
) -> None:
    """What the chart sets: nobody notices."""
    result, _ = killed("embedded")
    held_gracefully(result)
