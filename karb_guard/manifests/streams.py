"""A file's text -> its raw documents; one that doesn't parse never hides the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from karb_guard.manifests.decoding import Decoded
from karb_guard.manifests.found import Found, from_yaml
from karb_guard.manifests.limits import Limits
from karb_guard.manifests.marks import Layout
from karb_guard.manifests.problem import ParseProblem, RefusedError

if TYPE_CHECKING:
    from karb_guard.manifests.composing import Composed

_PEEKED = 4096  # characters; as many bytes as kubectl looks at to guess JSON


@dataclass(frozen=True, slots=True)
class Raw:
    """A document of any shape, before anybody asks whether it is a Kubernetes object."""

    value: Any
    layout: Layout
    index: int
    """Which document of the file it is, from 0."""


def documents_of(decoded: Decoded, limits: Limits) -> Iterator[Raw | ParseProblem]:
    """Every document of the text, in order; a problem in the place of one that can't be read."""
    start = decoded.source.text[:_PEEKED].lstrip()
    read = _json_or_yaml if decoded.clean and start.startswith(("{", "[")) else _yaml
    for index, item in enumerate(read(decoded, limits)):
        if isinstance(item, ParseProblem):
            yield item
        else:
            yield Raw(item.value, Layout(decoded.source, item.marks, item.base), index)


# The modules below are imported where they are needed: most runs need one of them.


def _json_or_yaml(decoded: Decoded, limits: Limits) -> Iterator[Found | ParseProblem]:
    """Like kubectl: JSON first; what is no JSON may still be YAML."""
    from karb_guard.manifests.json_text import NotJsonError, load

    source = decoded.source
    try:
        return iter(load(source.text, limits))
    except RefusedError as error:
        from karb_guard.manifests.recovery import refused

        return iter([refused(error, source, 0)])
    except NotJsonError as error:
        from karb_guard.manifests.recovery import not_json

        return not_json(error, source, list(_yaml(decoded, limits)))


def _yaml(decoded: Decoded, limits: Limits) -> Iterator[Found | ParseProblem]:
    """The whole stream at once; from the first document that fails on, one by one."""
    import yaml

    from karb_guard.manifests.composing import compose

    done: list[Composed] = []
    try:
        # goyaml takes a byte order mark at a line's start into the key; libyaml drops it
        if decoded.clean and "\ufeff" not in decoded.source.text:
            done.extend(islice(compose(decoded.source.text, limits), limits.documents + 1))
            return (from_yaml(one) for one in done)
    except yaml.reader.ReaderError:
        done = []  # it reads ahead: what stands before it is not known
    except (RefusedError, yaml.YAMLError):
        pass
    from karb_guard.manifests.recovery import one_by_one

    return one_by_one(decoded, limits, done)
