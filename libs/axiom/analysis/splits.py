"""Splits: those that a source declares, and those that show in the prices alone.

A split that no source declared looks like a crash. Signs that together tell it from one: open and close both
lie near a common ratio of the close before; prices stay there (a single bad tick goes back); and no more
money than usual changed hands (after bad news it is many times as much).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from axiom.analysis.bars import Bars, Floats

_WHOLE = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50)
RATIOS = np.array([*(1 / whole for whole in reversed(_WHOLE)), 1.5, *_WHOLE])
"""New shares for one old share."""
_BETWEEN = np.sqrt(RATIOS[1:] * RATIOS[:-1])

TOLERANCE = 0.05
STAYS = 0.25
"""So near the ratio lies the middle of three closes from the split on by that of the three before it."""
USUAL_MONEY = 4.0
"""On the day of a split at most so many times the median money of the symbol's days changes hands."""


def suspected_splits(bars: Bars) -> Floats:
    """For each bar the ratio of a split that shows though no source declared it; NaN for none."""
    found = np.full(bars.close.shape, np.nan)
    if bars.close.shape[1] < 2:
        return found
    before = last_known(bars.close)
    with np.errstate(invalid="ignore", divide="ignore"):
        by_close, by_open = before / bars.close[:, 1:], before / bars.open[:, 1:]
        money = bars.close * bars.volume
        calm = money[:, 1:] <= USUAL_MONEY * np.nanmedian(_with_some(money), axis=1, keepdims=True)
    nearest = RATIOS[np.searchsorted(_BETWEEN, _positive(by_close))]
    fits = (np.abs(by_close / nearest - 1) <= TOLERANCE) & (np.abs(by_open / nearest - 1) <= TOLERANCE)
    fits &= np.abs(_levels(bars.close, before) / nearest - 1) <= STAYS
    declared = np.isfinite(bars.split_ratio[:, 1:]) & (bars.split_ratio[:, 1:] != 1.0)
    found[:, 1:] = np.where(fits & calm & ~declared, nearest, np.nan)
    return found


def split_ratios(bars: Bars) -> Floats:
    """For each bar what one share before it became: the declared ratio, else the suspected one, else 1."""
    declared = np.where(np.isfinite(bars.split_ratio), bars.split_ratio, 1.0)
    suspected = suspected_splits(bars)
    return np.where(np.isfinite(suspected), suspected, declared)


def factors(ratios: Floats) -> Floats:
    """What each day's price is divided by to be of the last day's shares: the later splits together."""
    later = np.cumprod(ratios[:, ::-1], axis=1)[:, ::-1]
    shifted: Floats = np.concatenate([later[:, 1:], np.ones((len(ratios), 1))], axis=1)
    return shifted


def last_known(close: Floats) -> Floats:
    """For each day but the first the newest close before it."""
    known = np.isfinite(close[:, :-1])
    places = np.where(known, np.arange(close.shape[1] - 1), 0)
    filled: Floats = np.take_along_axis(close, np.maximum.accumulate(places, axis=1), axis=1)
    return filled


def _levels(close: Floats, before: Floats) -> Floats:
    """For each day but the first the middle of the three closes before it by that of the three from it on."""
    older = [
        np.concatenate([before[:, :back], before[:, : before.shape[1] - back]], axis=1) for back in range(3)
    ]
    newer = [np.concatenate([close[:, 1 + on :], close[:, close.shape[1] - on :]], axis=1) for on in range(3)]
    newer = [np.where(np.isfinite(one), one, newer[0]) for one in newer]
    return _middle(*older) / _middle(*newer)


def _middle(one: Floats, two: Floats, three: Floats) -> Floats:
    middle: Floats = np.maximum(np.minimum(one, two), np.minimum(np.maximum(one, two), three))
    return middle


def _positive(ratios: Floats) -> Floats:
    return np.where(np.isfinite(ratios) & (ratios > 0), ratios, 1.0)


def _with_some(values: Floats) -> NDArray[np.float64]:
    """Rows of nothing as rows of zeros: their median is of no use, and no warning."""
    return np.where(np.isfinite(values).any(axis=1, keepdims=True), values, 0.0)
