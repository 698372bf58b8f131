"""Which minute bars say something new: a poll brings the whole session again."""

from __future__ import annotations

from datetime import date, datetime

from topics.price_updates import PriceBar

Content = tuple[float, float, float, float, float]


class Fresh:
    """Remembers what was sent of the latest day it saw; that bounds it to one session."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._sent: dict[tuple[str, datetime], Content] = {}

    def __call__(self, bar: PriceBar) -> bool:
        """True the first time, and when a source has corrected the bar since. Daily bars always are."""
        if bar.interval == "1d":
            return True
        if bar.ts.date() != self._day:
            self._day = bar.ts.date()
            self._sent.clear()
        content = (bar.open, bar.high, bar.low, bar.close, bar.volume)
        if self._sent.get((bar.symbol, bar.ts)) == content:
            return False
        self._sent[bar.symbol, bar.ts] = content
        return True

    def forget(self) -> None:
        """Send everything again: the last cycle may not have got through."""
        self._sent.clear()
