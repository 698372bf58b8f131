"""Polygon's (Massive's) aggregates, as traded, and every US stock's bar of a day in one call.

https://massive.com/docs/rest/stocks/aggregates/custom-bars and …/daily-market-summary
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from axiom.resilience.clock import Clock
from axiom.sources.keyed import Fine, KeyedClient, Lacking
from axiom.sources.outcomes import BadRow, SourceDown
from axiom.sources.polygon import POLYGON, ours, theirs
from axiom.sources.settings import PolygonSettings
from services.price_producer.sources.keyed_bars import (
    NEW_YORK,
    Numbers,
    bar,
    bars_of,
    has_closed,
    one_by_one,
    session_start,
)
from services.price_producer.sources.port import Bars, Capabilities, Outcome, Request, Setup
from topics.price_updates import Interval

SPANS: dict[Interval, tuple[int, str]] = {
    "1m": (1, "minute"), "5m": (5, "minute"), "15m": (15, "minute"), "30m": (30, "minute"), "1h": (1, "hour"),
    "1d": (1, "day"),
}  # fmt: skip
GROUPED = "grouped"
VALUES = ("o", "h", "l", "c", "v")
MOST_BARS = 50_000


class PolygonPrices:
    """See the port. One call a symbol; `day` is one call for all of them."""

    name = "polygon"

    def __init__(self, client: KeyedClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._has_grouped = True

    @property
    def capabilities(self) -> Capabilities:
        """`batch` while the key is not known to lack the grouped days."""
        return Capabilities(intervals=frozenset(SPANS), batch=self._has_grouped, needs_key=True)

    async def discover(self) -> None:
        """Ask for a grouped day of last week, once a week."""
        today = self._clock.now().astimezone(NEW_YORK).date()
        weekday = today - timedelta(days=7 + max(0, today.weekday() - 4))
        self._has_grouped = await self._client.may(
            GROUPED, _grouped_path(weekday), {"adjusted": "false"}, symbol="*", otherwise=self._has_grouped
        )

    async def fetch(self, symbols: Collection[str], request: Request) -> AsyncGenerator[Outcome, None]:
        """As the port says. No symbols, and a request for daily bars, means every ticker of those days."""
        if not symbols and request.interval == "1d":
            for outcome in await self._days(request):
                yield outcome
            return

        async def ask(symbol: str) -> list[Outcome]:
            return await self._ask(symbol, request)

        async for outcome in one_by_one(symbols, ask):
            yield outcome

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()

    async def _ask(self, symbol: str, request: Request) -> list[Outcome]:
        count, span = SPANS[request.interval]
        now = self._clock.now()
        first = max(request.start, datetime(2003, 1, 1, tzinfo=UTC))
        last = min(request.end, now)
        path = (
            f"v2/aggs/ticker/{theirs(symbol)}/range/{count}/{span}/"
            f"{int(first.timestamp() * 1000)}/{int(last.timestamp() * 1000)}"
        )
        if span == "day":
            path = f"v2/aggs/ticker/{theirs(symbol)}/range/1/day/{first.date()}/{last.date()}"
        params = {"adjusted": "false", "sort": "asc", "limit": str(MOST_BARS)}
        answer = await self._client.ask(path, symbol, params)
        match answer:
            case Fine(body):
                return aggregates_of(symbol, request, body, now)
            case Lacking(_, reason):
                return [SourceDown(symbol, reason)]
        return [answer]

    async def _days(self, request: Request) -> list[Outcome]:
        """Every ticker's bars of the days asked for; a day that is refused ends it."""
        found: list[Outcome] = []
        day, now = request.start.date(), self._clock.now()
        while day < request.end.date() and day <= now.astimezone(NEW_YORK).date():
            if day.weekday() < 5:
                answer = await self._client.ask(_grouped_path(day), "*", {"adjusted": "false"})
                if isinstance(answer, Lacking):
                    self._has_grouped = False
                    await self._client.learned(GROUPED, False, answer.reason)
                    return [*found, SourceDown("*", answer.reason)]
                if not isinstance(answer, Fine):
                    return [*found, answer]
                found += grouped_of(request, answer.body, now)
            day += timedelta(days=1)
        return found


def aggregates_of(symbol: str, request: Request, body: Mapping[str, Any], now: datetime) -> list[Outcome]:
    """`results` is missing where nothing traded, be the ticker known or not."""
    results = body.get("results") or []
    if not isinstance(results, list):
        return [SourceDown(symbol, f"no list of bars: {str(results)[:80]}")]
    rows: list[tuple[datetime, Numbers]] = []
    bad: list[BadRow] = []
    for row in results:
        read = _row(row)
        if read is None:
            bad.append(BadRow(symbol, f"a bar without its time: {str(row)[:80]}"))
        else:
            start = session_start(read[0]) if request.interval == "1d" else read[0]
            rows.append((start, read[1]))
    bars, wrong = bars_of(symbol, request, rows, "polygon", now)
    return [*bad, *wrong, Bars(symbol, tuple(bars))]


def grouped_of(request: Request, body: Mapping[str, Any], now: datetime) -> list[Outcome]:
    """A `Bars` for each ticker `T` of a day; `t` is the moment of the day's end."""
    found: list[Outcome] = []
    for row in body.get("results") or []:
        read = _row(row)
        if read is None or not isinstance(row.get("T"), str):
            found.append(BadRow("grouped day", f"a bar without its time or ticker: {str(row)[:80]}"))
            continue
        made = bar(ours(row["T"]), "1d", session_start(read[0]), read[1], "polygon", now)
        if isinstance(made, BadRow):
            found.append(made)
        elif request.covers(made) and has_closed(made, now):
            found.append(Bars(made.symbol, (made,)))
    return found


def _grouped_path(day: date) -> str:
    return f"v2/aggs/grouped/locale/us/market/stocks/{day.isoformat()}"


def _row(row: Any) -> tuple[datetime, Numbers] | None:
    if not isinstance(row, dict) or not isinstance(row.get("t"), int | float):
        return None
    opened, high, low, close, volume = (row.get(name) for name in VALUES)
    return datetime.fromtimestamp(row["t"] / 1000, UTC), (opened, high, low, close, volume)


def make(setup: Setup) -> PolygonPrices:
    """Built by name; see `sources.build`."""
    return PolygonPrices(KeyedClient(POLYGON, setup.load(PolygonSettings), setup.access), setup.clock)
