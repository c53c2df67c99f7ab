"""Begins what will be asked for next while what is there is worked on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Ahead(Generic[Made]):
    """One call in a thread of its own. The thread is a daemon: nobody waits for it at the end."""

    def __init__(self, call: Callable[[], Made]) -> None:
        """Begin ``call`` now."""
        self._made: list[Made] = []
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(call,), daemon=True)
        self._thread.start()

    def result(self) -> Made:
        """What the call gave, once it has; raises what it raised."""
        self._thread.join()
        if self._failed is not None:
            raise self._failed
        return self._made.pop()

    def _run(self, call: Callable[[], Made]) -> None:
        try:
            self._made.append(call())
        except BaseException as error:  # noqa: BLE001 - raised anew by ``result``
            self._failed = error
