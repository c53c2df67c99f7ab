"""Answers whether a name speaks of an accelerator: the known names plus the settings'."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from functools import lru_cache
from typing import NamedTuple

from karb_guard.facts import gpu_names as names
from karb_guard.facts.gpu_names import Name
from karb_guard.facts.settings import FactSettings

_CONFIGURED = "settings"
_REMEMBERED = 2048


class Hit(NamedTuple):
    """The number of the test that recognised a name, and the vendor if that is known."""

    test: int
    vendor: str | None


class Matcher:
    """Finds the row that a name, or a name with a value, matches; remembers what it has seen."""

    def __init__(self, rows: Iterable[Name]) -> None:
        self._rows = tuple(rows)
        remember = lru_cache(maxsize=_REMEMBERED)
        self.row: Callable[[str], Name | None] = remember(self._row)
        """The first row whose pattern matches the name, whatever the value."""
        self.valued: Callable[[str, str], Name | None] = remember(self._valued)
        """The first row whose pattern matches the name, and that the value does not deny."""

    def _row(self, name: str) -> Name | None:
        return next((row for row in self._rows if _matches(name, row.pattern)), None)

    def _valued(self, name: str, value: str) -> Name | None:
        for row in self._rows:
            if _matches(name, row.pattern):
                listed = any(_matches(value, each) for each in row.values)
                if listed if row.values else _affirms(value):
                    return row
        return None


def _affirms(value: str) -> bool:
    return value.lower() not in names.FALSE_VALUES


def _matches(text: str, pattern: str) -> bool:
    """As ``fnmatchcase``, but patterns are compiled when they are first needed, and then stay."""
    if _WILD.isdisjoint(pattern):
        return text == pattern
    return _compiled(pattern).match(text) is not None


_WILD = frozenset("*?[")


@lru_cache(maxsize=_REMEMBERED)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))


def _plain(patterns: Iterable[str]) -> list[Name]:
    return [Name(pattern, _vendor(pattern), _CONFIGURED) for pattern in patterns]


def _keyed(patterns: Iterable[str]) -> list[Name]:
    rows = []
    for pattern in patterns:
        key, equals, value = pattern.partition("=")
        rows.append(Name(key, None, _CONFIGURED, (value,) if equals else ()))
    return rows


def _vendor(pattern: str) -> str | None:
    """``example.com/npu`` is made by ``example.com``: a name for people, and a set's element."""
    domain = pattern.partition("/")[0]
    return domain if "/" in pattern and "*" not in domain else None


def _form(resource: str) -> str:
    forms = (form for pattern, form, _ in names.FORMS if _matches(resource, pattern))
    return next(forms, names.DEVICE)


class GpuRules:
    """All matchers of one ``FactSettings``."""

    def __init__(self, settings: FactSettings) -> None:
        self.resources = Matcher((*names.RESOURCES, *_plain(settings.gpu_resources)))
        self.taints = Matcher((*_keyed(settings.gpu_taints), *names.TAINTS))
        self.labels = Matcher((*_keyed(settings.gpu_labels), *names.LABELS))
        self.classes = Matcher((*_plain(settings.gpu_device_classes), *names.DEVICE_CLASSES))
        self.other_classes = Matcher(
            (*_plain(settings.other_device_classes), *names.OTHER_DEVICE_CLASSES)
        )
        self.device_paths = Matcher(names.DEVICE_PATHS)
        self.runtime_classes = Matcher(names.RUNTIME_CLASSES)
        self.annotations = Matcher(names.INDIRECT_ANNOTATIONS)
        self.resource: Callable[[str], Hit | None] = lru_cache(maxsize=_REMEMBERED)(self._resource)
        """How a resource name was recognised, DeviceClasses' ``extendedResourceName`` aside."""
        self.form: Callable[[str], str] = lru_cache(maxsize=_REMEMBERED)(_form)
        """What a unit of an extended resource is: one of the forms of ``gpu_names``."""
        self.other_resources = Matcher(names.OTHER_RESOURCES)

    def _resource(self, name: str) -> Hit | None:
        if "/" not in name:
            return Hit(4, "nvidia") if name == names.INDIRECT_RESOURCE else None
        if name.startswith(names.DEVICE_CLASS_RESOURCE):
            return self.device_class_resource(name.removeprefix(names.DEVICE_CLASS_RESOURCE))
        row = self.resources.row(name)
        return Hit(1, row.vendor) if row else None

    def device_class_resource(self, device_class: str) -> Hit | None:
        """Test 2: a resource that stands for a DeviceClass, unless that is known to be no GPU."""
        row = self.classes.row(device_class)
        if row is None and self.other_classes.row(device_class):
            return None
        return Hit(2, row.vendor if row else None)


@lru_cache(maxsize=16)
def gpu_rules(settings: FactSettings) -> GpuRules:
    """The rules of these settings, compiled once."""
    return GpuRules(settings)
