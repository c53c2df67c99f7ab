"""Our formulas against the controller's own test tables, read from the Go module.

The tables are Go source: read here are the rows that are numbers, which is all that these formulas
take. Skipped where the module ``k8s.io/kubernetes`` is not in the module cache.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from karb_guard.autoscaling import rates
from karb_guard.autoscaling.rates import Event, Policy, Rules
from karb_guard.autoscaling.replicas import MOST, Tolerances, by_average, by_value
from karb_guard.toolchain.errors import ToolchainError
from karb_guard.toolchain.gotool import find_go
from tests.support.controlplane import KUBERNETES_VERSION

ROW = re.compile(r"^\t\t\{\n(.*?)^\t\t\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^\t+(\w+):\s*(.+?),?(?:\s*//.*)?$", re.MULTILINE)
NAMED = {"math.MaxInt32": MOST, "math.MaxInt64": 2**63 - 1}

Row = Mapping[str, str]


@cache
def package() -> Path:
    """The controller's sources."""
    try:
        go = find_go()
    except ToolchainError as error:
        pytest.skip(str(error))
    done = subprocess.run(
        [str(go), "env", "GOMODCACHE"], capture_output=True, text=True, check=True, timeout=60
    )
    module = Path(done.stdout.strip(), "k8s.io", f"kubernetes@v{KUBERNETES_VERSION}")
    found = module / "pkg" / "controller" / "podautoscaler"
    if not found.is_dir():
        pytest.skip(f"{module} is not there; make test builds the control plane from it")
    return found


def rows(file: str, function: str) -> Iterator[Row]:
    """The fields of each row of a table test, as Go text; those of nested literals flattened."""
    text = (package() / file).read_text(encoding="utf-8")
    (body,) = re.findall(rf"^func {function}\(.*?^}}", text, re.MULTILINE | re.DOTALL)
    for match in ROW.finditer(body):
        yield dict(FIELD.findall(match[1]))


def number(text: str) -> int:
    inner = re.fullmatch(r"\w+\((.*)\)", text)
    text = inner[1] if inner else text
    return NAMED[text] if text in NAMED else int(text)


def numbers(text: str) -> list[int]:
    return [int(each) for each in re.findall(r"-?\d+", text)]


def tolerances(row: Row) -> Tolerances:
    if "tolerances" not in row:
        return Tolerances()
    inside = row["tolerances"].partition("{")[2].rstrip("}")
    down, up = (0.1 if "default" in each else float(each) for each in inside.split(","))
    return Tolerances(down, up)


def ready(row: Row) -> int:
    """Pods that are ready: as many as there are, unless the row says which."""
    said = row.get("podReadiness")
    return number(row["currentReplicas"]) if said is None else said.count("v1.ConditionTrue")


@pytest.mark.parametrize(
    ("function", "count"),
    [("TestReplicaCalcExternalPerPodMetric", 6), ("TestReplicaCalcObjectPerPodMetric", 4)],
)
def test_average_values_give_the_controller_s_numbers(function: str, count: int) -> None:
    seen = 0
    for row in rows("replica_calculator_test.go", function):
        seen += 1
        current, target = number(row["currentReplicas"]), number(row["perPodTargetUsage"])
        found = by_average(number(row["metric"]), target, current, tolerances(row))
        assert found == number(row["expectedReplicas"]), row["name"]
    assert seen >= count


@pytest.mark.parametrize(
    ("function", "count"),
    [("TestReplicaCalcExternalMetric", 4), ("TestReplicaCalcObjectMetric", 4)],
)
def test_values_give_the_controller_s_numbers(function: str, count: int) -> None:
    seen = 0
    for row in rows("replica_calculator_test.go", function):
        if "expectedError" in row or "/" in row["metric"]:  # arithmetic of Go's own
            continue
        seen += 1
        current, target = number(row["currentReplicas"]), number(row["targetUsage"])
        found = by_value(number(row["metric"]), target, ready(row), current, tolerances(row))
        assert found == number(row["expectedReplicas"]), row["name"]
    assert seen >= count


def rules(text: str | None, unset: Rules) -> Rules:
    """Of ``generateScalingRules(pods, podsPeriod, percent, percentPeriod, window)``."""
    if text is None:
        return unset
    pods, pods_period, percent, percent_period, window = numbers(text)[:5]
    policies = [Policy("Pods", pods, pods_period)] if pods else []
    policies += [Policy("Percent", percent, percent_period)] if percent else []
    return Rules(tuple(policies), window=window)


def events(text: str | None) -> tuple[Event, ...]:
    """Of ``generateEventsUniformDistribution(changes, seconds)``."""
    if text is None:
        return ()
    *changes, seconds = numbers(text.partition("{")[2])
    apart = seconds / len(changes)
    ages = (seconds - apart * (index + 1) + apart / 2 for index in range(len(changes)))
    return tuple(map(Event, ages, changes))


def test_rates_give_the_controller_s_numbers() -> None:
    seen = 0
    for row in rows("horizontal_test.go", "TestScalingWithRules"):
        seen += 1
        up = rules(row.get("scaleUpRules"), rates.UP)
        down = rules(row.get("scaleDownRules"), rates.DOWN)
        found = rates.limited(
            number(row["currentReplicas"]),
            number(row["prenormalizedDesiredReplicas"]),
            (number(row["specMinReplicas"]), number(row["specMaxReplicas"])),
            (up, down),
            (events(row.get("scaleUpEvents")), events(row.get("scaleDownEvents"))),
        )
        assert found == number(row["expectedReplicas"]), row["name"]
    assert seen >= 40
