"""One verdict on objects that nobody wrote: lint, the webhook behind an API server, and evaluation.

Lint sees an object as it was made up, the webhook as the API server completed it, and the
evaluation the API server's own answer to the dry run. ``PARITY_SEED`` and ``PARITY_OBJECTS``
choose others and more.
"""

from __future__ import annotations

import datetime
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from karb_guard.lint.runner import LintOptions, lint
from karb_guard.manifests import Source
from tests.support.api_proxy import ApiProxy
from tests.support.audit_log import AuditLog
from tests.support.e2e_cluster import Namespaces, until_judged
from tests.support.judging import catalogue, evaluator_for
from tests.support.parity import judged, tally
from tests.support.random_objects import generated
from tests.support.webhook_process import WebhookProcess, serving

pytestmark = [pytest.mark.e2e, pytest.mark.drill]

COUNT = int(os.environ.get("PARITY_OBJECTS", "1000"))
SEED = int(os.environ.get("PARITY_SEED", "5"))
SPARE = 1.7
"""So many more are made up: an API server refuses some."""
APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
"""The API server copies this annotation into a field, where it breaks the invariant once more."""

Json = dict[str, Any]


@pytest.fixture(scope="module")
def where(
    api: ApiProxy, namespaces: Namespaces, start_webhook: Callable[..., WebhookProcess]
) -> Iterator[str]:
    on_request = sorted(invariant.name for invariant in catalogue() if invariant.opt_in)
    stages = {"namespaces": [{"match": "karb-e2e-*-warn", "default": "warn"}]}
    with serving(start_webhook({"stages": stages, "extendSelect": on_request})) as process:
        where = namespaces.make("warn", process)
        until_judged(api, process, where)
        yield where


def by_lint(obj: Json) -> str:
    sources = [Source("made-up.yaml", json.dumps(obj).encode())]
    options = LintOptions(today=datetime.datetime.now(datetime.UTC).date())
    report = lint(sources, evaluator_for({}), catalogue(), options)
    return tally(found.finding for found in report.open_findings)


def by_webhook(log: AuditLog, audit_id: str) -> str:
    findings = log.of_request(audit_id).get("findings", "")
    return findings.removeprefix("warn: ")


def comparable(obj: Json, findings: str) -> str:
    if APPARMOR not in json.dumps(obj):
        return findings
    return ", ".join(word.partition(" x")[0] for word in findings.split(", "))


def test_a_thousand_random_objects_get_one_verdict(
    api: ApiProxy, audit_log: AuditLog, where: str
) -> None:
    print(f"PARITY_SEED={SEED}")
    compared, refused = Counter[str](), Counter[str]()
    with_findings = 0
    for made in generated(int(COUNT * SPARE), SEED):
        if compared.total() == COUNT:
            break
        obj = {**made, "metadata": {**made["metadata"], "namespace": where}}
        obj.get("spec", {}).pop("ephemeralContainers", None)  # only by a subresource
        answer = api.create(obj, where, dry_run=True)
        if answer.status != 201:
            refused[f"{obj['kind']} {answer.status}"] += 1
            assert answer.status in (400, 422), answer.message
            continue
        found, _ = judged(answer.body, {})
        verdicts = {
            "lint": by_lint(obj),
            "webhook": by_webhook(audit_log, answer.audit_id),
            "evaluation": tally(found),
        }
        same = {comparable(obj, verdict) for verdict in verdicts.values()}
        assert len(same) == 1, f"{verdicts} for {json.dumps(obj)}"
        compared[obj["kind"]] += 1
        with_findings += same != {""}
    print(f"compared {dict(compared)}, {with_findings} with findings; refused {dict(refused)}")
    assert compared.total() == COUNT, f"the API server refused too many: {refused}"
    assert len(compared) == 8
    assert with_findings > COUNT / 2
