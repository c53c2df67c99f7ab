"""The user's price table: what it may hold, what it says to mistakes, and what it is used for."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from karb_guard.model.errors import UsageError
from karb_guard.reports.digest import digest
from karb_guard.reports.prices import PriceTable, read_prices
from tests.support.sample_audit import audit


def test_a_table_gives_models_resources_and_a_default(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text("currency: EUR\nNVIDIA-L4: 0.7\nnvidia.com/gpu: 2\ndefault: 1.25\n")
    table = read_prices(str(file))
    assert table.currency == "EUR"
    assert table.per_hour("NVIDIA-L4") == Decimal("0.7")
    assert table.per_hour("nvidia.com/gpu") == 2
    assert table.per_hour("amd.com/gpu") == table.per_hour(None) == Decimal("1.25")


def test_without_a_default_other_gpus_have_no_price() -> None:
    assert PriceTable({"NVIDIA-L4": Decimal(1)}).per_hour("NVIDIA-H100") is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- 1\n", "map of GPU models"),
        ("currency: EUR\n", "map of GPU models"),
        ("", "map of GPU models"),
        ("a: [", "no YAML"),
        ("a: cheap\n", "a is cheap; write a number"),
        ("a: true\n", "a is True; write a number"),
        ("a: -1\n", "a is -1; write a number"),
        ("a: .nan\n", "a is nan; write a number"),
        ("a: .inf\n", "a is inf; write a number"),
        ("a: 1\ncurrency: 5\n", "currency is 5"),
        ("a: 1\n" * 20_000, "at most 65536"),
        ("".join(f"a{i}: 1\n" for i in range(1_001)), "at most 1000"),
        ("[" * 5_000, "no YAML"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"--prices .*prices\.yaml") as raised:
        read_prices(str(file))
    assert says in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yaml: No such file"):
        read_prices(str(tmp_path / "none.yaml"))


def test_money_is_counted_for_the_gpus_that_have_a_price_alone() -> None:
    sampled = audit(80)
    assert digest(sampled.report, sampled).gpus.per_day == 0, "no table, no money"
    owners = {f.finding.owner for f in sampled.report.open_findings}
    held = {o: n for o, n in sampled.gpus.items() if o in owners}
    priced = sum(n for o, n in held.items() if sampled.gpu_kinds[o] == "NVIDIA-L4")
    found = digest(sampled.report, sampled, PriceTable({"NVIDIA-L4": Decimal("0.5")})).gpus
    assert 0 < priced < found.total
    assert (found.priced, found.per_day) == (priced, priced * 12)
