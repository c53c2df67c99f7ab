"""Answers that were given before: the same question only, and names that no policy reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karb_guard.engine.answer_memory import MAX_BYTES, AnswerMemory, Store
from karb_guard.engine.documents import without
from karb_guard.engine.embedded import EmbeddedEngine
from karb_guard.engine.interface import Answer, Answered, NotEvaluated
from karb_guard.engine.reads import NAMES
from karb_guard.model.finding import Violation
from tests.support.small_policies import compiled, enabled

TOKEN = b"kube-api-access-x7k2p"
OTHER = b"kube-api-access-9qqzz"

LABEL = """
violations contains {"check": "label", "path": ["metadata", "labels"], "detail": {}} if {
	not input.object.metadata.labels.team
}
"""

# Each reads the name of the object, or may.
READERS = {
    "field": "input.object.metadata.name",
    "key": 'some key in ["name"]; input.object.metadata[key]',
    "metadata": 'object.get(input.object.metadata, "name", "")',
    "object": 'object.get(input.object, ["metadata", "name"], "")',
    "walk": 'walk(input, [["object", "metadata", "name"], _])',
    "input": 'object.get(input, ["object", "metadata", "name"], "")',
    "function": "named(input.object)",
    "rule": "metadata.name",
}
HELPERS = "\nnamed(o) := o.metadata.name\n\nmetadata := input.object.metadata\n"


def reader(body: str) -> str:
    return (
        f'\nviolations contains {{"check": "c", "path": [], "detail": {{}}}} if {{\n\t{body}\n}}\n'
        + HELPERS
    )


class Engine:
    """Answers with what it was asked, and counts."""

    def __init__(self, *, evaluated: bool = True, echo: bytes = b"") -> None:
        self.asked: list[bytes] = []
        self._evaluated = evaluated
        self._echo = echo

    def __call__(self, question: bytes) -> tuple[bytes, Answer]:
        self.asked.append(question)
        if not self._evaluated:
            return b"", NotEvaluated("deadline", "too slow")
        violation = Violation("demo", str(len(self.asked)), ())
        return self._echo, Answered((violation,))


def test_the_same_question_is_asked_once_and_another_one_anew() -> None:
    memory, engine = AnswerMemory(Store(MAX_BYTES), token_volumes=False), Engine()
    first = memory.answer(b'{"a":1}', engine)
    assert memory.answer(b'{"a":1}', engine) is first
    for other in (b'{"a":1.0}', b'{"a":true}', b'{"a":"1"}', b'{"a":1 }'):
        assert memory.answer(other, engine) is not first
    assert len(engine.asked) == 5


def test_memories_of_one_engine_share_room_and_nothing_else() -> None:
    store, engine = Store(64 * 300), Engine()
    one = AnswerMemory(store, b"1", token_volumes=False)
    other = AnswerMemory(store, b"2", token_volumes=False)
    assert one.answer(b"{}", engine) is not other.answer(b"{}", engine)
    assert len(engine.asked) == 2
    for number in range(200):  # found by a fuzzer: each kind of object had a bound of its own
        other.answer(b'{"a":"%090d"}' % number, engine)
    one.answer(b"{}", engine)
    assert len(engine.asked) == 203, "the oldest made room"


def test_without_room_every_question_is_asked() -> None:
    memory, engine = AnswerMemory(Store(0), token_volumes=False), Engine()
    for _ in range(2):
        memory.answer(b'{"a":1}', engine)
    assert len(engine.asked) == 2


def test_what_was_not_evaluated_is_asked_again() -> None:
    memory, engine = AnswerMemory(Store(MAX_BYTES), token_volumes=False), Engine(evaluated=False)
    for _ in range(2):
        assert isinstance(memory.answer(b"{}", engine), NotEvaluated)
    assert len(engine.asked) == 2


def volumes(token: bytes, more: bytes = b"") -> bytes:
    return b'{"volumes":[{"name":"%s"}],"mounts":[{"name":"%s"}]%s}' % (token, token, more)


@pytest.mark.parametrize(
    ("token_volumes", "echo", "more", "times"),
    [
        (True, b"", b"", 1),
        (False, b"", b"", 2),  # a user's policy may read the name
        (True, b"found " + TOKEN, b"", 2),  # the answer tells the name
        (True, b"", b',"args":["' + TOKEN + b'-x"]', 2),  # more than a name
    ],
)
def test_the_name_of_a_tokens_volume(
    token_volumes: bool, echo: bytes, more: bytes, times: int
) -> None:
    memory, engine = AnswerMemory(Store(MAX_BYTES), token_volumes=token_volumes), Engine(echo=echo)
    memory.answer(volumes(TOKEN, more), engine)
    memory.answer(volumes(OTHER, more), engine)
    assert len(engine.asked) == times
    assert engine.asked[0] == volumes(TOKEN, more), "policies see the name as it is"


def test_names_are_left_out_of_a_copy() -> None:
    document: dict[str, Any] = {"object": {"metadata": {"name": "a", "labels": {}}}, "pods": []}
    assert without(document, NAMES) == {"object": {"metadata": {"labels": {}}}, "pods": []}
    assert document["object"]["metadata"]["name"] == "a"
    for odd in ({}, {"object": None}, {"object": {"metadata": 1}}):
        assert without(odd, NAMES) is odd


@pytest.fixture(scope="module")
def unread(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, ...]]:
    """Each body -> what its bundle says that nobody reads."""
    found = {}
    for name, body in READERS.items():
        made = compiled(tmp_path_factory.mktemp(name), {"reader": reader(body)})
        found[name] = made.catalogue.groups["pods"].unread
    return found


@pytest.mark.parametrize("name", READERS)
def test_a_name_that_a_policy_may_read_is_left_in(
    unread: dict[str, tuple[str, ...]], name: str
) -> None:
    assert "name" not in unread[name]


def test_one_that_only_reads_the_name_leaves_the_rest_out(
    unread: dict[str, tuple[str, ...]],
) -> None:
    assert unread["field"] == tuple(name for name in NAMES if name != "name")


def test_a_policy_that_replaces_the_input_makes_everything_stay(tmp_path: Path) -> None:
    asking = reader('count(data.karb.demo.label.violations) > 0 with input as {"object": {}}')
    made = compiled(tmp_path, {"label": LABEL, "asking": asking})
    assert made.catalogue.groups["pods"].unread == ()


def test_users_policies_get_no_marks(tmp_path: Path) -> None:
    assert not compiled(tmp_path, {"label": LABEL}).catalogue.groups["pods"].token_volumes


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedEngine:
    folder = tmp_path_factory.mktemp("policies")
    made = compiled(
        folder, {"label": LABEL, "named": reader('input.object.metadata.name == "bad"')}
    )
    return EmbeddedEngine(made)


@given(
    st.lists(
        st.tuples(st.sampled_from(["good", "bad"]), st.booleans(), st.text(max_size=3)),
        min_size=1,
        max_size=8,
    )
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sequences_of_replicas_are_judged_each_by_what_policies_read(
    engine: EmbeddedEngine, pods: list[tuple[str, bool, str]]
) -> None:
    params = enabled("label", "named")
    documents = [
        {"object": {"metadata": {"name": n, "uid": u, "labels": {"team": "x"} if t else {}}}}
        for n, t, u in pods
    ]
    for (name, team, _), document in zip(pods, documents, strict=True):
        (answer,) = engine.evaluate("pods", params, [document])
        assert isinstance(answer, Answered)
        expected = {"c"} if name == "bad" else set()
        assert {v.check for v in answer.violations} == expected | (set() if team else {"label"})
