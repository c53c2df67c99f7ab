"""Remembers what policies see of a pod template: replicas come by the dozen and differ in nothing.

A key is the template's whole content with its place in the object, written as JSON, so that a view
is found only for what would give the same one. Names and uids of pods are not in a template; the
one name that is, and differs from pod to pod, is that of the volume which the API server mounts
for the service account's token: key and view hold a mark in its place.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from karb_guard.model import token_volume
from karb_guard.model.remembered import Remembered
from karb_guard.workloads import Template, Workload

MAX_BYTES = 16 * 2**20
"""Of keys and views together. A pod of three containers takes 16 kB."""


class Key(NamedTuple):
    """Which template is asked for."""

    content: bytes
    token: bytes
    """The name that stands where ``content`` has the mark; empty where it has none."""


class TemplateMemory:
    """Views of pod templates as JSON, those asked for last. Safe to use from several threads.

    A view also depends on the settings and on what is known of devices: a memory belongs to one
    evaluator and is asked only where no such objects are known.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._views = Remembered[bytes](max_bytes)

    def recall(self, key: Key) -> bytes | None:
        """The view of the template, as JSON."""
        view = self._views.get(key.content)
        return (
            view.replace(token_volume.MARK, key.token) if view is not None and key.token else view
        )

    def keep(self, key: Key, view: bytes) -> None:
        """Remember ``view``."""
        if key.token:
            view = view.replace(key.token, token_volume.MARK)
        self._views.keep(key.content, view, len(view))


def key_of(workload: Workload) -> Key | None:
    """The key of the only template of a built-in kind; ``None`` for any other workload.

    The object has to come from JSON: what YAML knows beyond it (NaN) has no form of its own there.
    """
    if len(workload.templates) != 1 or workload.operator or workload.misfits:
        return None
    template = workload.templates[0]
    place = (workload.group, workload.version, workload.kind, template.path)
    content = (place, template.spec, _metadata(template))
    try:
        text = orjson.dumps(content, option=orjson.OPT_PASSTHROUGH_DATETIME)
    except TypeError:  # not from JSON, or a number beyond 64 bits
        return None
    return Key(*token_volume.marked(text))  # renaming the volume renames it in the view


def _metadata(template: Template) -> list[tuple[Any, ...]]:
    return [(source.path, source.labels, source.annotations) for source in template.metadata]
