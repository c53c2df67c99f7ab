"""RFC 6902 as it is written, for checking patches: strict, slow, independent of the product.

Only ``add``, which is all that karb-guard sends; anything else fails.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any


class PatchError(Exception):
    """The patch can't be applied as a whole (RFC 6902, section 5)."""


def applied(document: Mapping[str, Any], patch: Sequence[Mapping[str, Any]]) -> Any:
    """``document`` with ``patch`` applied; the argument stays as it is."""
    result: Any = copy.deepcopy(dict(document))
    for operation in patch:
        if set(operation) != {"op", "path", "value"} or operation["op"] != "add":
            raise PatchError(f"not an add: {operation}")
        _add(result, _tokens(operation["path"]), copy.deepcopy(operation["value"]))
    return result


def _tokens(pointer: str) -> list[str]:
    """RFC 6901, section 4: first ``~1``, then ``~0``."""
    if not pointer.startswith("/"):
        raise PatchError(f"no pointer below the root: {pointer!r}")
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/")]


def _add(node: Any, tokens: list[str], value: Any) -> None:
    *parents, last = tokens
    for token in parents:
        node = _child(node, token)
    if isinstance(node, dict):
        node[last] = value
    elif isinstance(node, list):
        node.insert(len(node) if last == "-" else _index(last, len(node)), value)
    else:
        raise PatchError(f"{last!r} would go into {node!r}: the parent has to exist")


def _child(node: Any, token: str) -> Any:
    if isinstance(node, dict) and token in node:
        return node[token]
    if isinstance(node, list):
        return node[_index(token, len(node) - 1)]
    raise PatchError(f"{token!r} does not exist")


def _index(text: str, largest: int) -> int:
    if not text.isdigit() or (text != "0" and text.startswith("0")) or int(text) > largest:
        raise PatchError(f"no index: {text!r}")
    return int(text)
