"""Finnhub's prices: quotes with any key, candles with a paid one. https://finnhub.io/docs/api/quote"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from axiom.resilience.clock import Clock
from axiom.sources.finnhub import reader, theirs
from axiom.sources.keyed import Fine, KeyedClient, Lacking
from axiom.sources.outcomes import BadRow, NoSuchSymbol, SourceDown
from axiom.sources.settings import FinnhubSettings
from services.price_producer.sources.keyed_bars import Numbers, bar, bars_of, one_by_one
from services.price_producer.sources.port import Bars, Capabilities, Outcome, Request, Setup
from topics.price_updates import Interval

CANDLES = "stock/candle"
RESOLUTIONS: dict[Interval, str] = {"1m": "1", "5m": "5", "15m": "15", "30m": "30", "1h": "60"}
"""Daily candles are left out: they are adjusted for splits, and a bar says what was traded."""
PROBE = "AAPL"


class FinnhubPrices:
    """See the port. One call a symbol.

    With a free key it has quotes alone. A quote is one trade, and becomes a flat `1m` bar of its minute,
    without volume, also while that minute is in progress; a later one of the same minute replaces it.
    """

    name = "finnhub"

    def __init__(self, client: KeyedClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._has_candles = False

    @property
    def capabilities(self) -> Capabilities:
        """What the key was found to allow."""
        intervals = frozenset(RESOLUTIONS) if self._has_candles else frozenset[Interval](("1m",))
        return Capabilities(intervals=intervals, needs_key=True)

    async def discover(self) -> None:
        """Ask for a candle once a week: free keys get HTTP 403."""
        now = int(self._clock.now().timestamp())
        params = {"symbol": PROBE, "resolution": "60", "from": str(now - 86_400), "to": str(now)}
        self._has_candles = await self._client.may(
            CANDLES, CANDLES, params, symbol=PROBE, otherwise=self._has_candles
        )

    async def fetch(self, symbols: Collection[str], request: Request) -> AsyncGenerator[Outcome, None]:
        """As the port says; Finnhub can't list its symbols' prices, so no symbols means none."""

        async def ask(symbol: str) -> list[Outcome]:
            return await (self._candles if self._has_candles else self._quote)(symbol, request)

        async for outcome in one_by_one(symbols, ask):
            yield outcome

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()

    async def _quote(self, symbol: str, request: Request) -> list[Outcome]:
        answer = await self._client.ask("quote", symbol, {"symbol": theirs(symbol)})
        match answer:
            case Fine(body):
                return quote_of(symbol, request, body, self._clock.now())
            case Lacking(_, reason):
                return [SourceDown(symbol, reason)]
        return [answer]

    async def _candles(self, symbol: str, request: Request) -> list[Outcome]:
        now = self._clock.now()
        params = {
            "symbol": theirs(symbol),
            "resolution": RESOLUTIONS[request.interval],
            "from": str(int(max(request.start, datetime(2000, 1, 1, tzinfo=UTC)).timestamp())),
            "to": str(int(min(request.end, now).timestamp())),
        }
        answer = await self._client.ask(CANDLES, symbol, params)
        match answer:
            case Fine(body):
                return candles_of(symbol, request, body, now)
            case Lacking(_, reason):
                self._has_candles = False  # the plan was changed; quotes from now on
                await self._client.learned(CANDLES, False, reason)
                return [SourceDown(symbol, reason)]
        return [answer]


def quote_of(symbol: str, request: Request, body: Any, now: datetime) -> list[Outcome]:
    """`c` is the last trade's price and `t` its Unix time; both are 0 for what Finnhub does not know."""
    answer: Mapping[str, Any] = body if isinstance(body, dict) else {}
    price, traded_at = answer.get("c"), answer.get("t")
    if not isinstance(price, int | float) or not isinstance(traded_at, int | float):
        return [SourceDown(symbol, f"no quote: {str(body)[:80]}")]
    if traded_at <= 0:
        return [NoSuchSymbol(symbol, "a quote of nothing")]
    start = datetime.fromtimestamp(traded_at - traded_at % 60, UTC)
    made = bar(symbol, "1m", start, (price, price, price, price, 0.0), "finnhub", now)
    if isinstance(made, BadRow):
        return [made, SourceDown(symbol, "its quote is no price")]
    return [Bars(symbol, (made,) if request.covers(made) else ())]


def candles_of(symbol: str, request: Request, body: Any, now: datetime) -> list[Outcome]:
    """Lists `o`, `h`, `l`, `c`, `v` beside the starts `t`; `s` says `ok` or `no_data`."""
    answer: Mapping[str, Any] = body if isinstance(body, dict) else {}
    if answer.get("s") == "no_data":
        return [Bars(symbol, ())]
    columns = [answer.get(name) for name in "tohlcv"]
    if not all(isinstance(column, list) for column in columns):
        return [SourceDown(symbol, f"no candles: {str(body)[:80]}")]
    if len({len(column or ()) for column in columns}) != 1:
        return [SourceDown(symbol, "candles whose lists differ in length")]
    rows: list[tuple[datetime, Numbers]] = [
        (datetime.fromtimestamp(start, UTC), (opened, high, low, close, volume))
        for start, opened, high, low, close, volume in zip(*(column or () for column in columns), strict=True)
    ]
    bars, bad = bars_of(symbol, request, rows, "finnhub", now)
    return [*bad, Bars(symbol, tuple(bars))]


def make(setup: Setup) -> FinnhubPrices:
    """Built by name; see `sources.build`."""
    client = KeyedClient(reader(setup.clock), setup.load(FinnhubSettings), setup.access)
    return FinnhubPrices(client, setup.clock)
