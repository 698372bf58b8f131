"""What the sources with keys share: one call a symbol, and rows of numbers to bars."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from axiom.sources.files import why_not
from axiom.sources.outcomes import BadRow, RateLimited, SourceDown
from services.price_producer.sources.port import Outcome, Request
from topics.price_updates import INTERVAL_LENGTH, Interval, PriceBar

NEW_YORK = ZoneInfo("America/New_York")
Numbers = tuple[object, object, object, object, object]
"""Open, high, low, close, volume, as the provider wrote them."""


async def one_by_one(
    symbols: Collection[str], ask: Callable[[str], Awaitable[list[Outcome]]]
) -> AsyncGenerator[Outcome, None]:
    """Each symbol's bad rows and verdict, until the provider refuses or is away."""
    for symbol in symbols:
        outcomes = await ask(symbol)
        for outcome in outcomes:
            yield outcome
        match outcomes[-1]:
            case RateLimited() | SourceDown(reachable=False):
                return


def bars_of(
    symbol: str,
    request: Request,
    rows: Iterable[tuple[datetime, Numbers]],
    source: str,
    fetched_at: datetime,
) -> tuple[list[PriceBar], list[BadRow]]:
    """The bars that were asked for and have closed, in order of time, and the rows that are none."""
    bars: list[PriceBar] = []
    bad: list[BadRow] = []
    for start, numbers in sorted(rows, key=lambda row: row[0]):
        made = bar(symbol, request.interval, start, numbers, source, fetched_at)
        if isinstance(made, BadRow):
            bad.append(made)
        elif request.covers(made) and has_closed(made, fetched_at):
            bars.append(made)
    return bars, bad


def bar(
    symbol: str, interval: Interval, start: datetime, numbers: Numbers, source: str, fetched_at: datetime
) -> PriceBar | BadRow:
    """One bar, or what is wrong with its numbers. None of these providers says whether there was a split."""
    opened, high, low, close, volume = numbers
    try:
        return PriceBar.model_validate(
            {
                "symbol": symbol, "interval": interval, "ts": start, "open": opened, "high": high, "low": low,
                "close": close, "volume": volume, "fetched_at": fetched_at, "source": source,
            },
            strict=False,
        )  # fmt: skip
    except ValidationError as error:
        return BadRow(f"{symbol} {start.isoformat()}", why_not(error))


def has_closed(made: PriceBar, now: datetime) -> bool:
    """Whether the bar can't change any more; a session's daily one is complete at 16:15 in New York."""
    if made.interval != "1d":
        return made.ts + INTERVAL_LENGTH[made.interval] <= now
    local = now.astimezone(NEW_YORK)
    return made.ts.date() < local.date() or (
        made.ts.date() == local.date() and (local.hour, local.minute) >= (16, 15)
    )


def session_start(day: datetime) -> datetime:
    """The start of a daily bar: 00:00 UTC of its session's date, which is New York's."""
    local = day.astimezone(NEW_YORK)
    return datetime(local.year, local.month, local.day, tzinfo=UTC)
