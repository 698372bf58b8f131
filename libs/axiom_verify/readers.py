"""What the four stores hold, read with their drivers alone: nothing of the sinks, nothing of `axiom.stores`.

    found = read("postgres", stack.env)
    found.entities[("bar", "AAPL", "1d", datetime(2024, 1, 2, tzinfo=UTC))]

Reading gives a `Dump`: every entity under its natural key, the offsets by partition, and the offsets that
were dead-lettered. `fold.py` makes the same out of the log.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import asyncpg
import chromadb
import chromadb.errors
import httpx
import neo4j
import redis
from chromadb.config import Settings

from axiom.errors import StoreDown
from axiom_verify.graph_reader import read_graph
from axiom_verify.key_reader import entities_of
from axiom_verify.table_reader import read_rows
from axiom_verify.text_reader import COLLECTIONS, read_texts

Env = Mapping[str, str]
Key = tuple[Any, ...]
TOPIC = "price-updates"
VECTOR_TOLERANCE = 1e-5  # Chroma keeps vectors as 32-bit floats


class Offset(NamedTuple):
    """What a store says of one partition."""

    next_offset: int
    epoch: int
    applied: int
    superseded: int
    dead_lettered: int


class Near:
    """A float, or several, that equal others within a relative or absolute tolerance."""

    def __init__(self, *values: float, tolerance: float = 1e-9) -> None:
        self.values = tuple(float(value) for value in values)
        self.tolerance = tolerance

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Near) or len(self.values) != len(other.values):
            return NotImplemented
        limit = max(self.tolerance, other.tolerance)
        pairs = zip(self.values, other.values, strict=True)
        return all(abs(a - b) <= limit * max(1.0, abs(a), abs(b)) for a, b in pairs)

    __hash__ = None  # type: ignore[assignment]  # what is only nearly equal has no hash

    def __repr__(self) -> str:
        return f"Near({', '.join(f'{value:.6g}' for value in self.values[:4])})"


@dataclass
class Dump:
    """What one topic feeds of a store, with the sink's offsets in that topic."""

    entities: dict[Key, Any] = field(default_factory=dict)
    offsets: dict[int, Offset] = field(default_factory=dict)
    dead: dict[tuple[int, int], str] = field(default_factory=dict)

    @property
    def next_offsets(self) -> dict[int, int]:
        """By partition, the first offset that is not in the store."""
        return {partition: offset.next_offset for partition, offset in self.offsets.items()}

    def total(self, count: str) -> int:
        """The sum of `applied`, `superseded` or `dead_lettered` over the partitions."""
        return sum(getattr(offset, count) for offset in self.offsets.values())


def read_postgres(env: Env, entities: bool = True, topic: str = TOPIC) -> Dump:
    """Schema `market`; an empty dump while it does not exist."""
    return asyncio.run(_postgres(env, entities, topic))


async def connect_postgres(env: Env) -> Any:
    """A plain asyncpg connection as the services' user."""
    return await asyncpg.connect(
        host=env["AXIOM_POSTGRES_HOST"], port=int(env["AXIOM_POSTGRES_PORT"]), timeout=10,
        user=env["AXIOM_POSTGRES_USER"], password=env["AXIOM_POSTGRES_PASSWORD"],
        database=env["AXIOM_POSTGRES_DATABASE"],
    )  # fmt: skip


async def _postgres(env: Env, entities: bool, topic: str) -> Dump:
    connection = await connect_postgres(env)
    try:
        # Offsets and rows as of one moment, though the sink goes on writing.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            if await connection.fetchval("SELECT to_regclass('market.sink_offsets')") is None:
                return Dump()
            offsets = await connection.fetch(
                "SELECT partition, next_offset, epoch, applied, superseded, dead_lettered "
                "FROM market.sink_offsets WHERE consumer = 'postgres-sink' AND topic = $1", topic
            )  # fmt: skip
            dead = await connection.fetch(
                'SELECT partition, "offset", error_class FROM market.dead_offsets '
                "WHERE consumer = 'postgres-sink' AND topic = $1", topic
            )  # fmt: skip
            found = await read_rows(connection, topic) if entities else {}
    finally:
        await connection.close()
    return Dump(
        found,
        {row["partition"]: Offset(*tuple(row)[1:]) for row in offsets},
        {(row["partition"], row["offset"]): row["error_class"] for row in dead},
    )  # fmt: skip


def connect_redis(env: Env) -> redis.Redis:
    """A plain client with answers as text."""
    return redis.Redis(
        host=env["AXIOM_REDIS_HOST"], port=int(env["AXIOM_REDIS_PORT"]),
        password=env["AXIOM_REDIS_PASSWORD"], decode_responses=True,
    )  # fmt: skip


def read_redis(env: Env, entities: bool = True, topic: str = TOPIC) -> Dump:
    """Database 0, every key of it: a key of no known kind is an entity as well, so that it is noticed."""
    with connect_redis(env) as client:
        dump = Dump()
        patterns = ["*"] if entities else ["axiom:offsets:*", "axiom:dead:*"]
        for kind in ("hash", "zset", "set", "string", "list", "stream"):
            keys = [key for own in patterns for key in client.scan_iter(own, count=10_000, _type=kind)]
            with client.pipeline(transaction=False) as pipeline:
                for key in keys:
                    _read_redis_key(pipeline, kind, key)
                for key, value in zip(keys, pipeline.execute(), strict=True):
                    _take_redis_key(dump, key, value, topic)
        return dump


def _read_redis_key(pipeline: Any, kind: str, key: str) -> None:
    match kind:
        case "hash":
            pipeline.hgetall(key)
        case "zset":
            pipeline.zrange(key, 0, -1, withscores=True)
        case _:
            pipeline.type(key)


def _take_redis_key(dump: Dump, key: str, value: Any, topic: str) -> None:
    match key.split(":"):
        case ["axiom", "offsets", "redis-sink", of, partition] if of == topic:
            dump.offsets[int(partition)] = Offset(*(int(value[name]) for name in Offset._fields))
        case ["axiom", "dead", "redis-sink", of, partition] if of == topic:
            dump.dead |= {(int(partition), int(offset)): why for offset, why in value.items()}
        case _:
            dump.entities |= {own: said for fed_by, own, said in entities_of(key, value) if fed_by == topic}


def connect_neo4j(env: Env) -> neo4j.Driver:
    """A plain driver."""
    return neo4j.GraphDatabase.driver(
        env["AXIOM_NEO4J_URI"], auth=(env["AXIOM_NEO4J_USER"], env["AXIOM_NEO4J_PASSWORD"])
    )


def read_neo4j(env: Env, entities: bool = True, topic: str = TOPIC) -> Dump:
    """The active generation."""
    with connect_neo4j(env) as driver:
        driver.verify_connectivity()  # a query would be tried for half a minute

        def rows(label: str) -> list[dict[str, Any]]:
            query = (
                "MATCH (active:ActiveGeneration) WITH active.generation AS generation "
                "MATCH (node:$($label)) WHERE node.generation = generation AND node.consumer = 'neo4j-sink' "
                "AND node.topic = $topic RETURN properties(node) AS node"
            )
            found = driver.execute_query(query, label=label, topic=topic, database_="neo4j").records
            return [record["node"] for record in found]

        parts = read_graph(driver, topic) if entities else {}
        return Dump(
            {key: _price(value) if key[0] == "company" else value for key, value in parts.items()},
            {row["partition"]: Offset(*(row[name] for name in Offset._fields)) for row in rows("SinkOffset")},
            {(row["partition"], row["offset"]): row["error_class"] for row in rows("DeadOffset")},
        )


def _price(own: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("price", "volume", "price_interval", "price_ts", "price_fetched_at", "price_source")
    return (*(own.get(name) for name in names), own.get("price_version"))


def connect_chroma(env: Env) -> Any:
    """A plain HTTP client."""
    try:
        return chromadb.HttpClient(
            host=env["AXIOM_CHROMA_HOST"], port=int(env["AXIOM_CHROMA_PORT"]),
            settings=Settings(anonymized_telemetry=False),
        )  # fmt: skip
    except ValueError as error:  # what the client makes of a refused connection
        raise ConnectionError(str(error)) from error


def read_chroma(env: Env, entities: bool = True, topic: str = TOPIC) -> Dump:
    """The newest record of each symbol, the newest offset of each partition."""
    client = connect_chroma(env)
    names = {collection.name for collection in client.list_collections()}
    dump = Dump()
    if "sink_offsets" in names:
        offsets = _chroma_rows(client, "sink_offsets")["metadatas"]
        for row in sorted(offsets, key=lambda row: (row["epoch"], row["next_offset"])):
            if (row["consumer"], row["topic"]) == ("chroma-sink", topic):
                dump.offsets[row["partition"]] = Offset(*(row[name] for name in Offset._fields))
        for row in _chroma_rows(client, "dead_offsets")["metadatas"]:
            consumer, of, partition = row["source"].split(":")
            if (consumer, of) == ("chroma-sink", topic):
                dump.dead[int(partition), row["offset"]] = row["error_class"]
    if entities and topic == TOPIC and "price_shapes" in names:
        dump.entities = _shapes(_chroma_rows(client, "price_shapes", "embeddings"))
    if entities and topic in COLLECTIONS:
        name, kind = COLLECTIONS[topic]
        if name in names:
            dump.entities = read_texts(client.get_collection(name, embedding_function=None), kind)
    return dump


def _chroma_rows(client: Any, name: str, *include: str) -> dict[str, Any]:
    for _ in range(20):
        try:
            found: dict[str, Any] = client.get_collection(name).get(include=["metadatas", *include])
        except chromadb.errors.InternalError:  # a record that it was about to read is just deleted
            continue
        return found
    raise StoreDown(f"Chroma does not give {name}")


def _shapes(found: dict[str, Any]) -> dict[Key, Any]:
    pairs = zip(found["metadatas"], found["embeddings"], strict=True)
    return {
        ("shape", row["symbol"]): (
            row["as_of"], row["last_close"], Near(row["volatility"]), row["returns"], row["comparable"],
            json.loads(row["days"]), Near(*vector, tolerance=VECTOR_TOLERANCE),
        )
        for row, vector in sorted(pairs, key=lambda pair: str(pair[0]["version"]))
    }  # fmt: skip


READERS: dict[str, Callable[..., Dump]] = {
    "postgres_sink": read_postgres,
    "redis_sink": read_redis,
    "neo4j_sink": read_neo4j,
    "chroma_sink": read_chroma,
}
"""By the sink's folder: how to read what one topic feeds of its store. `entities=False` reads offsets and
dead offsets alone."""

_DOWN = (
    OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError, redis.ConnectionError, redis.TimeoutError, neo4j.exceptions.DriverError,
    neo4j.exceptions.TransientError, httpx.TransportError,
)  # fmt: skip


def read(store: str, env: Env, entities: bool = True, topic: str = TOPIC) -> Dump:
    """What one topic feeds of a store (`postgres`, `redis`, …).

    Raises:
        StoreDown: it does not answer.
    """
    try:
        return READERS[f"{store}_sink"](env, entities=entities, topic=topic)
    except _DOWN as error:
        raise StoreDown(f"{store} does not answer (`axiom status` says what runs): {error}") from error
