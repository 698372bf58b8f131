"""Prices: the latest and the recent ones out of Redis, history out of PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from axiom.stores.queries import named_queries
from services.control_api.reading.models import Model
from services.control_api.reading.sources import Sources
from topics.price_updates import Interval, PriceBar

_SQL = named_queries(Path(__file__).parent / "market.sql")
VERSION = 35
"""Characters in front of a bar's JSON in Redis, and a space; see the sink's script."""


class LatestPrice(Model):
    """A symbol's newest bar; `price` is its close, as traded."""

    symbol: str
    price: float
    open: float
    high: float
    low: float
    volume: float
    interval: str
    ts: datetime
    fetched_at: datetime
    source: str


class Bar(Model):
    """One bar, as traded; `ts` is its start."""

    ts: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float
    split_ratio: float | None = None
    fetched_at: datetime
    source: str


class SymbolPrices(Model):
    """What Redis has of a symbol: the latest price, and the newest bars of one interval, oldest first."""

    latest: LatestPrice
    interval: Interval
    bars: list[Bar]


async def latest(sources: Sources, symbols: Sequence[str]) -> list[LatestPrice]:
    """The latest prices of those of the symbols that have one."""
    pipeline = sources.redis.client.pipeline(transaction=False)
    for symbol in symbols:
        pipeline.hgetall(f"axiom:latest:{symbol}")
    async with sources.redis.translated():
        rows = await pipeline.execute()
    return [
        LatestPrice.model_validate({name.decode(): value.decode() for name, value in row.items()})
        for row in rows
        if row
    ]


async def recent(sources: Sources, symbol: str, interval: Interval, count: int) -> list[Bar]:
    """The newest bars of an interval that Redis keeps (120 at most), oldest first."""
    async with sources.redis.translated():
        members: Any = await sources.redis.client.zrange(f"axiom:bars:{interval}:{symbol}", -count, -1)
    bars = [PriceBar.model_validate_json(member[VERSION + 1 :]) for member in members]
    return [Bar.model_validate(bar.model_dump(include=set(Bar.model_fields))) for bar in bars]


async def history(
    sources: Sources, symbol: str, interval: Interval, since: datetime, before: datetime, limit: int
) -> list[Bar]:
    """Bars of PostgreSQL with `since` <= ts < `before`, the newest `limit`, newest first."""
    rows = await sources.market.fetch(_SQL["bars"], symbol, interval, since, before, limit)
    return [Bar.model_validate(dict(row)) for row in rows]
