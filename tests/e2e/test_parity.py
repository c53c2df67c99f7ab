"""One verdict: what the webhook says of a fixture through the API server is what lint says of it.

The webhook sees the object after the API server's own defaulting and its admission plugins, lint
sees it as written; both have to find the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from karb_guard.decisions import callers
from karb_guard.invariants.fixtures import Fixture
from tests.support.api_proxy import Answer, ApiProxy, collection
from tests.support.audit_log import AuditLog
from tests.support.controlplane import Cluster
from tests.support.e2e_cluster import Namespaces, installed, until_judged
from tests.support.judging import catalogue, fixture_id
from tests.support.parity import (
    Json,
    Round,
    built_in_fixtures,
    cluster_objects,
    judged,
    moved,
    rounds,
    tally,
)
from tests.support.webhook_process import WebhookProcess, serving, unique

pytestmark = pytest.mark.e2e

REJECTED = Path(__file__).parent / "data" / "rejected-fixtures.yaml"
ROUNDS = rounds(built_in_fixtures())
CASES = [(fixture, number) for number, r in enumerate(ROUNDS) for fixture in r.fixtures]


COUNTED_TWICE = {"pss-baseline/fail/pod-apparmor-annotation": ("pss-baseline", "pss-baseline x2")}
"""The API server copies AppArmor's old annotation into the field; each breaks the invariant."""


def rejected() -> dict[str, str]:
    """Fixture -> the API server's own reason to refuse it."""
    found: dict[str, str] = yaml.safe_load(REJECTED.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def places(
    cluster: Cluster,
    api: ApiProxy,
    namespaces: Namespaces,
    start_webhook: Callable[..., WebhookProcess],
) -> Iterator[Callable[[int], str]]:
    """A namespace where a webhook of a round's own warns about all invariants, made when needed."""
    made: dict[int, str] = {}
    with ExitStack() as stack:
        for obj in cluster_objects(moved(fixture, "any") for fixture, _ in CASES):
            stack.enter_context(installed(cluster, obj))

        def place(number: int) -> str:
            if number not in made:
                process = stack.enter_context(serving(start_webhook(_config(ROUNDS[number]))))
                where = namespaces.make("warn", process)
                until_judged(api, process, where)
                made[number] = where
            return made[number]

        yield place


@pytest.fixture(scope="module")
def notes_of(
    cluster: Cluster, request: pytest.FixtureRequest
) -> Callable[[Answer], dict[str, str] | None]:
    """The audit annotations of an answer; ``None`` where nobody can read them from here."""
    if not cluster.owned:
        return lambda _: None
    log: AuditLog = request.getfixturevalue("audit_log")
    return lambda answer: log.of_request(answer.audit_id)


def _config(one: Round) -> dict[str, object]:
    stages = [{"match": "karb-e2e-*-warn", "default": "warn"}]
    params = {name: dict(values) for name, values in one.params.items()}
    on_request = sorted(invariant.name for invariant in catalogue() if invariant.opt_in)
    return {"params": params, "stages": {"namespaces": stages}, "extendSelect": on_request}


def service_account(name: str) -> Json:
    """A Pod is refused where its ServiceAccount does not exist."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}


def ask(api: ApiProxy, obj: Json, where: str) -> Answer:
    """Have the API server judge ``obj`` without keeping it.

    Debug containers can't be created with their pod: they are added to it, as kubectl does.
    """
    if obj["kind"] == "Pod" and (account := obj["spec"].get("serviceAccountName")):
        api.request("POST", f"/api/v1/namespaces/{where}/serviceaccounts", service_account(account))
    debuggers = obj["spec"].pop("ephemeralContainers", None) if obj["kind"] == "Pod" else None
    if debuggers is None:
        return api.create(obj, where, dry_run=True)
    obj["metadata"]["name"] = unique("debugged")
    made = api.create(obj, where)
    if made.status != 201:
        return made
    path = f"{collection(obj, where)}/{obj['metadata']['name']}/ephemeralcontainers"
    patch = {"spec": {"ephemeralContainers": debuggers}}
    content_type = "application/strategic-merge-patch+json"
    answer = api.request("PATCH", path, patch, content_type=content_type, dryRun="All")
    obj["spec"]["ephemeralContainers"] = debuggers
    return replace(answer, status=201) if answer.status == 200 else answer


@pytest.mark.parametrize(
    ("fixture", "number"), CASES, ids=[fixture_id(fixture) for fixture, _ in CASES]
)
def test_the_webhook_finds_in_a_fixture_what_lint_finds(
    api: ApiProxy,
    notes_of: Callable[[Answer], dict[str, str] | None],
    places: Callable[[int], str],
    fixture: Fixture,
    number: int,
) -> None:
    where = places(number)
    obj = moved(fixture, where)
    answer = ask(api, obj, where)
    reason = rejected().get(fixture_id(fixture))
    if reason is not None:
        assert answer.status in (400, 422), "listed as rejected, but is not"
        assert reason in answer.message
        return
    assert answer.status == 201, f"{answer.message}\nlist it in {REJECTED.name} with this reason"
    # A person who sends a Pod is not believed that a DaemonSet or a kubelet made it.
    claimed = dict(callers.without_claims(obj))
    found, undecided = judged(claimed, ROUNDS[number].params)
    said = {w.split()[0] for w in answer.warnings if w.startswith("KARB-")}
    assert said == {finding.invariant_id for finding in found}
    notes = notes_of(answer)
    if notes is not None:
        expected = tally(found).replace(*COUNTED_TWICE.get(fixture_id(fixture), ("", "")))
        said_undecided = notes.get("undecided", "").split("; ") if undecided else []
        assert {entry.partition(":")[0] for entry in said_undecided} == undecided
        assert notes.get("findings", "") == (f"warn: {expected}" if found else "")


def test_every_rejected_fixture_is_still_there() -> None:
    assert set(rejected()) <= {fixture_id(fixture) for fixture, _ in CASES}


def test_most_fixtures_are_compared() -> None:
    assert len(rejected()) < len(CASES) / 10
