"""What roles grant to service accounts, and what an API server's audit log says they used."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

Json = dict[str, Any]
_USER = "system:serviceaccount:"


class Grant(NamedTuple):
    """One verb on one resource, for one account."""

    account: str
    group: str
    resource: str
    """With its subresource, as in ``invariantrollouts/status``."""
    verb: str
    namespace: str = ""
    """That a Role is of; empty: everywhere."""
    name: str = ""
    """Empty: any."""

    def covers(self, use: Grant) -> bool:
        """Whether a request of these attributes makes use of it."""
        return (
            self[:4] == use[:4]
            and self.namespace in ("", use.namespace)
            and self.name in ("", use.name)
        )


class Use(NamedTuple):
    """One request."""

    what: Grant
    code: int
    """HTTP's."""
    uri: str


def granted(objects: Iterable[Json]) -> frozenset[Grant]:
    """Everything that is bound to a service account."""
    found = list(objects)
    roles = {_key(o): o for o in found if o["kind"] in ("Role", "ClusterRole")}
    grants: set[Grant] = set()
    for binding in found:
        if binding["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        namespace = binding["metadata"].get("namespace", "")
        kind, name = binding["roleRef"]["kind"], binding["roleRef"]["name"]
        role = roles[kind, namespace if kind == "Role" else "", name]
        for subject in binding["subjects"]:
            assert subject["kind"] == "ServiceAccount", subject
            grants.update(_of_rules(subject["name"], namespace, role["rules"]))
    return frozenset(grants)


def _of_rules(account: str, namespace: str, rules: Sequence[Mapping[str, Any]]) -> Iterator[Grant]:
    for rule in rules:
        assert "*" not in {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}, rule
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    for name in rule.get("resourceNames", [""]):
                        yield Grant(account, group, resource, verb, namespace, name)


def uses(log: Path, namespace: str) -> list[Use]:
    """The requests about resources by the service accounts of a namespace, watches still open."""
    start = f"{_USER}{namespace}:"
    found = []
    with log.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                break
            event = json.loads(line)
            ref, user = event.get("objectRef"), event["user"]["username"]
            if ref is None or not user.startswith(start):
                continue
            parts = (ref.get("resource", ""), ref.get("subresource", ""))
            what = Grant(
                user.removeprefix(start),
                ref.get("apiGroup", ""),
                "/".join(filter(None, parts)),
                event["verb"],
                ref.get("namespace", ""),
                ref.get("name", ""),
            )
            code = (event.get("responseStatus") or {}).get("code", 0)
            found.append(Use(what, code, event["requestURI"]))
    return found


def unused(grants: Iterable[Grant], used: Sequence[Use]) -> list[Grant]:
    """The grants that no request made use of, sorted."""
    seen = {use.what for use in used if use.code < 400 or use.code in (404, 409, 410)}
    return sorted(grant for grant in grants if not any(map(grant.covers, seen)))


def _key(obj: Json) -> tuple[str, str, str]:
    metadata = obj["metadata"]
    cluster_wide = obj["kind"] == "ClusterRole"
    return obj["kind"], "" if cluster_wide else metadata.get("namespace", ""), metadata["name"]
