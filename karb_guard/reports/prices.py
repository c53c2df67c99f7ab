"""A price table of the user's: the only source of money in a report.

Prices differ by contract, region and year; a built-in list would be wrong everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from karb_guard.model.errors import UsageError

CURRENCY = "currency"
DEFAULT = "default"
MAX_BYTES = 64 << 10
MAX_ENTRIES = 1_000
MAX_PRICE = 1_000_000


@dataclass(frozen=True, slots=True)
class PriceTable:
    """What an hour of one GPU costs."""

    prices: Mapping[str, Decimal]
    """GPU model (``NVIDIA-H100-80GB-HBM3``) or resource (``nvidia.com/gpu``) -> price an hour;
    ``default`` for all others."""
    currency: str = ""

    def per_hour(self, gpu: str | None) -> Decimal | None:
        """The price of one such GPU for an hour; ``None`` where the table has none."""
        found = None if gpu is None else self.prices.get(gpu)
        return self.prices.get(DEFAULT) if found is None else found


def read_prices(file: str) -> PriceTable:
    """Read ``--prices FILE``: a map of models or resources to prices, and ``currency``.

    Raises ``UsageError`` naming the file, the key and what it should hold.
    """
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"--prices {file}: {error.strerror}; name a readable file") from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"--prices {file}: {len(data)} bytes; at most {MAX_BYTES} are read")
    try:
        table = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"--prices {file}: no YAML: {_first_line(error)}") from error
    return _table(file, table)


def _table(file: str, table: Any) -> PriceTable:
    if not isinstance(table, dict) or not table.keys() - {CURRENCY}:
        raise UsageError(
            f"--prices {file}: write a map of GPU models or resources to prices per hour, "
            "such as `nvidia.com/gpu: 2.50`"
        )
    if len(table) > MAX_ENTRIES:
        raise UsageError(f"--prices {file}: {len(table)} entries; at most {MAX_ENTRIES} are read")
    currency = table.pop(CURRENCY, "")
    if not isinstance(currency, str) or len(currency) > 8:
        raise UsageError(f"--prices {file}: {CURRENCY} is {currency!r}; write EUR or the like")
    return PriceTable({str(key): _price(file, key, table[key]) for key in table}, currency)


def _price(file: str, key: object, value: object) -> Decimal:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    # A comparison is false for what is no number (``.nan``), too.
    if not number or not 0 <= float(str(value)) <= MAX_PRICE:
        raise UsageError(
            f"--prices {file}: {str(key)[:100]} is {str(value)[:100]}; write a number between 0 "
            f"and {MAX_PRICE}: the price of one GPU for an hour"
        )
    return Decimal(str(value))


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
