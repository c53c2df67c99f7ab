"""``karb-guard mutate``: what the webhook would give to the Pods of a file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from karb_guard.cli.common import add_policy_arguments, choices_of
from karb_guard.model.errors import UsageError

if TYPE_CHECKING:
    from karb_guard.mutation.mutator import Mutation

EXIT_PROBLEM = 2
MAX_BYTES = 64 * 2**20


class Named(NamedTuple):
    """A Pod, and the object of the file that is or makes it."""

    source: str
    pod: Mapping[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``mutate``."""
    parser.add_argument("file", metavar="FILE", help="manifests, YAML or JSON; - for stdin")
    add_policy_arguments(parser)
    parser.add_argument(
        "--namespace", default="default", metavar="NAME", help="of objects that name none"
    )
    parser.add_argument(
        "--namespace-label",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="labels",
        help="a label of the namespace; repeatable",
    )
    parser.add_argument("--json", action="store_true", help="print the RFC 6902 patches as JSON")


def run(args: argparse.Namespace) -> int:
    """Print what each Pod would be given, also those that a built-in controller would make.

    Exit code 2 where something could not be read or looked at.
    """
    from karb_guard.assembly import assemble
    from karb_guard.assembly.mutation import mutator_of

    labels = dict(_pair(text) for text in args.labels)
    pods, problems = _pods(args.file, args.namespace)
    with assemble(choices_of(args)) as guard:
        if not guard.config.mutation.enabled:
            print(
                "karb-guard: mutation.enabled is false: this is what it would do", file=sys.stderr
            )
        mutator = mutator_of(guard, preview=True)
        found = [(each, mutator.mutate(each.pod, _namespace(each), labels)) for each in pods]
    for problem in problems:
        print(f"karb-guard: {problem}", file=sys.stderr)
    sys.stdout.write(_as_json(found) if args.json else "".join(map(_as_text, found)))
    return EXIT_PROBLEM if problems or any(m.refused for _, m in found) else 0


def _pods(file: str, namespace: str) -> tuple[list[Named], list[str]]:
    from karb_guard.manifests import parse

    try:
        if file == "-":
            data = sys.stdin.buffer.read(MAX_BYTES)
        else:
            with Path(file).open("rb") as stream:
                data = stream.read(MAX_BYTES)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}; name a readable file, or -") from error
    parsed = parse(data, file)
    problems = [f"{file}:{problem.line}: {problem.message}" for problem in parsed.problems]
    return [p for d in parsed.documents for p in _made_by(d.object, namespace)], problems


def _made_by(obj: Mapping[str, Any], namespace: str) -> Iterator[Named]:
    """The Pods that a Pod is or a built-in controller makes; operators make theirs as they like."""
    from karb_guard import workloads

    metadata = obj.get("metadata")
    named: Mapping[str, Any] = metadata if isinstance(metadata, dict) else {}
    where = named.get("namespace") or namespace
    source = f"{obj.get('kind')} {where}/{named.get('name') or '(no name)'}"
    if obj.get("kind") == "Pod" and obj.get("apiVersion") == "v1":
        yield Named(source, {**obj, "metadata": {**named, "namespace": where}})
        return
    workload = workloads.resolve(obj)
    if workload.operator:
        return
    for template in workload.templates:
        carried = {
            "namespace": where,
            "labels": dict(template.labels),
            "annotations": dict(template.annotations),
        }
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": carried, "spec": template.spec}
        yield Named(f"a Pod of {source}", pod)


def _namespace(named: Named) -> str:
    return str(named.pod["metadata"]["namespace"])


def _as_json(found: Sequence[tuple[Named, Mutation]]) -> str:
    listed = [
        {
            "object": named.source,
            "patch": list(mutation.patch),
            "notMutated": mutation.refused or mutation.skipped,
        }
        for named, mutation in found
    ]
    return json.dumps(listed, indent=2) + "\n"


def _as_text(found: tuple[Named, Mutation]) -> str:
    from karb_guard.model.path import format_path

    named, mutation = found
    reason = mutation.refused or mutation.skipped
    if reason is not None:
        return f"{named.source}: not changed: {reason}\n"
    if not mutation.changes:
        return f"{named.source}: nothing to fill in\n"
    lines = [f"{named.source}:"]
    for change in mutation.changes:
        where = format_path(change.path) + ("[+]" if change.append else "")
        lines.append(f"  {where} = {json.dumps(change.value)}")
        lines.append(f"      {change.kind.value}: {change.reason}")
    return "\n".join(lines) + "\n"


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UsageError(f"--namespace-label {text}: write KEY=VALUE")
    return key, value
