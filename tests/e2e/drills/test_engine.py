"""OPA as the engine: what a sidecar's death costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.drilling import Drill, held_in_every_drill
from tests.support.e2e_cluster import SESSION_CONFIG
from tests.support.fleet import Fleet
from tests.support.opa_sidecar import OpaSidecar

pytestmark = pytest.mark.e2e

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


def test_opa_is_killed(
    deploy: Callable[..., Any],
    drill: Callable[[str, Fleet], Drill],
    sidecars: list[OpaSidecar],
    tmp_path: Path,
) -> None:
    with deploy(replicas=0) as fleet:
        for number, sidecar in enumerate(sidecars):
            file = tmp_path / f"karb-guard-{number}.yaml"
            engine = {"type": "opa", "opa": {"url": sidecar.url}}
            file.write_text(yaml.safe_dump({**SESSION_CONFIG, "engine": engine}), encoding="utf-8")
            fleet.wait_ready(fleet.start(f"--config={file}"))
        fleet.wait_registered()
        this = drill("OPA killed", fleet)
        with this.load() as load:
            event = time.monotonic()
            sidecars[0].kill()
            time.sleep(AWAY_SECONDS)
            sidecars[0].start()
            back = time.monotonic()
            result = this.finish(load, event)
        held_in_every_drill(result)
        assert result.failed_after(back, 1.0) == [], result.reasons()
        assert result.failed, "OPA was never missed"
