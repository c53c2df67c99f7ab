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

MAX_BYTES = 16 * 2**20
"""Of questions to all entry points of an engine, and answers; a pod of three containers asks in 8
kB."""
ANSWER_FACTOR = 8
"""What an answer takes once it is read, in lengths of its text."""

Store = Remembered[Answered]
"""What the memories of one engine share, so that all together have one bound."""


class AnswerMemory:
    """Of one entry point with one set of parameters. Safe to use from several threads."""

    def __init__(self, store: Store, name: bytes = b"", *, token_volumes: bool) -> None:
        """``name`` tells these questions from others in ``store``.

        ``token_volumes``: policies take the name of a token's volume for nothing but a name.
        """
        self._token_volumes = token_volumes
        self._known = store
        self._name = name + b"\0"  # which no written JSON holds

    def answer(self, question: bytes, ask: Callable[[bytes], tuple[bytes, Answer]]) -> Answer:
        """What ``ask`` answers (its text, and the same read), or answered before.

        Only answers are remembered: after a deadline the next one may have more luck.
        """
        token = b""
        asked = question
        if self._token_volumes:
            asked, token = token_volume.marked(question)
        key = self._name + asked
        known = self._known.get(key)
        if known is not None:
            return known
        text, answer = ask(question)
        if isinstance(answer, Answered) and not (token and token in text):
            self._known.keep(key, answer, ANSWER_FACTOR * len(text))
        return answer
