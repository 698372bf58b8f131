"""Twins of the ports that the producer's tests use."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection
from datetime import UTC, datetime, timedelta

from services.price_producer.sources.port import Bars, Capabilities, Outcome, Request
from topics.price_updates import Interval, PriceBar

DAILY: frozenset[Interval] = frozenset(("1d",))
BOTH: frozenset[Interval] = frozenset(("1m", "1d"))
Answer = Callable[[str, Request], Outcome]


def bar(
    symbol: str = "AAPL",
    ts: datetime = datetime(2026, 11, 19, tzinfo=UTC),
    close: float = 100.0,
    interval: Interval = "1d",
    source: str = "fake",
    volume: float = 10.0,
) -> PriceBar:
    """A flat bar, fetched a day after it started."""
    return PriceBar(
        symbol=symbol,
        interval=interval,
        ts=ts,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=volume,
        fetched_at=ts + timedelta(days=1),
        source=source,
        split_ratio=1.0,
    )


def gives_bars(symbol: str, request: Request) -> Outcome:
    """An answer: one bar, at the start of what was asked for."""
    start = max(request.start, datetime(2020, 1, 1, tzinfo=UTC))
    return Bars(symbol, (bar(symbol, start, interval=request.interval),))


class FakeSource:
    """Answers by a function; `asked` has every (symbol, request), `answer` may be changed at any time."""

    def __init__(
        self,
        name: str,
        answer: Answer = gives_bars,
        *,
        intervals: frozenset[Interval] = BOTH,
        live: bool = True,
        lists: Collection[str] = (),
    ) -> None:
        """`lists`: what it gives when no symbols are named."""
        self.name = name
        self.answer = answer
        self.capabilities = Capabilities(intervals=intervals, live=live)
        self.asked: list[tuple[str, Request]] = []
        self.closed = False
        self._lists = lists

    async def fetch(self, symbols: Collection[str], request: Request) -> AsyncGenerator[Outcome, None]:
        for symbol in symbols or self._lists:
            self.asked.append((symbol, request))
            yield self.answer(symbol, request)

    async def close(self) -> None:
        self.closed = True

    def asked_symbols(self) -> list[str]:
        """And forget them."""
        symbols = [symbol for symbol, _ in self.asked]
        self.asked.clear()
        return symbols
