"""Price bars as the rows of `prices.lua`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from axiom.contracts.payload import rfc3339
from axiom.contracts.record import Record
from topics.price_updates import PriceBar, bar_version, latest_version

WINDOW = 120
"""Bars kept of each symbol and interval, the newest by start; the script has the same number."""

Windows = dict[str, dict[int, int]]
"""By interval and start (ms): the row of a symbol's newest version of that bar."""


def rows(records: Sequence[Record], bars: Sequence[PriceBar]) -> list[Any]:
    """For each symbol its newest bar and, by interval, the newest version of its newest WINDOW bars."""
    by_symbol: dict[str, Windows] = {}
    for row, bar in enumerate(bars):
        window = by_symbol.setdefault(bar.symbol, {}).setdefault(bar.interval, {})
        held = window.setdefault(round(bar.ts.timestamp() * 1000), row)
        if held != row and _version(records, bars, held) < _version(records, bars, row):
            window[round(bar.ts.timestamp() * 1000)] = row
    return [
        [symbol, _latest(records, bars, windows), _windows(records, bars, windows)]
        for symbol, windows in by_symbol.items()
    ]


def _latest(records: Sequence[Record], bars: Sequence[PriceBar], windows: Windows) -> list[Any]:
    candidates = (window[max(window)] for window in windows.values())
    version, row = max((latest_version(bars[row], records[row].value), row) for row in candidates)
    bar = bars[row]
    fields = [
        "symbol", bar.symbol, "price", repr(bar.close), "open", repr(bar.open), "high", repr(bar.high),
        "low", repr(bar.low), "volume", repr(bar.volume), "interval", bar.interval, "ts", rfc3339(bar.ts),
        "fetched_at", rfc3339(bar.fetched_at), "source", bar.source,
    ]  # fmt: skip
    return [version, fields, _json(records[row])]


def _windows(records: Sequence[Record], bars: Sequence[PriceBar], windows: Windows) -> list[Any]:
    return [
        [
            interval,
            [
                [start_ms, f"{_version(records, bars, row)} {_json(records[row])}"]
                for start_ms, row in sorted(window.items())[-WINDOW:]
            ],
        ]
        for interval, window in windows.items()
    ]


def _version(records: Sequence[Record], bars: Sequence[PriceBar], row: int) -> str:
    return bar_version(bars[row], records[row].value)


def _json(record: Record) -> str:
    """The record's value as text; Redis's msgpack takes no byte strings."""
    return (record.value or b"").decode()
