"""The defaults that policies read are those of the API server, asked by dry run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings

from karb_guard.defaulting import apply
from karb_guard.model.finding import Path
from karb_guard.model.path import format_path
from karb_guard.values.quantity import Quantity, parse_quantity
from tests.support import api_objects
from tests.support.api_proxy import ApiProxy
from tests.support.e2e_cluster import Namespaces

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


def equal(ours: Any, theirs: Any) -> bool:
    """Quantities may be written in another form, which the API server does."""
    if ours == theirs and type(ours) is type(theirs):
        return True
    if not isinstance(ours, str) or not isinstance(theirs, str):
        return False
    amounts = parse_quantity(ours), parse_quantity(theirs)
    return isinstance(amounts[0], Quantity) and amounts[0] == amounts[1]


def differences(ours: Any, theirs: Any, given: Any, path: Path = ()) -> Iterator[str]:
    """Where ``theirs`` doesn't hold what ``ours`` says. ``given`` is the object as written."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        written = given if isinstance(given, dict) else {}
        for key, value in ours.items():
            here = (*path, key)
            if key in theirs:
                yield from differences(value, theirs[key], written.get(key), here)
            elif value or key not in written:  # a zero that was written may be left out in Go
                yield f"{format_path(here)}: {value!r} here, unset there"
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        same = isinstance(given, list) and len(given) == len(ours)
        written = given if same else [None] * len(ours)
        for index, elements in enumerate(zip(ours, theirs, written, strict=True)):
            yield from differences(*elements, (*path, index))
    elif not equal(ours, theirs):
        yield f"{format_path(path)}: {ours!r} here, {theirs!r} there"


def unset_here(theirs: Any, ours: Any, path: Path = ()) -> Iterator[str]:
    """Fields that the API server fills in and ours lacks, with ``[]`` for indexes."""
    if isinstance(theirs, dict):
        for key, value in theirs.items():
            if value == {}:
                continue  # Go's structs are never absent; an empty one says nothing
            if not isinstance(ours, dict) or key not in ours:
                yield re.sub(r"\[\d+\]", "[]", format_path((*path, key)))
            else:
                yield from unset_here(value, ours[key], (*path, key))
    elif isinstance(theirs, list) and isinstance(ours, list):
        for index, (other, mine) in enumerate(zip(theirs, ours, strict=False)):
            yield from unset_here(other, mine, (*path, index))


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
