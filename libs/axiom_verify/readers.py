"""What the four stores hold, read with their drivers alone: nothing of the sinks, nothing of `axiom.stores`.

    found = read_postgres(stack.env)
    found.entities[("bar", "AAPL", "1d", datetime(2024, 1, 2, tzinfo=UTC))]

Each reader gives a `Dump`: every entity under its natural key, the offsets by partition, and the offsets
that were dead-lettered. `fold.py` makes the same out of the log.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
import chromadb
import chromadb.errors
import neo4j
import redis
from chromadb.config import Settings

from axiom.errors import StoreDown

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
    """A store's whole content for one consumer of `price-updates`."""

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


def read_postgres(env: Env, entities: bool = True) -> Dump:
    """Schema `market`; an empty dump while it does not exist."""
    return asyncio.run(_postgres(env, entities))


async def connect_postgres(env: Env) -> Any:
    """A plain asyncpg connection as the services' user."""
    return await asyncpg.connect(
        host=env["AXIOM_POSTGRES_HOST"], port=int(env["AXIOM_POSTGRES_PORT"]), timeout=10,
        user=env["AXIOM_POSTGRES_USER"], password=env["AXIOM_POSTGRES_PASSWORD"],
        database=env["AXIOM_POSTGRES_DATABASE"],
    )  # fmt: skip


async def _postgres(env: Env, entities: bool) -> Dump:
    connection = await connect_postgres(env)
    try:
        # Offsets and rows as of one moment, though the sink goes on writing.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            if await connection.fetchval("SELECT to_regclass('market.sink_offsets')") is None:
                return Dump()
            offsets = await connection.fetch(
                "SELECT partition, next_offset, epoch, applied, superseded, dead_lettered "
                "FROM market.sink_offsets WHERE consumer = 'postgres-sink' AND topic = $1", TOPIC
            )  # fmt: skip
            dead = await connection.fetch(
                'SELECT partition, "offset", error_class FROM market.dead_offsets '
                "WHERE consumer = 'postgres-sink' AND topic = $1", TOPIC
            )  # fmt: skip
            bars = await connection.fetch("SELECT * FROM market.price_bars") if entities else []
    finally:
        await connection.close()
    return Dump(
        {
            ("bar", row["symbol"], row["interval"], row["ts"]): (
                row["open"], row["high"], row["low"], row["close"], row["volume"], row["split_ratio"],
                row["fetched_at"], row["source"], row["source_reason"], row["content_hash"],
            )
            for row in bars
        },
        {row["partition"]: Offset(*tuple(row)[1:]) for row in offsets},
        {(row["partition"], row["offset"]): row["error_class"] for row in dead},
    )  # fmt: skip


def connect_redis(env: Env) -> redis.Redis:
    """A plain client with answers as text."""
    return redis.Redis(
        host=env["AXIOM_REDIS_HOST"], port=int(env["AXIOM_REDIS_PORT"]),
        password=env["AXIOM_REDIS_PASSWORD"], decode_responses=True,
    )  # fmt: skip


def read_redis(env: Env, entities: bool = True) -> Dump:
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
                    _take_redis_key(dump, key, value)
        return dump


def _read_redis_key(pipeline: Any, kind: str, key: str) -> None:
    match kind:
        case "hash":
            pipeline.hgetall(key)
        case "zset":
            pipeline.zrange(key, 0, -1, withscores=True)
        case _:
            pipeline.type(key)


def _take_redis_key(dump: Dump, key: str, value: Any) -> None:
    match key.split(":"):
        case ["axiom", "offsets", "redis-sink", topic, partition] if topic == TOPIC:
            dump.offsets[int(partition)] = Offset(*(int(value[name]) for name in Offset._fields))
        case ["axiom", "dead", "redis-sink", topic, partition] if topic == TOPIC:
            dump.dead |= {(int(partition), int(offset)): why for offset, why in value.items()}
        case ["axiom", "latest", symbol]:
            dump.entities["latest", symbol] = value
        case ["axiom", "bars", interval, symbol]:
            for member, start_ms in value:
                version, _, bar = member.partition(" ")
                dump.entities["bar", interval, symbol, int(start_ms)] = (version, json.loads(bar))
        case ["axiom", "offsets", "redis-sink"]:
            pass  # an index of the offset hashes
        case _:
            dump.entities["unknown key", key] = value


def connect_neo4j(env: Env) -> neo4j.Driver:
    """A plain driver."""
    return neo4j.GraphDatabase.driver(
        env["AXIOM_NEO4J_URI"], auth=(env["AXIOM_NEO4J_USER"], env["AXIOM_NEO4J_PASSWORD"])
    )


def read_neo4j(env: Env, entities: bool = True) -> Dump:
    """The active generation."""
    with connect_neo4j(env) as driver:

        def rows(label: str) -> list[dict[str, Any]]:
            query = (
                "MATCH (active:ActiveGeneration) WITH active.generation AS generation "
                "MATCH (node:$($label)) WHERE node.generation = generation RETURN properties(node) AS node"
            )
            return [
                record["node"]
                for record in driver.execute_query(query, label=label, database_="neo4j").records
            ]

        companies = rows("Company") if entities else []
        offsets = [row for row in rows("SinkOffset") if row["consumer"] == "neo4j-sink"]
        dead = [row for row in rows("DeadOffset") if row["consumer"] == "neo4j-sink"]
    return Dump(
        {
            ("company", row["symbol"]): (
                row["price"], row["volume"], row["price_interval"], _native(row["price_ts"]),
                _native(row["price_fetched_at"]), row["price_source"], row["price_version"],
            )
            for row in companies
        },
        {row["partition"]: Offset(*(row[name] for name in Offset._fields)) for row in offsets},
        {(row["partition"], row["offset"]): row["error_class"] for row in dead},
    )  # fmt: skip


def _native(moment: Any) -> datetime:
    native: datetime = moment.to_native()
    return native


def connect_chroma(env: Env) -> Any:
    """A plain HTTP client."""
    return chromadb.HttpClient(
        host=env["AXIOM_CHROMA_HOST"], port=int(env["AXIOM_CHROMA_PORT"]),
        settings=Settings(anonymized_telemetry=False),
    )  # fmt: skip


def read_chroma(env: Env, entities: bool = True) -> Dump:
    """The newest record of each symbol, the newest offset of each partition."""
    client = connect_chroma(env)
    names = {collection.name for collection in client.list_collections()}
    dump = Dump()
    if "sink_offsets" in names:
        offsets = _chroma_rows(client, "sink_offsets")["metadatas"]
        for row in sorted(offsets, key=lambda row: (row["epoch"], row["next_offset"])):
            if (row["consumer"], row["topic"]) == ("chroma-sink", TOPIC):
                dump.offsets[row["partition"]] = Offset(*(row[name] for name in Offset._fields))
        for row in _chroma_rows(client, "dead_offsets")["metadatas"]:
            consumer, topic, partition = row["source"].split(":")
            if (consumer, topic) == ("chroma-sink", TOPIC):
                dump.dead[int(partition), row["offset"]] = row["error_class"]
    if entities and "price_shapes" in names:
        dump.entities = _shapes(_chroma_rows(client, "price_shapes", "embeddings"))
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
"""By the sink's folder: how to read its store. `entities=False` reads offsets and dead offsets alone."""
