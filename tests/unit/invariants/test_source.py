from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from karb_guard.invariants.problems import CatalogueError
from karb_guard.invariants.source import read, retired_ids
from karb_guard.model.finding import Severity

POLICY = "gpu/gpu_thing/policy.rego"


def refusal(*roots: Path) -> str:
    with pytest.raises(CatalogueError) as caught:
        read(roots)
    return str(caught.value)


def test_a_good_root_becomes_a_catalogue(root):
    (invariant,) = read([root.path])
    assert invariant.id == "KARB-GPU-001"
    assert invariant.name == "gpu-thing"
    assert invariant.category == "gpu"
    assert invariant.package == "karb.gpu.gpu_thing"
    assert invariant.severity is Severity.ERROR
    assert invariant.description == "Why it matters."
    assert invariant.remediation == "Mend it."
    assert invariant.checks == {"wrong": "{thing} is wrong"}
    assert invariant.match == ("pods",)
    assert invariant.defaults == {"allowed": []}
    assert invariant.references[0].ref == "https://kubernetes.io/docs/"


EDITS = {
    "severity": (
        ("severity: error", "severity: high"),
        'policy.rego:10: custom.severity: "high" is not one of',
    ),
    "id format": (
        ("id: KARB-GPU-001", "id: GPU-1"),
        'policy.rego:9: custom.id: "GPU-1" is no id; write KARB-<CODE>-<NNN>',
    ),
    "since": (("since: 0.1.0", "since: soon"), 'custom.since: "soon" is no release'),
    "since as a number": (("since: 0.1.0", "since: 1.0"), "custom.since: 1.0 must be text"),
    "unknown key under custom": (
        ("#   since:", "#   remedy: x\n#   since:"),
        "policy.rego:11: custom.remedy: unknown key",
    ),
    "misspelt key": (
        ("#   remediation:", "#   remediaton:"),
        "custom.remediaton: unknown key; did you mean 'remediation'?",
    ),
    "missing key": (("#   remediation:", "#   paper:"), "custom.remediation: is missing; add it"),
    "unknown key at the top": (
        ("# related_resources:", "# relatedResources:"),
        "relatedResources: unknown key; did you mean 'related_resources'?",
    ),
    "empty title": (("title: Something is wrong", "title: ' '"), "title: is empty; write it"),
    "title without a value": (
        ("title: Something is wrong", "title:"),
        "title: is empty; write text",
    ),
    "empty description": (("#   Why it matters.", "#"), "description: is empty; write it"),
    "empty remediation": (("#     Mend it.", "#"), "custom.remediation: is empty; write it"),
    "empty checks": (
        ("#   checks:\n#     wrong: '{thing} is wrong'", "#   checks: {}"),
        "custom.checks: {} is empty",
    ),
    "check id": (("#     wrong:", "#     not ok:"), 'check id "not ok" must be letters'),
    "unbalanced braces": (("'{thing} is wrong'", "'{thing is wrong'"), "has unbalanced braces"),
    "closing brace": (("'{thing} is wrong'", "'thing} is wrong'"), "has unbalanced braces"),
    "attribute in a template": (
        ("'{thing} is wrong'", "'{thing.__class__}'"),
        "custom.checks.wrong: placeholder {thing.__class__} is not a plain name",
    ),
    "positional placeholder": (("'{thing} is", "'{} is"), "placeholder {} is not a plain name"),
    "conversion in a template": (("'{thing} is", "'{thing!r} is"), "has a format or conversion"),
    "format in a template": (("'{thing} is", "'{thing:>9} is"), "has a format or conversion"),
    "empty template": (("'{thing} is wrong'", "''"), "custom.checks.wrong: is empty"),
    "match with a version": (
        ("match: [pods]", "match: [apps/v1/Deployment]"),
        "neither `pods` nor group/Kind without a version; did you mean 'apps/Deployment'?",
    ),
    "match of the core group": (
        ("match: [pods]", "match: [v1/Namespace]"),
        "did you mean '/Namespace'?",
    ),
    "match without a group": (
        ("match: [pods]", "match: [pod]"),
        'custom.match[0]: "pod" is neither `pods` nor group/Kind',
    ),
    "match twice": (("match: [pods]", "match: [pods, pods]"), "names pods twice; keep one"),
    "empty match": (("match: [pods]", "match: []"), "custom.match: [] is empty"),
    "context key": (
        ("match: [pods]", "match: [pods]\n#   context: [network-policies]"),
        "\"network-policies\" is no context key; did you mean 'networkpolicies'?",
    ),
    "evaluator": (
        ("match: [pods]", "match: [pods]\n#   evaluator: perl"),
        "custom.evaluator: \"perl\" is not one of 'rego' or 'python'",
    ),
    "identity": (
        ("match: [pods]", "match: [pods]\n#   identity: values"),
        "custom.identity: \"values\" is not one of 'field' or 'value'",
    ),
    "selfWaivable as a word": (
        ("match: [pods]", "match: [pods]\n#   selfWaivable: yes"),
        'custom.selfWaivable: "yes" must be true or false',
    ),
    "reference without https": (
        ("https://kubernetes.io/docs/", "kubernetes.io"),
        'related_resources[0].ref: "kubernetes.io" is no https:// address',
    ),
    "param without description": (
        ("#       description: What is allowed.\n", ""),
        "policy.rego:14: custom.params.allowed: has no description",
    ),
    "param without default": (
        ("#       default: []\n", ""),
        "custom.params.allowed: has no default",
    ),
    "param without type": (("#       type: array\n", ""), "custom.params.allowed: has no type"),
    "param with a bad default": (
        ("default: []", "default: [1]"),
        "custom.params.allowed: its default [1] violates its own schema: [0]: 1 is not of type",
    ),
    "param with an unknown keyword": (
        ("items: {type: string}", "itmes: {type: string}"),
        "custom.params.allowed: unknown schema keyword 'itmes'; did you mean 'items'?",
    ),
    "param with a reference": (
        ("items: {type: string}", "items: {$ref: 'http://127.0.0.1/x'}"),
        "custom.params.allowed: unknown schema keyword '$ref'",
    ),
    "param with a bad schema": (
        ("items: {type: string}", "items: {type: text}"),
        "custom.params.allowed: is not a JSON Schema: 'text' is not valid",
    ),
    "param name": (
        ("#     allowed:", "#     Allowed-things:"),
        "parameter name 'Allowed-things' must be camelCase",
    ),
    "param that nobody declared": (
        ("in params.allowed", "in params.alowed"),
        "policy.rego:29: reads parameter 'alowed', which is not declared; did you mean 'allowed'?",
    ),
    "another invariant's params": (
        ('input.params["gpu-thing"]', 'input.params["gpu-other"]'),
        'policy.rego:25: reads input.params["gpu-other"]; its own parameters are',
    ),
    "no violations": (("violations contains", "violation contains"), "has no rule `violations`"),
    "package": (
        ("package karb.gpu.gpu_thing", "package karb.gpu.thing"),
        "policy.rego:23: package: karb.gpu.thing is not its path; write `package karb.gpu.gpu_",
    ),
    "no package": (("package karb.gpu.gpu_thing\n", ""), "the package line must follow"),
    "no METADATA": (("# METADATA\n", ""), "policy.rego:1: the first line must be `# METADATA`"),
    "duplicate key": (
        ("severity: error", "severity: error\n#   severity: info"),
        "policy.rego:11: METADATA: key 'severity' is there twice",
    ),
    "unreadable YAML": (
        ("title: Something is wrong", "title: [wrong"),
        "METADATA: is not YAML:",
    ),
    "an alias": (("severity: error", "severity: &e error"), "anchors and aliases are not read"),
    "python with rules": (
        ("match: [pods]", "match: [pods]\n#   evaluator: python"),
        "custom.evaluator: evaluator: python, but there are rules",
    ),
    "another scope": (("# title:", "# scope: rule\n# title:"), 'scope: "rule" is not one of'),
}


@pytest.mark.parametrize(("edit", "words"), EDITS.values(), ids=EDITS)
def test_bad_metadata_is_refused_by_file_key_value_and_remedy(root, edit, words):
    root.edit(*edit)
    message = refusal(root.path)
    assert words in message
    assert POLICY.rpartition("/")[0] in message


def remove_policy(root):
    (root.path / POLICY).unlink()


def remove_test(root):
    (root.path / "gpu/gpu_thing/policy_test.rego").unlink()


def remove_pass(root):
    (root.path / "gpu/gpu_thing/fixtures/pass/pod-good.yaml").unlink()


def remove_fail(root):
    shutil.rmtree(root.path / "gpu/gpu_thing/fixtures/fail")


FILES = {
    "no policy.rego": (remove_policy, "gpu/gpu_thing: a folder without policy.rego"),
    "no policy_test.rego": (remove_test, "gpu/gpu_thing: has no policy_test.rego"),
    "no pass fixture": (remove_pass, "fixtures/pass: no pass fixture"),
    "no fail fixture": (remove_fail, "fixtures/fail: no fail fixture"),
    "a test without tests": (
        lambda r: r.write("gpu/gpu_thing/policy_test.rego", "package karb.gpu.gpu_thing_test\n"),
        "policy_test.rego: has no rule named test_...",
    ),
    "a test of another package": (
        lambda r: r.edit("gpu_thing_test", "other_test", "gpu/gpu_thing/policy_test.rego"),
        "policy_test.rego: package: karb.gpu.other_test is not its folder's",
    ),
    "an unknown file": (
        lambda r: r.write("gpu/gpu_thing/notes.txt", ""),
        "gpu/gpu_thing/notes.txt: unknown file",
    ),
    "an unknown file in a category": (
        lambda r: r.write("gpu/notes.txt", ""),
        "gpu/notes.txt: unknown file",
    ),
    "an unknown file at the root": (lambda r: r.write("x.json", ""), "x.json: unknown file"),
    "an unknown file in the library": (
        lambda r: r.write("lib/data.json", "{}"),
        "lib/data.json: unknown file",
    ),
    "a library of another package": (
        lambda r: r.write("lib/gpu.rego", "package karb.gpu.gpu_thing\n"),
        "lib/gpu.rego: package: its package must be karb.lib",
    ),
    "a part of another package": (
        lambda r: r.write("gpu/gpu_thing/part.rego", "package karb.gpu.part\n"),
        "part.rego: package: karb.gpu.part is not its folder's",
    ),
    "an unknown fixture folder": (
        lambda r: r.write("gpu/gpu_thing/fixtures/maybe/pod-x.yaml", ""),
        "fixtures/maybe: unknown file; fixtures/ holds pass/ and fail/",
    ),
    "a fixture that is not YAML": (
        lambda r: r.write("gpu/gpu_thing/fixtures/pass/pod-x.json", ""),
        "pod-x.json: unknown file; a fixture is a .yaml file",
    ),
    "a fixture without a kind": (
        lambda r: r.write("gpu/gpu_thing/fixtures/pass/good.yaml", ""),
        "good.yaml: must be named <kind>-<case>.yaml",
    ),
    "context of no fixture": (
        lambda r: r.write("gpu/gpu_thing/fixtures/pass/pod-x.context.yaml", ""),
        "pod-x.context.yaml: belongs to no fixture; add pod-x.yaml",
    ),
    "a bad category": (lambda r: r.add("GPU/x", id_="KARB-X-001"), "'GPU' can't name a category"),
    "a bad folder": (
        lambda r: r.add("gpu/gpu-x", id_="KARB-GPU-002"),
        "'gpu-x' can't name an invariant",
    ),
    "not UTF-8": (
        lambda r: (r.path / POLICY).write_bytes(b"# METADATA\n# title: \xff\n"),
        "policy.rego: can't be read",
    ),
    "a huge policy": (
        lambda r: (r.path / POLICY).write_bytes(b"#" * 300_000),
        "policy.rego: can't be read: 300000 bytes; the most is 262144",
    ),
    "retired id": (
        lambda r: r.write(
            "retired.yaml",
            "- {id: KARB-GPU-001, name: old, removed: 1.0.0, reason: gpu-new is better}\n",
        ),
        "policy.rego:9: custom.id: KARB-GPU-001 is retired (it was old: gpu-new is better)",
    ),
    "retired.yaml with an unknown key": (
        lambda r: r.write("retired.yaml", "- {id: KARB-GPU-009, why: x}\n"),
        "retired.yaml:1: [0].why: unknown key",
    ),
    "retired.yaml without a reason": (
        lambda r: r.write(
            "retired.yaml", "- {id: KARB-GPU-009, name: a, removed: 1.0.0, reason: ''}\n"
        ),
        "[0].reason: is empty",
    ),
    "unreadable retired.yaml": (
        lambda r: r.write("retired.yaml", "- {id: [\n"),
        "retired.yaml:2: is not YAML",
    ),
    "retired twice": (
        lambda r: r.write(
            "retired.yaml", "- {id: KARB-GPU-009, name: a, removed: 1.0.0, reason: r}\n" * 2
        ),
        "retired.yaml:2: [1].id: KARB-GPU-009 is retired twice",
    ),
    "duplicate id": (
        lambda r: r.add("gpu/gpu_twin"),
        "gpu/gpu_twin/policy.rego:9: custom.id: KARB-GPU-001 is the id of",
    ),
    "duplicate name": (
        lambda r: r.add("acme/gpu_thing", id_="KARB-ACME-001"),
        "'gpu-thing' is the name of",
    ),
    "name of a category": (
        lambda r: r.add("acme/gpu", id_="KARB-ACME-001"),
        "acme/gpu/policy.rego: name: 'gpu' is a category too",
    ),
    "one code, two categories": (
        lambda r: r.add("zeta/crash", id_="KARB-GPU-002"),
        "KARB-GPU-002: the code GPU belongs to category 'gpu'",
    ),
    "one category, two codes": (
        lambda r: r.add("gpu/gpu_x", id_="KARB-XPU-001"),
        "KARB-XPU-001: category 'gpu' has the code GPU",
    ),
}


@pytest.mark.parametrize(("spoil", "words"), FILES.values(), ids=FILES)
def test_a_bad_set_of_files_is_refused_by_name(root, spoil, words):
    assert read([root.path])
    spoil(root)
    assert words in refusal(root.path)


def test_every_culprit_is_listed_at_once(root):
    root.edit("severity: error", "severity: high")
    root.add("gpu/gpu_twin")
    root.write("gpu/gpu_twin/notes.txt", "")
    message = refusal(root.path)
    for words in ("is not one of", "gpu_twin/policy.rego:9: custom.id", "notes.txt"):
        assert words in message


def test_a_python_invariant_needs_no_rego_test(root):
    policy = (root.path / POLICY).read_text()
    head = policy[: policy.index("params :=")].replace("[pods]", "[pods]\n#   evaluator: python")
    (root.path / POLICY).write_text(head)
    (root.path / "gpu/gpu_thing/policy_test.rego").unlink()
    (invariant,) = read([root.path])
    assert invariant.evaluator == "python"


def test_a_rule_may_be_split_into_parts_of_its_package(root):
    text = (root.path / POLICY).read_text()
    head, body = text.split("violations contains")
    (root.path / POLICY).write_text(head)
    part = f"package karb.gpu.gpu_thing\n\nviolations contains{body}"
    root.write("gpu/gpu_thing/things.rego", part)
    assert len(read([root.path])) == 1


def test_hidden_files_and_readmes_are_left_alone(root):
    for file in (".DS_Store", "gpu/.gitkeep", "gpu/gpu_thing/README.md", "README.md"):
        root.write(file, "")
    assert len(read([root.path])) == 1


def test_line_ends_of_windows_are_read(root):
    path = root.path / POLICY
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(read([root.path])) == 1


def test_roots_are_one_set(root, new_root: Callable[[str], object]):
    mine = new_root("mine")
    mine.add("acme/crash", id_="KARB-ACME-001")
    catalogue = read([root.path, mine.path, mine.path])
    assert [i.id for i in catalogue] == ["KARB-ACME-001", "KARB-GPU-001"]
    mine.add("gpu/gpu_thing", id_="KARB-GPU-001")
    message = refusal(root.path, mine.path)
    assert "is the id of" in message
    assert "is the name of" in message


def test_an_id_retired_in_one_root_is_retired_in_all(root, new_root):
    mine = new_root("mine")
    mine.add("gpu/gpu_x", id_="KARB-GPU-007")
    root.write("retired.yaml", "- {id: KARB-GPU-007, name: a, removed: 1.0.0, reason: r}\n")
    assert retired_ids([root.path, mine.path]) == {"KARB-GPU-007"}
    assert "mine/gpu/gpu_x/policy.rego:9: custom.id: KARB-GPU-007 is retired" in refusal(
        root.path, mine.path
    )


def test_a_root_that_holds_nothing_is_refused(tmp_path):
    assert "is no folder" in refusal(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "holds no invariant" in refusal(tmp_path / "empty")
    assert len(read([tmp_path / "empty"], may_be_empty=True)) == 0


def test_loading_the_compiled_catalogue_imports_no_validator():
    code = (
        "import sys, karb_guard.invariants.compiled as c; c.load([]);"
        "print([m for m in ('pydantic', 'jsonschema', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
