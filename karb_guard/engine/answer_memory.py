"""What policies answered to a question, as long as it is among those that were asked last.

Policies are pure functions of their input (no clock, no network, see ``gate``): the same question
has the same answer. A question holds everything: the object's view, its context, the day. It is
found by its whole content, so nobody can get the answer that another object was given.
"""

from __future__ import annotations

from collections.abc import Callable

from karb_guard.engine.interface import Answer, Answered
from karb_guard.model import token_volume
from karb_guard.model.remembered import Remembered

MAX_BYTES = 8 * 2**20
"""Of the questions to one entry point; a pod of three containers asks in 8 kB."""


class AnswerMemory:
    """Of one entry point with one set of parameters. Safe to use from several threads."""

    def __init__(self, *, token_volumes: bool, max_bytes: int = MAX_BYTES) -> None:
        """``token_volumes``: policies take the name of a token's volume for nothing but a name."""
        self._token_volumes = token_volumes
        self._known = Remembered[Answered](max_bytes)

    def answer(self, question: bytes, ask: Callable[[bytes], tuple[bytes, Answer]]) -> Answer:
        """What ``ask`` answers (its text, and the same read), or answered before.

        Only answers are remembered: after a deadline the next one may have more luck.
        """
        token = b""
        key = question
        if self._token_volumes:
            key, token = token_volume.marked(question)
        known = self._known.get(key)
        if known is not None:
            return known
        text, answer = ask(question)
        if isinstance(answer, Answered) and not (token and token in text):
            self._known.keep(key, answer, len(text))
        return answer
