"""A thousand objects from one seed: Pods, what makes them, autoscalers, network policies."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.support import pss_strategies
from tests.support.api_objects import (
    AUTOSCALERS,
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    NETWORK_POLICIES,
    PODS,
    STATEFUL_SETS,
)

Json = dict[str, Any]
CONTROLLERS = (DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, JOBS, CRON_JOBS)
OTHERS = (AUTOSCALERS, NETWORK_POLICIES)
OBJECTS = st.one_of(PODS, PODS, pss_strategies.pods(), *CONTROLLERS, *OTHERS)


def generated(count: int, number: int) -> list[Json]:
    """``count`` different objects; the same for the same ``number`` and the same loaded modules.

    (Hypothesis draws constants from the modules that are loaded.)
    """
    found: dict[str, Json] = {}

    def keep(obj: Json) -> None:
        found.setdefault(json.dumps(obj, sort_keys=True), obj)

    rounds = 0
    while len(found) < count:
        test = settings(
            max_examples=500,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(given(OBJECTS)(keep))
        seed(number + rounds)(test)()
        rounds += 1
        if rounds > 4 * count:
            raise AssertionError(f"only {len(found)} different objects")
    return list(found.values())[:count]
