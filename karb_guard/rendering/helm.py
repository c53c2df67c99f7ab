"""``helm template``: a chart -> one source a template, named as the template's file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from karb_guard.manifests import Document, ParseProblem, Source
from karb_guard.manifests.reading import shown
from karb_guard.rendering import commands
from karb_guard.rendering.options import DEFAULT_NAMESPACE, DEFAULT_RELEASE, RenderOptions
from karb_guard.rendering.scopes import placed

COMMAND = "helm template"
_MISSING = (
    "install helm (https://helm.sh/docs/intro/install/), or render it where helm is: "
    "helm template ... | karb-guard lint -"
)
_MEND = (
    "mend the chart, or give what it asks for (--values, --helm-set); karb-guard fetches nothing, "
    "so dependencies must be there (helm dependency build)"
)
_SOURCE = re.compile(rb"^---\r?\n# Source: ([^\r\n]+)\r?\n", re.MULTILINE)
"""What helm writes before each manifest (pkg/action ``renderResources``): chart/path."""
_FAULT = re.compile(r"([^\s:()\"]+/templates/[^\s:()\"]+)(?::(\d+)(?::(\d+))?)?")
"""A template in helm's words: ``demo/templates/x.yaml:3:12``, as all its releases write it."""


def sources(path: str, options: RenderOptions, limits: commands.RenderLimits) -> list[Source]:
    """Render the chart at ``path``: a directory or an archive.

    Each source holds what one template made, as ``helm template --show-only`` prints it, so that
    line numbers can be looked up. Where helm fails, one source with the problem.
    """
    name = shown(path)
    helm = commands.find("helm")
    if helm is None:
        return [Source(name, problem=commands.missing("`helm`", name, _MISSING))]
    done = commands.run([helm, *_arguments(path, options)], limits)
    if done.failed:
        return [Source(name, problem=_failure(done, path))]
    said = commands.notes(done, "helm", name, limits)
    made = list(_split(done.stdout, path))
    if not made:
        reason = "a chart that renders nothing with these values"
        return [Source(name, skipped=reason, notes=said)]
    amend = partial(_amend, namespace=options.namespace)
    return [
        Source(file, data, notes=said if index == 0 else (), amend=amend)
        for index, (file, data) in enumerate(made)
    ]


def _arguments(path: str, options: RenderOptions) -> list[str]:
    return [
        "template",
        options.release_name or DEFAULT_RELEASE,
        str(Path(path).absolute()),
        f"--namespace={options.namespace or DEFAULT_NAMESPACE}",
        "--include-crds",
        *(f"--values={Path(file).absolute()}" for file in options.values),
        *(f"--set={setting}" for setting in options.helm_set),
    ]


def _split(stdout: bytes, path: str) -> Iterator[tuple[str, bytes]]:
    """(file, what it made) for each template, in the order of helm's answer."""
    marks = list(_SOURCE.finditer(stdout))
    head = stdout[: marks[0].start()] if marks else stdout
    parts: dict[str, list[bytes]] = {}
    if head.strip():
        parts[shown(path)] = [head]  # nothing that helm itself writes: a plugin's words
    for index, mark in enumerate(marks):
        end = marks[index + 1].start() if index + 1 < len(marks) else len(stdout)
        file = file_of(mark[1].decode("utf-8", "replace"), path)
        parts.setdefault(file, []).append(stdout[mark.start() : end])
    for file, texts in parts.items():
        yield file, b"".join(texts)


def file_of(source: str, path: str) -> str:
    """``demo/templates/x.yaml`` of the chart at ``charts/a`` -> ``charts/a/templates/x.yaml``.

    Helm names the chart first, whatever its directory is called.
    """
    inside = PurePosixPath(source.strip()).parts[1:]
    return PurePosixPath(shown(path), *inside).as_posix()


def _amend(document: Document, namespace: str | None) -> None:
    document.rendered = True
    if namespace is not None:
        document.object = placed(document.object, namespace)


def _failure(done: commands.Done, path: str) -> ParseProblem:
    """The problem of a failed render, at the template and line that helm names, if it does."""
    problem = commands.failure(done, COMMAND, shown(path), _MEND)
    found = _FAULT.search(done.stderr)
    if done.stopped is not None or found is None:
        return problem
    line = int(found[2]) if found[2] else None
    # text/template counts columns from 0
    column = None if line is None else int(found[3]) + 1 if found[3] else 1
    return ParseProblem(file_of(found[1], path), line, column, problem.message, problem.remedy)
