"""The compiler: entry points, gates, the catalogue, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from karb_guard.engine.builtins.names import HOST, NATIVE
from karb_guard.engine.builtins.table import BUILTINS
from karb_guard.engine.bundle import load_bundle
from karb_guard.engine.compiler import compile_policies
from karb_guard.engine.embedded import EmbeddedEngine
from karb_guard.engine.entrypoints import rule_names
from karb_guard.engine.gate import cost_note
from karb_guard.engine.interface import Answered, EngineError
from karb_guard.engine.opa_command import run_opa
from karb_guard.model.invariant import Reference
from tests.support.small_policies import IMAGES, OWNER, compiled, enabled, invariant, write

FAILS = 'violations contains {"check": "c", "path": [], "detail": {}} if {\n\t'


def test_a_bundle_is_a_standard_opa_bundle_with_revision_and_roots(tmp_path: Path) -> None:
    bundle = compiled(tmp_path, {"owner": OWNER})
    manifests = [_manifest(path) for path in (bundle.wasm_bundle, bundle.server_bundle)]
    assert [each["revision"] for each in manifests] == [bundle.catalogue.revision] * 2
    assert manifests[0]["wasm"] == [
        {"entrypoint": "karb_guard/entry/pods", "module": "/policy.wasm"}
    ]
    assert "wasm" not in manifests[1], "a stock OPA refuses bundles with WebAssembly"
    assert manifests[1]["roots"] == ["karb", "karb_guard"], "a server may have other bundles"


def _manifest(path: Path) -> dict[str, object]:
    with tarfile.open(path) as archive:
        member = archive.extractfile("/.manifest")
        assert member is not None
        manifest: dict[str, object] = json.loads(member.read())
    return manifest


def test_compiling_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    one = compiled(tmp_path / "a", {"owner": OWNER, "img": IMAGES})
    two = compiled(tmp_path / "b", {"owner": OWNER, "img": IMAGES})
    assert one.wasm() == two.wasm()
    assert one.catalogue == two.catalogue


def test_the_catalogue_survives_the_disk(tmp_path: Path) -> None:
    root = write(tmp_path / "policies", {"owner": OWNER})
    rich = invariant(
        "owner",
        match=("pods", "networking.k8s.io/NetworkPolicy"),
        context=("namespace",),
        params={"labels": {"type": "array", "description": "ü", "default": ["a"]}},
        references=(Reference("https://kubernetes.io", "docs"),),
        paper="II. Ownership",
        self_waivable=True,
    )
    made = compile_policies([rich], [root], tmp_path / "bundle")
    read = load_bundle(tmp_path / "bundle").catalogue
    assert read == made.catalogue
    assert read.invariants.get("owner") == rich
    assert read.groups["networking.k8s.io/NetworkPolicy"].invariants == ("owner",)


def test_reading_a_catalogue_imports_nothing_slow(tmp_path: Path) -> None:
    compiled(tmp_path, {"owner": OWNER})
    code = (
        "import sys; from pathlib import Path\n"
        "from karb_guard.engine.bundle import load_bundle\n"
        "from karb_guard.engine.embedded import EmbeddedEngine\n"
        f"EmbeddedEngine(load_bundle(Path({str(tmp_path / 'bundle')!r})))\n"
        "print({'yaml', 'pydantic', 'wasmtime', 'requests'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_group_asks_only_the_invariants_that_match_it(tmp_path: Path) -> None:
    root = write(tmp_path / "policies", {"owner": OWNER, "net": OWNER})
    members = [
        invariant("owner", 1),
        invariant("net", 2, match=("networking.k8s.io/NetworkPolicy",)),
    ]
    engine = EmbeddedEngine(compile_policies(members, [root], tmp_path / "bundle"))
    params = enabled("owner", "net")
    [pods] = engine.evaluate("pods", params, [{}])
    [policies] = engine.evaluate("networking.k8s.io/NetworkPolicy", params, [{}])
    assert isinstance(pods, Answered)
    assert isinstance(policies, Answered)
    assert [v.invariant for v in pods.violations] == ["owner"]
    assert [v.invariant for v in policies.violations] == ["net"]


def test_rule_names_never_collide() -> None:
    names = rule_names(["pods", "a.b/C", "a_b/C", "a-b/c", "/Namespace"])
    assert len(set(names.values())) == 5
    assert all(name.isidentifier() for name in names.values())


def test_invariants_of_python_have_no_entry_point(tmp_path: Path) -> None:
    root = write(tmp_path / "policies", {"owner": OWNER})
    members = [invariant("owner"), invariant("malformed", 2, evaluator="python")]
    catalogue = compile_policies(members, [root], tmp_path / "bundle").catalogue
    assert catalogue.groups["pods"].invariants == ("owner",)
    assert catalogue.invariants.get("malformed").evaluator == "python"


def test_tests_and_fixtures_stay_out_of_the_bundle(tmp_path: Path) -> None:
    root = write(tmp_path / "policies", {"owner": OWNER})
    folder = root / "demo" / "owner"
    (folder / "policy_test.rego").write_text("package x\ntest_x if false")
    (folder / "fixtures" / "fail").mkdir(parents=True)
    (folder / "fixtures" / "fail" / "pod-x.yaml").write_text("kind: Pod")
    (root / "lib" / "x_test.rego").write_text("package karb.lib.x\nbroken(")
    bundle = compile_policies([invariant("owner")], [root], tmp_path / "bundle")
    with tarfile.open(bundle.server_bundle) as archive:
        names = archive.getnames()
    assert not [name for name in names if "test" in name or name.endswith(".yaml")]


@pytest.mark.parametrize("builtin", ["sprintf", "time.now_ns", "units.parse"])
def test_a_host_builtin_is_refused_with_file_and_line(tmp_path: Path, builtin: str) -> None:
    calls = {"sprintf": 'sprintf("%d", [1]) != ""', "time.now_ns": "time.now_ns() > 0"}
    call = calls.get(builtin, 'units.parse("1") > 0')
    with pytest.raises(EngineError) as refusal:
        compiled(tmp_path, {"owner": OWNER, "bad": f"\n{FAILS}{call}\n}}\n"})
    assert f"policies/demo/bad/policy.rego:4 uses {builtin}" in str(refusal.value)
    assert "owner" not in str(refusal.value)


def test_a_host_builtin_that_is_allowed_is_noted_with_its_cost(tmp_path: Path) -> None:
    rule = f'\n{FAILS}sprintf("%d", [1]) != ""\n}}\n'
    bundle = compiled(tmp_path, {"words": rule}, host=True)
    [note] = cost_note(bundle.catalogue.host_calls)
    assert note.startswith("policies/demo/words/policy.rego:4: sprintf")
    assert "microseconds" in note


def test_a_builtin_name_in_a_comment_is_no_use(tmp_path: Path) -> None:
    bundle = compiled(tmp_path, {"owner": f"# sprintf, http.send\n{OWNER}"})
    assert bundle.catalogue.host_calls == ()


def test_a_builtin_that_the_engine_lacks_is_refused_by_name(tmp_path: Path) -> None:
    rule = f'\n{FAILS}http.send({{"method": "get", "url": "http://127.0.0.1"}})\n}}\n'
    with pytest.raises(EngineError, match=r"policy\.rego:4 uses http\.send"):
        compiled(tmp_path, {"bad": rule}, host=True)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("violations contains v if {", r"policy\.rego:2"),
        (f"\n{FAILS}no_such_function(1)\n}}\n", "no_such_function"),
        ("\nfindings contains 1 if true\n", "no rule named `violations`"),
    ],
)
def test_broken_rego_is_refused_with_its_place(tmp_path: Path, rule: str, message: str) -> None:
    with pytest.raises(EngineError, match=message):
        compiled(tmp_path, {"bad": rule})


def test_a_package_that_is_not_its_folder_is_refused(tmp_path: Path) -> None:
    root = write(tmp_path / "policies", {"owner": OWNER})
    (root / "demo" / "owner" / "policy.rego").write_text(f"package karb.demo.other\n{OWNER}")
    with pytest.raises(EngineError, match=r"'karb\.demo\.other', but its folder asks"):
        compile_policies([invariant("owner")], [root], tmp_path / "bundle")


def test_an_invariant_in_two_roots_is_refused_with_both_names(tmp_path: Path) -> None:
    roots = [write(tmp_path / name / "policies", {"owner": OWNER}) for name in ("a", "b")]
    with pytest.raises(EngineError, match=r"defined twice: .*a/policies.* and .*b/policies"):
        compile_policies([invariant("owner")], roots, tmp_path / "bundle")


def test_a_failed_build_leaves_the_old_bundle(tmp_path: Path) -> None:
    before = compiled(tmp_path, {"owner": OWNER})
    with pytest.raises(EngineError):
        compiled(tmp_path, {"owner": "violations contains"})
    assert load_bundle(tmp_path / "bundle").catalogue == before.catalogue


def test_a_changed_module_is_refused(tmp_path: Path) -> None:
    bundle = compiled(tmp_path, {"owner": OWNER})
    path = bundle.directory / "policy.wasm"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(EngineError, match="damaged"):
        EmbeddedEngine(load_bundle(bundle.directory)).warm_up()


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"format": 99}', '{"format": 1, "invariants": 3}', "\x00"]
)
def test_a_damaged_catalogue_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "catalogue.json").write_text(text)
    with pytest.raises(EngineError, match=r"catalogue\.json"):
        load_bundle(tmp_path)


def test_the_table_of_host_builtins_is_what_the_host_implements() -> None:
    assert set(BUILTINS) == HOST


def test_the_table_of_native_builtins_is_what_opa_compiles_in(tmp_path: Path) -> None:
    """Compile a call of every built-in and ask the module which ones it imports."""
    known = json.loads(run_opa(["capabilities", "--current"]).stdout)["builtins"]
    callable_ = [b for b in known if "decl" in b and _is_plain(b)]
    rules = [
        f"r[{json.dumps(b['name'])}] := x if x := {b['name']}({_operands(b)})" for b in callable_
    ]
    (tmp_path / "all.rego").write_text("package all\n" + "\n".join(rules))
    build = ["build", "-t", "wasm", "-e", "all/r", "-o", "b.tar.gz", "all.rego"]
    run_opa(build, cwd=tmp_path)
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        module = archive.extractfile("/policy.wasm")
        assert module is not None
        imported = _imported(module.read())
    names = {b["name"] for b in callable_}
    assert len(names) > 150
    assert names - imported == names & NATIVE
    assert imported >= HOST


def _is_plain(builtin: dict[str, object]) -> bool:
    # Operators, relations (walk yields several values), what only the compiler calls, and what
    # `opa test` alone knows.
    name = str(builtin["name"])
    special = {"eq", "print", "trace", "walk"}
    return "relation" not in builtin and not (
        name in special
        or name.startswith(("internal.", "rego."))
        or "infix" in builtin
        or "deprecated" in builtin
    )


def _operands(builtin: dict[str, object]) -> str:
    declaration = builtin["decl"]
    assert isinstance(declaration, dict)
    return ", ".join(f"input.x{i}" for i in range(len(declaration.get("args", []))))


def _imported(wasm: bytes) -> set[str]:
    import wasmtime

    from karb_guard.engine.wasm.instance import Instance, Limits
    from karb_guard.engine.wasm.modules import LoadedModule

    configuration = wasmtime.Config()
    configuration.epoch_interruption = True
    engine = wasmtime.Engine(configuration)

    class Everything(dict[str, object]):
        def __contains__(self, _: object) -> bool:
            return True

        def __missing__(self, name: str) -> object:
            return name

    loaded = LoadedModule(engine, wasmtime.Module(engine, wasm))
    instance = Instance(loaded, Limits(64 << 20, 1000), Everything())  # type: ignore[arg-type]
    return {name for name, _ in instance._host._by_number.values()}
