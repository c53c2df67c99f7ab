"""What ``Chart.yaml`` and ``kustomization.yaml`` say, as far as finding one's way needs it.

Files that can't be read say nothing here: the command that renders them says what is wrong.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from karb_guard.manifests.decoding import decode
from karb_guard.manifests.limits import Limits
from karb_guard.manifests.problem import ParseProblem
from karb_guard.manifests.streams import Raw, documents_of

CHART = "Chart.yaml"
KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""The names that kustomize looks for (api/konfig ``RecognizedKustomizationFileNames``)."""
ARCHIVES = (".tgz", ".tar.gz")
"""What a packed chart is called."""
_CHART_PARTS = (
    *("templates", "crds", "charts", CHART, "Chart.lock", "values.yaml", "values.schema.json"),
    *("requirements.yaml", "requirements.lock"),
)
"""What of a chart's directory ``helm template`` reads, except files that templates load."""
_LISTS_OF_PATHS = (
    *("resources", "bases", "components", "patchesStrategicMerge", "crds", "configurations"),
    *("generators", "transformers", "validators"),
)
_PATHS_INSIDE = {
    "patches": ("path",),
    "patchesJson6902": ("path",),
    "replacements": ("path",),
    "configMapGenerator": ("files", "envs", "env"),
    "secretGenerator": ("files", "envs", "env"),
    "helmCharts": ("valuesFile", "additionalValuesFiles"),
    "openapi": ("path",),
}
"""Keys of a kustomization under which paths stand (sigs.k8s.io/kustomize/api/types)."""
_LIMITS = Limits(file_bytes=1 << 20, documents=100, problems=1)
_MAX_REFERENCE = 1024
"""Longest text that is taken for a path; inline patches are longer."""


def is_chart(directory: str) -> bool:
    """Whether the directory is a Helm chart."""
    return Path(directory, CHART).is_file()


def is_archive(path: str) -> bool:
    """Whether the file's name is that of a packed chart."""
    return path.endswith(ARCHIVES) and Path(path).is_file()


def holds_chart(archive: str) -> bool:
    """Whether an archive is a packed chart: ``helm package`` writes ``<chart>/Chart.yaml`` first.

    Of an archive that was only found (a directory holds others, too), so any fault means no.
    """
    import tarfile

    try:
        with tarfile.open(archive, "r:gz") as packed:
            first = packed.next()
    except (OSError, EOFError, tarfile.TarError, zlib.error):
        return False
    return first is not None and first.name.count("/") == 1 and first.name.endswith(f"/{CHART}")


def kustomization_in(directory: str) -> str | None:
    """The kustomization file of the directory, if it has one."""
    files = (Path(directory, name) for name in KUSTOMIZATIONS)
    return next((str(file) for file in files if file.is_file()), None)


def is_library(directory: str) -> bool:
    """Whether the chart is there for other charts only and renders nothing by itself."""
    return _first_map(str(Path(directory, CHART))).get("type") == "library"


def chart_parts(directory: str) -> list[str]:
    """Real paths of what rendering the chart stands for."""
    return [os.path.realpath(Path(directory, name)) for name in _CHART_PARTS]


def is_component(file: str) -> bool:
    """Whether the kustomization is a component, which builds nothing by itself."""
    return _first_map(file).get("kind") == "Component"


def references(file: str) -> list[str]:
    """Real paths of the files and directories that a kustomization file names and that exist."""
    base = Path(file).parent
    found = []
    for name in _named(_first_map(file)):
        if name and len(name) <= _MAX_REFERENCE and not {"\n", "\0"} & set(name):
            path = os.path.realpath(base / name)
            if Path(path).exists():
                found.append(path)
    return found


def _named(kustomization: Mapping[str, Any]) -> Iterator[str]:
    """What may be a path: by key, since `namespace: prod` beside a directory `prod` is none."""
    for key in _LISTS_OF_PATHS:
        yield from _strings(kustomization.get(key))
    for key, fields in _PATHS_INSIDE.items():
        value = kustomization.get(key)
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, dict):
                texts = (text for name in fields for text in _strings(entry.get(name)))
                yield from (text.rpartition("=")[2] for text in texts)  # generators: `key=path`


def _strings(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str)]


def _first_map(file: str) -> dict[str, Any]:
    """The first document of a YAML file, if it is a map; else an empty one."""
    try:
        with Path(file).open("rb") as stream:
            data = stream.read(_LIMITS.file_bytes + 1)
    except OSError:
        return {}
    decoded = decode(data, file) if len(data) <= _LIMITS.file_bytes else None
    if decoded is None or isinstance(decoded, ParseProblem):
        return {}
    first = next(iter(documents_of(decoded, _LIMITS)), None)
    return first.value if isinstance(first, Raw) and isinstance(first.value, dict) else {}
