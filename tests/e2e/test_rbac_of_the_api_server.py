"""What users may do, asked of the API server's own authorizer (SubjectAccessReview).

It answers from caches that follow what was written a moment later, and a controller fills
aggregated ClusterRoles: answers that differ are asked for again until they agree or time is up.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from karb_guard.rbac import (
    Request,
    RoleRef,
    Rule,
    UrlRequest,
    User,
    allowed,
    index_of,
    parse_role,
)
from karb_guard.rbac.default_roles import DEFAULT_ROLES
from tests.support.api_proxy import ApiProxy
from tests.support.controlplane import Cluster
from tests.support.rbac_objects import API, NAMESPACES, rbac_objects, requests, users

pytestmark = pytest.mark.e2e

Json = dict[str, Any]
Question = tuple[User, Request]

ROUNDS = 30
POOL = 120
EACH = 15
AGREE_SECONDS = 10
RUN = "karb.dev/rbac-run"
PLURALS = {
    "Role": "roles",
    "ClusterRole": "clusterroles",
    "RoleBinding": "rolebindings",
    "ClusterRoleBinding": "clusterrolebindings",
}
SEEN: Counter[str] = Counter()
"""How many answers of each sort were compared."""


@pytest.fixture(scope="module")
def places(api: ApiProxy) -> Iterator[None]:
    """The namespaces of the random objects."""
    for name in NAMESPACES:
        answer = api.request("POST", "api/v1/namespaces", {"metadata": {"name": name}})
        assert answer.status in {201, 409}, answer.message
    yield
    for name in NAMESPACES:
        api.request("DELETE", f"api/v1/namespaces/{name}")


def path_of(kind: str, namespace: str | None) -> str:
    within = f"/namespaces/{namespace}" if namespace else ""
    return f"apis/{API}/v1{within}/{PLURALS[kind]}"


def create(api: ApiProxy, obj: Json) -> None:
    metadata = {**obj["metadata"]}
    metadata["labels"] = {**metadata.get("labels", {}), RUN: "true"}
    path = path_of(obj["kind"], metadata.get("namespace"))
    answer = api.request("POST", path, {**obj, "metadata": metadata})
    assert answer.status == 201, (obj, answer.message)


def clear(api: ApiProxy) -> None:
    for kind, namespace in [
        *product(["ClusterRole", "ClusterRoleBinding"], [None]),
        *product(["Role", "RoleBinding"], NAMESPACES),
    ]:
        answer = api.request("DELETE", path_of(kind, namespace), labelSelector=RUN)
        assert answer.status == 200, answer.message


def review(api: ApiProxy, user: User, request: Request) -> bool:
    """What the API server says of ``user`` and ``request``."""
    spec: Json = {"user": user.name, "groups": sorted(user.groups)}
    if isinstance(request, UrlRequest):
        spec["nonResourceAttributes"] = {"verb": request.verb, "path": request.path}
    else:
        spec["resourceAttributes"] = {
            "verb": request.verb,
            "group": request.api_group,
            "resource": request.resource,
            "subresource": request.subresource,
            "name": request.name,
            "namespace": request.namespace,
        }
    path = "apis/authorization.k8s.io/v1/subjectaccessreviews"
    answer = api.request("POST", path, {"spec": spec})
    assert answer.status == 201, answer.message
    return bool(answer.body["status"]["allowed"])


def chosen(objects: Sequence[Json], asked: Sequence[Question]) -> dict[Question, bool]:
    """Our answers to at most ``EACH`` questions of either answer: most are denied."""
    index = index_of(objects)
    ours = {question: allowed(index, *question) for question in asked}
    yes, no = ([q for q, answer in ours.items() if answer is sort] for sort in (True, False))
    return {question: ours[question] for question in (*yes[:EACH], *no[:EACH])}


def agree(api: ApiProxy, ours: dict[Question, bool], objects: Sequence[Json]) -> None:
    """Fail with the questions that are answered otherwise after ``AGREE_SECONDS``."""
    wrong = list(ours)
    deadline = time.monotonic() + AGREE_SECONDS
    while wrong := [q for q in wrong if review(api, *q) is not ours[q]]:
        if time.monotonic() > deadline:
            answers = "\n".join(f"ours {ours[q]}: {q}" for q in wrong)
            pytest.fail(f"{answers}\nobjects: {objects}")
        time.sleep(0.1)
    SEEN.update("allowed" if answer else "denied" for answer in ours.values())


@settings(
    max_examples=ROUNDS,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    objects=rbac_objects(builtin=("edit", "view")),
    asked=st.lists(st.tuples(users(), requests()), min_size=POOL, max_size=POOL),
)
def test_the_api_server_answers_as_we_do(
    api: ApiProxy, places: None, objects: list[Json], asked: list[Question]
) -> None:
    clear(api)
    try:
        for obj in objects:
            create(api, obj)
        agree(api, chosen(objects, asked), objects)
    finally:
        clear(api)


def test_both_answers_were_common() -> None:
    if not SEEN:
        pytest.skip("counts what the test before it compared")
    print(f"\nSubjectAccessReviews compared: {dict(SEEN)}")
    assert SEEN["denied"] >= ROUNDS * EACH // 2
    assert SEEN["allowed"] >= 100


def atoms(rules: Sequence[Rule]) -> set[tuple[str, ...]]:
    """What rules grant, one by one, however they are grouped."""
    return {
        atom
        for rule in rules
        for atom in (
            *product(rule.verbs, rule.api_groups, rule.resources, rule.resource_names or ("",)),
            *product(rule.verbs, rule.non_resource_urls),
        )
    }


@pytest.mark.parametrize("name", [role.name for role in DEFAULT_ROLES])
def test_the_roles_that_every_cluster_has_are_known(
    api: ApiProxy, cluster: Cluster, name: str
) -> None:
    stored = parse_role(api.request("GET", f"{path_of('ClusterRole', None)}/{name}").body)
    known = index_of([])
    ours = known.role(RoleRef("ClusterRole", name), None)
    assert stored is not None
    assert ours is not None
    held = atoms(known.effective(ours).rules)
    assert held <= atoms(stored.rules)
    if cluster.owned:  # elsewhere an operator may have added to them
        assert held == atoms(stored.rules)
        assert dict(ours.labels) == dict(stored.labels)
