"""Daily bars of many symbols as tables: a row for each symbol, a column for each session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Days = NDArray[np.int64]

MIN_TRADED = 0.25
"""A day is a session where at least this share of the symbols has a close (holidays bring stray bars)."""


@dataclass(frozen=True)
class Bars:
    """Bars as traded; what is missing is NaN.

    Attributes:
        symbols: of the rows.
        days: of the columns, as days since 1970-01-01, ascending.
        open, high, low, close, volume: float64, shape (symbols, days).
        split_ratio: new shares for one old share from that session on; NaN where the source says none.
    """

    symbols: tuple[str, ...]
    days: Days
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    split_ratio: Floats

    @classmethod
    def of(
        cls, symbols: Sequence[str], numbers: NDArray[np.int64], days: Days, columns: Mapping[str, Floats]
    ) -> Bars:
        """Tables out of columns.

        Args:
            symbols: the names that `numbers` count.
            numbers, days: of each bar; of two bars of one symbol and day the later counts.
            columns: of each bar open, high, low, close, volume and split_ratio; a price that is left out is
                the close, and volume and split_ratio then are missing.
        """
        own_days, column = np.unique(np.asarray(days, dtype=np.int64), return_inverse=True)

        def table(values: Floats | None) -> Floats:
            filled = np.full((len(symbols), len(own_days)), np.nan)
            if values is not None:
                filled[numbers, column] = values
            return filled

        close = columns["close"]
        return cls(
            tuple(symbols), own_days, table(columns.get("open", close)), table(columns.get("high", close)),
            table(columns.get("low", close)), table(close), table(columns.get("volume")),
            table(columns.get("split_ratio")),
        )  # fmt: skip

    def sessions(self) -> Bars:
        """Without the days on which hardly anything traded."""
        if not self.close.size:
            return self
        return self.on(np.isfinite(self.close).mean(axis=0) >= MIN_TRADED)

    def on(self, days: NDArray[np.bool_] | slice) -> Bars:
        """Some of the columns."""
        return Bars(
            self.symbols, self.days[days], self.open[:, days], self.high[:, days], self.low[:, days],
            self.close[:, days], self.volume[:, days], self.split_ratio[:, days],
        )  # fmt: skip
