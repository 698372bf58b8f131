"""The four stores on their real servers: the suite of `axiom.stores.port`, and what only one of them has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr

from axiom.errors import AxiomError, Fenced, Misconfigured, Permanent, StoreDown
from axiom.settings import ChromaSettings, Neo4jSettings, PostgresSettings, RedisSettings, load
from axiom.stores import chroma, chroma_driver, chroma_handler, neo4j, postgres, redis
from axiom.stores.chroma_reading import ChromaReader
from axiom.stores.pgcopy import Column, binary_copy
from axiom.stores.port import Batch, Position
from tests.stack import StackUnderTest, free_port
from tests.suites.stores import LOG, TOPIC, StoreSuite, batch, greatest

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("stack")]

TABLE = """
CREATE TABLE numbers (name text PRIMARY KEY, number bigint NOT NULL CHECK (number <> 666));
CREATE TABLE kinds (id bigint, word text, amount double precision, moment timestamptz);
"""
UPSERT = """
INSERT INTO numbers AS held SELECT * FROM unnest($1::text[], $2::bigint[])
ON CONFLICT (name) DO UPDATE SET number = excluded.number WHERE excluded.number > held.number
"""
GREATEST_LUA = """
  for _, row in ipairs(rows) do
    if row[3] == 666 then error('refused') end
  end
  local applied = 0
  for _, row in ipairs(rows) do
    local held = redis.call('HGET', row[1], row[2])
    if not held or tonumber(held) < row[3] then
      redis.call('HSET', row[1], row[2], row[3])
      applied = applied + 1
    end
  end
  return applied
"""
MERGE = """
UNWIND $rows AS row
MERGE (n:SuiteNumber {generation: $generation, name: row[0]})
WITH n, row WHERE n.number IS NULL OR n.number < row[1]
SET n.number = row[1]
RETURN count(*) AS applied
"""
CONSTRAINT = """
CREATE CONSTRAINT suite_number_unique IF NOT EXISTS
FOR (n:SuiteNumber) REQUIRE (n.generation, n.name) IS UNIQUE
"""
REFUSE = "UNWIND $rows AS row WITH row WHERE row[1] = 666 RETURN 1 / 0 AS refused"


class PostgresWorld:
    """A schema of its own."""

    def __init__(self, migrations: Path) -> None:
        self.settings = load(PostgresSettings)
        self.schema = f"suite_{uuid4().hex[:10]}"
        self.migrations = migrations
        (migrations / "0001_numbers.sql").write_text(TABLE)
        self._members: list[postgres.PostgresStore] = []

    @staticmethod
    async def handler(transaction: postgres.Transaction, batch: Batch) -> int:
        found = greatest(batch)
        return await transaction.execute(UPSERT, list(found), list(found.values()))

    @staticmethod
    async def poison(transaction: postgres.Transaction, batch: Batch) -> int:
        return sum([await transaction.execute(UPSERT, [name], [number]) for name, number in batch.payloads])

    def member(self, **settings: Any) -> postgres.PostgresStore:
        store = postgres.PostgresStore(
            self.settings.model_copy(update=settings), schema=self.schema, migrations=self.migrations
        )
        self._members.append(store)
        return store

    def absent(self) -> postgres.PostgresStore:
        return self.member(port=free_port())

    async def rows(self) -> dict[str, int]:
        return {row["name"]: row["number"] for row in await self.member().fetch("SELECT * FROM numbers")}

    async def dead(self, consumer: str) -> dict[tuple[int, int], str]:
        rows = await self.member().fetch("SELECT * FROM dead_offsets WHERE consumer = $1", consumer)
        return {(row["partition"], row["offset"]): row["error_class"] for row in rows}

    async def close(self) -> None:
        async with self.member().transaction() as transaction:
            await transaction.execute(f"DROP SCHEMA IF EXISTS {self.schema} CASCADE")
        for member in self._members:
            await member.close()


class RedisWorld:
    """Keys of their own in a database that nothing else uses."""

    DATABASE = 9

    def __init__(self) -> None:
        self.settings = load(RedisSettings)
        self.key = f"suite:{uuid4().hex}"
        self._members: list[redis.RedisStore] = []

    def handler(self, batch: Batch) -> redis.Call:
        return redis.Call(GREATEST_LUA, redis.pack([[self.key, *pair] for pair in greatest(batch).items()]))

    poison = handler

    def member(self, **settings: Any) -> redis.RedisStore:
        store = redis.RedisStore(self.settings.model_copy(update=settings), database=self.DATABASE)
        self._members.append(store)
        return store

    def absent(self) -> redis.RedisStore:
        return self.member(port=free_port())

    async def rows(self) -> dict[str, int]:
        found: dict[Any, Any] = await self.member().client.hgetall(self.key)
        return {name.decode(): int(number) for name, number in found.items()}

    async def dead(self, consumer: str) -> dict[tuple[int, int], str]:
        store = self.member()
        found: dict[tuple[int, int], str] = {}
        for number in range(4):
            own: dict[Any, Any] = await store.client.hgetall(store.names.dead(consumer, TOPIC, number))
            found |= {(number, int(offset)): name.decode() for offset, name in own.items()}
        return found

    async def close(self) -> None:
        await self.member().client.flushdb()
        for member in self._members:
            await member.close()


class Neo4jWorld:
    """A generation of its own."""

    def __init__(self) -> None:
        self.settings = load(Neo4jSettings)
        self.generation = uuid4().int % 2**40 + 2**20
        self._members: list[neo4j.Neo4jStore] = []

    @staticmethod
    async def handler(transaction: neo4j.Transaction, batch: Batch) -> int:
        rows = [list(pair) for pair in greatest(batch).items()]
        return int((await transaction.run(MERGE, rows=rows))[0]["applied"])

    @classmethod
    async def poison(cls, transaction: neo4j.Transaction, batch: Batch) -> int:
        applied = await cls.handler(transaction, batch)
        await transaction.run(REFUSE, rows=[list(pair) for pair in batch.payloads])
        return applied

    def member(self, **settings: Any) -> neo4j.Neo4jStore:
        store = neo4j.Neo4jStore(
            self.settings.model_copy(update=settings),
            generation=self.generation,
            constraints=[CONSTRAINT],
        )
        self._members.append(store)
        return store

    def absent(self) -> neo4j.Neo4jStore:
        return self.member(uri=f"bolt://127.0.0.1:{free_port()}")

    async def rows(self) -> dict[str, int]:
        found = await self.member().query(
            "MATCH (n:SuiteNumber {generation: $generation}) RETURN n.name AS name, n.number AS number",
            generation=self.generation,
        )
        return {row["name"]: row["number"] for row in found}

    async def dead(self, consumer: str) -> dict[tuple[int, int], str]:
        found = await self.member().query(
            "MATCH (d:DeadOffset {generation: $generation, consumer: $consumer}) RETURN d {.*} AS d",
            generation=self.generation, consumer=consumer,
        )  # fmt: skip
        return {(row["d"]["partition"], row["d"]["offset"]): row["d"]["error_class"] for row in found}

    async def close(self) -> None:
        await self.member().query(
            "MATCH (n {generation: $generation}) DETACH DELETE n", generation=self.generation
        )
        for member in self._members:
            await member.close()


class ChromaWorld:
    """Collections of their own prefix."""

    def __init__(self) -> None:
        self.settings = load(ChromaSettings)
        self.prefix = f"suite-{uuid4().hex[:10]}-"
        self.handler = chroma_handler.Handler("numbers", self._keys, self._fold)
        self._members: list[chroma.ChromaStore] = []

    poison = property(lambda self: self.handler)

    @staticmethod
    def _keys(batch: Batch) -> list[str]:
        return [name for name, _ in batch.payloads]

    @staticmethod
    def _fold(stored: Any, batch: Batch) -> chroma_handler.Change:
        changed = {
            name: chroma_handler.Entity([1.0] * (3 if number == 666 else 2), {"number": number})
            for name, number in greatest(batch).items()
            if name not in stored or stored[name]["number"] < number
        }
        return chroma_handler.Change(changed, len(changed))

    def member(self, **settings: Any) -> chroma.ChromaStore:
        made = self.settings.model_copy(update=settings)
        self._members.append(chroma.ChromaStore(made, collections={"numbers": "l2"}, prefix=self.prefix))
        return self._members[-1]

    def absent(self) -> chroma.ChromaStore:
        return self.member(port=free_port())

    async def rows(self) -> dict[str, int]:
        return {key: max(own.items())[1]["number"] for key, own in (await self.versions()).items()}

    async def versions(self) -> dict[str, dict[str, Any]]:
        """By key and version, everything stored."""
        found = await (await self.member().driver.collection("numbers")).get(include=["metadatas"])
        stored: dict[str, dict[str, Any]] = {}
        for metadata in found["metadatas"]:
            stored.setdefault(metadata["key"], {})[metadata["version"]] = metadata
        return stored

    async def dead(self, consumer: str) -> dict[tuple[int, int], str]:
        found = await (await self.member().driver.collection(chroma.DEAD)).get(include=["metadatas"])
        return {
            (int(row["source"].rpartition(":")[2]), row["offset"]): row["error_class"]
            for row in found["metadatas"]
            if row["source"].startswith(f"{consumer}:")
        }

    async def close(self) -> None:
        await self.member().driver.delete(self.prefix)
        for member in self._members:
            await member.close()


class TestPostgres(StoreSuite):
    @pytest.fixture
    async def world(self, stack: StackUnderTest, tmp_path: Path) -> AsyncIterator[PostgresWorld]:
        made = PostgresWorld(tmp_path)
        yield made
        await made.close()

    async def test_binary_copy_is_what_postgresql_reads(self, world: PostgresWorld) -> None:
        store = world.member()
        await store.setup()
        rows: list[tuple[Any, ...]] = [
            (1, "", 0.0, datetime(2000, 1, 1, tzinfo=UTC)),
            (-(2**63), "ünïcode 😀", -1.5, datetime(1, 1, 1, tzinfo=UTC)),
            (2**63 - 1, "x" * 5000, 5e-324, datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
            (7, None, None, datetime(1969, 12, 31, 23, 59, 59, 123456, tzinfo=UTC)),
            (8, "NaN", 1.7976931348623157e308, datetime(2024, 2, 29, tzinfo=UTC)),
            (9, None, -0.0, datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC)),
        ]
        ids, words, amounts, moments = zip(*rows, strict=True)
        data = binary_copy(
            [Column.int8(ids), Column.text(words), Column.float8(amounts), Column.timestamptz(moments)]
        )
        async with store.transaction() as transaction:
            await transaction.copy("kinds", ["id", "word", "amount", "moment"], data)
            await transaction.copy("kinds", ["id"], binary_copy([Column.int8([])]))
        found = await store.fetch("SELECT id, word, amount, moment FROM kinds")
        assert sorted(map(tuple, found), key=lambda row: row[0]) == sorted(rows, key=lambda row: row[0])

    async def test_migrations_run_once_and_in_order(self, world: PostgresWorld) -> None:
        await world.member().setup()
        (world.migrations / "0002_more.sql").write_text("ALTER TABLE numbers ADD COLUMN more text;")
        (world.migrations / "notes.sql").write_text("not SQL")
        store = world.member()
        await store.setup()
        await store.setup()
        done = await store.fetch("SELECT name FROM schema_migrations ORDER BY name")
        assert [row["name"] for row in done] == ["0001_numbers.sql", "0002_more.sql"]

    async def test_a_failed_migration_leaves_nothing_behind(self, world: PostgresWorld) -> None:
        (world.migrations / "0002_wrong.sql").write_text("CREATE TABLE made (a int); SELECT 1 / 0;")
        with pytest.raises(AxiomError, match="division by zero"):
            await world.member().setup()
        found = await world.member().fetch(
            "SELECT nspname FROM pg_namespace WHERE nspname = $1", world.schema
        )
        assert found == []

    async def test_a_broken_connection_is_made_anew(self, world: PostgresWorld) -> None:
        store = world.member()
        await store.setup()
        [row] = await store.fetch("SELECT pg_backend_pid() AS pid")
        await world.member().fetch("SELECT pg_terminate_backend($1)", row["pid"])
        with suppress(StoreDown):  # whether the end of the connection was seen before the next call
            await store.load("c", TOPIC, [0])
        assert await store.load("c", TOPIC, [0]) == {}

    async def test_a_cancelled_write_leaves_nothing_and_the_store_works_on(
        self, world: PostgresWorld
    ) -> None:
        store = world.member()
        await store.setup()
        at = (await store.take("c", TOPIC, LOG, {0: 0}))[0]
        written = asyncio.Event()

        async def stuck(transaction: postgres.Transaction, batch: Batch) -> int:
            await world.handler(transaction, batch)
            written.set()
            await asyncio.Event().wait()
            return 0

        task = asyncio.create_task(store.apply(batch("c", at, [("a", 1)]), stuck))
        await written.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await world.rows() == {}
        assert await store.apply(batch("c", at, [("a", 2)]), world.handler) == 1

    async def test_a_connection_that_could_not_make_its_stage_is_not_kept(self, world: PostgresWorld) -> None:
        """As on a disk that is full while the sink connects again."""
        stage = "CREATE TEMP TABLE stage (LIKE later)"
        store = postgres.PostgresStore(
            world.settings, schema=world.schema, migrations=world.migrations, session=stage
        )
        try:
            await store.setup()
            with pytest.raises(asyncpg.UndefinedTableError, match="later"):
                await store.fetch("SELECT * FROM stage")
            async with world.member().transaction() as transaction:
                await transaction.execute("CREATE TABLE later (number int)")
            assert await store.fetch("SELECT * FROM stage") == []
        finally:
            await store.close()

    async def test_what_is_not_configured_right_is_said(self, world: PostgresWorld) -> None:
        for wrong in ({"password": SecretStr("wrong")}, {"user": "nobody"}, {"database": "none"}):
            with pytest.raises(Misconfigured, match="AXIOM_POSTGRES"):
                await world.member(**wrong).ping()

    @pytest.mark.parametrize(
        "schema", ["", "Market", "a b", "x;drop schema market", "1st", 'a"', "é", "a" * 60]
    )
    def test_a_schema_has_a_plain_name(self, world: PostgresWorld, schema: str) -> None:
        with pytest.raises(Misconfigured, match="schema"):
            postgres.PostgresStore(world.settings, schema=schema)


class TestRedis(StoreSuite):
    rehearsal_sees_rows = False

    @pytest.fixture
    async def world(self, stack: StackUnderTest) -> AsyncIterator[RedisWorld]:
        made = RedisWorld()
        yield made
        await made.close()

    async def test_scripts_lost_with_a_restart_are_loaded_again(self, world: RedisWorld) -> None:
        store = world.member()
        at = (await store.take("c", TOPIC, LOG, {0: 0}))[0]
        await store.client.script_flush()
        assert await store.apply(batch("c", at, [("a", 1)]), world.handler) == 1

    async def test_a_wrong_password_is_said(self, world: RedisWorld) -> None:
        with pytest.raises(Misconfigured, match="AXIOM_REDIS_PASSWORD"):
            await world.member(password=SecretStr("wrong")).ping()

    async def test_store_wiped_under_a_writer_fences_it(self, world: RedisWorld) -> None:
        store = world.member()
        at = (await store.take("c", TOPIC, LOG, {0: 0}))[0]
        await store.client.flushdb()
        with pytest.raises(Fenced):
            await store.apply(batch("c", at, [("a", 1)]), world.handler)
        assert await store.load("c", TOPIC, [0]) == {}


class TestNeo4j(StoreSuite):
    @pytest.fixture
    async def world(self, stack: StackUnderTest) -> AsyncIterator[Neo4jWorld]:
        made = Neo4jWorld()
        yield made
        await made.close()

    async def test_a_cancelled_write_leaves_nothing_and_the_store_works_on(self, world: Neo4jWorld) -> None:
        store = world.member()
        await store.setup()
        at = (await store.take("c", TOPIC, LOG, {0: 0}))[0]
        written = asyncio.Event()

        async def stuck(transaction: neo4j.Transaction, batch: Batch) -> int:
            await world.handler(transaction, batch)
            written.set()
            await asyncio.Event().wait()
            return 0

        task = asyncio.create_task(store.apply(batch("c", at, [("a", 1)]), stuck))
        await written.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await store.apply(batch("c", at, [("b", 2)]), world.handler) == 1
        assert await world.rows() == {"b": 2}

    async def test_a_wrong_password_is_said(self, world: Neo4jWorld) -> None:
        with pytest.raises(Misconfigured, match="AXIOM_NEO4J"):
            await world.member(password=SecretStr("wrong")).ping()

    async def test_without_a_generation_the_active_one_is_written(self, world: Neo4jWorld) -> None:
        store = neo4j.Neo4jStore(world.settings)
        try:
            await store.setup()
            rows = await store.query("MATCH (a:ActiveGeneration) RETURN a.generation AS generation")
            assert [row["generation"] for row in rows] == [await store.active_generation()]
        finally:
            await store.close()


@pytest.mark.parametrize("server", ["postgres", "redis", "neo4j", "chroma"])
async def test_a_server_that_hangs_is_down_and_then_up_again(
    stack: StackUnderTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: str
) -> None:
    """It keeps its connections and answers nothing: no call may wait for ever."""
    monkeypatch.setattr(postgres, "_STATEMENT_TIMEOUT_S", 2)
    monkeypatch.setattr(redis, "_SCRIPT_TIMEOUT_S", 2)
    monkeypatch.setattr(neo4j, "_TRANSACTION_TIMEOUT_S", 2)
    monkeypatch.setattr(chroma_driver, "_REQUEST_TIMEOUT_S", 2)
    kinds = {"redis": RedisWorld, "neo4j": Neo4jWorld, "chroma": ChromaWorld}
    world: Any = PostgresWorld(tmp_path) if server == "postgres" else kinds[server]()
    store = world.member()
    await store.setup()
    at = (await store.take("c", TOPIC, LOG, {0: 0}))[0]
    one = batch("c", at, [("a", 1)])
    stack.freeze(server)
    try:
        with pytest.raises(StoreDown):
            await store.apply(one, world.handler)
        with pytest.raises(StoreDown):
            await store.ping()
    finally:
        stack.thaw(server)
    await store.ping()
    now = (await store.load("c", TOPIC, [0]))[0]
    if now.next_offset == at.next_offset:  # else it took effect after all: the offset tells
        await store.apply(one, world.handler)
    assert await world.rows() == {"a": 1}
    await world.close()


class CrashingStore(chroma.ChromaStore):
    """Dies, as far as its server can tell, between the rows and the offset of its next write."""

    dying = False

    async def _add_offsets(self, rows: Sequence[dict[str, Any]]) -> None:
        if self.dying:
            raise StoreDown("killed here")
        await super()._add_offsets(rows)


class SlowReader(chroma.ChromaStore):
    """Reads what it builds on after something else has happened."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def _stored(self, handler: chroma.Handler, batch: Batch) -> chroma.Stored:
        if self.meanwhile is not None:
            await self.meanwhile()
        return await super()._stored(handler, batch)


class TestChroma(StoreSuite):
    fenced_write_is_atomic = False
    rehearsal_is_refused = False

    @pytest.fixture
    async def world(self, stack: StackUnderTest) -> AsyncIterator[ChromaWorld]:
        made = ChromaWorld()
        yield made
        await made.close()

    async def crashed(self, world: ChromaWorld, pairs: list[tuple[str, int]]) -> tuple[Batch, Position]:
        """Rows written, the offset not."""
        store = CrashingStore(world.settings, collections={"numbers": "l2"}, prefix=world.prefix)
        at = (await store.take("c", TOPIC, LOG, {0: 0}))[0]
        one = batch("c", at, pairs)
        store.dying = True
        with pytest.raises(StoreDown, match="killed here"):
            await store.apply(one, world.handler)
        assert await world.rows() == dict(pairs)
        return one, at

    async def test_what_a_crash_left_is_written_again_and_counted_once(self, world: ChromaWorld) -> None:
        one, at = await self.crashed(world, [("a", 1), ("b", 2)])
        store = world.member()
        assert await store.apply(one, world.handler) == 2
        assert (await store.load("c", TOPIC, [0]))[0] == Position(2, at.epoch, LOG, applied=2)
        assert {key: len(own) for key, own in (await world.versions()).items()} == {"a": 1, "b": 1}

    async def test_a_successor_counts_what_a_crash_left_as_if_it_were_not_there(
        self, world: ChromaWorld
    ) -> None:
        await self.crashed(world, [("a", 1), ("b", 2), ("c", 3)])
        store = world.member()
        at = (await store.take("c", TOPIC, LOG, {0: 0}))[0]
        assert await store.apply(batch("c", at, [("a", 1)]), world.handler) == 1
        at = (await store.load("c", TOPIC, [0]))[0]
        assert await store.apply(batch("c", at, [("b", 2), ("c", 3), ("a", 1)]), world.handler) == 2
        assert await world.rows() == {"a": 1, "b": 2, "c": 3}
        assert (await store.load("c", TOPIC, [0]))[0] == Position(4, at.epoch, LOG, applied=3, superseded=1)
        assert {len(own) for own in (await world.versions()).values()} == {1}

    async def test_readers_never_fall_back_to_what_was_before_a_crash(self, world: ChromaWorld) -> None:
        """Though the next owner works in smaller batches, and for a while is behind what they have seen."""
        await self.crashed(world, [("a", 1), ("a", 2), ("a", 3)])
        store = world.member()
        at = (await store.take("c", TOPIC, LOG, {0: 0}))[0]
        for number, applied in enumerate((1, 1, 1), start=1):
            assert await store.apply(batch("c", at, [("a", number)]), world.handler) == applied
            at = (await store.load("c", TOPIC, [0]))[0]
            assert (await store.newest("numbers", ["a"]))["a"]["number"] == 3
        assert {len(own) for own in (await world.versions()).values()} == {1}

    async def test_what_was_built_upon_is_still_there_after_a_crash(self, world: ChromaWorld) -> None:
        first = world.member()
        at = (await first.take("c", TOPIC, LOG, {0: 0}))[0]
        await first.apply(batch("c", at, [("a", 5)]), world.handler)
        await self.crashed(world, [("a", 3), ("a", 9)])
        store = world.member()
        at = (await store.take("c", TOPIC, LOG, {0: 0}))[0]
        assert await store.apply(batch("c", at, [("a", 3)]), world.handler) == 0, "it is older than 5"

    async def test_a_zombie_past_the_fence_adds_what_the_log_says(self, world: ChromaWorld) -> None:
        zombie, successor = world.member(), world.member()
        old = (await zombie.take("c", TOPIC, LOG, {0: 0}))[0]
        ahead = batch("c", old, [("a", 1), ("a", 2)])
        stored = await zombie._stored(world.handler, ahead)
        new = (await successor.take("c", TOPIC, LOG, {0: 0}))[0]
        await successor.apply(batch("c", new, [("a", 1)]), world.handler)
        await zombie._add(world.handler, ahead, stored)  # it looked at the fence before the successor came
        assert (await successor.newest("numbers", ["a"]))["a"]["number"] == 2
        new = (await successor.load("c", TOPIC, [0]))[0]
        assert await successor.apply(batch("c", new, [("a", 2)]), world.handler) == 1
        assert {key: len(own) for key, own in (await world.versions()).items()} == {"a": 1}

    async def test_a_zombie_that_reads_too_late_adds_nothing(self, world: ChromaWorld) -> None:
        successor = world.member()
        zombie = SlowReader(world.settings, collections={"numbers": "l2"}, prefix=world.prefix)
        old = (await zombie.take("c", TOPIC, LOG, {0: 0}))[0]
        await zombie.apply(batch("c", old, [("a", 1)]), world.handler)
        old = (await zombie.load("c", TOPIC, [0]))[0]

        async def be_replaced() -> None:
            new = (await successor.take("c", TOPIC, LOG, {0: 0}))[0]
            await successor.apply(batch("c", new, [("a", 2)]), world.handler)

        zombie.meanwhile = be_replaced
        with pytest.raises(Fenced):
            await zombie.apply(batch("c", old, [("a", 2), ("a", 3)]), world.handler)
        assert await world.rows() == {"a": 2}

    async def test_the_nearest_are_other_keys_in_their_newest_version(self, world: ChromaWorld) -> None:
        store = world.member()
        at = (await store.take("c", TOPIC, LOG, {0: 0}))[0]
        await store.apply(batch("c", at, [("a", 1), ("b", 2), ("c", 3)]), world.handler)
        reader = ChromaReader(world.settings, prefix=world.prefix)
        found = await reader.nearest("numbers", "a", 5, {"number": {"$gt": 0}})
        assert {metadata["key"] for _, metadata in found} == {"b", "c"}
        assert await reader.nearest("numbers", "none", 5, {"number": {"$gt": 0}}) == []
        assert await reader.newest("numbers", ["a", "none"]) == await store.newest("numbers", ["a"])
        assert await reader.all_positions("c") == await store.all_positions("c")

    async def test_a_collection_deleted_under_a_writer_is_no_refusal(self, world: ChromaWorld) -> None:
        store = world.member()
        at = (await store.take("c", TOPIC, LOG, {0: 0}))[0]
        await world.member().driver.delete(world.prefix)
        with pytest.raises(StoreDown):
            await store.apply(batch("c", at, [("a", 1)]), world.handler)
        assert await store.load("c", TOPIC, [0]) == {}
        with pytest.raises(Fenced):
            await store.apply(batch("c", at, [("a", 1)]), world.handler)

    async def test_a_vector_of_another_length_is_refused(self, world: ChromaWorld) -> None:
        store = world.member()
        at = (await store.take("c", TOPIC, LOG, {0: 0}))[0]
        await store.apply(batch("c", at, [("a", 1)]), world.handler)
        at = (await store.load("c", TOPIC, [0]))[0]
        with pytest.raises(Permanent, match="dimension"):
            await store.apply(batch("c", at, [("b", 666)]), world.handler)
