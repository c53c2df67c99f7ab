"""Adding an invariant is adding a folder: the webhook enforces it like those it came with."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api_proxy import ApiProxy
from tests.support.audit_log import AuditLog
from tests.support.controlplane import REPOSITORY
from tests.support.e2e_cluster import (
    SESSION_CONFIG,
    Namespaces,
    container,
    pod,
)
from tests.support.webhook_process import Judging, WebhookProcess, karb_guard

pytestmark = pytest.mark.e2e

COST_CENTRE = """# METADATA
# title: A namespace has no cost centre
# description: Somebody pays for the pods.
# related_resources:
# - ref: https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
# custom:
#   id: KARB-TEAM-002
#   severity: error
#   since: 0.1.0
#   match: [pods]
#   context: [namespace]
#   checks:
#     missing: 'namespace {namespace} has no label cost-centre'
#   remediation: Label the namespace.
package karb.team.cost_centre

violations contains v if {
	namespace := input.context.namespace
	not namespace.labels["cost-centre"]
	v := {
		"check": "missing",
		"path": ["metadata", "namespace"],
		"detail": {"namespace": namespace.name},
	}
}

violations contains v if {
	not input.context.namespace
	v := {
		"check": "missing",
		"path": ["metadata", "namespace"],
		"detail": {},
		"unknown": "the namespace is not known here",
	}
}
"""
COST_CENTRE_TEST = """package karb.team.cost_centre_test

import data.karb.team.cost_centre

test_a_namespace_without_the_label_is_found if {
	document := {"context": {"namespace": {"name": "ml", "labels": {}}}}
	count(cost_centre.violations) == 1 with input as document
}
"""
POD = """apiVersion: v1
kind: Pod
metadata: {name: llm, namespace: ml}
spec: {containers: [{name: server, image: "registry.example.com/ml/server:1.0.0"}]}
"""
NAMESPACE = """apiVersion: v1
kind: Namespace
metadata: {name: ml, labels: %s}
"""
BAD_HEADER = """# fixture:
#   about: nobody pays
#   findings:
#     - {check: missing, path: metadata.namespace, line: 7}
#   also: [pss-restricted, res-mem, np-ingress-deny, np-egress-deny]
"""
GOOD_HEADER = """# fixture:
#   about: somebody pays
#   also: [pss-restricted, res-mem, np-ingress-deny, np-egress-deny]
"""


def write_cost_centre(root: Path) -> None:
    folder = root / "team" / "cost_centre"
    for name, text in {
        "policy.rego": COST_CENTRE,
        "policy_test.rego": COST_CENTRE_TEST,
        "fixtures/fail/pod-nobody.yaml": BAD_HEADER + POD,
        "fixtures/fail/pod-nobody.context.yaml": NAMESPACE % "{}",
        "fixtures/pass/pod-somebody.yaml": GOOD_HEADER + POD,
        "fixtures/pass/pod-somebody.context.yaml": NAMESPACE % "{cost-centre: ml}",
    }.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with an invariant as ``karb-guard new`` makes it, and one written by hand."""
    root = tmp_path_factory.mktemp("policies")
    command = [*karb_guard(), "new", "team/crash-reason", f"--policies={root}"]
    subprocess.run(command, cwd=REPOSITORY, check=True, timeout=60, capture_output=True)
    write_cost_centre(root)
    return root


@pytest.fixture(scope="module")
def webhook(judging: Judging, policies: Path) -> Iterator[WebhookProcess]:
    config = {
        "params": SESSION_CONFIG["params"],
        "policies": [str(policies)],
        "stages": {"namespaces": [{"match": "karb-e2e-*-team", "invariants": {"team": "enforce"}}]},
    }
    with judging(config) as process:
        yield process


PAID = {"cost-centre": "ml"}
SAYS_WHY = {"terminationMessagePolicy": "FallbackToLogsOnError"}


def test_a_scaffolded_invariant_is_enforced_by_its_category(
    api: ApiProxy, namespaces: Namespaces, webhook: WebhookProcess
) -> None:
    where = namespaces.make("team", webhook, PAID)
    bad = api.create(pod(), where, dry_run=True)
    assert bad.status == 403
    assert "crash-reason: container server has terminationMessagePolicy File" in bad.message
    said = "enforced by configuration namespaces.karb-e2e-*-team.categories.team"
    assert said in bad.message
    good = api.create(pod(containers=[container(**SAYS_WHY)]), where, dry_run=True)
    assert (good.status, good.warnings) == (201, ())


def test_an_invariant_of_one_s_own_sees_the_namespace_s_labels(
    api: ApiProxy, namespaces: Namespaces, webhook: WebhookProcess
) -> None:
    where = namespaces.make("team", webhook)
    bad = api.create(pod(containers=[container(**SAYS_WHY)]), where, dry_run=True)
    assert bad.status == 403
    assert f"KARB-TEAM-002 cost-centre: namespace {where} has no label cost-centre" in bad.message


def test_knowing_the_namespace_is_not_knowing_its_network_policies(
    api: ApiProxy, namespaces: Namespaces, webhook: WebhookProcess, audit_log: AuditLog
) -> None:
    where = namespaces.make("team", webhook, PAID)
    answer = api.create(pod(containers=[container(**SAYS_WHY)]), where, dry_run=True)
    undecided = audit_log.of_request(answer.audit_id)["undecided"]
    assert "np-ingress-deny: " in undecided
    assert "np-egress-deny: " in undecided
    assert "cost-centre" not in undecided
