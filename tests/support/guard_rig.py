"""Reviews answered by the real catalogue, without a process around it."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from karb_guard.assembly import Choices, assemble
from karb_guard.decisions.admission import Decision
from webhook import review as reviews
from webhook.loaded import Surroundings
from webhook.loading import loaded_from
from webhook.metrics import Metrics
from webhook.service import ReviewService

Json = dict[str, Any]
Ask = Callable[..., Decision]

ENFORCED = "stages: {default: {error: enforce, warning: enforce, info: enforce}}"


class _Namespaces:
    """Namespaces without labels, all of them known."""

    def labels(self, _name: str) -> Mapping[str, str]:
        return {}

    async def fetch(self, _name: str) -> Mapping[str, str]:
        return {}


def guard(
    folder: Path,
    select: Sequence[str],
    configuration: str = ENFORCED,
    surroundings: Surroundings | None = None,
) -> Ask:
    """A function (object, operation, old, user and further fields of the request) -> decision."""
    file = folder / "karb-guard.yaml"
    file.write_text(configuration)
    loaded = loaded_from(assemble(Choices(config_file=file, select=list(select))), None)
    service = ReviewService(loaded, _Namespaces(), Metrics(), surroundings=surroundings)

    def ask(
        obj: Json,
        operation: str = "CREATE",
        old: Json | None = None,
        user: str = "jane",
        **more: Any,
    ) -> Decision:
        group, _, version = str(obj["apiVersion"]).rpartition("/")
        metadata = obj["metadata"]
        request = {
            "uid": "u-1",
            "kind": {"group": group, "version": version, "kind": obj["kind"]},
            "name": metadata.get("name", ""),
            "namespace": metadata.get("namespace", ""),
            "operation": operation,
            "userInfo": {"username": user},
            "object": obj,
            "oldObject": old,
            **more,
        }
        body = {"apiVersion": reviews.API_VERSION, "kind": reviews.KIND, "request": request}
        review = reviews.parse(json.dumps(body).encode(), "application/json")
        return asyncio.run(service.answer(review))

    return ask


def changed(obj: Json, *steps: tuple[str, Any]) -> Json:
    """A copy with values set at dotted paths; numbers are indices of lists."""
    made = copy.deepcopy(obj)
    for path, value in steps:
        *above, last = [int(key) if key.isdecimal() else key for key in path.split(".")]
        place: Any = made
        for key in above:
            place = place.setdefault(key, {}) if isinstance(place, dict) else place[key]
        place[last] = value
    return made


def said(decision: Decision) -> set[str]:
    """Short names of the invariants that were found, at any stage."""
    return {name for name, _ in decision.counts}
