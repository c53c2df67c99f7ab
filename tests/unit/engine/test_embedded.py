"""The embedded engine: verdicts, bounds, and that one evaluation never changes another."""

from __future__ import annotations

import concurrent.futures
import gc
import json
import threading
import time
import weakref
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karb_guard.engine.bundle import CompiledBundle
from karb_guard.engine.embedded import EmbeddedEngine, EmbeddedSettings
from karb_guard.engine.entrypoints import PARAMS
from karb_guard.engine.interface import Answered, EngineError, NotEvaluated
from karb_guard.engine.wasm.calls import PreparedCall, PublicCall
from karb_guard.engine.wasm.errors import TrappedError
from karb_guard.engine.wasm.instance import Instance
from karb_guard.engine.wasm.runtime import Runtime, RuntimeLimits
from karb_guard.model.finding import Violation
from tests.support.small_policies import ECHO, IMAGES, OWNER, compiled, enabled

# Compares only: an evaluation frees nothing, so a loop that makes values meets the memory cap.
LOOP = """
xs := numbers.range(1, 3000)

violations contains {"check": "never", "path": [], "detail": {}} if {
	input.loop
	some a in xs
	some b in xs
	some c in xs
	a < b
	b < c
	c < a
}
"""

HOG = """
violations contains {"check": "never", "path": [], "detail": {}} if {
	input.hog
	count(numbers.range(1, input.hog)) < 0
}
"""

CONFLICT = """
value := input.one if input.one

value := input.two if input.two

violations contains {"check": "value", "path": [], "detail": {"value": value}} if value
"""

RULES = {
    "owner": OWNER,
    "img": IMAGES,
    "echo": ECHO,
    "loop": LOOP,
    "hog": HOG,
    "conflict": CONFLICT,
}
ALL: dict[str, dict[str, object]] = {
    **enabled("owner", "echo", "loop", "hog", "conflict"),
    "img": {"registries": ["nvcr.io/"]},
}
PLACES = sorted(RULES)
"""The places of invariants in what the module answers."""
OWNED = {"object": {"metadata": {"labels": {"owner": "ml"}}}}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> CompiledBundle:
    return compiled(tmp_path_factory.mktemp("rules"), RULES)


@pytest.fixture(scope="module")
def engine(bundle: CompiledBundle) -> EmbeddedEngine:
    return EmbeddedEngine(bundle)


def _violations(answer: object) -> tuple[Violation, ...]:
    assert isinstance(answer, Answered), answer
    return answer.violations


def _cause(answer: object) -> str:
    assert isinstance(answer, NotEvaluated), answer
    assert answer.reason
    return answer.cause


def test_a_violation_carries_check_path_and_detail(engine: EmbeddedEngine) -> None:
    pod = {"containers": [{"path": ["spec", "containers", 0], "image": "docker.io/x"}]}
    [answer] = engine.evaluate("pods", ALL, [{**OWNED, "pods": [pod]}])
    assert _violations(answer) == (
        Violation(
            "img",
            "registry",
            ("spec", "containers", 0, "image"),
            {"image": "docker.io/x", "allowed": ["nvcr.io/"]},
        ),
    )


def test_an_invariant_that_is_not_in_params_is_not_asked(engine: EmbeddedEngine) -> None:
    [off] = engine.evaluate("pods", enabled("echo"), [{}])
    [on] = engine.evaluate("pods", enabled("owner"), [{}])
    assert _violations(off) == ()
    assert [v.check for v in _violations(on)] == ["owner"]


def test_a_group_that_the_bundle_lacks_has_no_violations(engine: EmbeddedEngine) -> None:
    assert engine.evaluate("/Namespace", ALL, [{}, {}]) == [Answered(()), Answered(())]


def test_params_in_the_document_do_not_reach_the_policies(engine: EmbeddedEngine) -> None:
    [answer] = engine.evaluate("pods", enabled("owner"), [{"params": {"echo": {}}, **OWNED}])
    assert _violations(answer) == ()


def test_answers_come_in_the_order_of_the_inputs(engine: EmbeddedEngine) -> None:
    inputs = [{**OWNED, "values": [n] * (n % 3)} for n in range(20)]
    answers = engine.evaluate("pods", enabled("echo"), inputs)
    assert [len(_violations(answer)) for answer in answers] == [n % 3 for n in range(20)]


def test_mappings_and_tuples_are_read_like_dicts_and_lists(engine: EmbeddedEngine) -> None:
    document = MappingProxyType({"values": ("a",), "object": MappingProxyType({})})
    [answer] = engine.evaluate("pods", MappingProxyType({"echo": MappingProxyType({})}), [document])
    assert [v.detail["value"] for v in _violations(answer)] == ["a"]


def test_a_loop_meets_the_deadline_and_the_next_input_is_judged(bundle: CompiledBundle) -> None:
    engine = EmbeddedEngine(bundle, EmbeddedSettings(deadline_seconds=0.1))
    engine.warm_up()
    start = time.monotonic()
    looping, fine = engine.evaluate("pods", ALL, [{"loop": True, **OWNED}, OWNED])
    assert _cause(looping) == "deadline"
    assert time.monotonic() - start < 2
    assert _violations(fine) == ()


def test_a_deadline_leaves_at_least_its_time(bundle: CompiledBundle) -> None:
    engine = EmbeddedEngine(bundle, EmbeddedSettings(deadline_seconds=0.3))
    engine.warm_up()
    start = time.monotonic()
    [answer] = engine.evaluate("pods", ALL, [{"loop": True, **OWNED}])
    assert _cause(answer) == "deadline"
    assert time.monotonic() - start >= 0.3


def test_a_thread_that_gets_no_processor_is_given_another_try(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a busy node: the clock ticks on while the evaluation waits for its turn."""
    starved = 0
    really = Instance.evaluate

    def evaluate(self: Instance, entrypoint: int, document: bytes, data: bytes) -> bytes:
        nonlocal starved
        if starved < 4:
            starved += 1
            raise TrappedError("deadline", "the policies took longer than the deadline")
        return really(self, entrypoint, document, data)

    monkeypatch.setattr(Instance, "evaluate", evaluate)
    (number, *_) = runtime.entrypoints.values()
    assert runtime.evaluate(number, b"{}")
    starved = -1
    with pytest.raises(TrappedError):
        runtime.evaluate(number, b"{}")


def test_a_loop_is_not_tried_again(bundle: CompiledBundle) -> None:
    engine = EmbeddedEngine(bundle, EmbeddedSettings(deadline_seconds=0.2))
    engine.warm_up()
    begun = time.thread_time()
    (answer,) = engine.evaluate("pods", ALL, [{"loop": True, **OWNED}])
    assert _cause(answer) == "deadline"
    assert time.thread_time() - begun < 0.45


def test_idle_time_does_not_count_against_the_deadline(bundle: CompiledBundle) -> None:
    engine = EmbeddedEngine(bundle, EmbeddedSettings(deadline_seconds=0.05))
    for _ in range(3):
        assert _violations(engine.evaluate("pods", ALL, [OWNED])[0]) == ()
        time.sleep(0.12)


def test_a_memory_hog_meets_the_cap_and_the_next_input_is_judged(bundle: CompiledBundle) -> None:
    limits = EmbeddedSettings(memory_bytes=8 << 20, deadline_seconds=10)
    engine = EmbeddedEngine(bundle, limits)
    hog, fine = engine.evaluate("pods", ALL, [{"hog": 5_000_000, **OWNED}, OWNED])
    assert _cause(hog) == "memory"
    assert "8 MiB" in str(hog)
    assert _violations(fine) == ()


def test_an_input_above_the_bound_is_not_evaluated(bundle: CompiledBundle) -> None:
    engine = EmbeddedEngine(bundle, EmbeddedSettings(input_bytes=10_000))
    large, fine = engine.evaluate("pods", ALL, [{"values": ["x" * 10_000]}, OWNED])
    assert _cause(large) == "size"
    assert "10000" in str(large)
    assert _violations(fine) == ()


def test_an_input_that_fills_the_memory_is_not_evaluated(bundle: CompiledBundle) -> None:
    limits = EmbeddedSettings(memory_bytes=2 << 20, input_bytes=8 << 20)
    engine = EmbeddedEngine(bundle, limits)
    [answer] = engine.evaluate("pods", ALL, [{"values": ["x" * (4 << 20)]}])
    assert _cause(answer) == "memory"


@pytest.mark.parametrize("value", [object(), {1: "a"}, {"a": {3}}, "\ud800", b"bytes"])
def test_a_value_without_json_form_is_not_evaluated(engine: EmbeddedEngine, value: object) -> None:
    odd, fine = engine.evaluate("pods", ALL, [{"values": [value]}, OWNED])
    assert _cause(odd) == "answer"
    assert _violations(fine) == ()


def test_a_value_that_is_nested_too_deeply_is_not_evaluated(engine: EmbeddedEngine) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    [answer] = engine.evaluate("pods", ALL, [{"values": deep}])
    assert _cause(answer) == "size"


def test_params_without_json_form_are_not_evaluated(engine: EmbeddedEngine) -> None:
    answers = engine.evaluate("pods", {"owner": {"x": object()}}, [{}, {}])
    assert [_cause(answer) for answer in answers] == ["answer", "answer"]


def test_integers_of_any_length_are_judged(engine: EmbeddedEngine) -> None:
    number = 10**40 + 7
    [answer] = engine.evaluate("pods", enabled("echo"), [{"values": [number, 2**63]}])
    assert len(_violations(answer)) == 2


def test_conflicting_rules_are_not_evaluated_and_named(engine: EmbeddedEngine) -> None:
    conflict, fine = engine.evaluate("pods", ALL, [{"one": 1, "two": 2, **OWNED}, OWNED])
    assert _cause(conflict) == "trap"
    assert "policies/demo/conflict/policy.rego" in str(conflict)
    assert _violations(fine) == ()


@pytest.mark.parametrize(
    "rule",
    [
        'violations contains {"check": "c", "path": "spec", "detail": {}} if true',
        'violations contains {"check": "c", "path": [-1], "detail": {}} if true',
        'violations contains {"check": "c", "path": [1.5], "detail": {}} if true',
        'violations contains {"check": "", "path": [], "detail": {}} if true',
        'violations contains {"path": [], "detail": {}} if true',
        'violations contains {"check": "c", "path": [], "detail": {"a": {"b": 1}}} if true',
        'violations contains {"check": "c", "path": [], "message": "x"} if true',
        'violations contains {"check": "c", "path": [], "unknown": 1} if true',
        'violations contains "text" if true',
        'violations := {"a": 1}',
        "violations := 1 if input.never",
    ],
)
def test_an_answer_that_is_no_violation_is_never_a_pass(tmp_path: Path, rule: str) -> None:
    engine = EmbeddedEngine(compiled(tmp_path, {"odd": f"\n{rule}\n"}))
    [answer] = engine.evaluate("pods", enabled("odd"), [{}])
    assert _cause(answer) == "answer"
    assert "odd" in str(answer)


def test_a_closed_engine_says_so(bundle: CompiledBundle) -> None:
    engine = EmbeddedEngine(bundle)
    engine.evaluate("pods", ALL, [OWNED])
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        engine.evaluate("pods", ALL, [OWNED])


@pytest.mark.parametrize(
    "bad", [{"deadline_seconds": 0}, {"memory_bytes": 1}, {"input_bytes": 0}, {"instances": 0}]
)
def test_settings_out_of_bounds_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(EngineError, match=next(iter(bad))):
        EmbeddedSettings(**bad)  # type: ignore[arg-type]


def test_threads_get_their_own_answers(bundle: CompiledBundle) -> None:
    engine = EmbeddedEngine(bundle, EmbeddedSettings(instances=3, deadline_seconds=5))

    def judge(number: int) -> bool:
        values = [f"{number}-{i}" for i in range(number % 17)]
        [answer] = engine.evaluate("pods", enabled("echo"), [{"values": values}])
        return sorted(v.detail["value"] for v in _violations(answer)) == sorted(values)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(judge, range(200)))


def test_threads_that_trap_leave_their_neighbours_alone(bundle: CompiledBundle) -> None:
    settings = EmbeddedSettings(instances=2, memory_bytes=4 << 20, deadline_seconds=5)
    engine = EmbeddedEngine(bundle, settings)
    documents = [{"hog": 5_000_000, **OWNED} if n % 3 == 0 else OWNED for n in range(30)]

    def judge(document: dict[str, Any]) -> str:
        [answer] = engine.evaluate("pods", ALL, [document])
        return answer.cause if isinstance(answer, NotEvaluated) else "passed"

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        causes = list(pool.map(judge, documents))
    assert causes == ["memory" if n % 3 == 0 else "passed" for n in range(30)]


# -- sequences on one instance ----------------------------------------------------------------

LIMITS = RuntimeLimits(deadline_seconds=5, memory_bytes=64 << 20, instances=1)


def _document(size: int, width: int) -> bytes:
    values = [f"{size}:{n}:" + "x" * (size // max(width, 1)) for n in range(width)]
    return json.dumps({"values": values}).encode()


DATA = json.dumps({PARAMS: enabled("echo", "owner")}).encode()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.sampled_from([0, 10, 3_000, 70_000, 400_000, 1_500_000]), st.integers(0, 40)),
        min_size=2,
        max_size=7,
    )
)
def test_a_used_instance_answers_like_a_fresh_one(
    runtime: Runtime, sizes: list[tuple[int, int]]
) -> None:
    """Larger inputs after smaller ones and back: nothing of an evaluation stays behind."""
    entry = runtime.entrypoints["karb_guard/entry/pods"]
    used = runtime._instance()
    for size, width in sizes:
        document = _document(size, width)
        fresh = runtime._instance()
        expected = json.loads(fresh.evaluate(entry, document, DATA))
        assert json.loads(used.evaluate(entry, document, DATA)) == expected
        assert len(expected[0]["result"]["answers"][PLACES.index("echo")]) == width
        fresh.close()
    used.close()


@pytest.fixture(scope="module")
def runtime(bundle: CompiledBundle) -> Runtime:
    made = Runtime(bundle.wasm(), LIMITS)
    made._ticker.begin()  # the deadline runs, as it does in evaluate()
    return made


def test_an_instance_keeps_the_parameters_of_each_group(runtime: Runtime) -> None:
    """Asked with one set after the other, it answers as a fresh one does, and reads each once."""
    entry = runtime.entrypoints["karb_guard/entry/pods"]
    sets = [json.dumps({PARAMS: enabled(*names)}).encode() for names in (["echo"], ["owner"], [])]
    used = runtime._instance()
    for data in sets * 3:
        fresh = runtime._instance()
        answer = used.evaluate(entry, _document(3_000, 3), data)
        assert json.loads(answer) == json.loads(fresh.evaluate(entry, _document(3_000, 3), data))
        fresh.close()
    assert len(used._data) == 1 + len(sets)
    used.close()


def test_parameters_that_change_all_the_time_fill_no_instance(bundle: CompiledBundle) -> None:
    engine = EmbeddedEngine(bundle, EmbeddedSettings(instances=1))
    for number in range(150):
        params = {"img": {"registries": [f"r{number}/"]}}
        [answer] = engine.evaluate("pods", params, [{"values": [], **OWNED}])
        assert _violations(answer) == ()


def test_parameters_that_are_no_json_give_no_verdict(runtime: Runtime) -> None:
    entry = runtime.entrypoints["karb_guard/entry/pods"]
    with pytest.raises(TrappedError, match="parameters"):
        runtime.evaluate(entry, b"{}", b"{")
    assert json.loads(runtime.evaluate(entry, b"{}", b"{}")) == []


def test_memory_is_reused_between_evaluations(runtime: Runtime) -> None:
    entry = runtime.entrypoints["karb_guard/entry/pods"]
    instance = runtime._instance()
    instance.evaluate(entry, _document(400_000, 10), DATA)
    grown = instance.memory_bytes
    for _ in range(50):
        instance.evaluate(entry, _document(400_000, 10), DATA)
    assert instance.memory_bytes == grown


@pytest.mark.parametrize("document", [b"", b"{", b"nonsense", b"[1,2", b"\xff\xfe"])
def test_an_input_that_the_module_cannot_read_is_no_pass(
    engine: EmbeddedEngine, runtime: Runtime, document: bytes
) -> None:
    """OPA's parser gives null for bad JSON, in which no policy would find anything wrong."""
    entry = runtime.entrypoints["karb_guard/entry/pods"]
    assert json.loads(runtime.evaluate(entry, document, DATA)) == []
    (readable,) = json.loads(runtime.evaluate(entry, b"{}", DATA))
    places = zip(PLACES, readable["result"]["answers"], strict=True)
    assert [name for name, rows in places if rows is not None] == ["echo", "owner"]


def test_an_answer_of_another_catalogue_is_no_verdict(
    bundle: CompiledBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One place too few: nobody knows which invariant the others belong to."""
    evaluate = Runtime.evaluate

    def shorter(self: Runtime, entrypoint: int, document: bytes, data: bytes = b"") -> bytes:
        (answer,) = json.loads(evaluate(self, entrypoint, document, data))
        del answer["result"]["answers"][0]
        return json.dumps([answer]).encode()

    monkeypatch.setattr(Runtime, "evaluate", shorter)
    [answer] = EmbeddedEngine(bundle).evaluate("pods", enabled("owner"), [OWNED])
    assert _cause(answer) == "answer"


def test_the_prepared_call_and_the_public_call_answer_the_same(runtime: Runtime) -> None:
    instance = runtime._instance()
    assert isinstance(instance._eval, PreparedCall)
    entry = runtime.entrypoints["karb_guard/entry/pods"]
    fast = [instance.evaluate(entry, _document(size, 3), DATA) for size in (10, 90_000, 10)]
    public = runtime._instance()
    public._calls = {
        name: PublicCall(public._store, call._func)  # type: ignore[attr-defined]
        for name, call in public._calls.items()
    }
    public._eval = public._calls["opa_eval"]
    assert [public.evaluate(entry, _document(size, 3), DATA) for size in (10, 90_000, 10)] == fast


def test_an_unknown_entry_point_is_a_trap_with_opas_words(runtime: Runtime) -> None:
    with pytest.raises(TrappedError, match="illegal entrypoint id") as trap:
        runtime.evaluate(99, b"{}")
    assert trap.value.cause == "trap"


def test_instances_that_are_thrown_away_leave_nothing_behind(runtime: Runtime) -> None:
    from wasmtime import _func

    gc.collect()
    before = len(_func.FUNCTIONS.handles)
    watched = []
    for _ in range(20):
        instance = runtime._instance()
        watched.append(weakref.ref(instance))
        instance.close()
        del instance
    gc.collect()
    assert not [ref for ref in watched if ref() is not None]
    assert len(_func.FUNCTIONS.handles) == before


def test_an_engine_that_is_forgotten_ends_its_thread(bundle: CompiledBundle) -> None:
    engine = EmbeddedEngine(bundle)
    engine.evaluate("pods", ALL, [OWNED])
    threads = [t for t in threading.enumerate() if t.name == "karb-epoch"]
    del engine
    gc.collect()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and all(t.is_alive() for t in threads):
        time.sleep(0.01)
    assert not all(t.is_alive() for t in threads)
