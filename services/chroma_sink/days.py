"""The days a shape is made of, as they are kept in the stored record. Pure.

A day's close is the close of its last bar: of all bars that start on that date (UTC), whatever their
interval, the one with the greatest `latest_version`. So days do not depend on the order of bars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple, Self

import msgspec

from axiom.contracts.record import Record
from topics.price_updates import PriceBar, latest_version

KEPT_DAYS = 31
"""30 returns need 31 closes."""


class Day(NamedTuple):
    """One day of one symbol: version, open, close, and the split ratio where the source gives it."""

    version: str
    open: float
    close: float
    split_ratio: float | None


class Days(dict[date, Day]):
    """The newest KEPT_DAYS days of a symbol by date."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """From the stored form."""
        return cls(msgspec.json.decode(text, type=dict[date, Day]))

    def dump(self) -> str:
        """The stored form: JSON, oldest day first."""
        return msgspec.json.encode(dict(sorted(self.items()))).decode()


def fold_days(
    stored: Mapping[str, Days], records: Sequence[Record], bars: Sequence[PriceBar]
) -> tuple[dict[str, Days], int]:
    """The days of the symbols that the bars change, and how many bars are in them."""
    newest: dict[str, Days] = {}
    for record, bar in zip(records, bars, strict=True):
        version = latest_version(bar, record.value)
        days = newest.setdefault(bar.symbol, Days())
        held = days.get(bar.ts.date())
        if held is None or held.version < version:
            days[bar.ts.date()] = Day(version, bar.open, bar.close, bar.split_ratio)
    changed: dict[str, Days] = {}
    applied = 0
    for symbol, days in newest.items():
        before = stored.get(symbol, Days())
        after = _merged(before, days)
        if after != before:
            changed[symbol] = after
            applied += sum(before.get(day) != own for day, own in after.items())
    return changed, applied


def _merged(before: Days, days: Days) -> Days:
    both = Days(before)
    for day, own in days.items():
        held = both.get(day)
        if held is None or held.version < own.version:
            both[day] = own
    return Days((day, both[day]) for day in sorted(both)[-KEPT_DAYS:])
