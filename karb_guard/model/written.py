"""JSON that is written already, as a value in a document that is yet to be written."""

from __future__ import annotations


class WrittenJson:
    """A value that goes into a document as it is (``engine.documents`` knows how).

    No tuple and no dataclass: ``orjson`` would write those by itself, as something else.
    """

    __slots__ = ("text",)

    def __init__(self, text: bytes) -> None:
        """``text`` is valid JSON in UTF-8."""
        self.text = text
