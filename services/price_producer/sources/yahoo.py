"""Yahoo Finance by way of yfinance, one symbol a call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection
from datetime import datetime
from pathlib import Path
from typing import Any

from yfinance.exceptions import YFPricesMissingError

from axiom.resilience.clock import Clock
from axiom.settings import home
from axiom.sources.outcomes import NoSuchSymbol, RateLimited, SourceDown
from axiom.sources.yahoo import LIMITED, Transport, YahooClient, problem_of
from services.price_producer.sources.port import Bars, Capabilities, Outcome, Request, Setup
from services.price_producer.sources.yahoo_frame import bars_of

INTERVALS = frozenset[Any](("1m", "5m", "15m", "30m", "1h", "1d"))
PERIODS = {1: "1d", 5: "5d", 28: "1mo", 89: "3mo", 180: "6mo", 365: "1y", 730: "2y", 1825: "5y"}
ABSENT = ("no data found", "delisted", "not found", "no such symbol")
NOTHING_THEN = ("data doesn't exist for",)


class YahooSource:
    """See the port. Yahoo needs no key, limits by address, and reports nothing of its limits beforehand."""

    name = "yahoo"
    capabilities = Capabilities(intervals=INTERVALS)

    def __init__(
        self,
        clock: Clock,
        cache: Path,
        timeout_s: float = 5.0,
        base_url: str | None = None,
        transport: Transport | None = None,
    ) -> None:
        """`cache` is the folder of yfinance's cookie database; `transport` answers for the network."""
        self._clock = clock
        self._client = YahooClient(cache, timeout_s, base_url, transport)

    async def fetch(self, symbols: Collection[str], request: Request) -> AsyncGenerator[Outcome, None]:
        """As the port says; Yahoo can't list its symbols, so no symbols means none."""
        for symbol in symbols:
            outcomes = await asyncio.to_thread(self._ask, symbol, request)
            for outcome in outcomes:
                yield outcome
            match outcomes[-1]:
                case RateLimited() | SourceDown(reachable=False):
                    return

    async def close(self) -> None:
        """Refuse further calls; the one in flight ends within its time limit."""
        self._client.close()

    def _ask(self, symbol: str, request: Request) -> list[Outcome]:
        """Blocking: one symbol's bad rows and verdict."""
        ticker = self._client.ticker(symbol)
        # yfinance would first ask for the time zone, of which a request by `period` makes no use.
        ticker._tz = "UTC"
        period = _period(request.start, self._clock.now())
        try:
            frame = ticker.history(
                period=period,
                interval=request.interval,
                auto_adjust=False,
                actions=True,
            )
            meta = ticker.get_history_metadata()
        except YFPricesMissingError as error:
            return [_why_missing(symbol, error, ticker.get_history_metadata())]
        except Exception as error:  # yfinance parses an undocumented answer: anything may come out of it
            return [problem_of(symbol, error)]
        bars, bad = bars_of(symbol, request.interval, frame, meta, self._clock.now())
        return [*bad, Bars(symbol, tuple(bar for bar in bars if request.covers(bar)))]


def _period(start: datetime, now: datetime) -> str:
    """The shortest of Yahoo's ranges that reaches from `start` to now."""
    days = (now - start).days + 1
    return next((period for length, period in PERIODS.items() if days <= length), "max")


def _why_missing(symbol: str, error: YFPricesMissingError, meta: Any) -> Outcome:
    """What an answer without prices means."""
    reason = error.yahoo_reason
    if reason is None and meta.get("symbol"):
        return Bars(symbol, ())
    if reason is None:
        return SourceDown(symbol, "an empty answer without a reason: perhaps a rate limit")
    told = reason.lower()
    if any(words in told for words in NOTHING_THEN):
        return Bars(symbol, ())
    if any(words in told for words in LIMITED):
        return RateLimited(symbol, reason)
    if any(words in told for words in ABSENT):
        return NoSuchSymbol(symbol, reason)
    return SourceDown(symbol, reason[:200])


def make(setup: Setup) -> YahooSource:
    """Built by name; see `sources.build`."""
    settings = setup.settings
    return YahooSource(setup.clock, home() / "yahoo", settings.request_timeout_s, settings.yahoo_url)
