"""A process that reads every store again and again, as a user would: `python -m tests.chaos.observer FILE`.

One JSON object a line: the sink, when the reading began and ended (monotonic seconds), the offsets, and of
each symbol the version of its latest price. **The offsets are read first**, so whatever they promise must be
in the data that is read after them.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chromadb.api.shared_system_client import SharedSystemClient

from axiom_verify import readers
from axiom_verify.fold import microseconds
from axiom_verify.readers import READERS, Env
from topics.price_updates import INTERVAL_LENGTH

EVERY_S = 0.5
Latest = Mapping[str, str]


def latest_postgres(env: Env) -> Latest:
    """From the bars themselves."""
    query = (
        'SELECT DISTINCT ON (symbol) symbol, ts, "interval", fetched_at, content_hash '
        "FROM market.price_bars ORDER BY symbol, ts DESC, fetched_at DESC, content_hash DESC"
    )

    async def rows() -> list[Any]:
        connection = await readers.connect_postgres(env)
        try:
            found: list[Any] = await connection.fetch(query, timeout=10)
            return found
        finally:
            await connection.close(timeout=2)

    return {
        row["symbol"]: f"{microseconds(row['ts'] + INTERVAL_LENGTH[row['interval']]):018d}:"
        f"{microseconds(row['fetched_at']):018d}:{row['content_hash']:016x}"
        for row in asyncio.run(rows())
    }


def latest_redis(env: Env) -> Latest:
    """The hashes that readers are told to read."""
    with readers.connect_redis(env) as client:
        keys = list(client.scan_iter("axiom:latest:*", count=1000))
        with client.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.hget(key, "version")
            return {
                key.rpartition(":")[2]: version for key, version in zip(keys, pipeline.execute(), strict=True)
            }


def latest_neo4j(env: Env) -> Latest:
    """The companies of the active generation."""
    query = (
        "MATCH (active:ActiveGeneration) MATCH (c:Company {generation: active.generation}) "
        "WHERE c.price_version IS NOT NULL RETURN c.symbol AS symbol, c.price_version AS version"
    )
    with readers.connect_neo4j(env) as driver:
        found = driver.execute_query(query, database_="neo4j").records
    return {record["symbol"]: record["version"] for record in found}


def latest_chroma(env: Env) -> Latest:
    """The last day of each symbol's newest record."""
    found = readers.connect_chroma(env).get_collection("price_shapes").get(include=["metadatas"])
    newest: dict[str, Any] = {}
    for row in sorted(found["metadatas"] or (), key=lambda row: str(row["version"])):
        newest[row["symbol"]] = row
    return {symbol: max(day[0] for day in json.loads(row["days"]).values()) for symbol, row in newest.items()}


LATEST: dict[str, Callable[[Env], Latest]] = {
    "postgres_sink": latest_postgres,
    "redis_sink": latest_redis,
    "neo4j_sink": latest_neo4j,
    "chroma_sink": latest_chroma,
}
"""By the sink's folder: the version of each symbol's latest price in its store."""


def sample(sink: str, env: Env) -> dict[str, Any]:
    """One reading: offsets, then prices."""
    begun = time.monotonic()
    offsets = READERS[sink](env, entities=False).next_offsets
    latest = LATEST[sink](env)
    return {"sink": sink, "begun": begun, "ended": time.monotonic(), "offsets": offsets, "latest": latest}


def _watch(sink: str, env: Env, write: Callable[[str], object]) -> None:
    while True:
        try:
            write(json.dumps(sample(sink, env)) + "\n")
        except Exception as error:
            # The store is down, being swapped or empty: part of the game, and each driver says it otherwise.
            write(json.dumps({"sink": sink, "error": repr(error)[:300]}) + "\n")
        SharedSystemClient.clear_system_cache()  # chromadb keeps every client for ever
        time.sleep(EVERY_S)


def main(path: Path) -> None:
    """Read until killed."""
    file, lock = path.open("a", buffering=1), threading.Lock()

    def write(line: str) -> None:
        with lock:
            file.write(line)

    for sink in LATEST:
        threading.Thread(target=_watch, args=(sink, dict(os.environ), write), daemon=True).start()
    parent = os.getppid()
    while os.getppid() == parent:  # else whoever started it is gone
        time.sleep(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
