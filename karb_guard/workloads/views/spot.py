"""What every view builder is given, and small helpers to read fields of unsure type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from karb_guard.model.finding import Path
from karb_guard.workloads.containers import Openness
from karb_guard.workloads.patterns import json_type
from karb_guard.workloads.shapes import Alias, Container, MetadataSource, Misfit, Template

_EXPECTED = {dict: "object", list: "array", str: "string"}


@dataclass(slots=True)
class Spot:
    """A map in an object that describes a pod."""

    root: dict[str, Any]
    path: Path
    value: dict[str, Any]
    openness: Openness
    metadata: tuple[MetadataSource, ...]
    misfits: list[Misfit]

    def object(self, container: dict[str, Any], path: Path, key: str) -> dict[str, Any] | None:
        """The map under ``key``; another type is a misfit and reads as missing."""
        value = container.get(key)
        if isinstance(value, dict):
            return value
        self._note(value, (*path, key), "object")
        return None

    def array(self, container: dict[str, Any], path: Path, key: str) -> list[Any] | None:
        """The list under ``key``; another type is a misfit and reads as missing."""
        value = container.get(key)
        if isinstance(value, list):
            return value
        self._note(value, (*path, key), "array")
        return None

    def string(self, container: dict[str, Any], path: Path, key: str) -> str | None:
        """The string under ``key``; another type is a misfit and reads as missing."""
        value = container.get(key)
        if isinstance(value, str):
            return value
        self._note(value, (*path, key), "string")
        return None

    def _note(self, value: Any, path: Path, expected: str) -> None:
        if value is not None:
            self.misfits.append(Misfit(path, expected, json_type(value)))

    def template(
        self,
        spec: dict[str, Any],
        containers: list[Container],
        aliases: list[Alias] | None = None,
    ) -> Template:
        """The finished template of this spot."""
        return Template(self.path, spec, tuple(containers), self.metadata, tuple(aliases or ()))


def taken(value: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """The named fields that are there and not null."""
    return {field: value[field] for field in fields if value.get(field) is not None}
