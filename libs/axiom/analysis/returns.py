"""Daily log returns of many symbols as one matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MIN_TRADED = 0.5
"""A day is a session where at least this share of the symbols has a close."""


@dataclass(frozen=True)
class Returns:
    """Log returns; a missing one is NaN.

    Attributes:
        symbols: of the rows.
        days: of the columns, as days since 1970-01-01; a column is the return from the session before it.
        values: float64, shape (symbols, days).
    """

    symbols: tuple[str, ...]
    days: NDArray[np.int64]
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
        return Returns(tuple(self.symbols[row] for row in kept), self.days, self.values[kept])


def log_returns(
    symbols: Sequence[str], days: NDArray[np.int64], closes: Floats, split_ratios: Floats | None = None
) -> Returns:
    """Log returns between consecutive sessions, adjusted for splits.

    A close is divided by what the split made of one share: `ln(close * split_ratio / close before)`. A return
    over a gap (a session without a close) is missing: it would be of two days.

    Args:
        symbols: of each bar; any order.
        days: of each bar: days since 1970-01-01.
        closes: of each bar, as traded.
        split_ratios: new shares for one old share from that session on; NaN and None mean none.

    Of two bars of one symbol and day the later in the arguments counts.
    """
    names, rows = np.unique(np.asarray(symbols, dtype=object).astype(str), return_inverse=True)
    all_days, columns = np.unique(np.asarray(days, dtype=np.int64), return_inverse=True)
    table = np.full((len(names), len(all_days)), np.nan)
    table[rows, columns] = closes
    splits = np.ones_like(table)
    if split_ratios is not None:
        splits[rows, columns] = np.where(np.isfinite(split_ratios), split_ratios, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        sessions = np.isfinite(table).mean(axis=0) >= MIN_TRADED if table.size else np.zeros(0, bool)
        table, splits, kept_days = table[:, sessions], splits[:, sessions], all_days[sessions]
        values = np.log(table[:, 1:] * splits[:, 1:] / table[:, :-1])
    values[~np.isfinite(values)] = np.nan
    return Returns(tuple(names.tolist()), kept_days[1:], values)
