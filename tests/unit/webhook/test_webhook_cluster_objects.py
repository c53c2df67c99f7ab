"""Rollouts, waivers, owners and callers, as reviews meet them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from karb_guard.decisions import grandfather, rollouts, waiver_objects
from karb_guard.model.finding import ObjectRef
from karb_guard.model.stage import Stage
from tests.support.webhook_rig import CATALOGUE, FixedNamespaces, Rig, pod, review
from webhook import enforcement
from webhook.enforcement import EnforcedSince, times_of, updated
from webhook.loaded import Surroundings
from webhook.objects import ENFORCEMENT, ROLLOUTS, WAIVERS, ClusterObjects
from webhook.owners import LiveOwners, Owner

CONTROLLER = "system:serviceaccount:kube-system:replicaset-controller"
BY_CONTROLLER = {"userInfo": {"username": CONTROLLER, "groups": ["system:serviceaccounts"]}}
REFERENCE = {
    "apiVersion": "apps/v1",
    "kind": "ReplicaSet",
    "name": "llm-5d4",
    "uid": "u-rs",
    "controller": True,
}
OLD, BEGUN, NEW = "2027-01-01T00:00:00Z", "2027-01-10T00:00:00Z", "2027-01-12T00:00:00Z"


class FixedOwners:
    """Owners that a test writes down; ``asked`` counts looks."""

    def __init__(self, created: str | None = OLD) -> None:
        self.created = created
        self.asked = 0

    async def above(self, metadata: Mapping[str, Any], namespace: str) -> tuple[Owner, ...]:
        self.asked += 1
        if self.created is None or not metadata.get("ownerReferences"):
            return ()
        names = (("ReplicaSet", "llm-5d4"), ("Deployment", "llm"))
        return tuple(
            Owner(ObjectRef("apps/v1", kind, name, namespace), name, self.created, None)
            for kind, name in names
        )


def rig(
    created: str | None = OLD, stage: Stage = Stage.ENFORCE, **options: Any
) -> tuple[Rig, ClusterObjects, FixedOwners]:
    objects, owners = ClusterObjects(), FixedOwners(created)
    record = {"inference": json.dumps({BEGUN: sorted(CATALOGUE)})}
    objects.take(ENFORCEMENT, {("karb-guard", "record"): record})
    made = Rig(stage, FixedNamespaces(), surroundings=Surroundings(objects, owners), **options)
    return made, objects, owners


def answer(made: Rig, *args: Any, **changes: Any) -> dict[str, Any]:
    with TestClient(made.app) as client:
        found: dict[str, Any] = client.post("/validate", json=review(*args, **changes)).json()
    response: dict[str, Any] = found["response"]
    return response


def owned(**metadata: Any) -> dict[str, Any]:
    return pod("server", ownerReferences=[REFERENCE], **metadata)


def sample(made: Rig, name: str, **labels: str) -> float:
    return made.metrics.registry.get_sample_value(name, labels) or 0.0


def test_a_pod_of_a_workload_older_than_the_enforcement_is_let_in_with_a_warning() -> None:
    made, _, _ = rig()
    response = answer(made, owned(), **BY_CONTROLLER)
    assert response["allowed"]
    (warning,) = response["warnings"]
    assert warning == (
        "KARB-TEST-001 res-mem: container server has no memory limit (spec.containers[0]); "
        "enforced, but Deployment inference/llm is older than that"
    )
    notes = response["auditAnnotations"]
    assert notes["grandfathered"] == (
        f"res-mem: Deployment inference/llm was created at {OLD}, before that"
    )
    assert sample(made, "karb_guard_grandfathered_total", outcome="admitted") == 1


@pytest.mark.parametrize(
    ("created", "options", "changes"),
    [
        (NEW, {}, BY_CONTROLLER),  # younger than the enforcement
        (BEGUN, {}, BY_CONTROLLER),  # not older
        (None, {}, BY_CONTROLLER),  # the owner is not there, or another one
        ("rubbish", {}, BY_CONTROLLER),
        (OLD, {"grandfather": False}, BY_CONTROLLER),
        (OLD, {}, {"userInfo": {"username": "jane"}}),  # anybody can write a reference
        (OLD, {}, {"userInfo": {"username": "system:serviceaccount:team:replicaset-controller"}}),
        (OLD, {}, {"userInfo": None}),
        (OLD, {}, {"userInfo": {"username": 7, "groups": "x"}}),
    ],
)
def test_everything_else_is_denied(
    created: str | None, options: dict[str, Any], changes: dict[str, Any]
) -> None:
    made, _, _ = rig(created, **options)
    response = answer(made, owned(), **changes)
    assert not response["allowed"]
    assert "grandfathered" not in response["auditAnnotations"]


def test_a_clean_pod_costs_no_look_for_owners() -> None:
    made, _, owners = rig()
    assert answer(made, pod("server", limit="1Gi", ownerReferences=[REFERENCE]), **BY_CONTROLLER)[
        "allowed"
    ]
    assert owners.asked == 0


def test_operators_are_believed_where_the_configuration_says_so() -> None:
    made, _, _ = rig(controllers=("system:serviceaccount:lws-system:*",))
    user = {"userInfo": {"username": "system:serviceaccount:lws-system:lws"}}
    assert answer(made, owned(), **user)["allowed"]


def test_what_can_not_be_judged_is_spared_too() -> None:
    made, _, _ = rig()
    obj = owned()
    obj["spec"]["tooLarge"] = True
    response = answer(made, obj, **BY_CONTROLLER)
    assert response["allowed"]
    assert response["auditAnnotations"]["grandfathered"].startswith("not evaluated: Deployment")


def test_of_two_invariants_only_the_one_enforced_later_is_spared() -> None:
    made, objects, _ = rig()
    record = {"inference": json.dumps({BEGUN: ["res-mem"], "2026-12-01T00:00:00Z": ["gpu-pin"]})}
    objects.take(ENFORCEMENT, {("", "r"): record})
    obj = owned()
    del obj["spec"]["nodeSelector"]
    response = answer(made, obj, **BY_CONTROLLER)
    assert not response["allowed"]
    assert "1 finding of enforced invariants" in response["status"]["message"]
    assert "gpu-pin" in response["status"]["message"]


def take_rollout(objects: ClusterObjects, spec: dict[str, Any], **status: Any) -> None:
    obj = {"metadata": {"name": "res-mem"}, "spec": {"invariant": "res-mem", **spec}, **status}
    objects.take(ROLLOUTS, {("", "res-mem"): rollouts.project(obj)})


def test_a_rollout_counts_from_the_change_on_and_the_answer_names_it() -> None:
    made, objects, _ = rig(stage=Stage.WARN)
    assert answer(made, pod("server"))["allowed"]
    take_rollout(objects, {"namespaces": [{"name": "inference", "stage": "enforce"}]})
    response = answer(made, pod("server"))
    assert not response["allowed"]
    said = "enforced by InvariantRollout res-mem spec.namespaces[0]"
    assert said in response["status"]["message"]
    objects.take(ROLLOUTS, {})
    assert answer(made, pod("server"))["allowed"]


def test_the_time_in_a_rollouts_status_goes_before_the_record() -> None:
    made, objects, _ = rig()
    since = "2026-12-01T00:00:00Z"  # before the owner was made
    status = {"namespaces": [{"name": "inference", "stage": "enforce", "since": since}]}
    take_rollout(objects, {"stage": "enforce"}, status=status)
    assert not answer(made, owned(), **BY_CONTROLLER)["allowed"]


def take_waiver(objects: ClusterObjects, **spec: Any) -> None:
    whole = {
        "invariant": "res-mem",
        "workload": {"kind": "Deployment", "name": "llm"},
        "reason": "measured in March",
        "owner": "team-a",
        "until": "2027-02-28",
        **spec,
    }
    metadata = {"name": "w", "namespace": "inference", "creationTimestamp": "2027-01-14T00:00:00Z"}
    found = waiver_objects.project({"metadata": metadata, "spec": whole})
    objects.take(WAIVERS, {("inference", "w"): found})


def test_a_waiver_of_the_deployment_covers_the_pods_that_its_controllers_make() -> None:
    made, objects, _ = rig(created=NEW)
    take_waiver(objects)
    response = answer(made, owned(), **BY_CONTROLLER)
    assert response["allowed"]
    assert "grandfathered" not in response["auditAnnotations"]
    assert response["auditAnnotations"]["waived"] == (
        "res-mem at pod/containers[server]: measured in March (until 2027-02-28, team-a, Waiver w)"
    )


def test_a_reference_in_a_pod_that_a_person_makes_gets_nobodys_waiver() -> None:
    made, objects, _ = rig()
    take_waiver(objects)
    assert not answer(made, owned())["allowed"]


def test_waivers_that_cover_nothing_are_named() -> None:
    made, objects, _ = rig()
    take_waiver(objects, workload={"selector": {}}, invariant="gpu-pin")
    response = answer(made, pod("server", limit="1Gi"))
    assert response["auditAnnotations"]["waivers-idle"] == "Waiver w: no finding of gpu-pin"
    take_waiver(objects, until="2027-01-14")
    response = answer(made, owned(), **BY_CONTROLLER)
    assert "Waiver w: expired on 2027-01-14" in response["auditAnnotations"]["waivers-idle"]


def test_the_record_keeps_what_it_knows_and_forgets_what_is_not_enforced() -> None:
    first = updated({}, {"a": frozenset({"x"}), "b": frozenset()}, OLD)
    assert {ns: dict(times_of(v)) for ns, v in first.items()} == {"a": {"x": OLD}}
    second = updated(first, {"a": frozenset({"x", "y"})}, NEW)
    assert times_of(second["a"]) == {"x": OLD, "y": NEW}
    assert updated(second, {"a": frozenset({"x", "y"})}, "2028-01-01T00:00:00Z") == second
    assert updated(second, {"a": frozenset()}, NEW) == {}


def test_a_record_that_is_full_keeps_the_namespaces_it_has() -> None:
    names = frozenset(f"invariant-{n}" for n in range(1000))
    many = {f"ns-{n:03}": names for n in range(60)}
    full = updated({}, many, OLD)
    assert 40 < len(full) < 60
    assert sum(len(k) + len(v) for k, v in full.items()) < 1 << 20
    again = updated(full, {"aaa": names, **many}, NEW)
    assert set(again) == set(full)


@pytest.mark.parametrize("value", [None, 7, "", "[1]", '{"x": 1}', '{"x": [1]}', "{"])
def test_a_record_that_cant_be_read_says_nothing(value: Any) -> None:
    assert times_of(value) == {}


def test_without_a_record_the_first_look_counts() -> None:
    times = iter(["2026-01-01T00:00:00Z", OLD, NEW, "2028-01-01T00:00:00Z"])
    since = EnforcedSince(ClusterObjects(), lambda: next(times))
    decision = Rig().service.loaded.stages.for_namespace("a", {}).of("res-mem")
    assert since.of("a", "res-mem", decision) == OLD
    assert since.of("b", "res-mem", decision) == NEW
    assert since.of("a", "res-mem", decision) == OLD


def test_what_is_beyond_memory_is_enforced_since_the_process_began(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(enforcement, "MAX_REMEMBERED", 1)
    times = iter([OLD, BEGUN, NEW])
    since = EnforcedSince(ClusterObjects(), lambda: next(times))
    decision = Rig().service.loaded.stages.for_namespace("a", {}).of("res-mem")
    assert since.of("a", "res-mem", decision) == BEGUN
    for _ in range(2):
        assert since.of("b", "res-mem", decision) == OLD
    assert since.of("a", "res-mem", decision) == BEGUN


@pytest.mark.parametrize(
    ("since", "names"),
    [(None, {"res-mem"}), (NEW, {"res-mem"}), (OLD, set()), ("rubbish", set()), ("", set())],
)
def test_what_is_enforced_since_nobody_can_read_when_spares_nothing(
    since: str | None, names: set[str]
) -> None:
    owner = ObjectRef("apps/v1", "Deployment", "llm", "inference")
    assert grandfather.spared(owner, BEGUN, ["res-mem"], lambda _: since).names == names


def live(objects: dict[str, Any]) -> tuple[LiveOwners, list[str]]:
    asked: list[str] = []

    def get(path: str, seconds: float) -> Any:
        assert 0 < seconds <= 1
        asked.append(path)
        return objects.get(path)

    return LiveOwners(get), asked


RS = "/apis/apps/v1/namespaces/inference/replicasets/llm-5d4"


def stored(uid: str, *above: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"uid": uid, "creationTimestamp": OLD, "ownerReferences": list(above)}}


async def _above(owners: LiveOwners) -> list[str]:
    chain = await owners.above({"ownerReferences": [REFERENCE]}, "inference")
    return [str(owner.ref) for owner in chain]


def test_the_chain_is_followed_to_its_top_and_remembered() -> None:
    up = {**REFERENCE, "kind": "Deployment", "name": "llm", "uid": "u-d"}
    path = "/apis/apps/v1/namespaces/inference/deployments/llm"
    owners, asked = live({RS: stored("u-rs", up), path: stored("u-d")})
    for _ in range(2):
        assert asyncio.run(_above(owners)) == [
            "ReplicaSet inference/llm-5d4",
            "Deployment inference/llm",
        ]
    assert asked == [RS, path]
    owners.close()


@pytest.mark.parametrize(
    "objects",
    [
        {},  # gone
        {RS: stored("another")},  # made anew under the name
        {RS: stored("u-rs", {**REFERENCE, "kind": "Deployment", "uid": "u-x"})},  # broken above
    ],
)
def test_a_chain_with_a_hole_counts_for_nothing(objects: dict[str, Any]) -> None:
    owners, _ = live(objects)
    assert asyncio.run(_above(owners)) == []
    owners.close()


def test_a_chain_in_a_circle_ends() -> None:
    owners, asked = live({RS: stored("u-rs", REFERENCE)})
    assert asyncio.run(_above(owners)) == ["ReplicaSet inference/llm-5d4"]
    assert asked == [RS]
    owners.close()


def _reference(api_version: str, kind: str, name: str, uid: str) -> dict[str, Any]:
    where = {"apiVersion": api_version, "kind": kind, "name": name, "uid": uid}
    return {**where, "controller": True}


OLD_DEPLOYMENT = _reference("apps/v1", "Deployment", "old", "u-old")
CRON = _reference("batch/v1", "CronJob", "nightly", "u-cron")
LWS = _reference("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", "llm", "u-lws")


@pytest.mark.parametrize(
    ("below", "upward", "followed"),
    [
        (_reference("apps/v1", "ReplicaSet", "x", "u"), OLD_DEPLOYMENT, True),
        (_reference("apps/v1", "ReplicaSet", "x", "u"), CRON, False),
        (_reference("apps/v1", "StatefulSet", "x", "u"), LWS, True),
        (_reference("apps/v1", "StatefulSet", "x", "u"), OLD_DEPLOYMENT, False),
        (_reference("batch/v1", "Job", "x", "u"), CRON, True),
        # Whoever writes these names what they like.
        (_reference("apps/v1", "Deployment", "x", "u"), OLD_DEPLOYMENT, False),
        (_reference("apps/v1", "DaemonSet", "x", "u"), LWS, False),
        (LWS, OLD_DEPLOYMENT, False),
        (LWS, {**LWS, "uid": "u-other"}, False),
    ],
)
def test_only_what_controllers_make_leads_further_up(
    below: dict[str, Any], upward: dict[str, Any], followed: bool
) -> None:
    def get(path: str, _seconds: float) -> dict[str, Any]:
        plural = f"{below['kind'].lower()}s/{below['name']}"
        return stored(below["uid"], upward) if path.endswith(plural) else stored(upward["uid"])

    owners = LiveOwners(get)
    chain = asyncio.run(owners.above({"ownerReferences": [below]}, "inference"))
    assert [owner.uid for owner in chain] == [below["uid"], *([upward["uid"]] * followed)]
    owners.close()


@pytest.mark.parametrize(
    "change", [{"name": "another"}, {"kind": "StatefulSet"}, {"apiVersion": "apps/v2"}]
)
def test_a_uid_alone_names_no_owner(change: dict[str, str]) -> None:
    owners, asked = live({RS: stored("u-rs")})
    assert asyncio.run(_above(owners)) == ["ReplicaSet inference/llm-5d4"]
    other = {"ownerReferences": [{**REFERENCE, **change}]}
    assert asyncio.run(owners.above(other, "inference")) == ()
    same = {"ownerReferences": [REFERENCE]}
    assert asyncio.run(owners.above(same, "elsewhere")) == ()
    assert len(asked) == 3
    owners.close()
