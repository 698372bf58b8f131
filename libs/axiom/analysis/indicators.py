"""Technical indicators of the last bar of each symbol, by TA-Lib.

Prices are adjusted for splits, so that they are in the last day's shares. An indicator is there once a symbol
has all the bars that its formula asks for; days without a bar are left out.

Formulas: https://ta-lib.org/functions/ for each; RSI and ATR by J. W. Wilder, New Concepts in Technical
Trading Systems (1978), with his smoothing; MACD by G. Appel; Bollinger Bands by J. Bollinger, with the
standard deviation of the whole population; OBV by J. Granville. An EMA begins with the mean of its first
values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import talib

from axiom.analysis.bars import Bars, Floats
from axiom.analysis.splits import factors, split_ratios

YEAR = 252
"""Sessions."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What an indicator says at a bar: its value, and of some its signal line or its bounds."""

    value: float
    signal: float | None = None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One symbol's bars, adjusted, without gaps, the oldest first."""

    high: Floats
    low: Floats
    close: Floats
    volume: Floats


def _average(length: int) -> Callable[[Series], Reading]:
    return lambda bars: Reading(talib.SMA(bars.close[-length:], length)[-1])


def _exponential(length: int) -> Callable[[Series], Reading]:
    return lambda bars: Reading(talib.EMA(bars.close, length)[-1])


def _strength(bars: Series) -> Reading:
    return Reading(talib.RSI(bars.close, 14)[-1])


def _convergence(bars: Series) -> Reading:
    """Value: the fast EMA less the slow one; signal: the value's own EMA."""
    line = talib.EMA(bars.close, 12) - talib.EMA(bars.close, 26)
    return Reading(line[-1], signal=talib.EMA(line[25:], 9)[-1])


def _bands(bars: Series) -> Reading:
    """Value: the mean; bounds: two standard deviations around it."""
    upper, middle, lower = talib.BBANDS(bars.close[-20:], 20, 2.0, 2.0)
    return Reading(middle[-1], lower=lower[-1], upper=upper[-1])


def _true_range(bars: Series) -> Reading:
    return Reading(talib.ATR(bars.high, bars.low, bars.close, 14)[-1])


def _on_balance(bars: Series) -> Reading:
    """Over the last year, from zero on."""
    volume = bars.volume[-YEAR:]
    return Reading(talib.OBV(bars.close[-YEAR:], volume)[-1] - volume[0])


def _year_range(bars: Series) -> Reading:
    """Value: where the close is between the bounds, from 0 to 1; bounds: the year's low and high."""
    lower, upper = float(bars.low[-YEAR:].min()), float(bars.high[-YEAR:].max())
    value = (float(bars.close[-1]) - lower) / (upper - lower) if upper > lower else 0.5
    return Reading(min(max(value, 0.0), 1.0), lower=lower, upper=upper)


def _volatility(length: int) -> Callable[[Series], Reading]:
    """The standard deviation of daily log returns (of a sample), times the root of a year's sessions."""
    return lambda bars: Reading(float(np.std(np.diff(np.log(bars.close[-length - 1 :])), ddof=1)) * YEAR**0.5)


INDICATORS: Mapping[str, tuple[int, Callable[[Series], Reading]]] = {
    "sma-20": (20, _average(20)),
    "sma-50": (50, _average(50)),
    "sma-200": (200, _average(200)),
    "ema-12": (12, _exponential(12)),
    "ema-26": (26, _exponential(26)),
    "rsi-14": (15, _strength),
    "macd-12-26-9": (34, _convergence),
    "bollinger-20-2": (20, _bands),
    "atr-14": (15, _true_range),
    "obv-252": (YEAR, _on_balance),
    "range-252": (YEAR, _year_range),
    "volatility-20": (21, _volatility(20)),
    "volatility-252": (YEAR + 1, _volatility(YEAR)),
}
"""By name: how many bars it needs, and its formula."""


def readings(bars: Bars) -> Iterator[tuple[str, str, Reading]]:
    """Symbol, indicator and what it says, of every symbol that has a bar on the last day.

    What comes out as no number (a price that never moved has no RSI of its own) is left out.
    """
    if not bars.close.size:
        return
    divisors = factors(split_ratios(bars))
    for row in np.flatnonzero(np.isfinite(bars.close[:, -1])).tolist():
        series = _series(bars, divisors, row)
        for name, (needed, formula) in INDICATORS.items():
            if len(series.close) >= needed:
                reading = formula(series)
                if all(math.isfinite(part) for part in _parts(reading)):
                    yield bars.symbols[row], name, reading


def _series(bars: Bars, divisors: Floats, row: int) -> Series:
    there = np.isfinite(bars.close[row])
    divisor = divisors[row, there]
    volume = np.nan_to_num(bars.volume[row, there]) * divisor
    high, low, close = (table[row, there] / divisor for table in (bars.high, bars.low, bars.close))
    return Series(high, low, close, volume)


def _parts(reading: Reading) -> Iterator[float]:
    for part in (reading.value, reading.signal, reading.lower, reading.upper):
        if part is not None:
            yield part
