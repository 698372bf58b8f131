"""Made-up bars, seeded: what a day of trouble brings, and what a file of daily bars looks like."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from topics.price_updates import Interval, PriceBar

FIRST_DAY = datetime(2024, 1, 2, tzinfo=UTC)
FETCHED = datetime(2024, 6, 3, 21, 0, tzinfo=UTC)


def symbols(count: int) -> list[str]:
    """Names that no market has."""
    return [f"Z{number:03d}" for number in range(count)]


def daily_bars(names: Sequence[str], days: int, seed: int = 1) -> list[PriceBar]:
    """A random walk for each symbol, day by day; some split two for one, some told and some not."""
    dice = random.Random(seed)
    closes = {name: dice.uniform(20, 400) for name in names}
    bars = []
    for day in range(days):
        for number, name in enumerate(names):
            ratio = 2.0 if day == days // 2 and number % 5 == 0 else 1.0
            closes[name] *= (1 + dice.gauss(0, 0.02)) / ratio
            told = ratio if number % 2 else None
            bars.append(_bar(dice, name, "1d", FIRST_DAY + timedelta(days=day), closes[name], split=told))
    return bars


def minute_bars(names: Sequence[str], minutes: int, day: int, seed: int = 2) -> list[PriceBar]:
    """Minute bars of one day from 14:30 UTC on, symbol by symbol."""
    dice = random.Random(seed)
    start = FIRST_DAY + timedelta(days=day, hours=14, minutes=30)
    return [
        _bar(dice, name, "1m", start + timedelta(minutes=minute), dice.uniform(20, 400))
        for name in names
        for minute in range(minutes)
    ]


def disordered(bars: Sequence[PriceBar], seed: int = 3) -> list[PriceBar]:
    """The bars with corrections, late repeats and stale versions among them, out of order."""
    dice = random.Random(seed)
    out = list(bars)
    for bar in dice.sample(list(bars), len(bars) // 10):
        minutes = dice.choice([-5, 0, 5])  # fetched before it, at the same moment, or after
        other = {
            "close": round(bar.close * 1.01, 4),
            "fetched_at": bar.fetched_at + timedelta(minutes=minutes),
        }
        out.append(bar.model_copy(update=other))
        out.append(bar)
    dice.shuffle(out)
    return out


def mixed_bars(count: int = 40, days: int = 80, seed: int = 1) -> list[PriceBar]:
    """A few thousand records of every kind: daily and minute bars, corrected, repeated, out of order."""
    names = symbols(count)
    minutes = minute_bars(names[: count // 4], 130, day=days - 1, seed=seed + 1)
    return disordered(daily_bars(names, days, seed) + minutes, seed + 2)


def write_csv(path: Path, bars: Iterable[PriceBar]) -> None:
    """Daily bars as a file for `axiom publish prices`."""
    with path.open("w", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["symbol", "date", "open", "high", "low", "close", "volume"])
        for bar in bars:
            day = bar.ts.date().isoformat()
            writer.writerow([bar.symbol, day, bar.open, bar.high, bar.low, bar.close, bar.volume])


def _bar(
    dice: random.Random,
    name: str,
    interval: Interval,
    start: datetime,
    close: float,
    split: float | None = None,
) -> PriceBar:
    close = round(close, 4)
    opened = round(close * (1 + dice.gauss(0, 0.003)), 4)
    return PriceBar(
        symbol=name,
        interval=interval,
        ts=start,
        open=opened,
        high=max(opened, close),
        low=min(opened, close),
        close=close,
        volume=float(dice.randrange(1_000, 5_000_000)),
        fetched_at=FETCHED,
        source="made-up",
        source_reason=dice.choice([None, None, "yahoo: rate limited"]),
        split_ratio=split,
    )
