"""The job technical_analysis: what indicators say of every symbol at the end of a session."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from axiom.analysis.bars import Bars
from axiom.analysis.indicators import YEAR, Reading, readings
from services.analyst.market import Market, calendar_days, day_of, last_whole_day
from topics.technical_signals import TechnicalSignal

EXTRA_SESSIONS = 50
"""What Wilder's averages need beside a year until their beginning hardly counts."""
INTERVAL = "1d"


@dataclass(frozen=True, slots=True)
class Signalled:
    """What became of a session: `symbols` with a bar on that day, `stale` ones without, and what is new."""

    day: date | None
    symbols: int
    stale: int
    readings: int
    signals: Sequence[TechnicalSignal]


async def signal(
    market: Market, now: datetime, computed_at: datetime, symbols: Collection[str] = ()
) -> Signalled:
    """Every indicator of the last whole session before `now`, where it is not published so already."""
    bars = await market.daily_bars(last_whole_day(now), calendar_days(YEAR + EXTRA_SESSIONS), sorted(symbols))
    bars = await asyncio.to_thread(bars.sessions)
    if not len(bars.days):
        return Signalled(None, 0, len(bars.symbols), 0, ())
    day = day_of(int(bars.days[-1]))
    start = datetime.combine(day, time(tzinfo=UTC))
    said = await market.signals_at(INTERVAL, start)
    count, fresh = await asyncio.to_thread(_news, bars, said, start, computed_at)
    present = int(sum(math.isfinite(close) for close in bars.close[:, -1].tolist()))
    return Signalled(day, present, len(bars.symbols) - present, count, fresh)


def _news(
    bars: Bars, said: Mapping[tuple[str, str], Reading], start: datetime, computed_at: datetime
) -> tuple[int, list[TechnicalSignal]]:
    count, fresh = 0, []
    for symbol, indicator, reading in readings(bars):
        count += 1
        if not _alike(said.get((symbol, indicator)), reading):
            fresh.append(_signal(symbol, indicator, reading, start, computed_at))
    return count, fresh


def _alike(said: Reading | None, reading: Reading) -> bool:
    """Whether two readings are the same but for the last digits."""
    if said is None:
        return False
    pairs = zip(_parts(said), _parts(reading), strict=True)
    return all(
        one is other or (one is not None and other is not None and math.isclose(one, other, rel_tol=1e-9))
        for one, other in pairs
    )


def _parts(reading: Reading) -> tuple[float | None, ...]:
    return reading.value, reading.signal, reading.lower, reading.upper


def _signal(
    symbol: str, indicator: str, reading: Reading, start: datetime, computed_at: datetime
) -> TechnicalSignal:
    value, line, lower, upper = (None if part is None else float(part) for part in _parts(reading))
    return TechnicalSignal.model_validate(
        {
            "symbol": symbol, "indicator": indicator, "interval": INTERVAL, "ts": start, "value": value,
            "signal": line, "lower": lower, "upper": upper, "computed_at": computed_at,
        }
    )  # fmt: skip
