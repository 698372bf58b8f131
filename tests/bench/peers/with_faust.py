"""A Faust agent that takes records in batches and upserts them with asyncpg. Runs in its own environment.

    python with_faust.py postgres RECORDS GROUP

Prints one line of JSON: the seconds from the first record to the last commit, and CPU seconds.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import datetime
from typing import Any

import asyncpg
import faust

BATCH_RECORDS = 5_000
WITHIN_S = 0.1
COLUMNS = ("symbol", "interval", "ts", "open", "high", "low", "close", "volume", "fetched_at", "source")
UPSERT = """
    INSERT INTO peers.bars (symbol, "interval", ts, open, high, low, close, volume, fetched_at, source)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (symbol, "interval", ts) DO UPDATE SET
        open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
        volume = excluded.volume, fetched_at = excluded.fetched_at, source = excluded.source
"""


def make_app(count: int, group: str) -> faust.App:
    """An app that ends the process when it has brought so many records into PostgreSQL."""
    env = os.environ
    app = faust.App(
        group,
        broker=f"kafka://{env['AXIOM_KAFKA_BOOTSTRAP']}",
        store="memory://",
        topic_partitions=6,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
        stream_buffer_maxsize=BATCH_RECORDS,
    )
    topic = app.topic("price-updates", value_serializer="raw", value_type=bytes)

    @app.agent(topic)
    async def write(stream: Any) -> None:
        pool = await asyncpg.connect(
            host=env["AXIOM_POSTGRES_HOST"],
            port=int(env["AXIOM_POSTGRES_PORT"]),
            database=env["AXIOM_POSTGRES_DATABASE"],
            user=env["AXIOM_POSTGRES_USER"],
            password=env["AXIOM_POSTGRES_PASSWORD"],
        )
        done = 0
        start_s = cpu_s = 0.0
        async for batch in stream.take(BATCH_RECORDS, within=WITHIN_S):
            if not done:  # what it took to gather this first batch is not measured
                start_s, cpu_s = time.perf_counter(), time.process_time()
            await pool.executemany(UPSERT, [row(value) for value in batch])
            done += len(batch)
            if done >= count:
                found = {"seconds": time.perf_counter() - start_s, "cpu_s": time.process_time() - cpu_s}
                os.write(1, f"\n{json.dumps(found)}\n".encode())  # Faust takes sys.stdout for its log
                os._exit(0)

    return app


def row(value: bytes) -> tuple[Any, ...]:
    """The columns of one bar."""
    bar = json.loads(value)
    for name in ("ts", "fetched_at"):
        bar[name] = datetime.fromisoformat(bar[name])
    return tuple(bar[name] for name in COLUMNS)


if __name__ == "__main__":
    application = make_app(int(sys.argv[2]), sys.argv[3])
    sys.argv[1:] = ["worker", "--loglevel", "error", "--without-web"]
    application.main()
