"""Alpha Vantage's time series, as traded. https://www.alphavantage.co/documentation/#daily"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from axiom.resilience.clock import Clock
from axiom.sources.alpha_vantage import ALPHA_VANTAGE
from axiom.sources.keyed import Fine, KeyedClient, Lacking
from axiom.sources.outcomes import NoSuchSymbol, SourceDown
from axiom.sources.settings import AlphaVantageSettings
from services.price_producer.sources.keyed_bars import Numbers, bars_of, one_by_one
from services.price_producer.sources.port import Bars, Capabilities, Outcome, Request, Setup
from topics.price_updates import Interval

DAILY, INTRADAY = "TIME_SERIES_DAILY", "TIME_SERIES_INTRADAY"
STEPS: dict[Interval, str] = {"1m": "1min", "5m": "5min", "15m": "15min", "30m": "30min", "1h": "60min"}
VALUES = ("1. open", "2. high", "3. low", "4. close", "5. volume")
PROBE = "IBM"


class AlphaVantagePrices:
    """See the port. One call a symbol: the last 100 bars. With a free key daily ones alone."""

    name = "alpha_vantage"

    def __init__(self, client: KeyedClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._has_intraday = False

    @property
    def capabilities(self) -> Capabilities:
        """What the key was found to allow."""
        intervals = (
            frozenset[Interval](("1d", *STEPS)) if self._has_intraday else frozenset[Interval](("1d",))
        )
        return Capabilities(intervals=intervals, needs_key=True)

    async def discover(self) -> None:
        """Ask for minutes once a week: free keys are told that this is a premium endpoint."""
        params = {"function": INTRADAY, "symbol": PROBE, "interval": "60min", "outputsize": "compact"}
        self._has_intraday = await self._client.may(
            INTRADAY, "", params, symbol=PROBE, otherwise=self._has_intraday
        )

    async def fetch(self, symbols: Collection[str], request: Request) -> AsyncGenerator[Outcome, None]:
        """As the port says; no symbols means none."""

        async def ask(symbol: str) -> list[Outcome]:
            return await self._ask(symbol, request)

        async for outcome in one_by_one(symbols, ask):
            yield outcome

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()

    async def _ask(self, symbol: str, request: Request) -> list[Outcome]:
        params = {"symbol": symbol, "outputsize": "compact"}
        if request.interval == "1d":
            params |= {"function": DAILY}
        else:
            params |= {"function": INTRADAY, "interval": STEPS[request.interval], "adjusted": "false"}
        answer = await self._client.ask("", symbol, params)
        match answer:
            case Fine(body):
                return series_of(symbol, request, body, self._clock.now())
            case Lacking(_, reason):
                self._has_intraday = self._has_intraday and request.interval == "1d"
                return [SourceDown(symbol, reason)]
            case NoSuchSymbol() if request.interval != "1d":
                return [SourceDown(symbol, answer.reason)]
        return [answer]


def series_of(symbol: str, request: Request, body: Mapping[str, Any], now: datetime) -> list[Outcome]:
    """The answer's one time series: start of the bar in the zone of its `Meta Data` to texts of numbers."""
    name = next((name for name in body if name.startswith("Time Series")), None)
    series = body.get(name) if name is not None else None
    if not isinstance(series, dict):
        return [SourceDown(symbol, f"no time series: {str(body)[:80]}")]
    rows: list[tuple[datetime, Numbers]] = []
    for written, values in series.items():
        start = _moment(written, request.interval)
        if start is None or not isinstance(values, dict):
            return [SourceDown(symbol, f"a time series with {written[:30]!r} in it")]
        opened, high, low, close, volume = (values.get(value) for value in VALUES)
        rows.append((start, (opened, high, low, close, volume)))
    bars, bad = bars_of(symbol, request, rows, "alpha_vantage", now)
    return [*bad, Bars(symbol, tuple(bars))]


def _moment(written: str, interval: Interval) -> datetime | None:
    """`2026-11-20` or, in New York's time, `2026-11-20 15:30:00`."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    zone = UTC if interval == "1d" else ZoneInfo("America/New_York")
    return moment.replace(tzinfo=zone).astimezone(UTC)


def make(setup: Setup) -> AlphaVantagePrices:
    """Built by name; see `sources.build`."""
    client = KeyedClient(ALPHA_VANTAGE, setup.load(AlphaVantageSettings), setup.access)
    return AlphaVantagePrices(client, setup.clock)
