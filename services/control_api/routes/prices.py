"""`/prices`: the latest prices, recent bars, and history."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from services.control_api.problems import not_found
from services.control_api.reading import prices
from services.control_api.reading.models import Answer, Page
from services.control_api.routes.asking import (
    FAR_OFF,
    LONG_AGO,
    SYMBOL,
    Cursor,
    Limit,
    MinOffset,
    Read,
    SymbolPath,
)
from services.control_api.routes.paging import cursor_of, moment_of, parts_of
from services.control_api.security import VIEWER
from topics.price_updates import Interval

router = APIRouter(tags=["prices"], dependencies=VIEWER)
AnInterval = Annotated[Interval, Query(description="The length of the bars.")]
Symbols = Annotated[
    list[Annotated[str, Query(pattern=SYMBOL)]] | None,
    Query(max_length=500, description="Repeatable; none: the watch list.", examples=[["AAPL", "MSFT"]]),
]


@router.get("/prices", summary="The latest prices of several symbols")
async def list_prices(
    read: Read, wanted: MinOffset, symbols: Symbols = None
) -> Answer[list[prices.LatestPrice]]:
    """Out of Redis, in the order asked for. Symbols without a price are left out."""
    asked = list(dict.fromkeys(symbol.upper() for symbol in symbols or read.watched))
    offsets = await read.offsets.reached("redis", wanted)
    return Answer(data=await prices.latest(read.sources, asked), offsets=offsets)


@router.get("/prices/{symbol}", summary="The latest price and recent bars of a symbol")
async def get_price(
    symbol: SymbolPath,
    read: Read,
    wanted: MinOffset,
    interval: AnInterval = "1d",
    count: Annotated[int, Query(ge=0, le=120, description="Bars, the newest.")] = 30,
) -> Answer[prices.SymbolPrices]:
    """Out of Redis, which keeps the newest 120 bars of each interval."""
    name = symbol.upper()
    offsets = await read.offsets.reached("redis", wanted)
    found = await prices.latest(read.sources, [name])
    if not found:
        raise not_found(
            f"Redis has no price of {name}: put it on the watch list (AXIOM_PRODUCER_SYMBOLS), or publish a "
            f"file that has it"
        )
    bars = await prices.recent(read.sources, name, interval, count) if count else []
    return Answer(data=prices.SymbolPrices(latest=found[0], interval=interval, bars=bars), offsets=offsets)


@router.get("/prices/{symbol}/bars", summary="The history of a symbol")
async def list_bars(
    symbol: SymbolPath,
    read: Read,
    wanted: MinOffset,
    interval: AnInterval = "1d",
    since: Annotated[AwareDatetime, Query(description="Bars that start at this time or later.")] = LONG_AGO,
    until: Annotated[AwareDatetime, Query(description="Bars that start before this time.")] = FAR_OFF,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[prices.Bar]:
    """Out of PostgreSQL, newest first. No bars: an empty page."""
    before = until
    if cursor is not None:
        [moment] = parts_of(cursor, [str])
        before = min(until, moment_of(moment, cursor))
    offsets = await read.offsets.reached("postgres", wanted)
    bars = await prices.history(read.sources, symbol.upper(), interval, since, before, limit)
    more = cursor_of(bars[-1].ts.isoformat()) if len(bars) == limit else None
    return Page(items=bars, next=more, offsets=offsets)
