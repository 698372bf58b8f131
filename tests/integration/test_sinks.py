"""The four sinks' handlers on their real servers: the same records in any order and any batches end alike.

Each order is folded into a place of its own by the sink's own handler; what is stored, and how many records
took effect in all, must not depend on the order. (What it must be: `tests/e2e`, by another implementation.)
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest

import services.neo4j_sink
import services.postgres_sink
import services.redis_sink
from axiom.contracts.record import TopicIdentity
from axiom.settings import ChromaSettings, Neo4jSettings, PostgresSettings, RedisSettings, load
from axiom.stores.chroma import ChromaStore
from axiom.stores.chroma_handler import Handler
from axiom.stores.neo4j import Neo4jStore
from axiom.stores.port import Store
from axiom.stores.postgres import PostgresStore
from axiom.stores.queries import named_queries
from axiom.stores.redis import RedisStore
from services.chroma_sink import sink as chroma_sink
from services.neo4j_sink import sink as neo4j_sink
from services.postgres_sink import sink as postgres_sink
from services.redis_sink import sink as redis_sink
from services.redis_sink.mapping import WINDOW
from tests.bars import FETCHED, bar, batch, records
from topics.price_updates import TOPIC, PriceBar

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

LOG = TopicIdentity("topic-id", 6)
PARTITIONS = """
SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind = 'r' ORDER BY 1
"""


class Place(Protocol):
    """Where one order of the bars is folded into."""

    @property
    def store(self) -> Store[Any]:
        """The sink's store, on this place."""

    handler: Any

    async def content(self) -> Any:
        """Everything that is stored, comparable."""

    async def close(self) -> None:
        """Delete it all."""


class PostgresPlace:
    def __init__(self) -> None:
        folder = Path(services.postgres_sink.__path__[0])
        self.store = PostgresStore(
            load(PostgresSettings), schema=f"suite_{uuid4().hex[:10]}", migrations=folder / "migrations",
            session=named_queries(folder / "queries.sql")["stage"],
        )  # fmt: skip
        self.handler = postgres_sink.PriceBars()

    async def content(self) -> Any:
        rows = await self.store.fetch('SELECT * FROM price_bars ORDER BY symbol, "interval", ts')
        return [tuple(row.values()) for row in rows]

    async def close(self) -> None:
        async with self.store.transaction() as transaction:
            await transaction.execute(f"DROP SCHEMA {self.store.schema} CASCADE")
        await self.store.close()


class RedisPlace:
    """A database that nothing else uses; one place after the other."""

    def __init__(self) -> None:
        self.store = RedisStore(load(RedisSettings), database=10)
        self.handler = redis_sink.write_prices

    async def content(self) -> Any:
        client: Any = self.store.client
        found = {}
        for key in sorted(await client.keys("axiom:latest:*")):
            found[key] = dict(await client.hgetall(key))
        for key in sorted(await client.keys("axiom:bars:*")):
            found[key] = await client.zrange(key, 0, -1, withscores=True)
        return found

    async def close(self) -> None:
        await self.store.client.flushdb()
        await self.store.close()


class Neo4jPlace:
    def __init__(self) -> None:
        folder = Path(services.neo4j_sink.__path__[0])
        self._generation = uuid4().int % 2**40 + 2**20
        self.store = Neo4jStore(
            load(Neo4jSettings), generation=self._generation,
            constraints=[named_queries(folder / "queries.cypher")["company_constraint"]],
        )  # fmt: skip
        self.handler = neo4j_sink.write_prices

    async def content(self) -> Any:
        rows = await self.store.query(
            "MATCH (c:Company {generation: $generation}) RETURN c {.*, generation: null} AS company "
            "ORDER BY c.symbol", generation=self._generation,
        )  # fmt: skip
        return [row["company"] for row in rows]

    async def close(self) -> None:
        await self.store.query(
            "MATCH (n {generation: $generation}) DETACH DELETE n", generation=self._generation
        )
        await self.store.close()


class ChromaPlace:
    def __init__(self) -> None:
        self._prefix = f"suite-{uuid4().hex[:10]}-"
        name = chroma_sink.SHAPES
        self.store = ChromaStore(load(ChromaSettings), collections={name: "cosine"}, prefix=self._prefix)
        self.handler = Handler(collection=name, keys=chroma_sink.symbols, fold=chroma_sink.fold)

    async def content(self) -> Any:
        collection = await self.store.driver.collection(chroma_sink.SHAPES)
        found = await collection.get(include=["metadatas", "embeddings"])
        vectors = [[float(value) for value in vector] for vector in found["embeddings"]]
        return {
            metadata["key"]: ({**metadata, "version": None}, vector)
            for metadata, vector in zip(found["metadatas"], vectors, strict=True)
        }

    async def close(self) -> None:
        await self.store.driver.delete(self._prefix)
        await self.store.close()


PLACES = [PostgresPlace, RedisPlace, Neo4jPlace, ChromaPlace]


def trouble(seed: int) -> list[PriceBar]:
    """Daily and minute bars with corrections, repeats, holes and months between them."""
    dice = random.Random(seed)
    bars: list[PriceBar] = []
    for symbol in ("A", "B", "BRK-B"):
        bars += [
            bar(symbol, days, round(dice.uniform(1, 100), 2), split_ratio=dice.choice([None, 1.0, 2.0]))
            for days in range(0, 50, dice.choice([1, 2]))
        ]
        opening = bar(days=3).ts + timedelta(hours=15)
        bars += [
            bar(
                symbol,
                0,
                round(dice.uniform(1, 100), 2),
                interval="1m",
                ts=opening + timedelta(minutes=minute),
            )
            for minute in range(WINDOW + 20)
        ]
    for old in dice.sample(bars, 60):
        later = FETCHED + timedelta(microseconds=dice.choice([0, 1, 1_000_000]))
        bars.append(
            old.model_copy(update={"close": old.close + 0.5, "fetched_at": later, "source_reason": "again"})
        )
        bars.append(old)
    return bars


def cut_up(bars: Sequence[PriceBar], seed: int) -> list[list[PriceBar]]:
    """The bars in an order and in batches of their own."""
    dice = random.Random(seed)
    shuffled = list(bars)
    dice.shuffle(shuffled)
    bounds = sorted({0, len(bars), *(dice.randrange(len(bars)) for _ in range(dice.choice([0, 3, 25])))})
    return [shuffled[start:end] for start, end in pairwise(bounds)]


async def fold(place: Place, batches: Sequence[Sequence[PriceBar]]) -> tuple[int, int]:
    """Fold the batches; the counts of applied and superseded records."""
    await place.store.setup()
    at = (await place.store.take("suite", TOPIC.name, LOG, {0: 0}))[0]
    start = at.next_offset
    for bars in batches:
        made = batch(bars, start, at.epoch, consumer="suite")
        assert 0 <= await place.store.apply(made, place.handler) <= len(bars)
        start += len(bars)
    at = (await place.store.load("suite", TOPIC.name, [0]))[0]
    assert at.next_offset == start == at.applied + at.superseded
    return at.applied, at.superseded


@asynccontextmanager
async def made(kind: Callable[[], Place]) -> AsyncIterator[Place]:
    """A place, deleted at the end."""
    place = kind()
    try:
        yield place
    finally:
        await place.close()


every_kind = pytest.mark.parametrize("kind", PLACES, ids=lambda kind: kind.__name__)


@every_kind
@pytest.mark.parametrize("seed", [1, 2])
async def test_any_order_and_any_batching_of_the_same_bars_end_alike(kind: Any, seed: int) -> None:
    bars = trouble(seed)
    contents = []
    for order in range(3):
        async with made(kind) as place:
            await fold(place, cut_up(bars, order))
            contents.append(await place.content())
    assert contents[0]
    assert contents[0] == contents[1] == contents[2]


@every_kind
async def test_a_replay_supersedes_everything_and_changes_nothing(kind: Any) -> None:
    bars = trouble(3)
    async with made(kind) as place:
        applied, superseded = await fold(place, cut_up(bars, 1))
        assert applied + superseded == len(bars)
        before = await place.content()
        assert await fold(place, cut_up(bars, 2)) == (applied, superseded + len(bars))
        assert await place.content() == before


@every_kind
async def test_new_bars_in_order_are_all_applied(kind: Any) -> None:
    bars = [bar(symbol, days) for days in range(20) for symbol in ("A", "B", "C")]
    expected = 6 + 3 if kind is Neo4jPlace else len(bars)  # a node keeps its newest bar alone
    async with made(kind) as place:
        assert await fold(place, [*([one] for one in bars[:6]), bars[6:]]) == (expected, len(bars) - expected)


async def test_postgresql_has_each_bar_as_it_was_published() -> None:
    whole = bar("BRK-B", split_ratio=0.1, source_reason="ünïcode 😀", volume=1e17, close=0.1 + 0.2)
    bars = [whole, bar(days=60), bar(days=61, interval="5m")]
    place = PostgresPlace()
    async with made(lambda: place):
        await fold(place, [bars])
        rows = await place.store.fetch("SELECT * FROM price_bars")
        found = [{name: value for name, value in row.items() if name != "content_hash"} for row in rows]
        partitions = await place.store.fetch(PARTITIONS, place.store.schema)
    assert sorted(found, key=str) == sorted((one.model_dump() for one in bars), key=str)
    assert [row["relname"] for row in partitions] == [
        "price_bars_2024_03", "price_bars_2024_04", "price_bars_2024_05",
    ]  # fmt: skip


async def test_redis_tells_its_readers_of_each_new_price_once() -> None:
    place = RedisPlace()
    async with made(lambda: place):
        listener: Any = place.store.client.pubsub()
        await listener.subscribe("axiom:prices")
        bars = [bar("A"), bar("A", days=1), bar("B")]
        await fold(place, [bars, bars])
        heard = []
        while (message := await listener.get_message(timeout=1)) is not None:
            if message["type"] == "message":
                heard.append(message["data"])
        await listener.aclose()
    assert sorted(heard) == sorted([records(bars)[1].value or b"", records(bars)[2].value or b""])
