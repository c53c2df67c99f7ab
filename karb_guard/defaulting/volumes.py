"""Defaults of a PodSpec's volumes."""

from __future__ import annotations

from functools import partial
from typing import Any

from karb_guard.defaulting.containers import pull_policy
from karb_guard.defaulting.table import below, below_each, filled, replaced

_FIELD_REF = partial(filled, "ObjectFieldSelector")


def default_volume(volume: dict[str, Any]) -> dict[str, Any]:
    """``SetDefaults_Volume`` and what the volume's source has: no source means an emptyDir."""
    source = next((key for key in volume if key != "name" and volume[key] is not None), None)
    if source is None:
        return {**volume, "emptyDir": {}}
    change = _SOURCES.get(source)
    return volume if change is None else below(volume, source, change)


def default_claim_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """``SetDefaults_PersistentVolumeClaimSpec``."""
    return filled("PersistentVolumeClaimSpec", spec)


def _items(source: dict[str, Any]) -> dict[str, Any]:
    return below_each(source, "items", _item)


def _item(item: dict[str, Any]) -> dict[str, Any]:
    item = below(item, "fieldRef", _FIELD_REF)
    return below(item, "resourceFieldRef", partial(filled, "ResourceFieldSelector"))


def _downward(source: dict[str, Any]) -> dict[str, Any]:
    return _items(filled("downwardAPI", source))


def _projected(source: dict[str, Any]) -> dict[str, Any]:
    return below_each(filled("projected", source), "sources", _projection)


def _projection(projection: dict[str, Any]) -> dict[str, Any]:
    projection = below(projection, "downwardAPI", _items)
    return below(
        projection, "serviceAccountToken", partial(filled, "ServiceAccountTokenProjection")
    )


def _ephemeral(source: dict[str, Any]) -> dict[str, Any]:
    return below(
        source,
        "volumeClaimTemplate",
        # An absent spec is an empty one in Go.
        lambda claim: replaced(claim, "spec", default_claim_spec(claim.get("spec") or {})),
    )


def _image(source: dict[str, Any]) -> dict[str, Any]:
    if source.get("pullPolicy"):
        return source
    return {**source, "pullPolicy": pull_policy(source.get("reference"))}


_SOURCES = {
    **{
        name: partial(filled, name)
        for name in ("hostPath", "secret", "configMap", "iscsi", "rbd", "azureDisk", "scaleIO")
    },
    "downwardAPI": _downward,
    "projected": _projected,
    "ephemeral": _ephemeral,
    "image": _image,
}
