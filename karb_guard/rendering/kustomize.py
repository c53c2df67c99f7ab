"""``kustomize build`` (or ``kubectl kustomize``): an overlay -> its objects."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path

from karb_guard.manifests import Document, Source
from karb_guard.manifests.reading import shown
from karb_guard.rendering import commands
from karb_guard.rendering.descriptions import kustomization_in
from karb_guard.rendering.options import RenderOptions
from karb_guard.rendering.scopes import placed

_ORIGIN = "config.kubernetes.io/origin"
"""Where an object comes from, in builds with ``buildMetadata: [originAnnotations]``."""
_ORIGIN_PATH = re.compile(r"^path: (.+)$", re.MULTILINE)
_MISSING = (
    "install kustomize (https://kubectl.docs.kubernetes.io/installation/kustomize/) or kubectl, "
    "or build it where one of them is: kustomize build ... | karb-guard lint -"
)
_MEND = (
    "mend the kustomization; karb-guard fetches nothing and inflates no charts, so remote bases "
    "must be copied and `helmCharts` rendered beforehand"
)


def sources(path: str, options: RenderOptions, limits: commands.RenderLimits) -> list[Source]:
    """Build the kustomization in the directory ``path``.

    One source, named as the kustomization file; lines count in what the command prints. Objects
    that say where they come from (``originAnnotations``) are placed in that file. Where the
    command fails, the source has the problem.
    """
    name = shown(kustomization_in(path) or path)
    command = _command()
    if command is None:
        problem = commands.missing("neither `kustomize` nor `kubectl`", name, _MISSING)
        return [Source(name, problem=problem)]
    words = " ".join([Path(command[0]).name, *command[1:]])
    done = commands.run([*command, str(Path(path).absolute())], limits)
    if done.failed:
        return [Source(name, problem=commands.failure(done, words, name, _MEND))]
    said = commands.notes(done, words, name, limits)
    if not done.stdout.strip():
        return [Source(name, skipped="a kustomization that builds nothing", notes=said)]
    amend = partial(_amend, path=path, namespace=options.namespace)
    return [Source(name, done.stdout, notes=said, amend=amend)]


def _command() -> list[str] | None:
    own = commands.find("kustomize")
    if own is not None:
        return [own, "build"]
    kubectl = commands.find("kubectl")
    return None if kubectl is None else [kubectl, "kustomize"]


def _amend(document: Document, path: str, namespace: str | None) -> None:
    document.rendered = True
    document.file = _origin(document, path) or document.file
    if namespace is not None:
        document.object = placed(document.object, namespace)


def _origin(document: Document, path: str) -> str | None:
    """The file that the object says it was read from, if it is there."""
    metadata = document.object.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    origin = annotations.get(_ORIGIN) if isinstance(annotations, dict) else None
    if not isinstance(origin, str) or "repo:" in origin or "\0" in origin:
        return None
    found = _ORIGIN_PATH.search(origin)
    if found is None:
        return None
    file = os.path.normpath(Path(path, found[1]))
    return shown(file) if Path(file).is_file() else None
