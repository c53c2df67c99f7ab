from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.config.load import ConfigError, find, load, load_file
from karb_guard.config.settings import Config
from karb_guard.model.finding import Severity
from karb_guard.model.stage import Stage

REPOSITORY = Path(__file__).resolve().parents[3]

EVERYTHING = """\
select: [gpu, res-mem]
ignore: [KARB-GPU-004]
failOn: warning
complete: true
exclude: [charts/*]
policies: [mine, /opt/policies]
params:
  img-registry:
    registries: [nvcr.io]
severity: {gpu-pin: info}
engine:
  type: opa
  deadlineMs: 50
  memoryMiB: 64
  opa: {url: 'https://opa.example.com:8181', tokenFile: token, caFile: /ca.pem, timeoutMs: 200}
facts:
  sloPrefix: example.com/
  gpuResources: [example.com/npu, 'example.com/slice-*']
  gpuTaintKeys: [dedicated, sku=gpu]
  gpuNodeLabels: [example.com/model]
  gpuDeviceClasses: [npu.example.com]
  otherDeviceClasses: [nic.example.com]
stages:
  default: {error: enforce, warning: warn, info: off}
  invariants: {gpu: enforce, res-mem: warn}
  namespaces:
  - match: team-*
    default: audit
    invariants: {gpu-pin: off}
  labels: {mayLoosen: true}
webhook:
  address: '::'
  port: 9443
  metricsPort: 9090
  exemptNamespaces: [kube-system, gatekeeper-*]
  denyCustomResources: true
  docsUrl: https://example.com/{name}
mutation:
  enabled: true
  gpuToleration: false
  seccompProfile: false
  noPrivilegeEscalation: false
  sharedMemory: 8Gi
  cpuPerGpu: 500m
  namespaceLabels: [team, example.com/cost-center]
  annotate: false
  namespaces:
  - match: team-*
    enabled: false
    gpuToleration: true
    seccompProfile: true
    noPrivilegeEscalation: true
    sharedMemory: '0'
    cpuPerGpu: '4'
"""


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str, name: str = "karb-guard.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_file(path)
    return str(caught.value)


def test_every_key_is_read(write, tmp_path):
    config = load_file(write(EVERYTHING)).config
    assert config.select == ("gpu", "res-mem")
    assert config.fail_on is Severity.WARNING
    assert config.complete is True
    assert config.params == {"img-registry": {"registries": ["nvcr.io"]}}
    assert config.severity == {"gpu-pin": Severity.INFO}
    assert (config.engine.type, config.engine.deadline_ms, config.engine.memory_mib) == (
        "opa",
        50,
        64,
    )
    assert config.engine.opa.url == "https://opa.example.com:8181"
    assert config.facts.gpu_resources == ("example.com/npu", "example.com/slice-*")
    assert config.facts.slo_prefix == "example.com/"
    assert config.facts.gpu_taint_keys == ("dedicated", "sku=gpu")
    assert config.facts.gpu_device_classes == ("npu.example.com",)
    assert config.stages.default == {
        Severity.ERROR: Stage.ENFORCE,
        Severity.WARNING: Stage.WARN,
        Severity.INFO: Stage.OFF,
    }
    assert config.stages.namespaces[0].invariants == {"gpu-pin": Stage.OFF}
    assert config.stages.labels.may_loosen is True
    assert config.webhook.exempt_namespaces == ("kube-system", "gatekeeper-*")
    assert config.webhook.metrics_port == 9090
    mutation = config.mutation
    assert (mutation.enabled, mutation.gpu_toleration, mutation.annotate) == (True, False, False)
    assert (mutation.shared_memory, mutation.cpu_per_gpu) == ("8Gi", "500m")
    assert mutation.namespace_labels == ("team", "example.com/cost-center")
    assert mutation.namespaces[0].enabled is False
    assert mutation.namespaces[0].cpu_per_gpu == "4"


def test_paths_start_at_the_file(write, tmp_path, monkeypatch):
    write(EVERYTHING)
    monkeypatch.chdir("/")
    config = load_file(tmp_path / "karb-guard.yaml").config
    assert config.policies == (str(tmp_path / "mine"), "/opt/policies")
    assert config.engine.opa.token_file == str(tmp_path / "token")
    assert config.engine.opa.ca_file == "/ca.pem"


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}\n", "---\n"])
def test_an_empty_file_means_the_defaults(write, text):
    assert load_file(write(text)).config == Config()


BAD = {
    "unknown key": ("failon: error", "yaml:1: failon: unknown key; did you mean 'failOn'?"),
    "snake case": ("fail_on: error", "fail_on: unknown key; did you mean 'failOn'?"),
    "unknown nested key": (
        "engine:\n  deadlineMS: 5",
        "yaml:2: engine.deadlineMS: unknown key; did you mean 'deadlineMs'?",
    ),
    "unknown key in a list": (
        "stages:\n  namespaces:\n  - match: a\n    stage: warn",
        "yaml:4: stages.namespaces[0].stage: unknown key",
    ),
    "severity": ("failOn: fatal", "failOn: \"fatal\" is not one of 'info', 'warning' or 'error'"),
    "severity by name": ("severity: {x: high}", 'severity.x: "high" is not one of'),
    "stage": (
        "stages: {invariants: {gpu: deny}}",
        "stages.invariants.gpu: \"deny\" is not one of 'off', 'audit', 'warn' or 'enforce'",
    ),
    "stage by severity": ("stages: {default: {fatal: warn}}", 'stages.default.fatal: "fatal"'),
    "namespace without match": (
        "stages: {namespaces: [{default: warn}]}",
        "stages.namespaces[0].match: is missing; add it",
    ),
    "namespace pattern": (
        "stages: {namespaces: [{match: Team_A}]}",
        '"Team_A" must be a namespace\'s name or a pattern',
    ),
    "a word for a list": ("select: gpu", 'select: "gpu" must be a list'),
    "a token": ("select: ['a b']", 'select[0]: "a b" must be an id, a short name or a category'),
    "yes for true": ("complete: yes", 'complete: "yes" must be true or false'),
    "text for a number": ("engine: {deadlineMs: '5'}", '"5" must be a whole number'),
    "fraction": ("engine: {deadlineMs: 1.5}", "1.5 must be a whole number"),
    "too low": ("engine: {deadlineMs: 0}", "engine.deadlineMs: 0 should be greater than or equal"),
    "too high": ("engine: {deadlineMs: 99999999}", "should be less than or equal to 30000"),
    "memory": ("engine: {memoryMiB: 1}", "engine.memoryMiB: 1 should be greater"),
    "engine type": ("engine: {type: wasm}", "\"wasm\" is not one of 'embedded' or 'opa'"),
    "opa without url": (
        "engine:\n  type: opa",
        "engine.opa.url: is missing, and `type: opa` needs it; add the address",
    ),
    "url": ("engine: {opa: {url: 'ftp://x'}}", '"ftp://x" must be an http:// or https:// address'),
    "port": ("webhook: {port: 70000}", "webhook.port: 70000 should be less than or equal to 65535"),
    "one port twice": (
        "webhook: {port: 8080}",
        "webhook.metricsPort: 8080 is webhook.port too; choose another port",
    ),
    "address": ("webhook: {address: localhost}", '"localhost" must be an IP address'),
    "prefix": ("facts: {sloPrefix: slo}", '"slo" must be a prefix such as `example.com/`'),
    "params of no map": ("params: {x: [1]}", "params.x: [1] must be a map"),
    "empty section": ("engine:", "engine: is empty; write a map, or remove the key"),
    "a list": ("- a", '["a"] must be a map'),
    "text": ("hello", '"hello" must be a map'),
    "too many": (f"select: [{'a, ' * 1001}]", "should have at most 1000 items"),
    "duplicate key": ("select: []\nselect: []", "yaml:2: key 'select' is there twice"),
    "not YAML": ("select: [", "is not YAML"),
    "tab": ("engine:\n\ttype: opa", "yaml:2: is not YAML"),
    "alias": ("select: &a []\nignore: *a", "yaml:1: anchors and aliases are not read here"),
    "deep": ("params: {x: {y: " + "[" * 40 + "]" * 40 + "}}", "is nested deeper than 32"),
    "two documents": ("select: []\n---\nselect: []", "holds more than one document"),
}


@pytest.mark.parametrize(("text", "words"), BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_by_file_key_value_and_remedy(write, text, words):
    message = refusal(write(text + "\n"))
    assert words in message
    assert "karb-guard.yaml" in message


def test_everything_wrong_is_said_at_once(write):
    message = refusal(write("failOn: fatal\nselct: []\nengine: {type: x}\n"))
    assert message.count("karb-guard.yaml:") == 3


def test_a_file_that_can_not_be_read_is_named(tmp_path, write):
    assert "nowhere.yaml: can't be read: No such file" in refusal(tmp_path / "nowhere.yaml")
    assert "can't be read: Is a directory" in refusal(tmp_path)
    path = write("")
    path.write_bytes(b"select: [\xff]\n")
    assert "is not UTF-8 at byte 9; save it as UTF-8" in refusal(path)
    path.write_bytes(b"#" * (1 << 21))
    assert "is larger than 1048576 bytes" in refusal(path)


def test_pyproject_is_read_by_its_table(write):
    text = '[project]\nname = "x"\n[tool.karb-guard]\nfailOn = "info"\n[tool.karb-guard.engine]\n'
    path = write(text + "deadlineMs = 7\n", "pyproject.toml")
    config = load_file(path).config
    assert (config.fail_on, config.engine.deadline_ms) == (Severity.INFO, 7)
    path.write_text(text + "deadline = 7\n")
    assert "pyproject.toml: tool.karb-guard.engine.deadline: unknown key" in refusal(path)
    path.write_text("[project]\n")
    assert "has no table [tool.karb-guard]; add it" in refusal(path)
    path.write_text("[project\n")
    assert "is not TOML" in refusal(path)
    path.write_text("[tool.karb-guard]\nfailOn = 2026-01-01\n")
    assert "failOn" in refusal(path)


def test_the_nearest_file_above_is_found(write, tmp_path):
    deep = tmp_path / "a/b/c"
    deep.mkdir(parents=True)
    assert find(deep) is None
    top = write("")
    assert find(deep) == top
    near = write("[tool.karb-guard]\n", "a/b/pyproject.toml")
    assert find(deep) == near
    assert load(start=deep).file == near
    assert load(top, start=deep).file == top


def test_a_pyproject_without_the_table_does_not_count(write, tmp_path):
    write('[project]\nname = "karb-guard"\n', "a/pyproject.toml")
    top = write("")
    assert find(tmp_path / "a") == top


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch], ids=["clone", "worktree"])
def test_the_search_ends_at_the_repository(write, tmp_path, make):
    write("")
    repository = tmp_path / "repository"
    (repository / "sub").mkdir(parents=True)
    make(repository / ".git")
    assert find(repository / "sub") is None
    own = write("", "repository/karb-guard.yaml")
    assert find(repository / "sub") == own


def test_two_configurations_in_one_folder_are_refused(write, tmp_path):
    write("")
    write("[tool.karb-guard]\n", "pyproject.toml")
    with pytest.raises(ConfigError, match=r"has a configuration too .* keep one of them"):
        find(tmp_path)


@pytest.mark.parametrize("name", ["karb-guard.yml", ".karb-guard.yaml"])
def test_a_nearly_right_name_is_told(write, tmp_path, name):
    write("", name)
    with pytest.raises(ConfigError, match=r"reads karb-guard.yaml only; rename the file"):
        find(tmp_path)


def test_a_broken_pyproject_of_somebody_else_is_left_alone(write, tmp_path):
    write("[project\n", "pyproject.toml")
    assert find(tmp_path) is None


def test_without_a_file_no_validator_is_imported(tmp_path):
    code = (
        "import sys; from karb_guard.config import load; assert load().file is None;"
        "print([m for m in ('pydantic', 'jsonschema', 'yaml', 'tomllib') if m in sys.modules])"
    )
    (tmp_path / ".git").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*yaml.safe_load(EVERYTHING), "x"]), JSON, max_size=4))
def test_any_document_is_read_or_refused(tmp_path_factory, document):
    path = tmp_path_factory.mktemp("any") / "karb-guard.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with contextlib.suppress(ConfigError):
        assert isinstance(load_file(path).config, Config)
