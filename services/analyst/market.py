"""What the analyst reads in PostgreSQL: bars, and what was published of correlations."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from axiom.analysis.bars import Bars
from axiom.analysis.correlation import Pair
from axiom.analysis.indicators import Reading
from axiom.errors import StoreDown
from axiom.settings import PostgresSettings
from axiom.stores.pgcopy import fixed_rows
from axiom.stores.postgres import PostgresStore
from axiom.stores.queries import named_queries

SCHEMA = "market"
SESSION_ENDS = time(22, tzinfo=UTC)
"""From then on a day's bar counts as whole: one hour after New York's close in winter, two in summer."""
SPARE_DAYS = 10
SYMBOLS_AT_ONCE = 1000
_SQL = named_queries(Path(__file__).parent / "reading.sql")
_COLUMNS = {
    "number": "i4", "day": "i4", "open": "f8", "high": "f8", "low": "f8", "close": "f8", "volume": "f8",
    "split_ratio": "f8",
}  # fmt: skip
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Said:
    """What was published of a pair and window."""

    is_live: bool
    r: float
    n: int
    p_value: float


class Market:
    """One connection to schema `market`; for one task."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store

    @property
    def store(self) -> PostgresStore:
        """For queries that others bring along."""
        return self._store

    async def daily_bars(self, last: date, days: int, symbols: Sequence[str] = ()) -> Bars:
        """Daily bars of so many calendar days up to and with `last`; of all symbols where none are named."""
        until = _midnight(last) + timedelta(days=1)
        since = until - timedelta(days=days)
        if not symbols:
            rows = await self._store.fetch(_SQL["symbols"], since, until)
            symbols = [row["symbol"] for row in rows]
        parts = []
        for start in range(0, len(symbols), SYMBOLS_AT_ONCE):
            wanted = list(symbols[start : start + SYMBOLS_AT_ONCE])
            data = await self._store.copy_out(_SQL["daily_bars"], wanted, since, until)
            part = fixed_rows(data, _COLUMNS)
            part["number"] = part["number"].astype(np.int64) + start
            parts.append(part)
        columns = {
            name: np.concatenate([part[name] for part in parts]) if parts else np.zeros(0)
            for name in _COLUMNS
        }
        number, day = columns.pop("number").astype(np.int64), columns.pop("day").astype(np.int64)
        return Bars.of(symbols, number, day, columns)

    async def newest_bars(self, since: datetime) -> Rows:
        """Of each symbol with bars since then: `symbol`, `day` and `moment`, where its newest bars start."""
        return await self._store.fetch(_SQL["newest_bars"], since)

    async def said_before(self, window: str, as_of: datetime) -> dict[Pair, Said]:
        """Of each pair what was last published, as of a moment before this one."""
        return self._said(await self._store.fetch(_SQL["correlations"], window, as_of))

    async def said_at(self, window: str, as_of: datetime) -> dict[Pair, Said]:
        """Of each pair what was published as of this very moment."""
        return self._said(await self._store.fetch(_SQL["correlations_at"], window, as_of))

    async def signals_at(self, interval: str, start: datetime) -> dict[tuple[str, str], Reading]:
        """By symbol and indicator, what is published of the bars that start then."""
        return {
            (row["symbol"], row["indicator"]): Reading(
                row["value"], row["signal"], row["lower"], row["upper"]
            )
            for row in await self._store.fetch(_SQL["signals_at"], interval, start)
        }

    async def recent_events(self, since: datetime, until: datetime) -> Rows:
        """event_id, title, severity, published_at, fetched_at."""
        return await self._store.fetch(_SQL["recent_events"], since, until)

    async def affected(self, events: Sequence[str]) -> Rows:
        """subject (event), object (company), sentiment_score, confidence."""
        return await self._store.fetch(_SQL["affects"], list(events))

    async def relations(self) -> Rows:
        """kind (supplies or competes-with), subject, object, confidence."""
        return await self._store.fetch(_SQL["relations"])

    async def correlated(self) -> Rows:
        """symbol_a, symbol_b, r."""
        return await self._store.fetch(_SQL["correlated"])

    async def exposed(self, events: Sequence[str]) -> dict[str, dict[str, tuple[float, str]]]:
        """By event and company, the impact and the path that are published."""
        found: dict[str, dict[str, tuple[float, str]]] = {}
        for row in await self._store.fetch(_SQL["exposes"], list(events)):
            told = row["sentiment_score"] or 0.0, row["explanation"] or ""
            found.setdefault(row["subject"], {})[row["object"]] = told
        return found

    @staticmethod
    def _said(rows: Rows) -> dict[Pair, Said]:
        return {
            (row["symbol_a"], row["symbol_b"]): Said(
                row["change"] != "gone", row["r"], row["n"], row["p_value"]
            )
            for row in rows
        }


@asynccontextmanager
async def open_market(settings: PostgresSettings) -> AsyncIterator[Market]:
    """A connection for one piece of work.

    Raises:
        StoreDown: PostgreSQL does not answer, or postgres-sink has not made its tables yet.
    """
    store = PostgresStore(settings, schema=SCHEMA)
    try:
        if not (await store.fetch(_SQL["there"]))[0]["there"]:
            raise StoreDown("PostgreSQL has no bars yet: postgres-sink makes the tables when it starts")
        yield Market(store)
    finally:
        await store.close()


def last_whole_day(now: datetime) -> date:
    """The newest day whose bars are whole."""
    now = now.astimezone(UTC)
    return now.date() if now.timetz() >= SESSION_ENDS else now.date() - timedelta(days=1)


def session_end(day: date) -> datetime:
    """When a session's daily bar is whole: the as-of of what is computed of it."""
    return datetime.combine(day, SESSION_ENDS)


def day_of(number: int) -> date:
    """The day that is so many days after 1970-01-01, as `Bars.days` counts."""
    return date(1970, 1, 1) + timedelta(days=number)


def calendar_days(sessions: int) -> int:
    """How many days surely have so many sessions: a year has 250 or more."""
    return math.ceil(sessions * 365 / 250) + SPARE_DAYS


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
