"""The job cache_warming: readers' own questions, asked before readers ask them.

So pages and indexes are in memory: overnight jobs read whole tables and push out what readers want, and
Chroma loads a collection's index at the first question. Nothing is written: what stores hold is the sinks'.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from axiom.errors import StoreDown
from axiom.knowledge.around import NotInGraph, around
from axiom.knowledge.similar import NoShape, similar
from axiom.settings import ChromaSettings, Neo4jSettings, PostgresSettings, load
from axiom.stores.chroma_reading import ChromaReader
from axiom.stores.neo4j import Neo4jStore
from axiom.stores.postgres import PostgresStore
from axiom.stores.queries import named_queries

_SQL = named_queries(Path(__file__).parent / "warming.sql")
_LIKE = 10
_EDGES = 20

Ask = Callable[[str], Awaitable[bool]]
"""Asks a store about a symbol; whether it knows it."""


@dataclass(frozen=True)
class Warmed:
    """One store: seconds of the first and the second pass, and the symbols that it does not know."""

    store: str
    symbols: int
    cold_s: float
    warm_s: float
    unknown: Sequence[str]


async def warm(
    postgres: PostgresSettings, watched: Sequence[str], of_tier_1: int, now: datetime
) -> list[Warmed]:
    """Ask PostgreSQL, Neo4j and Chroma about the watch list and the first of tier 1, twice.

    Raises:
        Transient: a store does not answer, or is swapped just now.
    """
    market = PostgresStore(postgres, schema="market")
    graph = Neo4jStore(load(Neo4jSettings))
    shapes = ChromaReader(load(ChromaSettings))

    async def of_postgres(symbol: str) -> bool:
        bars = await market.fetch(_SQL["bars"], symbol, now)
        await market.fetch(_SQL["said"], symbol)
        return bool(bars)

    async def of_graph(symbol: str) -> bool:
        try:
            await around(graph, symbol, 1, _EDGES)
        except NotInGraph:
            return False
        return True

    async def of_shapes(symbol: str) -> bool:
        try:
            await similar(shapes, symbol, _LIKE)
        except NoShape:
            return False
        return True

    try:
        symbols = await _symbols(market, watched, of_tier_1)
        return [
            await _twice(name, ask, symbols)
            for name, ask in (("postgres", of_postgres), ("neo4j", of_graph), ("chroma", of_shapes))
        ]
    finally:
        await market.close()
        await graph.close()
        shapes.close()


async def _symbols(market: PostgresStore, watched: Sequence[str], of_tier_1: int) -> list[str]:
    if not (await market.fetch(_SQL["there"]))[0]["there"]:
        raise StoreDown("PostgreSQL has no bars yet: postgres-sink makes the tables when it starts")
    rows = []
    if (await market.fetch(_SQL["has_tiers"]))[0]["there"]:
        rows = await market.fetch(_SQL["tier_1"], of_tier_1)
    return list(dict.fromkeys([*watched, *(row["symbol"] for row in rows)]))


async def _twice(store: str, ask: Ask, symbols: Sequence[str]) -> Warmed:
    started_s = time.monotonic()
    unknown = [symbol for symbol in symbols if not await ask(symbol)]
    warmed_s = time.monotonic()
    for symbol in symbols:
        await ask(symbol)
    return Warmed(store, len(symbols), warmed_s - started_s, time.monotonic() - warmed_s, unknown)
