"""What KEDA's scalers read as a number; the answers are those of Go's encoding/json and strconv."""

from __future__ import annotations

import pytest

from karb_guard.evaluation.autoscaling.thresholds import numbers

JSON = {"1e-3": 0.001, "1E3": 1000, " 5 ": 5, "5.0": 5, "0": 0, "-1": -1, "0.5": 0.5}
NO_JSON = (".5", "5.", "+5", "05", "5k", "0x10", "1_0", "1e400", "auto", "\u0665", "9" * 300)


@pytest.mark.parametrize(("text", "value"), JSON.items())
def test_json_numbers_are_numbers(text: str, value: float) -> None:
    assert numbers("prometheus", None, {"threshold": text}) == {"threshold": value}


@pytest.mark.parametrize("text", NO_JSON)
def test_what_json_does_not_know_is_none(text: str) -> None:
    assert numbers("prometheus", None, {"threshold": text}) == {}


def test_a_utilization_is_a_whole_number() -> None:
    assert numbers("cpu", "Utilization", {"value": "+80", "other": "80.5"}) == {"value": 80}
    assert numbers("cpu", None, {"value": str(2**31)}) == {}


def test_an_average_of_memory_is_a_quantity() -> None:
    assert numbers("memory", "AverageValue", {"value": "1Ki"}) == {"value": 1024}
    assert numbers("memory", None, {"type": "AverageValue", "value": "500m"})["value"] == 0.5
