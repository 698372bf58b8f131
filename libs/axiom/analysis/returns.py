"""Daily log returns of many symbols as one matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from axiom.analysis.bars import Bars, Days, Floats
from axiom.analysis.splits import split_ratios


@dataclass(frozen=True)
class Returns:
    """Log returns; a missing one is NaN.

    Attributes:
        symbols: of the rows.
        days: of the columns, as days since 1970-01-01; a column is the return from the session before it.
        values: float64, shape (symbols, days).
    """

    symbols: tuple[str, ...]
    days: Days
    values: Floats

    def window(self, sessions: int) -> Returns:
        """The last so many columns."""
        return Returns(self.symbols, self.days[-sessions:], self.values[:, -sessions:])

    def covering(self, share: float) -> Returns:
        """The symbols with at least this share of the returns, if those are not all the same."""
        present = np.isfinite(self.values)
        enough = present.mean(axis=1) >= share if self.values.size else np.zeros(len(self.symbols), bool)
        spread = np.nanmax(self.values, axis=1, initial=-np.inf, where=present) > np.nanmin(
            self.values, axis=1, initial=np.inf, where=present
        )
        kept = np.flatnonzero(enough & spread)
        if len(kept) == len(self.symbols):
            return self
        return Returns(tuple(self.symbols[row] for row in kept), self.days, self.values[kept])


def log_returns(bars: Bars) -> Returns:
    """Log returns between consecutive sessions, adjusted for splits (also such as no source declared).

    A close is divided by what the split made of one share: `ln(close * split_ratio / close before)`. A return
    over a gap (a session without a close) is missing: it would be of two days.
    """
    bars = bars.sessions()
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.log(bars.close[:, 1:] * split_ratios(bars)[:, 1:] / bars.close[:, :-1])
    values[~np.isfinite(values)] = np.nan
    return Returns(bars.symbols, bars.days[1:], values)
