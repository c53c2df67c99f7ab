"""What an author says about where the object comes from takes nothing off what is judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.guard_rig import ENFORCED, changed, guard, said

CAP = ENFORCED + "\nparams: {res-gpu-cap: {cap: 4}}\n"
OPERATOR = "system:serviceaccount:kserve:kserve-controller"
BELIEVING = CAP + f"webhook: {{controllers: ['{OPERATOR}']}}\n"


def reference(api_version: str, kind: str) -> list[dict[str, Any]]:
    where = {"apiVersion": api_version, "kind": kind, "name": "x", "uid": "u"}
    return [{**where, "controller": True}]


SERVICE = reference("serving.kserve.io/v1beta1", "InferenceService")
DAEMONS = reference("apps/v1", "DaemonSet")
NODE = reference("v1", "Node")
SPEC: dict[str, Any] = {
    "containers": [
        {"name": "s", "image": "a/b:1", "resources": {"limits": {"nvidia.com/gpu": "8"}}}
    ]
}
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "team"},
    "spec": SPEC,
}
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "llm", "namespace": "team"},
    "spec": {"replicas": 20, "template": {"metadata": {"labels": {"a": "b"}}, "spec": SPEC}},
}
WILD = ("spec.tolerations", [{"operator": "Exists"}])
MIRROR = ("metadata.annotations", {"kubernetes.io/config.mirror": "x"})


@pytest.mark.parametrize(
    ("obj", "claim"),
    [(DEPLOYMENT, SERVICE), (POD, SERVICE), (POD, reference("apps/v1", "ReplicaSet"))],
)
def test_a_claimed_controller_hides_no_gpus(
    tmp_path: Path, obj: dict[str, Any], claim: list[dict[str, Any]]
) -> None:
    ask = guard(tmp_path, ["res-gpu-cap"], CAP)
    claiming = changed(obj, ("metadata.ownerReferences", claim))
    assert not ask(obj).allowed
    assert not ask(claiming).allowed


def test_an_update_that_adds_the_claim_hides_none_either(tmp_path: Path) -> None:
    ask = guard(tmp_path, ["res-gpu-cap"], CAP)
    small = changed(DEPLOYMENT, ("spec.replicas", 0))
    for stored in (small, changed(small, ("metadata.ownerReferences", SERVICE))):
        claiming = changed(DEPLOYMENT, ("metadata.ownerReferences", SERVICE))
        assert not ask(claiming, "UPDATE", stored).allowed


def test_an_operator_of_the_configuration_is_believed(tmp_path: Path) -> None:
    ask = guard(tmp_path, ["res-gpu-cap"], BELIEVING)
    made = changed(DEPLOYMENT, ("metadata.ownerReferences", SERVICE))
    assert ask(made, user=OPERATOR).allowed
    assert not ask(made).allowed


@pytest.mark.parametrize("kind", ["Pod", "Deployment"])
def test_findings_are_the_same_with_and_without_a_claim(tmp_path: Path, kind: str) -> None:
    ask = guard(tmp_path, ["availability", "labels", "observability", "resources"])
    obj = POD if kind == "Pod" else DEPLOYMENT
    bare = said(ask(obj))
    assert bare
    for claim in (SERVICE, DAEMONS, NODE, reference("batch/v1", "Job")):
        assert said(ask(changed(obj, ("metadata.ownerReferences", claim)))) == bare


@pytest.mark.parametrize(
    "claim", [("metadata.ownerReferences", DAEMONS), ("metadata.ownerReferences", NODE), MIRROR]
)
def test_a_claim_is_not_believed_after_an_update_either(tmp_path: Path, claim: Any) -> None:
    ask = guard(tmp_path, ["gpu-tol-wild"])
    claiming = changed(POD, claim)
    assert ask(claiming).allowed
    assert not ask(changed(claiming, WILD)).allowed
    assert not ask(changed(claiming, WILD), "UPDATE", claiming).allowed


def test_what_a_pod_of_a_daemon_set_has_may_stay_while_its_labels_change(tmp_path: Path) -> None:
    ask = guard(tmp_path, ["gpu-tol-wild"])
    stored = changed(POD, ("metadata.ownerReferences", DAEMONS), WILD)
    by = "system:serviceaccount:kube-system:daemon-set-controller"
    assert ask(stored, user=by).allowed
    assert ask(changed(stored, ("metadata.labels", {"a": "b"})), "UPDATE", stored).allowed


def test_an_update_of_owner_references_alone_is_nobodys_business(tmp_path: Path) -> None:
    ask = guard(tmp_path, ["res-gpu-cap"], CAP)
    adopted = changed(POD, ("metadata.ownerReferences", DAEMONS))
    decision = ask(adopted, "UPDATE", POD)
    assert decision.allowed
    assert "not-judged" in decision.audit_annotations
