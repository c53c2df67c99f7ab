"""What a scan lists follows from what is evaluated."""

from __future__ import annotations

from dataclasses import replace

from audit.plan import plan_of
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.model.invariant import Invariant
from tests.support.judging import catalogue


def chosen(*names: str) -> list[Invariant]:
    found: Catalogue = catalogue()
    return [found.by_name[name] for name in names]


def test_an_invariant_about_one_kind_needs_no_other() -> None:
    plan = plan_of(chosen("rbac-wild"))
    assert plan.names("rbac.authorization.k8s.io", "Role")
    assert not plan.names("apps", "Deployment")
    assert not plan.may_carry("example.com", "Thing")
    assert not plan.names("", "Secret")


def test_secrets_and_events_are_never_listed() -> None:
    plan = plan_of(list(catalogue()))
    for group, kind in (("", "Secret"), ("", "Event"), ("events.k8s.io", "Event")):
        assert not plan.names(group, kind)
        assert not plan.may_carry(group, kind)


def test_config_maps_are_listed_by_the_label_of_what_is_read() -> None:
    plan = plan_of(chosen("img-sig"))
    assert plan.selector("", "ConfigMap") == "karb.dev/signature-evidence=true"
    plain = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    assert plan.skips(plain, "", "ConfigMap")


def test_what_can_not_be_listed_names_who_misses_it() -> None:
    plan = plan_of(list(catalogue()))
    scaled = plan.undecided(("keda.sh", "ScaledObject"))
    assert "av-scaler" in scaled
    assert "res-mem" not in scaled
    assert "res-mem" in plan.undecided(("apps", "Deployment"))
    assert "autoscalers" in plan.unsupplied([("keda.sh", "ScaledObject")])
    assert "pdbs" in plan.unsupplied([("apps", "Deployment")])
    assert "pdbs" not in plan.unsupplied([("", "Pod")])


def test_unknown_kinds_are_looked_into_where_pods_are_judged() -> None:
    plan = plan_of(chosen("res-mem"))
    assert plan.may_carry("example.com", "Thing")
    assert not plan.may_carry("apps", "Deployment")
    assert not plan.may_carry("cert-manager.io", "Certificate")
    nothing = plan_of([replace(chosen("res-mem")[0], match=("/Service",))])
    assert not nothing.may_carry("example.com", "Thing")
