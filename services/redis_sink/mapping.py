"""Price bars as the rows of `prices.lua`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from axiom.contracts.payload import rfc3339
from axiom.contracts.record import Record
from topics.price_updates import PriceBar, bar_version, latest_version

WINDOW = 120
"""Bars kept of each symbol and interval, the newest by start; the script has the same number."""

Windows = dict[str, dict[int, tuple[str, int]]]
"""By interval and start (ms): version and row of a symbol's bars."""


def rows(records: Sequence[Record], bars: Sequence[PriceBar]) -> list[Any]:
    """For each symbol its newest bar and, by interval, the newest version of its newest WINDOW bars."""
    by_symbol: dict[str, Windows] = {}
    for row, (record, bar) in enumerate(zip(records, bars, strict=True)):
        window = by_symbol.setdefault(bar.symbol, {}).setdefault(bar.interval, {})
        start_ms = round(bar.ts.timestamp() * 1000)
        version = bar_version(bar, record.value)
        held = window.get(start_ms)
        if held is None or held[0] < version:
            window[start_ms] = (version, row)
    return [
        [symbol, _latest(records, bars, windows), _windows(records, windows)]
        for symbol, windows in by_symbol.items()
    ]


def _latest(records: Sequence[Record], bars: Sequence[PriceBar], windows: Windows) -> list[Any]:
    candidates = (max(window.items())[1][1] for window in windows.values())
    version, row = max((latest_version(bars[row], records[row].value), row) for row in candidates)
    bar = bars[row]
    fields = [
        "symbol", bar.symbol, "price", repr(bar.close), "open", repr(bar.open), "high", repr(bar.high),
        "low", repr(bar.low), "volume", repr(bar.volume), "interval", bar.interval, "ts", rfc3339(bar.ts),
        "fetched_at", rfc3339(bar.fetched_at), "source", bar.source,
    ]  # fmt: skip
    return [version, fields, _json(records[row])]


def _windows(records: Sequence[Record], windows: Windows) -> list[Any]:
    return [
        [
            interval,
            [
                [start_ms, f"{version} {_json(records[row])}"]
                for start_ms, (version, row) in sorted(window.items())[-WINDOW:]
            ],
        ]
        for interval, window in windows.items()
    ]


def _json(record: Record) -> str:
    """The record's value as text; Redis's msgpack takes no byte strings."""
    return (record.value or b"").decode()
