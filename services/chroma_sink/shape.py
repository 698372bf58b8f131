"""The shape of a price path: its last 30 daily log returns, split-adjusted and standardised. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np

from services.chroma_sink.days import Day, Days

RETURNS = 30
SESSIONS_A_YEAR = 252
_NO_SHAPE = (1.0, *[0.0] * (RETURNS - 1))
_SPLIT_RATIOS = (1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0, 50.0)
_SPLIT_TOLERANCE = 0.06  # an overnight move beside the split; wider would take crashes for splits
_LEAST_JUMP = math.log(1.45)


@dataclass(frozen=True)
class Shape:
    """A symbol's vector and what it was made of.

    Attributes:
        vector: RETURNS values of mean 0 and standard deviation 1, oldest first.
        returns: how many returns there are yet.
        comparable: false while there are fewer than RETURNS, or the price never moved.
        volatility: standard deviation of the daily log returns, a year's (times the root of 252).
    """

    vector: tuple[float, ...]
    returns: int
    comparable: bool
    as_of: date
    last_close: float
    volatility: float


def shape(days: Days) -> Shape:
    """The shape of a symbol's days; needs at least one day."""
    dates = sorted(days)
    returns = np.array([daily_return(days[a], days[b]) for a, b in pairwise(dates)][-RETURNS:])
    spread = float(returns.std()) if len(returns) > 1 else 0.0
    comparable = len(returns) == RETURNS and spread > 1e-9
    vector = tuple(float(value) for value in (returns - returns.mean()) / spread) if comparable else _NO_SHAPE
    return Shape(
        vector=vector,
        returns=len(returns),
        comparable=comparable,
        as_of=dates[-1],
        last_close=days[dates[-1]].close,
        volatility=spread * math.sqrt(SESSIONS_A_YEAR),
    )


def daily_return(before: Day, after: Day) -> float:
    """The log return of one day, adjusted for a split that took effect on it."""
    ratio = after.split_ratio
    if ratio is None:
        ratio = recognised_split(before.close, after.open)
    return math.log(after.close * ratio / before.close)


def recognised_split(close_before: float, open_after: float) -> float:
    """The split ratio that an overnight jump looks like, where the source does not say; else 1.0.

    A jump of at least 45 % that lies within 6 % of a common ratio (2:1, 3:2, 1:10, …) is taken for one.

    >>> recognised_split(645.57, 92.70)  # Apple, 9 June 2014
    7.0
    >>> recognised_split(100.0, 80.0)
    1.0
    """
    jump = math.log(close_before / open_after)
    if abs(jump) < _LEAST_JUMP:
        return 1.0
    nearest = min(_SPLIT_RATIOS, key=lambda ratio: abs(math.log(ratio) - abs(jump)))
    if abs(math.log(nearest) - abs(jump)) > _SPLIT_TOLERANCE:
        return 1.0
    return nearest if jump > 0 else 1 / nearest
