"""What is measured with: price bars, real ones where the data set is at hand, else made up from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np

from services.price_producer.sources.file import FileSource
from topics.price_updates import PriceBar

REAL = Path(__file__).parents[3] / "shared" / "data" / "prices" / "ohlcv_sp500_2015-03_2017-03.csv.gz"
SEED = 20150320
SYMBOLS = 500
_FIRST_DAY = datetime(2015, 3, 20, tzinfo=UTC)
_FIRST_MINUTE = datetime(2024, 3, 1, 14, 30, tzinfo=UTC)
_FETCHED = datetime(2026, 1, 5, 21, 0, 7, tzinfo=UTC)


@dataclass(frozen=True)
class Market:
    """Bars in the order they are published in, and what they are."""

    bars: Sequence[PriceBar]
    what: str

    def titled(self) -> str:
        """Count and description."""
        return f"{len(self.bars):,} {self.what}"


def backfill(count: int) -> Market:
    """A file of daily bars as it is published: symbol after symbol, each from its oldest day on."""
    if REAL.exists():
        bars = list(islice((row for row in FileSource(REAL).rows() if isinstance(row, PriceBar)), count))
        if len(bars) == count:
            symbols = len({bar.symbol for bar in bars})
            return Market(bars, f"real daily bars of {symbols} stocks, symbol after symbol")
    days = -(-count // SYMBOLS)
    bars = [_daily(bar, number % days) for number, bar in enumerate(_walks(count, per_symbol=days))]
    return Market(bars, f"synthetic daily bars of {SYMBOLS} symbols, symbol after symbol")


def live(count: int) -> Market:
    """Minute bars as a market sends them: all symbols of one minute, then the next minute."""
    minutes = -(-count // SYMBOLS)
    walks = _walks(SYMBOLS * minutes, per_symbol=minutes)
    bars = [
        _minute(walks[symbol * minutes + minute], minute)
        for minute in range(minutes)
        for symbol in range(SYMBOLS)
    ]
    return Market(bars[:count], f"synthetic minute bars of {SYMBOLS} symbols, minute after minute")


@dataclass(frozen=True)
class _Walk:
    symbol: str
    prices: tuple[float, float, float, float]
    volume: float


def _walks(count: int, per_symbol: int) -> list[_Walk]:
    draws = np.random.default_rng(SEED)
    moves = draws.normal(0.0002, 0.015, count)
    wicks = np.abs(draws.normal(0, 0.006, (count, 2)))
    volumes = draws.integers(50, 90_000, count) * 100
    walks: list[_Walk] = []
    close = 0.0
    for number in range(count):
        if number % per_symbol == 0:
            close = float(draws.uniform(20, 320))
        opened, close = close, max(1.0, close * (1 + moves[number]))
        high = max(opened, close) * (1 + wicks[number, 0])
        low = min(opened, close) * (1 - wicks[number, 1])
        cents = [round(float(price), 2) for price in (opened, high, low, close)]
        walks.append(
            _Walk(
                _symbol(number // per_symbol),
                (cents[0], cents[1], cents[2], cents[3]),
                float(volumes[number]),
            )
        )
    return walks


def _symbol(number: int) -> str:
    """Four letters, all different: AAAA, BAAB, …"""
    letters = [chr(65 + (number // 26**place) % 26) for place in range(3)]
    return "".join(letters) + chr(65 + number % 26)


def _daily(walk: _Walk, day: int) -> PriceBar:
    return _bar(walk, "1d", _FIRST_DAY + timedelta(days=day), _FETCHED)


def _minute(walk: _Walk, minute: int) -> PriceBar:
    start = _FIRST_MINUTE + timedelta(minutes=minute)
    return _bar(walk, "1m", start, start + timedelta(seconds=61))


def _bar(walk: _Walk, interval: str, start: datetime, fetched_at: datetime) -> PriceBar:
    opened, high, low, close = walk.prices
    return PriceBar.model_validate(
        {
            "symbol": walk.symbol, "interval": interval, "ts": start, "open": opened, "high": high,
            "low": low, "close": close, "volume": walk.volume, "fetched_at": fetched_at, "source": "bench",
        }
    )  # fmt: skip


def moved(bar: PriceBar, start: datetime, fetched_at: datetime) -> PriceBar:
    """The same bar at another time."""
    return bar.model_copy(update={"ts": start, "fetched_at": fetched_at})
