"""Rebuilds of the four stores on their real servers: the suite of shadows, and what only one of them has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from axiom.runtime.discovery import sink_of
from axiom.runtime.sink import Sink
from axiom.stores import chroma_driver
from axiom_verify.compare import verify
from axiom_verify.readers import Dump, connect_chroma, connect_neo4j, connect_postgres, connect_redis, read
from tests.stack import StackUnderTest
from tests.suites.shadows import Interrupted, ShadowSuite, World, rising

pytestmark = pytest.mark.integration
Env = Mapping[str, str]


class RealWorld(World):
    """A store of the stack; empty at first."""

    name: str

    def __init__(self, env: Env) -> None:
        super().__init__()
        self.env = env

    def make_sink(self) -> Sink[Any]:
        return sink_of(self.name)

    async def dump(self, entities: bool = True) -> Dump:
        return await asyncio.to_thread(read, self.name, self.env, entities)

    async def problems(self) -> list[str]:
        report = await asyncio.to_thread(verify, self.name, self.env, self.reader)
        return [*report.accounting, *map(str, report.differences)]


class PostgresWorld(RealWorld):
    """Schema `market`."""

    name = "postgres"

    async def prices(self) -> dict[str, float]:
        rows = await self._run(
            "SELECT DISTINCT ON (symbol) symbol, close FROM market.price_bars ORDER BY symbol, ts DESC"
        )
        return {row["symbol"]: row["close"] for row in rows}

    async def beside(self) -> set[str]:
        rows = await self._run("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'market\\__%'")
        return {row["nspname"] for row in rows}

    async def damage(self) -> None:
        await self._run("UPDATE market.price_bars SET close = close + 1 WHERE symbol = 'Z03'")
        await self._run("DELETE FROM market.price_bars WHERE symbol = 'Z05'")

    async def wipe(self) -> None:
        for schema in ["market", *await self.beside()]:
            await self._run(f"DROP SCHEMA IF EXISTS {schema} CASCADE")

    async def _run(self, query: str) -> list[Any]:
        connection = await connect_postgres(self.env)
        try:
            rows: list[Any] = await connection.fetch(query)
            return rows
        finally:
            await connection.close()


class RedisWorld(RealWorld):
    """Database 0."""

    name = "redis"

    async def prices(self) -> dict[str, float]:
        with connect_redis(self.env) as client:
            keys = list(client.scan_iter("axiom:latest:*"))
            prices = [client.hget(key, "price") for key in keys]
        return {key.split(":")[2]: float(price) for key, price in zip(keys, prices, strict=True) if price}

    async def beside(self) -> set[str]:
        with connect_redis(self.env) as client:
            return {name for name in client.info("keyspace") if name != "db0"}

    async def damage(self) -> None:
        with connect_redis(self.env) as client:
            client.delete("axiom:latest:Z03", "axiom:bars:1d:Z04")
            client.hset("axiom:latest:Z05", "price", "1.0")

    async def wipe(self) -> None:
        with connect_redis(self.env) as client:
            client.flushall()


class Neo4jWorld(RealWorld):
    """The active generation."""

    name = "neo4j"

    async def prices(self) -> dict[str, float]:
        rows = await self._run(
            "MATCH (a:ActiveGeneration) MATCH (c:Company {generation: a.generation}) "
            "RETURN c.symbol AS symbol, c.price AS price"
        )
        return {row["symbol"]: row["price"] for row in rows}

    async def beside(self) -> set[str]:
        rows = await self._run(
            "MATCH (a:ActiveGeneration) MATCH (n) WHERE n.generation <> a.generation "
            "RETURN DISTINCT labels(n)[0] AS label, n.generation AS generation"
        )
        return {f"{row['label']} of {row['generation']}" for row in rows}

    async def damage(self) -> None:
        await self._run("MATCH (c:Company {symbol: 'Z03'}) DELETE c")
        await self._run("MATCH (c:Company {symbol: 'Z05'}) SET c.price = 1.0")

    async def wipe(self) -> None:
        await self._run("MATCH (n) DETACH DELETE n")

    async def _run(self, query: str) -> list[dict[str, Any]]:
        def run() -> list[dict[str, Any]]:
            with connect_neo4j(self.env) as driver:
                return [record.data() for record in driver.execute_query(query, database_="neo4j").records]

        return await asyncio.to_thread(run)


class ChromaWorld(RealWorld):
    """The collections without a prefix."""

    name = "chroma"

    async def prices(self) -> dict[str, float]:
        return await asyncio.to_thread(self._prices)

    def _prices(self) -> dict[str, float]:
        rows = connect_chroma(self.env).get_collection("price_shapes").get(include=["metadatas"])["metadatas"]
        newest = sorted(rows or (), key=lambda row: str(row["version"]))
        return {str(row["symbol"]): float(str(row["last_close"])) for row in newest}

    async def beside(self) -> set[str]:
        names = {collection.name for collection in connect_chroma(self.env).list_collections()}
        return {name for name in names if name.startswith(("next-", "old-"))}

    async def damage(self) -> None:
        shapes = connect_chroma(self.env).get_collection("price_shapes")
        shapes.delete(where={"symbol": "Z03"})
        [row] = shapes.get(where={"symbol": "Z05"})["ids"]
        shapes.update(ids=[row], embeddings=[[0.5] * 30])

    async def wipe(self) -> None:
        client = connect_chroma(self.env)
        for collection in client.list_collections():
            client.delete_collection(collection.name)


WORLDS = [PostgresWorld, RedisWorld, Neo4jWorld, ChromaWorld]


@pytest.fixture(params=WORLDS, ids=lambda world: world.name)
async def world(request: pytest.FixtureRequest, stack: StackUnderTest) -> AsyncIterator[RealWorld]:
    world: RealWorld = request.param(stack.env)
    await world.wipe()
    yield world
    await world.close()
    await world.wipe()


class TestStores(ShadowSuite):
    """The suite over each store."""


def dying_at(rename: int) -> type[Any]:
    """In the place of chromadb's objects: at the rename of that number the process is gone."""
    renames = 0

    class Dying(chroma_driver._Timed):
        def __getattr__(self, name: str) -> Any:
            nonlocal renames
            renames += name == "modify"
            if renames >= rename:
                raise Interrupted
            return super().__getattr__(name)

    return Dying


@pytest.mark.parametrize("world", [ChromaWorld], indirect=True, ids=["chroma"])
@pytest.mark.parametrize("rename", [2, 3, 4, 7, 12, 13])
async def test_whoever_comes_after_a_kill_among_chroma_s_renames_finishes_them(
    world: RealWorld, rename: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of 13 is the announcement; then each of six collections makes room and is replaced."""
    world.publish(rising(20))
    await world.fold()
    await world.damage()
    with monkeypatch.context() as patch:
        patch.setattr(chroma_driver, "_Timed", dying_at(rename))
        with pytest.raises(Interrupted):
            await world.rebuild()
    assert await world.beside() != set()
    world.publish(rising(1, start=20))
    await world.fold()
    assert await world.problems() == []
    assert set((await world.prices()).values()) == {10.0 + 20}
    await world.rebuild()
    await world.check()
