"""What a source says of a company, as the topic has it. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from axiom.sources.files import Unusable, why_not
from axiom.sources.text import plain
from topics.company_fundamentals import CompanyFundamentals

LIMIT = 1e18
TEXTS = {
    "name": 300, "exchange": 100, "sector": 200, "industry": 200, "country": 100, "currency": 10,
    "website": 500, "description": 20_000,
}  # fmt: skip
EXCHANGES = {
    "NMS": "NASDAQ", "NGM": "NASDAQ", "NCM": "NASDAQ", "NYQ": "NYSE", "ASE": "AMEX", "PCX": "NYSE Arca",
}  # fmt: skip


def company(
    symbol: str, source: str, as_of: datetime, fetched_at: datetime, values: Mapping[str, Any]
) -> CompanyFundamentals:
    """The payload; what is missing, no number, infinite or beyond all measure is left out.

    `as_of` is cut to its day.

    Raises:
        Unusable: it has no name.
    """
    kept: dict[str, Any] = {}
    for name, value in values.items():
        if name in TEXTS:
            kept[name] = plain(value, TEXTS[name]) or None if isinstance(value, str) else None
        elif name == "aliases":
            kept[name] = tuple(plain(alias, 200) for alias in value)
        elif name == "employees":
            number = amount(value)
            kept[name] = int(number) if number is not None and number >= 0 else None
        else:
            kept[name] = amount(value)
    if not kept.get("name"):
        raise Unusable("the answer has no name")
    day = as_of.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        return CompanyFundamentals(
            symbol=symbol, source=source, as_of=day, fetched_at=fetched_at,
            **{name: value for name, value in kept.items() if value is not None},
        )  # fmt: skip
    except ValidationError as error:
        raise Unusable(why_not(error)) from error


def amount(value: Any, scale: float = 1.0) -> float | None:
    """A finite number within the topic's limits, times `scale`; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value) * scale
    except OverflowError:
        return None
    return number if math.isfinite(number) and abs(number) <= LIMIT else None


def exchange_of(name: Any) -> str | None:
    """One name for an exchange: of `NasdaqGS`, `NMS`, `NEW YORK STOCK EXCHANGE, INC.`."""
    if not isinstance(name, str) or not name:
        return None
    told = name.upper()
    if "NASDAQ" in told:
        return "NASDAQ"
    if "AMERICAN" in told:
        return "AMEX"
    if told.startswith("NEW YORK STOCK") or told == "NYSE":
        return "NYSE"
    return EXCHANGES.get(told, name)


def first(values: Mapping[str, Any], names: Iterable[str]) -> Any:
    """The first of some values that is there."""
    return next((values[name] for name in names if values.get(name) is not None), None)
