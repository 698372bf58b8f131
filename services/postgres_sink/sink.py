"""How batches become rows: a COPY into a stage, then one upsert."""

from __future__ import annotations

from pathlib import Path

from axiom.runtime.sink import Sink
from axiom.settings import PostgresSettings
from axiom.stores.port import Batch
from axiom.stores.postgres import Handler, PostgresStore, Transaction
from axiom.stores.postgres_shadow import PostgresShadow, PostgresSnapshots
from axiom.stores.queries import named_queries
from services.postgres_sink.mapping import COLUMNS, copy_data, months, newest
from topics import price_updates

SCHEMA = "market"
_HERE = Path(__file__).parent
_SQL = named_queries(_HERE / "queries.sql")


async def write_price_bars(transaction: Transaction, batch: Batch) -> int:
    """Write a batch of `price-updates`; a bar takes effect where it is newer than the table's."""
    bars, hashes = newest(batch.records, batch.payloads)
    await transaction.execute(_SQL["ensure_months"], sorted(months(bars)))
    await transaction.copy("price_bars_stage", COLUMNS, copy_data(bars, hashes))
    return await transaction.execute(_SQL["upsert"])


def make_sink(settings: PostgresSettings) -> Sink[Handler]:
    """The sink, its store and its routing."""
    store = PostgresStore(settings, schema=SCHEMA, migrations=_HERE / "migrations", session=_SQL["stage"])
    return Sink(
        name="postgres-sink",
        store=store,
        handlers={price_updates.TOPIC: write_price_bars},
        shadow=lambda: PostgresShadow(store),
        snapshots=lambda: PostgresSnapshots(store),
    )
