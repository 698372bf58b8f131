"""Price bars as the columns of `price_bars`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from operator import attrgetter
from typing import Any

from axiom.contracts.codec import content_hash
from axiom.contracts.record import Record
from axiom.stores.pgcopy import Column, binary_copy
from topics.price_updates import PriceBar

COLUMNS = (
    "symbol", "interval", "ts", "open", "high", "low", "close", "volume", "split_ratio",
    "fetched_at", "source", "source_reason", "content_hash",
)  # fmt: skip

_KINDS: dict[str, Callable[[list[Any]], Column]] = {
    "symbol": Column.text, "interval": Column.text, "source": Column.text, "source_reason": Column.text,
    "ts": Column.timestamptz, "fetched_at": Column.timestamptz,
}  # fmt: skip


def newest(records: Sequence[Record], bars: Sequence[PriceBar]) -> tuple[list[PriceBar], list[int]]:
    """The newest version of each bar in the batch, and its content hash."""
    hashes = [content_hash(record.value) for record in records]
    latest: dict[tuple[object, ...], int] = {}
    for row, bar in enumerate(bars):
        key = (bar.symbol, bar.interval, bar.ts)
        held = latest.setdefault(key, row)
        if held != row and (bar.fetched_at, hashes[row]) > (bars[held].fetched_at, hashes[held]):
            latest[key] = row
    return [bars[row] for row in latest.values()], [hashes[row] for row in latest.values()]


def copy_data(bars: Sequence[PriceBar], hashes: Sequence[int]) -> bytes:
    """The bars in PostgreSQL's binary COPY format, in the order of COLUMNS."""
    columns = [_KINDS.get(name, Column.float8)(list(map(attrgetter(name), bars))) for name in COLUMNS[:-1]]
    return binary_copy([*columns, Column.int8(hashes)])


def months(bars: Iterable[PriceBar]) -> set[date]:
    """The first days of the months (UTC) that the bars start in."""
    return {date(year, month, 1) for year, month in {(bar.ts.year, bar.ts.month) for bar in bars}}
