"""postgres-sink: against a bare COPY of ready tuples, and against one row at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from axiom.contracts.codec import content_hash
from axiom.settings import PostgresSettings, load
from axiom.stores.queries import named_queries
from services.postgres_sink.mapping import COLUMNS, months
from services.postgres_sink.sink import SCHEMA, make_sink
from tests.bench.lab import Lab, OneByOne, loaded_offsets
from tests.bench.results import Contestant, Timing
from tests.stack import ROOT

SERVER = "postgres"
SAMPLE = 3_000
_QUERIES = named_queries(ROOT / "services" / "postgres_sink" / "queries.sql")
_ENSURE_MONTHS = _QUERIES["ensure_months"]
_INSERT = f"""
    INSERT INTO price_bars ({", ".join(f'"{name}"' for name in COLUMNS)})
    VALUES ({", ".join(f"${number}" for number in range(1, len(COLUMNS) + 1))})
    ON CONFLICT (symbol, "interval", ts) DO UPDATE SET close = excluded.close
"""  # noqa: S608 - column names are the sink's own
_OFFSET = "UPDATE sink_offsets SET next_offset = $1 WHERE consumer = 'bench' AND partition = $2"


def contestants(lab: Lab) -> Sequence[Contestant]:
    """The limit first."""
    return (
        Contestant("bare COPY", "one COPY of ready tuples into the same table", lambda: _copy(lab)),
        Contestant("store write", "decoded batches of 10k, offsets included", lambda: _write(lab)),
        Contestant("whole service", "Kafka to PostgreSQL, offsets included", lambda: _whole(lab)),
        Contestant(
            "one by one", f"a transaction a record, {SAMPLE:,} records, scaled", lambda: _one_by_one(lab)
        ),
    )


async def _copy(lab: Lab) -> Timing:
    connection = await emptied(lab)
    tuples = [
        (
            bar.symbol, bar.interval, bar.ts, bar.open, bar.high, bar.low, bar.close, bar.volume,
            bar.split_ratio, bar.fetched_at, bar.source, bar.source_reason, content_hash(record.value),
        )
        for batch in lab.log.batches()
        for record, bar in zip(batch.records, batch.payloads, strict=True)
    ]  # fmt: skip
    try:
        with lab.timed(SERVER, len(tuples)) as timings:
            await connection.copy_records_to_table("price_bars", records=tuples, columns=COLUMNS)
    finally:
        await connection.close()
    return timings[0]


async def _write(lab: Lab) -> Timing:
    await (await emptied(lab)).close()
    return await lab.store_write(SERVER, make_sink(load(PostgresSettings)))


async def _whole(lab: Lab) -> Timing:
    await (await emptied(lab)).close()
    sink = make_sink(load(PostgresSettings))
    return await lab.whole_service(SERVER, "services.postgres_sink", sink, loaded_offsets)


async def _one_by_one(lab: Lab) -> Timing:
    connection = await emptied(lab)
    sink = make_sink(load(PostgresSettings))
    await lab.log.take(sink.store)
    await sink.store.close()
    records = OneByOne(lab.bootstrap, SAMPLE)
    try:
        with lab.timed(SERVER, SAMPLE) as timings:
            for value, partition, offset in records:
                async with connection.transaction():
                    await connection.execute(_INSERT, *_row(value))
                    await connection.execute(_OFFSET, offset + 1, partition)
    finally:
        records.close()
        await connection.close()
    return timings[0]


def _row(value: dict[str, Any]) -> list[Any]:
    times = {name: datetime.fromisoformat(value[name]) for name in ("ts", "fetched_at")}
    return [(value | times).get(name) for name in COLUMNS[:-1]] + [0]


async def emptied(lab: Lab) -> Any:
    """A connection to the sink's schema, its tables empty and its months' partitions there."""
    settings = load(PostgresSettings)
    sink = make_sink(settings)
    await sink.store.setup()
    await sink.store.close()
    connection = await asyncpg.connect(
        host=settings.host,
        port=settings.port,
        user=settings.user,
        password=settings.password.get_secret_value(),
        database=settings.database,
        server_settings={"search_path": SCHEMA},
    )
    bars = (bar for batch in lab.log.batches() for bar in batch.payloads)
    await connection.execute(_ENSURE_MONTHS, sorted(months(bars)))
    await connection.execute("TRUNCATE price_bars, sink_offsets, dead_offsets")
    return connection
