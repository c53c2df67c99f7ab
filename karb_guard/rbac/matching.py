"""Whether one rule allows one request.

The rules are those of ``RuleAllows`` in kubernetes/plugin/pkg/auth/authorizer/rbac and of
``pkg/apis/rbac/v1/evaluation_helpers.go`` (v1.37).
"""

from __future__ import annotations

from typing import NamedTuple

from karb_guard.rbac.objects import Rule

ALL = "*"


class ResourceRequest(NamedTuple):
    """A request for objects of the API."""

    verb: str
    resource: str
    """The plural name, without a subresource."""
    api_group: str = ""
    subresource: str = ""
    name: str = ""
    """Empty for ``list``, ``watch``, ``create`` and ``deletecollection``."""
    namespace: str = ""
    """Empty for cluster-scoped resources, and for all namespaces at once."""


class UrlRequest(NamedTuple):
    """A request for a path that is no resource: ``/metrics``."""

    verb: str
    """The HTTP method in lower case."""
    path: str


Request = ResourceRequest | UrlRequest


def allows(rule: Rule, request: Request) -> bool:
    """Whether ``rule`` allows ``request``, wherever a binding puts it."""
    if not _has(rule.verbs, request.verb):
        return False
    if isinstance(request, UrlRequest):
        return any(url_matches(url, request.path) for url in rule.non_resource_urls)
    return (
        _has(rule.api_groups, request.api_group)
        and any(resource_matches(resource, request) for resource in rule.resources)
        and (not rule.resource_names or request.name in rule.resource_names)
    )


def _has(values: tuple[str, ...], value: str) -> bool:
    return ALL in values or value in values


def resource_matches(written: str, request: ResourceRequest) -> bool:
    """``pods``, ``pods/exec``, ``*/exec`` and ``*``; ``pods`` alone is not ``pods/exec``."""
    if written == ALL:
        return True
    if not request.subresource:
        return written == request.resource
    combined = f"{request.resource}/{request.subresource}"
    return written in {combined, f"{ALL}/{request.subresource}"}


def url_matches(written: str, path: str) -> bool:
    """A full match, or all below a path that ends in ``*`` (every ``*`` at the end counts)."""
    return written == path or (written.endswith(ALL) and path.startswith(written.rstrip(ALL)))
