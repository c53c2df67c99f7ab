"""A baseline's file: the same bytes for the same findings, and a clear no to anything else."""

from __future__ import annotations

import json
import stat
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karb_guard.lint import baseline_file
from karb_guard.model.errors import UsageError
from karb_guard.model.finding import Identity, ObjectRef

TEXT = st.text(max_size=8)
IDENTITIES = st.builds(
    Identity,
    TEXT,
    TEXT,
    st.builds(ObjectRef, TEXT, TEXT, TEXT, st.none() | TEXT.filter(bool)),
    TEXT,
)
ENTRIES = st.dictionaries(IDENTITIES, st.integers(1, 5), max_size=6).map(Counter)
ONE = Identity("KARB-IMG-002", "floating", ObjectRef("v1", "Pod", "web", "shop"), "containers[a]")


@given(ENTRIES)
def test_what_is_written_is_read(tmp_path_factory, entries: Counter[Identity]) -> None:
    file = tmp_path_factory.mktemp("b") / "baseline.json"
    baseline_file.write(str(file), entries)
    assert baseline_file.read(str(file)) == entries


@given(st.lists(IDENTITIES, max_size=8), st.randoms())
def test_equal_entries_are_equal_bytes(identities: list[Identity], random) -> None:
    shuffled = list(identities)
    random.shuffle(shuffled)
    assert baseline_file.text_of(Counter(identities)) == baseline_file.text_of(Counter(shuffled))


def test_one_finding_is_one_line_without_place_or_words() -> None:
    lines = baseline_file.text_of(Counter({ONE: 2})).splitlines()
    owner = '{"apiVersion": "v1", "kind": "Pod", "name": "web", "namespace": "shop"}'
    entry = f'"id": "KARB-IMG-002", "check": "floating", "owner": {owner}'
    assert lines[:3] == ["{", '  "schemaVersion": "1.0",', '  "findings": [']
    assert lines[3] == f'    {{{entry}, "anchor": "containers[a]", "count": 2}}'
    assert lines[4:] == ["  ]", "}"]


def entry(**changes) -> str:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "a", "namespace": None}
    fields = {"id": "KARB-IMG-002", "check": "c", "owner": owner, "anchor": "x", **changes}
    return json.dumps({"schemaVersion": "1.0", "findings": [fields]})


def test_a_count_may_be_missing_and_later_fields_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "b").write_text(entry(reason="later"))
    assert baseline_file.read(str(tmp_path / "b")).total() == 1


BAD = {
    "nothing": ("", "is no JSON"),
    "yaml": ("schemaVersion: 1\n", "is no JSON"),
    "not utf-8": ("\udcff", "is no JSON"),
    "deep": ("[" * 100_000, "is no JSON"),
    "a list": ("[]", "it has no schemaVersion"),
    "another file": ('{"findings": []}', "it has no schemaVersion"),
    "a later version": ('{"schemaVersion": "2.0", "findings": []}', "schemaVersion '2.0'"),
    "an odd version": ('{"schemaVersion": 1, "findings": []}', "schemaVersion 1"),
    "no findings": ('{"schemaVersion": "1.0"}', "`findings` is no list"),
    "an entry": ('{"schemaVersion": "1.0", "findings": [1]}', "findings[0] is no map"),
    "an id": (entry(id=1), "findings[0].id is no text"),
    "an anchor": (entry(anchor=None), "findings[0].anchor is no text"),
    "an owner": (entry(owner="web"), "findings[0].owner is no map"),
    "an owner's name": (entry(owner={"apiVersion": "v1", "kind": "P"}), "owner.name is no text"),
    "a count of 0": (entry(count=0), "findings[0].count is no whole number"),
    "a count of true": (entry(count=True), "findings[0].count is no whole number"),
    "a huge count": (entry(count=10**12), "findings[0].count is no whole number"),
}


@pytest.mark.parametrize(("text", "words"), BAD.values(), ids=list(BAD))
def test_what_is_no_baseline_is_refused_with_place_and_remedy(
    text: str, words: str, tmp_path: Path
) -> None:
    file = tmp_path / "b.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError) as refused:
        baseline_file.read(str(file))
    assert words in str(refused.value)
    assert str(refused.value).startswith(f"--baseline {file}: ")
    assert str(refused.value).endswith("; write it anew with --write-baseline")


def test_an_entry_twice_and_too_many_findings_are_refused(tmp_path: Path) -> None:
    document = json.loads(entry())
    first = document["findings"][0]
    cases = {
        "findings[1] is there twice": [first, first],
        "more than 1000000": [{**first, "anchor": str(i), "count": 600_000} for i in range(2)],
    }
    for words, findings in cases.items():
        (tmp_path / "b").write_text(json.dumps({**document, "findings": findings}))
        with pytest.raises(UsageError, match=words.replace("[", r"\[")):
            baseline_file.read(str(tmp_path / "b"))


def test_a_missing_file_a_directory_and_a_huge_file_are_refused(tmp_path, monkeypatch) -> None:
    for name in ("missing", "."):
        with pytest.raises(UsageError, match="can't be read"):
            baseline_file.read(str(tmp_path / name))
    monkeypatch.setattr(baseline_file, "MAX_BYTES", 10)
    (tmp_path / "b").write_text(entry())
    with pytest.raises(UsageError, match="larger than 10 bytes"):
        baseline_file.read(str(tmp_path / "b"))


@pytest.mark.parametrize("place", ["no/such/dir/b.json", "folder", "a\0b"])
def test_a_place_that_can_t_be_written_is_refused_and_leaves_nothing(place, tmp_path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="can't be written"):
        baseline_file.write(str(tmp_path / place), Counter())
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]


def test_writing_again_keeps_who_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    baseline_file.write(str(file), Counter())
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    file.chmod(0o600)
    baseline_file.write(str(file), Counter({ONE: 1}))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
