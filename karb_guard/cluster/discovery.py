"""Which resources an API server has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from karb_guard.cluster.client import Json, segment
from karb_guard.cluster.errors import ClusterError
from karb_guard.cluster.paging import Pager

_AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json"
)


class Resource(NamedTuple):
    """One kind in one version that can be listed."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool

    @property
    def name(self) -> str:
        """``deployments.apps``, ``pods``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        """``apps/v1``, ``v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None) -> str:
        """Its collection, of the whole cluster or of one namespace."""
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"
        within = f"/namespaces/{segment(namespace)}" if namespace else ""
        return f"{root}{within}/{self.plural}"


class Silent(NamedTuple):
    """A group and version whose resources nobody tells: its own server is away."""

    api_version: str
    reason: str


class Discovered(NamedTuple):
    """What an API server serves."""

    resources: tuple[Resource, ...]
    """In every version served, the preferred one of a group first."""
    silent: tuple[Silent, ...] = ()


def discover(pager: Pager) -> Discovered:
    """Everything that can be listed. Raises ``ClusterError`` where nothing can be learnt."""
    resources: list[Resource] = []
    silent: list[Silent] = []
    for root in ("/api", "/apis"):
        answer = _json(pager, root)
        if answer.get("kind") == "APIGroupDiscoveryList":
            _aggregated(answer, resources, silent)
        else:
            _one_by_one(pager, root, answer, resources, silent)
    return Discovered(tuple(resources), tuple(silent))


def _json(pager: Pager, path: str) -> Json:
    try:
        answer = orjson.loads(pager.get(path, accept=_AGGREGATED))
    except orjson.JSONDecodeError as error:
        raise ClusterError(f"GET {path}: the answer is no JSON ({error})") from error
    if not isinstance(answer, dict):
        raise ClusterError(f"GET {path}: the answer is no object")
    return answer


def _aggregated(answer: Json, resources: list[Resource], silent: list[Silent]) -> None:
    for group in answer.get("items") or ():
        name = (group.get("metadata") or {}).get("name", "")
        for version in group.get("versions") or ():
            word = version.get("version", "")
            found = version.get("resources") or ()
            if version.get("freshness") == "Stale" and not found:
                silent.append(Silent(f"{name}/{word}", "the server behind it does not answer"))
            for each in found:
                kind = (each.get("responseKind") or {}).get("kind", "")
                if "list" in (each.get("verbs") or ()):
                    namespaced = each.get("scope") == "Namespaced"
                    plural = str(each.get("resource", ""))
                    resources.append(Resource(name, word, kind, plural, namespaced))


def _one_by_one(
    pager: Pager, root: str, answer: Json, resources: list[Resource], silent: list[Silent]
) -> None:
    """For servers older than aggregated discovery (Kubernetes 1.30)."""
    for group, version in _versions(answer):
        api_version = f"{group}/{version}" if group else version
        try:
            found = _json(pager, f"{root}/{api_version}")
        except ClusterError as error:
            silent.append(Silent(api_version, str(error)))
            continue
        for each in found.get("resources") or ():
            plural = str(each.get("name", ""))
            if "/" not in plural and "list" in (each.get("verbs") or ()):
                kind, namespaced = str(each.get("kind", "")), bool(each.get("namespaced"))
                resources.append(Resource(group, version, kind, plural, namespaced))


def _versions(answer: Json) -> Iterator[tuple[str, str]]:
    """(group, version), the preferred version of a group first."""
    yield from (("", version) for version in answer.get("versions") or ())
    for group in answer.get("groups") or ():
        versions: list[Any] = [each.get("version", "") for each in group.get("versions") or ()]
        preferred = (group.get("preferredVersion") or {}).get("version")
        versions.sort(key=lambda version: version != preferred)
        yield from ((group.get("name", ""), version) for version in versions)
