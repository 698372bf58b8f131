"""What yfinance makes of Yahoo's answer, to bars as traded: pure.

Yahoo divides every price by the splits that came after it (and multiplies volumes), even when dividends
are left alone (`auto_adjust=False`). A bar must say what was traded, so that is undone here with the
splits that the same answer reports. The answer must therefore reach to the present: a split after its end
would stay in its prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from axiom.sources.files import why_not
from axiom.sources.outcomes import BadRow
from topics.price_updates import INTERVAL_LENGTH, Interval, PriceBar

COLUMNS = ("Open", "High", "Low", "Close", "Volume")


def bars_of(
    symbol: str,
    interval: Interval,
    frame: pd.DataFrame,
    meta: Mapping[str, Any],
    fetched_at: datetime,
) -> tuple[list[PriceBar], list[BadRow]]:
    """The closed bars of a `Ticker.history(auto_adjust=False, actions=True)` frame, and its bad rows.

    Args:
        frame: indexed by time in the exchange's zone; `Stock Splits` is 0 where there was none.
        meta: Yahoo's `meta`, as yfinance formats it; tells when the current session ends.
    """
    bars: list[PriceBar] = []
    bad: list[BadRow] = []
    splits = _splits(frame)
    sessions = sorted({moment.date() for moment in frame.index})
    factor_of, ratio_of = _factors(sessions, splits), _ratios(frame, splits)
    is_open = _still_open(interval, meta, fetched_at)
    for moment, values in zip(frame.index, frame[list(COLUMNS)].itertuples(index=False), strict=True):
        session = moment.date()
        if is_open(moment):
            continue
        factor = factor_of[session]
        try:
            bar = PriceBar(
                symbol=symbol,
                interval=interval,
                ts=_start(interval, moment),
                open=_as_traded(values[0], factor),
                high=_as_traded(values[1], factor),
                low=_as_traded(values[2], factor),
                close=_as_traded(values[3], factor),
                volume=round(float(values[4]) / factor, 3),
                fetched_at=fetched_at,
                source="yahoo",
                split_ratio=ratio_of.get(session, 1.0),
            )
        except ValidationError as error:
            bad.append(BadRow(f"{symbol} {moment.isoformat()}", why_not(error)))
        else:
            bars.append(bar)
    return bars, bad


def _splits(frame: pd.DataFrame) -> dict[date, float]:
    """Ex-date to new shares for one old."""
    if "Stock Splits" not in frame:
        return {}
    column = frame["Stock Splits"]
    splits: dict[date, float] = {}
    for moment, ratio in column[column > 0].items():
        day = pd.Timestamp(str(moment)).date() if not isinstance(moment, pd.Timestamp) else moment.date()
        splits[day] = float(ratio)
    return splits


def _factors(sessions: list[date], splits: dict[date, float]) -> dict[date, float]:
    """What a session's prices must be multiplied with: the product of all splits after it."""
    factors: dict[date, float] = {}
    factor = 1.0
    for session in reversed(sessions):
        factors[session] = factor
        factor *= splits.get(session, 1.0)
    return factors


def _ratios(frame: pd.DataFrame, splits: dict[date, float]) -> dict[date, float]:
    """The split ratio of each session that has one.

    A split whose own session has no prices (halted, or a gap in the answer) moves to the next that has.
    """
    priced = sorted({moment.date() for moment in frame.index[frame["Close"].notna()]})
    ratios: dict[date, float] = {}
    for ex_date, ratio in splits.items():
        session = next((day for day in priced if day >= ex_date), None)
        if session is not None:
            ratios[session] = ratios.get(session, 1.0) * ratio
    return ratios


def _still_open(interval: Interval, meta: Mapping[str, Any], fetched_at: datetime) -> Any:
    """A predicate on a row's time: its bar had not closed when Yahoo answered."""
    if interval != "1d":
        length = INTERVAL_LENGTH[interval]
        # After the close Yahoo appends the last trade as a row of its own, off the minute: no bar either.
        return lambda moment: moment + length > fetched_at or moment.second != 0
    regular = (meta.get("currentTradingPeriod") or {}).get("regular") or {}
    start, end = regular.get("start"), regular.get("end")
    if start is None or end is None:
        return lambda moment: moment.date() >= fetched_at.astimezone(moment.tzinfo).date()
    return lambda moment: fetched_at < end and moment.date() >= start.date()


def _start(interval: Interval, moment: pd.Timestamp) -> datetime:
    if interval == "1d":
        return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    return moment.to_pydatetime().astimezone(UTC)


def _as_traded(price: float, factor: float) -> float:
    """Undo the splits; 75.08750152587891 is Yahoo's way to write the 32-bit 75.0875, so start from that."""
    single = np.float32(price)
    exact = float(str(single)) if float(single) == price else float(price)
    return exact if factor == 1.0 else float(f"{exact * factor:.9g}")
