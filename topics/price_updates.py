"""`price-updates`: bars (open, high, low, close, volume) from every price source."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from axiom.contracts.codec import content_hash
from axiom.contracts.payload import Payload, Price, Symbol, Text, UtcTime, Volume, rfc3339, sortable
from axiom.contracts.topic import Topic

Interval = Literal["1m", "5m", "15m", "30m", "1h", "1d"]

INTERVAL_LENGTH: dict[str, timedelta] = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
}


class PriceBar(Payload):
    """One bar, as traded: prices are not adjusted for splits or dividends that came later.

    Attributes:
        ts: the bar's start. A daily bar starts at 00:00 UTC of its session's date.
        fetched_at: when the source answered; for a file, the file's own time. The newest wins.
        source: the adapter that got it: `yahoo`, `file`, `synthetic`, …
        source_reason: why this source, where it was not the first choice (`yahoo: rate limited`).
        split_ratio: new shares for one old share, taking effect with this bar's session; 1.0 where
            the source says there was none; None where it does not say.
    """

    symbol: Symbol
    interval: Interval
    ts: UtcTime
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Volume
    fetched_at: UtcTime
    source: Text
    source_reason: Text | None = None
    split_ratio: Price | None = None


def bar_end(bar: PriceBar) -> datetime:
    """The moment the bar closes: its start plus its interval."""
    return bar.ts + INTERVAL_LENGTH[bar.interval]


def bar_version(bar: PriceBar, value: bytes | None) -> str:
    """Orders the versions of one bar, as a string: fetch time, then the hash of the record's value.

    35 characters: the time as `sortable`, a colon, 16 hex digits.
    """
    return f"{sortable(bar.fetched_at)}:{content_hash(value):016x}"


def latest_version(bar: PriceBar, value: bytes | None) -> str:
    """Orders the bars of one symbol, as a string: end of the bar, then `bar_version`."""
    return f"{sortable(bar_end(bar))}:{bar_version(bar, value)}"


TOPIC = Topic[PriceBar](
    name="price-updates",
    summary="price bars from every source, as traded",
    key="symbol",
    payload=PriceBar,
    key_of=lambda bar: bar.symbol,
    id_of=lambda bar: f"{bar.symbol}:{bar.interval}:{rfc3339(bar.ts)}",
)
