"""What reports are made of, read in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import axiom
import services
from axiom.errors import StoreDown
from axiom.settings import PostgresSettings
from axiom.stores.control import ControlStore
from axiom.stores.control_copy import migrations_below
from axiom.stores.queries import named_queries

_SQL = named_queries(Path(__file__).parent / "reading.sql")

Row = Mapping[str, Any]
Rows = Sequence[Row]


class Books:
    """Questions about a day, or about the days from one to another; both ends included, days of UTC."""

    def __init__(self, control: ControlStore) -> None:
        self._control = control

    async def bars(self, day: date) -> Rows:
        """interval, source, bars, symbols."""
        return await self._control.fetch(_SQL["bars"], day)

    async def coverage(self, day: date, watched: Sequence[str]) -> Rows:
        """part, symbols, covered."""
        return await self._control.fetch(_SQL["coverage"], day, list(watched))

    async def covered_days(self, day: date, before: int) -> Rows:
        """day, symbols."""
        return await self._control.fetch(_SQL["covered_days"], day, before)

    async def arrived(self, day: date) -> Rows:
        """what, records."""
        return await self._control.fetch(_SQL["arrived"], day)

    async def quality(self, day: date) -> Rows:
        """Rows of quality_tiers."""
        return await self._control.fetch(_SQL["quality"], day)

    async def anomalies(self, day: date, most: int) -> Rows:
        """symbol, day, kind, move, z."""
        return await self._control.fetch(_SQL["anomalies"], day, most)

    async def movers(self, day: date) -> Rows:
        """symbol, change, close; the greatest rise first."""
        return await self._control.fetch(_SQL["movers"], day)

    async def new_edges(self, day: date, kinds: Sequence[str]) -> Rows:
        """kind, subject, object, confidence, method."""
        return await self._control.fetch(_SQL["new_edges"], day, list(kinds))

    async def titles(self, events: Sequence[str]) -> dict[str, str]:
        """Titles of events by id."""
        rows = await self._control.fetch(_SQL["titles"], list(events))
        return {row["event_id"]: row["title"] for row in rows}

    async def correlations(self, day: date) -> Rows:
        """window, change, edges."""
        return await self._control.fetch(_SQL["correlations"], day)

    async def strongest(self, day: date, most: int) -> Rows:
        """symbol_a, symbol_b, window, r, n."""
        return await self._control.fetch(_SQL["strongest"], day, most)

    async def paid(self, first: date, last: date) -> Rows:
        """day, pipeline, model, outcome, calls, input_tokens, output_tokens, cost_usd."""
        return await self._control.fetch(_SQL["paid"], first, last)

    async def cost_of(self, period: str) -> Any:
        """Dollars of a day (`2026-11-21`) or a month (`2026-11`), as a decimal."""
        [row] = await self._control.fetch(_SQL["period"], period)
        return row["settled_usd"]

    async def calls(self, first: date, last: date) -> Rows:
        """provider, day, purpose, calls."""
        return await self._control.fetch(_SQL["calls"], first, last)

    async def blocked(self) -> Rows:
        """provider, blocked_until, block_reason."""
        return await self._control.fetch(_SQL["blocked"])

    async def ticks(self, day: date) -> Rows:
        """job, outcome, ticks."""
        return await self._control.fetch(_SQL["ticks"], day)


@asynccontextmanager
async def open_books(settings: PostgresSettings) -> AsyncIterator[Books]:
    """Connections for one report.

    Raises:
        StoreDown: PostgreSQL does not answer, or postgres-sink has not made its tables yet.
    """
    migrations = migrations_below(*(Path(folder) for top in (axiom, services) for folder in top.__path__))
    control = ControlStore(settings, migrations=migrations, pool_size=2)
    try:
        await control.setup()
        if not (await control.fetch(_SQL["there"]))[0]["there"]:
            raise StoreDown("PostgreSQL has no bars yet: postgres-sink makes the tables when it starts")
        yield Books(control)
    finally:
        await control.close()
