"""The synthetic market as a source: history on request, and a stream of the minute in progress."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from datetime import UTC, datetime, timedelta

from axiom.resilience.clock import Clock
from axiom.universe.watchlist import sectors
from services.price_producer.market_model import EPOCH, MarketModel
from services.price_producer.sources.port import Bars, Capabilities, Outcome, Request, Setup
from topics.price_updates import INTERVAL_LENGTH, Interval, PriceBar

INTERVALS: frozenset[Interval] = frozenset(("1m", "5m", "15m", "30m", "1h", "1d"))
MINUTE = timedelta(minutes=1)
CHUNK_BARS = 1000
LATE_S = 1.0  # a stream further behind than this (Kafka was away) skips what it missed


class SyntheticSource:
    """See the port. It trades around the clock, every day; nothing ever fails."""

    name = "synthetic"
    capabilities = Capabilities(intervals=INTERVALS, streams=True)

    def __init__(self, clock: Clock, model: MarketModel, symbols: Sequence[str], rate_per_s: float) -> None:
        """`symbols` are those given when none are asked for; `rate_per_s` is the stream's, over all."""
        self._clock = clock
        self._model = model
        self._symbols = symbols
        self._rate_per_s = rate_per_s

    async def fetch(self, symbols: Collection[str], request: Request) -> AsyncGenerator[Outcome, None]:
        """As the port says."""
        length = INTERVAL_LENGTH[request.interval]
        first = EPOCH + -((EPOCH - max(request.start, EPOCH)) // length) * length
        for symbol in symbols or self._symbols:
            chunk: list[PriceBar] = []
            start = first
            while start < request.end and start + length <= self._clock.now():
                chunk.append(self._model.bar(symbol, request.interval, start))
                start += length
                if len(chunk) == CHUNK_BARS:
                    yield Bars(symbol, tuple(chunk))
                    chunk.clear()
                await asyncio.sleep(0)
            yield Bars(symbol, tuple(chunk))

    async def stream(self, symbols: Collection[str]) -> AsyncGenerator[PriceBar, None]:
        """As the port says; a minute's (and a day's) end brings the final bar of every symbol."""
        names = list(symbols or self._symbols)
        minute = _floor(self._clock.now())
        began_s, ticks = self._clock.monotonic(), 0
        while True:
            for name in names:
                await self._clock.sleep(began_s + ticks / self._rate_per_s - self._clock.monotonic())
                if self._clock.monotonic() - began_s - ticks / self._rate_per_s > LATE_S:
                    began_s, ticks = self._clock.monotonic(), 0
                ticks += 1
                now = self._clock.now()
                if _floor(now) > minute:
                    for bar in self._finals(names, minute, _floor(now)):
                        yield bar
                    minute = _floor(now)
                if now > minute:
                    yield self._model.bar(name, "1m", minute, until=now)

    async def close(self) -> None:
        """Nothing is held."""

    def _finals(self, names: Sequence[str], since: datetime, until: datetime) -> list[PriceBar]:
        """The bars that closed in (since, until]: of each minute, and of each day."""
        bars = []
        while since < until:
            bars += [self._model.bar(name, "1m", since) for name in names]
            since += MINUTE
            if since.hour == since.minute == 0:
                bars += [self._model.bar(name, "1d", since - timedelta(days=1)) for name in names]
        return bars


def _floor(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def make(setup: Setup) -> SyntheticSource:
    """Built by name; see `sources.build`."""
    settings = setup.settings
    model = MarketModel(settings.seed, sectors())
    return SyntheticSource(setup.clock, model, settings.watched, settings.rate_per_s)
