"""Documents in which a part is written already."""

from __future__ import annotations

import json

import pytest

from karb_guard.engine.documents import to_json
from karb_guard.model.written import WrittenJson


@pytest.mark.parametrize("number", [1, 2**70])
def test_written_json_goes_into_a_document_as_it_is(number: int) -> None:
    document = {"pods": WrittenJson(b'[{"a":1}]'), "number": number}
    assert json.loads(to_json(document)) == {"pods": [{"a": 1}], "number": number}
