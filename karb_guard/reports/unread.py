"""What a scan says nothing about, so that results of earlier scans about it stay.

A report object is the state of a namespace, not of a scan: what could not be read, or not be
decided for want of something that could not be read, is neither mended nor gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from karb_guard.model.audit import Audit, Missing
from karb_guard.model.finding import ObjectRef

Json = dict[str, Any]
_NAMESPACE = ("", "Namespace")


class _Object(NamedTuple):
    """Which object, whatever version of its kind."""

    group: str
    kind: str
    namespace: str
    name: str

    @property
    def file(self) -> str:
        """How problems name it."""
        return "/".join(filter(None, (self.namespace, self.kind, self.name)))


class Unread:
    """Tells of an earlier result whether this scan could have seen it again."""

    def __init__(self, audit: Audit) -> None:
        self._missing = audit.missing
        self._asked = frozenset(invariant.name for invariant in audit.report.invariants)
        self._namespaces = frozenset(audit.namespaces)
        self._unjudged = frozenset(p.file for p in audit.report.problems)
        self._undecided = {
            (unknown.name, _of_ref(unknown.object)): missing.what
            for missing in audit.missing
            for unknown in audit.report.unknowns
            if not missing.undecided or unknown.name in missing.undecided
        }

    @property
    def loses_nothing(self) -> bool:
        """Whether all that there is was read and judged."""
        return not self._missing and not self._unjudged and "" in self._namespaces

    def in_scope(self, result: Mapping[str, Any]) -> bool:
        """Whether its place was looked at; a scan of some namespaces sees those Namespaces too."""
        found = _of_result(result)
        if found.namespace or "" in self._namespaces:
            return found.namespace in self._namespaces
        return (found.group, found.kind) == _NAMESPACE and found.name in self._namespaces

    def why(self, result: Mapping[str, Any]) -> str | None:
        """What of it was not read, or ``None`` where the scan had its say, if it is in scope.

        Of an invariant that is switched off nothing is to be kept.
        """
        if result.get("policy") not in self._asked:
            return None
        found = _of_result(result)
        for missing in self._missing:
            if _hides(missing, found):
                return missing.what
        if found.file in self._unjudged:
            return "not judged"
        return self._undecided.get((str(result.get("policy")), found))


def _hides(missing: Missing, found: _Object) -> bool:
    if missing.kind is not None and missing.kind != (found.group, found.kind):
        return False
    where = found.name if missing.kind == _NAMESPACE else found.namespace
    return missing.namespace is None or missing.namespace == where


def _of_ref(ref: ObjectRef) -> _Object:
    return _Object(ref.api_version.rpartition("/")[0], ref.kind, ref.namespace or "", ref.name)


def _of_result(result: Mapping[str, Any]) -> _Object:
    """The object of one of our results; they have one each."""
    resources = result.get("resources") or [{}]
    ref = resources[0]
    group = str(ref.get("apiVersion", "")).rpartition("/")[0]
    return _Object(group, *(str(ref.get(key, "")) for key in ("kind", "namespace", "name")))
