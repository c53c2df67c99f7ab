"""What evaluation needs of an engine.

The interface lives with its consumer's needs in mind: one call takes many prepared inputs of one
entry point group, so that lint and audit pay the crossing once; a failure of one input never
takes its neighbours along.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from karb_guard.model.errors import KarbGuardError
from karb_guard.model.finding import Violation


class Answered(NamedTuple):
    """The engine judged the input; an empty tuple is a pass."""

    violations: tuple[Violation, ...]


class NotEvaluated(NamedTuple):
    """The engine gave no verdict (deadline, memory, a server that is away). Never an allow.

    ``reason`` is for people; ``cause`` is a short closed word for metrics:
    ``deadline``, ``memory``, ``size``, ``trap``, ``unavailable``, ``answer``.
    """

    cause: str
    reason: str


Answer = Answered | NotEvaluated


class EngineError(KarbGuardError):
    """The engine can't be set up (no bundle, a missing built-in, a bad address)."""


class Engine(Protocol):
    """Evaluates prepared inputs. Implementations are safe to use from several threads."""

    name: str
    may_fork: bool
    """Whether forks of this process may each go on with it: it holds no connection."""

    def evaluate(
        self,
        group: str,
        params: Mapping[str, Mapping[str, Any]],
        inputs: Sequence[Mapping[str, Any]],
    ) -> list[Answer]:
        """Judge each input document of ``inputs`` with the entry point of ``group``.

        ``params`` (invariant name -> effective parameters; its keys are the enabled invariants)
        is added to each input as ``input.params``. Returns one answer per input, in order.
        A group that the bundle doesn't have answers ``Answered(())`` for each.
        """
        ...

    def close(self) -> None:
        """Give back what the engine holds (instances, connections)."""
        ...
