"""What a pod's scratch volumes may take: ``emptyDir`` with its size in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from karb_guard.values.quantity import Quantity, parse_quantity
from karb_guard.workloads import Template


def empty_dirs(spec: Mapping[str, Any], template: Template) -> list[dict[str, Any]]:
    """The ``emptyDir`` volumes of a sanitized and defaulted PodSpec, in order.

    ``sizeLimit`` is in thousandths of a byte, as all quantities here; ``None`` where nothing
    bounds the volume: without the field, and with 0, which the kubelet takes for no limit
    (``emptyDirLimitEviction`` in kubernetes/pkg/kubelet/eviction).
    """
    return [
        _empty_dir(index, volume, template)
        for index, volume in enumerate(spec.get("volumes") or ())
        if "emptyDir" in volume
    ]


def _empty_dir(index: int, volume: Mapping[str, Any], template: Template) -> dict[str, Any]:
    source = volume["emptyDir"]
    written = source.get("sizeLimit")
    return {
        "name": volume.get("name") or "",
        "path": list(template.written(("volumes", index, "emptyDir"))),
        "medium": source.get("medium") or "",
        "sizeLimit": _bound(written),
        "raw": None if written is None else str(written),
    }


def _bound(written: Any) -> int | None:
    size = parse_quantity(written)
    return size.milli if isinstance(size, Quantity) and size.milli > 0 else None
