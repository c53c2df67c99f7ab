"""Compiles policies into a bundle: generates the entry points, runs ``opa build``, takes notes."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from karb_guard.engine.bundle import (
    SERVER_BUNDLE_FILE,
    WASM_BUNDLE_FILE,
    WASM_FILE,
    CompiledBundle,
)
from karb_guard.engine.catalogue import (
    CATALOGUE_FILE,
    BundleCatalogue,
    Group,
    HostCall,
    dump_catalogue,
)
from karb_guard.engine.entrypoints import (
    FIND_N,
    FIND_N_REGO,
    PACKAGE,
    dispatch_rego,
    group_members,
    rule_names,
)
from karb_guard.engine.gate import host_calls
from karb_guard.engine.interface import EngineError
from karb_guard.engine.opa_command import run_opa
from karb_guard.engine.reads import unread_names
from karb_guard.engine.sources import Source, policy_of, read_sources, source_hash
from karb_guard.engine.version import compiler_version
from karb_guard.invariants import compiled
from karb_guard.invariants.catalogue import Catalogue
from karb_guard.invariants.roots import is_builtin
from karb_guard.model.invariant import PODS_GROUP, Invariant
from karb_guard.toolchain.pins import OPA_VERSION

OPTIMIZE = 0
"""``opa build -O``: measured in docs/decisions/0001-engine.md."""

_ENTRY_FILE = "karb_guard/entry.rego"
_HOST_FILE = "karb_guard/host.rego"


def compile_policies(
    invariants: Sequence[Invariant],
    roots: Sequence[Path],
    out: Path,
    *,
    allow_host_builtins: bool = False,
    optimize: int = OPTIMIZE,
) -> CompiledBundle:
    """Compile ``invariants``, whose Rego is below ``roots``, into the directory ``out``.

    ``out`` is replaced as a whole, after everything succeeded. Raises ``EngineError`` for
    policies that don't compile and for built-ins that are refused (see ``gate``), and
    ``ToolchainError`` where no ``opa`` can be had.
    """
    plan = _plan(invariants, roots)
    with tempfile.TemporaryDirectory(prefix="karb-guard-policies-") as scratch:
        stage, made = Path(scratch, "stage"), Path(scratch, "made")
        made.mkdir()
        _write_stage(stage, plan)
        calls = host_calls(stage, allow_host_builtins=allow_host_builtins)
        unread = _unread(stage, plan)
        _write_manifest(stage, plan)
        _build(stage, made, plan, calls, optimize)
        catalogue = _catalogue(plan, unread, calls, (made / WASM_FILE).read_bytes())
        (made / CATALOGUE_FILE).write_text(dump_catalogue(catalogue))
        _replace(made, out)
    return CompiledBundle(out, catalogue)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What goes into one bundle."""

    invariants: Catalogue
    sources: Sequence[Source]
    groups: Mapping[str, Sequence[Invariant]]
    revision: str
    ours: bool
    """Whether there are no policies of users."""

    @property
    def entrypoints(self) -> dict[str, str]:
        """Match value -> slash-separated path of its entry point."""
        rules = rule_names(list(self.groups))
        return {group: f"{PACKAGE.replace('.', '/')}/{rule}" for group, rule in rules.items()}


def _plan(invariants: Sequence[Invariant], roots: Sequence[Path]) -> _Plan:
    catalogue, sources = Catalogue(tuple(invariants)), read_sources(roots)
    groups = group_members(catalogue.invariants)
    if not groups:
        raise EngineError("no invariant with Rego to compile")
    for members in groups.values():
        for invariant in members:
            policy_of(invariant, sources)
    metadata = json.dumps(compiled.dump(catalogue))
    parts = [source_hash(sources), compiler_version(), OPA_VERSION, metadata]
    revision = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return _Plan(catalogue, sources, groups, revision, all(map(is_builtin, roots)))


def _write_stage(stage: Path, plan: _Plan) -> None:
    # The files go to a directory of their own, without tests and fixtures: `opa build` would
    # load every YAML file below a root as data.
    texts = {source.name: source.text for source in plan.sources}
    texts |= {_ENTRY_FILE: _dispatch(plan, embedded=False), _HOST_FILE: FIND_N_REGO}
    for name, text in texts.items():
        file = stage / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _unread(stage: Path, plan: _Plan) -> tuple[str, ...]:
    """What no policy about pods reads of the names by which replicas differ."""
    if PODS_GROUP not in plan.groups:
        return ()
    rule = ".".join(["data", *plan.entrypoints[PODS_GROUP].split("/")])
    return unread_names(stage, rule, [source.text for source in plan.sources])


def _dispatch(plan: _Plan, *, embedded: bool) -> str:
    return dispatch_rego(plan.groups, plan.revision, embedded=embedded)


def _write_manifest(stage: Path, plan: _Plan) -> None:
    # Without roots a bundle owns all of `data`, and an OPA server that has other bundles
    # refuses it.
    roots = {source.package.split(".")[0] for source in plan.sources} | {PACKAGE.split(".")[0]}
    manifest = {"revision": plan.revision, "roots": sorted(roots - {""}), "rego_version": 1}
    (stage / ".manifest").write_text(json.dumps(manifest), encoding="utf-8")


def _build(stage: Path, made: Path, plan: _Plan, calls: Sequence[HostCall], optimize: int) -> None:
    searching = any(call.builtin == "regex.find_n" for call in calls)
    names = [*plan.entrypoints.values(), *([FIND_N] if searching else [])]
    entries = [part for name in names for part in ("--entrypoint", name)]
    wasm, server = made / WASM_BUNDLE_FILE, made / SERVER_BUNDLE_FILE
    # The optimizer drops the manifest's revision, so it is given once more.
    common = ["build", "--bundle", ".", "--revision", plan.revision, *entries]
    level = ["--optimize", str(optimize)]
    run_opa([*common, "--target", "rego", "--output", str(server)], cwd=stage)
    # A server is shared and gets parameters with each input; a module has instances of its own.
    (stage / _ENTRY_FILE).write_text(_dispatch(plan, embedded=True), encoding="utf-8")
    run_opa([*common, *level, "--target", "wasm", "--output", str(wasm)], cwd=stage)
    with tarfile.open(wasm) as archive:
        module = archive.extractfile("/" + WASM_FILE)
        if module is None:
            raise EngineError("opa build made a bundle without policy.wasm")
        (made / WASM_FILE).write_bytes(module.read())


def _catalogue(
    plan: _Plan, unread: tuple[str, ...], calls: tuple[HostCall, ...], wasm: bytes
) -> BundleCatalogue:
    entrypoints = plan.entrypoints
    return BundleCatalogue(
        invariants=plan.invariants,
        groups={
            group: Group(
                entrypoints[group],
                tuple(i.name for i in members),
                unread if group == PODS_GROUP else (),
                plan.ours,
            )
            for group, members in plan.groups.items()
        },
        revision=plan.revision,
        source_hash=source_hash(plan.sources),
        sources={source.name: source.sha256 for source in plan.sources},
        compiler=compiler_version(),
        opa_version=OPA_VERSION,
        wasm_sha256=hashlib.sha256(wasm).hexdigest(),
        host_calls=calls,
    )


def _replace(made: Path, out: Path) -> None:
    # The temporary directory may be on another file system: copy beside `out`, then rename.
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as beside:
        fresh, old = Path(beside, "new"), Path(beside, "old")
        shutil.copytree(made, fresh)
        if out.exists():
            out.rename(old)
        fresh.rename(out)
