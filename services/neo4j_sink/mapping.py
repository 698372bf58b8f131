"""Price bars as rows of `upsert_prices`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from axiom.contracts.payload import rfc3339
from axiom.contracts.record import Record
from topics.price_updates import PriceBar, bar_end, latest_version


def newest_rows(records: Sequence[Record], bars: Sequence[PriceBar]) -> list[list[Any]]:
    """The newest bar of each symbol in the batch, by the end of the bar and then by its version."""
    newest: dict[str, tuple[datetime, list[int]]] = {}
    for row, bar in enumerate(bars):
        end = bar_end(bar)
        held = newest.get(bar.symbol)
        if held is None or end > held[0]:
            newest[bar.symbol] = (end, [row])
        elif end == held[0]:
            held[1].append(row)
    return [_row(symbol, records, bars, rows) for symbol, (_, rows) in newest.items()]


def _row(symbol: str, records: Sequence[Record], bars: Sequence[PriceBar], rows: list[int]) -> list[Any]:
    version, row = max((latest_version(bars[row], records[row].value), row) for row in rows)
    bar = bars[row]
    times = (rfc3339(bar.ts), rfc3339(bar.fetched_at))  # the driver takes 40 µs to encode a datetime
    return [symbol, version, bar.close, bar.volume, bar.interval, *times, bar.source]
