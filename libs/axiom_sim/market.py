"""A made-up market: the price of any symbol at any moment, the same in every run."""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection
from datetime import date, datetime

from axiom.universe.listing import Listing, Universe


class Market:
    """Prices by a formula; nothing is kept."""

    def __init__(self, symbols: Collection[str]) -> None:
        self._base = {symbol: 5.0 + zlib.crc32(symbol.encode()) % 49_500 / 100 for symbol in symbols}

    def knows(self, symbol: str) -> bool:
        """Whether it is listed."""
        return symbol in self._base

    @property
    def symbols(self) -> Collection[str]:
        """All there are."""
        return self._base.keys()

    def price(self, symbol: str, moment: datetime) -> float:
        """The last trade."""
        base = self._base[symbol]
        return round(base * (1.0 + 0.02 * math.sin(moment.timestamp() / 7000 + base)), 2)

    def day(self, symbol: str, day: date) -> tuple[float, float, float, float, int]:
        """Open, high, low, close and volume of a session."""
        base = self._base[symbol]
        opened = round(base * (1.0 + 0.02 * math.sin(day.toordinal() + base)), 2)
        close = round(base * (1.0 + 0.02 * math.sin(day.toordinal() + base + 0.7)), 2)
        volume = 1000 + zlib.crc32(f"{symbol}{day}".encode()) % 5_000_000
        return opened, max(opened, close) + 0.05, min(opened, close) - 0.05, close, volume


def universe_of(count: int, watched: Collection[str]) -> Universe:
    """So many listed companies: the watch list and made-up ones, each smaller than the one before."""
    symbols = [*watched, *(_name(number) for number in range(max(0, count - len(watched))))]
    return Universe.of(
        Listing(symbol, f"{symbol} Inc. Common Stock", "NYSE", market_cap=3e12 / (rank + 1))
        for rank, symbol in enumerate(symbols[:count])
    )


def _name(number: int) -> str:
    """`XAAAA`, `XAAAB`, …: no symbol of the watch list has five letters."""
    letters = ""
    for _ in range(4):
        number, rest = divmod(number, 26)
        letters = chr(ord("A") + rest) + letters
    return "X" + letters
