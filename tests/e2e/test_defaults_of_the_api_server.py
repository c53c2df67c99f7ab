"""The defaults that policies read are those of the API server, asked by dry run."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings

from karb_guard.defaulting import apply
from tests.support import api_objects
from tests.support.api_proxy import ApiProxy
from tests.support.e2e_cluster import Namespaces
from tests.support.stored import differences, unset_here

pytestmark = pytest.mark.e2e

KINDS = {
    "pods": (api_objects.PODS, 150),
    "deployments": (api_objects.DEPLOYMENTS, 60),
    "stateful sets": (api_objects.STATEFUL_SETS, 40),
    "daemon sets": (api_objects.DAEMON_SETS, 20),
    "jobs": (api_objects.JOBS, 40),
    "cron jobs": (api_objects.CRON_JOBS, 20),
    "autoscalers": (api_objects.AUTOSCALERS, 60),
    "network policies": (api_objects.NETWORK_POLICIES, 60),
}
"""What is drawn, and how often."""

Json = dict[str, Any]


@pytest.fixture(scope="module")
def where(cluster: Any, namespaces: Namespaces) -> str:
    """A namespace without a webhook."""
    return namespaces.bare()


NOT_DEFAULTS = re.compile(
    r"status|metadata\..*"  # bookkeeping
    r"|spec\.(serviceAccountName|serviceAccount|tolerations|priority|preemptionPolicy)"  # plugins
    r"|(spec\.jobTemplate\.)?spec\.selector"  # generated
    r"|spec\.volumeClaimTemplates\[\]\.(apiVersion|kind)"  # conversion
    r"|spec\.template\.metadata\.(creationTimestamp|labels.*)"
)
"""What the API server adds that no static default gives: plugins, generated names, status."""


@pytest.mark.parametrize("kind", KINDS)
def test_the_defaulted_view_is_what_the_api_server_stores(
    api: ApiProxy, where: str, kind: str
) -> None:
    strategy, examples = KINDS[kind]

    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(strategy)
    def check(obj: Json) -> None:
        answer = api.create(obj, where, dry_run=True)
        if answer.status != 201:
            event(f"refused: {answer.message[:120]}")
            raise AssertionError(answer.message)
        ours = apply(obj)
        wrong = list(differences(ours, answer.body, obj))
        extra = {p for p in unset_here(answer.body, ours) if not NOT_DEFAULTS.fullmatch(p)}
        assert (wrong, extra) == ([], set())

    check()
