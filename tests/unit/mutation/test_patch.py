"""Operations: pointers, parents, appended elements; and the applier that the tests trust."""

from __future__ import annotations

from typing import Any

import pytest

from karb_guard.mutation.changes import Change, Kind
from karb_guard.mutation.patch import UnfitError, patch_of, pointer
from tests.support.json_patch import PatchError, applied


def put(path: tuple[str | int, ...], value: Any) -> Change:
    return Change(Kind.NAMESPACE_LABEL, path, value, "", "")


def push(path: tuple[str | int, ...], value: Any) -> Change:
    return put(path, value)._replace(append=True)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("a", 0, "b"), "/a/0/b"),
        (("a/b", "m~n", "~1"), "/a~1b/m~0n/~01"),
        (("", " "), "// "),
    ],
)
def test_pointers_are_escaped_as_rfc_6901_says(path: tuple[str | int, ...], text: str) -> None:
    assert pointer(path) == text


@pytest.mark.parametrize(
    ("obj", "changes", "paths"),
    [
        ({"a": {}}, [put(("a", "b"), 1)], ["/a/b"]),
        ({"a": None}, [put(("a", "b"), 1)], ["/a"]),
        ({}, [put(("a", "b", "c"), 1)], ["/a"]),
        ({}, [put(("a", "b"), 1), put(("a", "c"), 2)], ["/a"]),
        ({"l": [1]}, [push(("l",), 2), push(("l",), 3)], ["/l/-", "/l/-"]),
        ({"l": []}, [push(("l",), 2)], ["/l/-"]),
        ({"l": None}, [push(("l",), 2), push(("l",), 3)], ["/l"]),
        ({}, [push(("s", "l"), 2), push(("s", "l"), 3), put(("s", "x"), 4)], ["/s"]),
        ({"c": [{}, {}]}, [put(("c", 1, "s", "a/b"), False)], ["/c/1/s"]),
    ],
)
def test_absent_and_null_parents_come_with_the_field(
    obj: dict[str, Any], changes: list[Change], paths: list[str]
) -> None:
    patch = patch_of(obj, changes)
    assert [operation["path"] for operation in patch] == paths
    result = applied(obj, patch)
    for change in changes:
        node = result
        for step in change.path:
            node = node[step]
        assert change.value in node if change.append else node == change.value


def test_values_of_changes_are_not_shared_with_the_patch() -> None:
    change = push(("l",), {"x": {}})
    patch_of({}, [change, put(("other",), 1)])
    assert change.value == {"x": {}}


@pytest.mark.parametrize("value", ["text", 1, [], True])
def test_a_parent_of_another_type_is_refused(value: Any) -> None:
    with pytest.raises(UnfitError):
        patch_of({"a": value}, [put(("a", "b"), 1)])


@pytest.mark.parametrize("value", ["text", 1, {}, True])
def test_a_list_of_another_type_is_refused(value: Any) -> None:
    with pytest.raises(UnfitError):
        patch_of({"a": value}, [push(("a",), 1)])


@pytest.mark.parametrize(
    ("document", "path", "value", "result"),
    [  # RFC 6902, appendix A.1, A.2, A.10, A.14, A.16
        ({"foo": "bar"}, "/baz", "qux", {"baz": "qux", "foo": "bar"}),
        ({"foo": ["bar", "baz"]}, "/foo/1", "qux", {"foo": ["bar", "qux", "baz"]}),
        ({"foo": "bar"}, "/child", {"g": {}}, {"foo": "bar", "child": {"g": {}}}),
        ({"/": 9, "~1": 10}, "/~01", 11, {"/": 9, "~1": 11}),
        ({"foo": ["bar"]}, "/foo/-", ["abc"], {"foo": ["bar", ["abc"]]}),
    ],
)
def test_the_applier_does_what_the_rfc_shows(
    document: Any, path: str, value: Any, result: Any
) -> None:
    assert applied(document, [{"op": "add", "path": path, "value": value}]) == result


@pytest.mark.parametrize("path", ["/baz/bat", "/list/5", "/list/01", "/text/x", "x"])
def test_the_applier_creates_no_parents(path: str) -> None:  # appendix A.12
    with pytest.raises(PatchError):
        applied({"list": [], "text": "t"}, [{"op": "add", "path": path, "value": 1}])
