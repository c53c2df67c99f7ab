"""Random RBAC objects and requests, small enough to meet each other often.

Aggregation has no cycles: in one, what a controller leaves depends on the order of its steps.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from karb_guard.rbac import Request, ResourceRequest, UrlRequest, User, service_account

Json = dict[str, Any]
API = "rbac.authorization.k8s.io"

NAMESPACES = ("karb-a", "karb-b")
GROUPS = ("", "karb.dev", "apps.karb.dev")
"""The core group, and two that no default role of a cluster names."""
RESOURCES = ("models", "secrets")
SUBRESOURCES = ("", "exec", "scale")
VERBS = ("get", "list", "spin")
NAMES = ("", "one", "two")
URLS = ("/karb", "/karb/a", "/karb/a/b", "/karbon")
LEVELS = 3
"""ClusterRoles of a level aggregate those of lower levels only."""
LABELS = ("alpha", "beta")
VALUES = ("x", "y")
USERS = ("karb-jo", "karb-sam")
USER_GROUPS = ("karb-dev", "karb-ops")
ACCOUNTS = ("llm", "web")
LOCAL = ("karb-local-0", "karb-local-1")


def _some(values: tuple[str, ...], *more: str) -> SearchStrategy[list[str]]:
    return st.lists(st.sampled_from((*values, *more)), min_size=1, max_size=2, unique=True)


_RESOURCE_RULES = st.fixed_dictionaries(
    {
        "verbs": _some(VERBS, "*"),
        "apiGroups": _some(GROUPS, "*"),
        "resources": _some(
            RESOURCES, "*", "*/exec", "*/scale", "models/exec", "secrets/scale", "models/*"
        ),
    },
    optional={"resourceNames": _some(("one", "two", "*"))},
)
_URL_RULES = st.fixed_dictionaries(
    {
        "verbs": _some(("get", "post"), "*"),
        "nonResourceURLs": _some(URLS, "*", "/karb/*", "/karb/**", "/karb*"),
    }
)


def _rules(*kinds: SearchStrategy[Any]) -> SearchStrategy[list[Json]]:
    return st.lists(st.one_of(*kinds), min_size=1, max_size=3)


def _metadata(name: str, namespace: str | None = None, labels: Json | None = None) -> Json:
    made: Json = {"name": name}
    if namespace:
        made["namespace"] = namespace
    return {**made, "labels": labels} if labels else made


def _object(kind: str, metadata: Json, **fields: Any) -> Json:
    return {"apiVersion": f"{API}/v1", "kind": kind, "metadata": metadata, **fields}


_EXPRESSIONS = st.one_of(
    st.builds(
        lambda key, operator, values: {"key": key, "operator": operator, "values": values},
        st.sampled_from(LABELS),
        st.sampled_from(["In", "NotIn"]),
        _some(VALUES),
    ),
    st.builds(
        lambda key, operator: {"key": key, "operator": operator},
        st.sampled_from(LABELS),
        st.sampled_from(["Exists", "DoesNotExist"]),
    ),
)


@st.composite
def _selector(draw: Any, level: int) -> Json:
    """A selector of lower levels, with whatever else on top."""
    lower = {"key": "level", "operator": "In", "values": [str(i) for i in range(level)]}
    made: Json = {"matchExpressions": [lower, *draw(st.lists(_EXPRESSIONS, max_size=1))]}
    if draw(st.booleans()):
        made["matchLabels"] = {draw(st.sampled_from(LABELS)): draw(st.sampled_from(VALUES))}
    return made


@st.composite
def _cluster_role(draw: Any, number: int) -> Json:
    level = number % LEVELS
    labels = {"level": str(level)}
    for key in LABELS:
        if draw(st.booleans()):
            labels[key] = draw(st.sampled_from(VALUES))
    metadata = _metadata(f"karb-role-{number}", labels=labels)
    if level and draw(st.booleans()):
        selectors = draw(st.lists(_selector(level), min_size=1, max_size=2))
        return _object("ClusterRole", metadata, aggregationRule={"clusterRoleSelectors": selectors})
    return _object("ClusterRole", metadata, rules=draw(_rules(_RESOURCE_RULES, _URL_RULES)))


_NAMED = {
    "User": (*USERS, "system:serviceaccount:karb-a:llm"),
    "Group": (*USER_GROUPS, "system:serviceaccounts", "system:serviceaccounts:karb-b"),
}


@st.composite
def _subject(draw: Any, *, namespaced: bool) -> Json:
    kind = draw(st.sampled_from(["User", "Group", "ServiceAccount"]))
    if kind != "ServiceAccount":
        name = draw(st.sampled_from(_NAMED[kind]))
        return {"kind": kind, "apiGroup": API, "name": name}
    made = {"kind": kind, "name": draw(st.sampled_from(ACCOUNTS))}
    if not namespaced or draw(st.booleans()):
        made["namespace"] = draw(st.sampled_from(NAMESPACES))
    return made


@st.composite
def _binding(draw: Any, number: int, namespace: str | None, roles: tuple[str, ...]) -> Json:
    namespaced = namespace is not None
    kinds = ["Role", "ClusterRole"] if namespaced else ["ClusterRole"]
    kind = draw(st.sampled_from(kinds))
    names = roles if kind == "ClusterRole" else LOCAL
    ref = {"apiGroup": API, "kind": kind, "name": draw(st.sampled_from((*names, "karb-absent")))}
    subjects = draw(st.lists(_subject(namespaced=namespaced), min_size=1, max_size=3))
    return _object(
        "RoleBinding" if namespaced else "ClusterRoleBinding",
        _metadata(f"karb-binding-{number}", namespace),
        roleRef=ref,
        subjects=subjects,
    )


@st.composite
def rbac_objects(draw: Any, builtin: tuple[str, ...] = ()) -> list[Json]:
    """Roles of two namespaces, ClusterRoles that aggregate each other, and bindings of them.

    ``builtin`` are ClusterRoles that exist anyway and may be bound too.
    """
    cluster = [draw(_cluster_role(number)) for number in range(draw(st.integers(2, 7)))]
    local = [
        _object("Role", _metadata(name, namespace), rules=draw(_rules(_RESOURCE_RULES)))
        for namespace in NAMESPACES
        for name in LOCAL
        if draw(st.booleans())
    ]
    names = (*(role["metadata"]["name"] for role in cluster), *builtin)
    places = draw(st.lists(st.sampled_from((None, *NAMESPACES)), min_size=3, max_size=8))
    bound = [draw(_binding(number, place, names)) for number, place in enumerate(places)]
    return [*cluster, *local, *bound]


def users() -> SearchStrategy[User]:
    """People with some groups, and ServiceAccounts."""
    people = st.builds(
        User, st.sampled_from(USERS), st.frozensets(st.sampled_from(USER_GROUPS), max_size=2)
    )
    accounts = st.builds(service_account, st.sampled_from(NAMESPACES), st.sampled_from(ACCOUNTS))
    return st.one_of(people, accounts)


def requests() -> SearchStrategy[Request]:
    """What a user may ask for; seldom anything that a default role of a cluster grants."""
    resources: SearchStrategy[Request] = st.builds(
        ResourceRequest,
        verb=st.sampled_from(VERBS),
        resource=st.sampled_from(RESOURCES),
        api_group=st.sampled_from(GROUPS),
        subresource=st.sampled_from(SUBRESOURCES),
        name=st.sampled_from(NAMES),
        namespace=st.sampled_from(("", *NAMESPACES)),
    )
    urls: SearchStrategy[Request] = st.builds(
        UrlRequest, verb=st.sampled_from(("get", "post")), path=st.sampled_from(URLS)
    )
    return st.one_of(resources, resources, urls)
