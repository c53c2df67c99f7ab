"""A webhook with a small evaluator of the test's own, and objects to send it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from typing import Any

from karb_guard.decisions.admission import AdmissionOptions
from karb_guard.decisions.break_glass import BreakGlass
from karb_guard.decisions.stages import StagePolicy, StageRules
from karb_guard.model.finding import Coverage, Evaluation, Finding, ObjectRef, Severity
from karb_guard.model.invariant import Invariant, Reference
from karb_guard.model.stage import Stage
from webhook.app import create_app
from webhook.health import Readiness
from webhook.loaded import Loaded, Surroundings
from webhook.metrics import Metrics
from webhook.mutate import PodMutator
from webhook.service import ReviewService

TODAY = datetime.date(2027, 1, 15)


def invariant(name: str, number: int = 1, **changes: Any) -> Invariant:
    values: dict[str, Any] = {
        "id": f"KARB-TEST-{number:03d}",
        "name": name,
        "category": "test",
        "package": f"karb.test.{name.replace('-', '_')}",
        "title": f"{name} is broken",
        "description": "Why it matters.",
        "severity": Severity.ERROR,
        "since": "0.1.0",
        "remediation": "Set a memory limit\non every container.\n\nMore words.",
        "checks": {"missing": "container {container} has no memory limit"},
        "references": (Reference("https://kubernetes.io/docs/"),),
    }
    return Invariant(**{**values, **changes})


def waiver_invariants() -> list[Invariant]:
    checks = {
        "expired": "{waiver} expired on {until}",
        "unused": "{waiver} covers nothing: {invariant} has no finding {where}",
        "invalid": "{waiver} waives nothing: {problem}",
    }
    return [
        invariant(f"waiver-{check}", 90 + n, checks={check: text}, evaluator="python")
        for n, (check, text) in enumerate(checks.items())
    ]


RES_MEM = invariant("res-mem", 1)
WAIVABLE = invariant("gpu-pin", 2, self_waivable=True, severity=Severity.WARNING)
CATALOGUE = {i.name: i for i in (RES_MEM, WAIVABLE, *waiver_invariants())}


class LimitEvaluator:
    """Finds containers without a memory limit (res-mem) and pods without a nodeSelector."""

    def evaluate(
        self,
        obj: Mapping[str, Any],
        namespace: str,
        labels: Mapping[str, str] | None,
        json_bytes: int | None = None,
    ) -> Evaluation:
        del labels, json_bytes
        metadata = obj.get("metadata") or {}
        ref = ObjectRef(
            str(obj.get("apiVersion")), str(obj.get("kind")), metadata.get("name", "?"), namespace
        )
        prefix = ("spec",) if obj.get("kind") == "Pod" else ("spec", "template", "spec")
        spec: Any = obj
        for key in prefix:
            spec = spec.get(key, {})
        if spec.get("explode"):
            raise RuntimeError("a mistake of ours")
        if "containers" not in spec:
            return Evaluation(ref, Coverage.UNKNOWN)
        if spec.get("tooLarge"):
            return Evaluation(ref, Coverage.KNOWN, not_evaluated="1025 containers; at most 1024")
        findings = [
            _finding(RES_MEM, ref, (*prefix, "containers", index), container["name"])
            for index, container in enumerate(spec["containers"])
            if not container.get("resources", {}).get("limits", {}).get("memory")
        ]
        if "nodeSelector" not in spec:
            findings.append(_finding(WAIVABLE, ref, (*prefix, "nodeSelector"), None))
        template = ((*prefix[:-1], "metadata"), prefix)
        return Evaluation(ref, Coverage.KNOWN, tuple(findings), templates=(template,))


def _finding(
    rule: Invariant, ref: ObjectRef, path: tuple[str | int, ...], container: str | None
) -> Finding:
    return Finding(
        invariant_id=rule.id,
        name=rule.name,
        check="missing",
        severity=rule.severity,
        message=rule.checks["missing"].format(container=container),
        remediation=rule.remediation,
        object=ref,
        owner=ref,
        path=path,
        anchor=f"pod/containers[{container}]" if container else "pod/spec",
        container=container,
    )


class FixedNamespaces:
    """Namespaces that a test writes down; ``live`` ones are only found by asking."""

    def __init__(
        self,
        known: Mapping[str, Mapping[str, str]] | None = None,
        live: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.known = dict(known or {"inference": {}})
        self.live = dict(live or {})

    def labels(self, name: str) -> Mapping[str, str] | None:
        return self.known.get(name)

    async def fetch(self, name: str) -> Mapping[str, str] | None:
        return self.live.get(name)


class Rig:
    """The application and what stands behind it."""

    def __init__(
        self,
        stage: Stage = Stage.ENFORCE,
        namespaces: FixedNamespaces | None = None,
        exempt: tuple[str, ...] = ("kube-system",),
        surroundings: Surroundings | None = None,
        *,
        mutator: PodMutator | None = None,
        broken: Callable[[], BreakGlass | None] = lambda: None,
        **options: Any,
    ) -> None:
        self.metrics = Metrics()
        self.readiness = Readiness()
        self.readiness.require("policies", lambda: None)
        loaded = Loaded(
            evaluator=LimitEvaluator(),
            stages=StagePolicy(list(CATALOGUE.values()), StageRules(default=stage)),
            catalogue=CATALOGUE,
            enabled=frozenset(CATALOGUE),
            options=AdmissionOptions(**options),
            exempt_namespaces=exempt,
            digest="d1",
            mutator=mutator,
        )
        self.service = ReviewService(
            loaded,
            namespaces or FixedNamespaces(),
            self.metrics,
            today=lambda: TODAY,
            surroundings=surroundings,
            broken=broken,
        )
        self.app = create_app(self.service, self.readiness, self.metrics)


def pod(*containers: str, limit: str | None = None, **metadata: Any) -> dict[str, Any]:
    resources = {"resources": {"limits": {"memory": limit}}} if limit else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "llm", "namespace": "inference", **metadata},
        "spec": {
            "nodeSelector": {"accelerator": "a"},
            "containers": [{"name": name, **resources} for name in containers],
        },
    }


def review(
    obj: Mapping[str, Any] | None,
    operation: str = "CREATE",
    old: Mapping[str, Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    what = obj or old or {}
    group, _, version = str(what.get("apiVersion", "v1")).rpartition("/")
    metadata = what.get("metadata", {})
    request = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": group, "version": version, "kind": what.get("kind", "Pod")},
        "resource": {"group": group, "version": version, "resource": "pods"},
        "name": metadata.get("name", ""),
        "namespace": metadata.get("namespace", ""),
        "operation": operation,
        "userInfo": {"username": "jane"},
        "object": obj,
        "oldObject": old,
        "dryRun": False,
        **changes,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def body(*arguments: Any, **changes: Any) -> bytes:
    return json.dumps(review(*arguments, **changes)).encode()
