"""How batches become rows: a COPY into a stage, then one upsert."""

from __future__ import annotations

from pathlib import Path

from axiom.contracts.codec import content_hash
from axiom.runtime.sink import Sink
from axiom.settings import PostgresSettings
from axiom.stores.port import Batch
from axiom.stores.postgres import Handler, PostgresStore, Transaction
from axiom.stores.postgres_shadow import PostgresShadow, PostgresSnapshots
from axiom.stores.queries import named_queries
from services.postgres_sink.mapping import COLUMNS, copy_data, months, newest
from topics import price_updates

SCHEMA = "market"
_STAGED_AFTER_CONFLICT = 50
_HERE = Path(__file__).parent
_SQL = named_queries(_HERE / "queries.sql")


class PriceBars:
    """Writes batches of `price-updates`; a bar takes effect where it is newer than the table's.

    New bars go straight into the table. A batch with a bar that the table has (or that has one twice) takes
    the way over the stage, which costs twice as much, and so do the batches after it: where one bar was
    repeated, more are likely to be.
    """

    def __init__(self) -> None:
        self._staged_batches = 0

    async def __call__(self, transaction: Transaction, batch: Batch) -> int:
        await transaction.execute(_SQL["ensure_months"], sorted(months(batch.payloads)))
        if self._staged_batches == 0:
            hashes = [content_hash(record.value) for record in batch.records]
            if await transaction.try_copy("price_bars", COLUMNS, copy_data(batch.payloads, hashes)):
                return len(batch.records)
            self._staged_batches = _STAGED_AFTER_CONFLICT
        self._staged_batches -= 1
        bars, hashes = newest(batch.records, batch.payloads)
        await transaction.copy("price_bars_stage", COLUMNS, copy_data(bars, hashes))
        return await transaction.execute(_SQL["upsert"])


def make_sink(settings: PostgresSettings) -> Sink[Handler]:
    """The sink, its store and its routing."""
    store = PostgresStore(settings, schema=SCHEMA, migrations=_HERE / "migrations", session=_SQL["stage"])
    return Sink(
        name="postgres-sink",
        store=store,
        handlers={price_updates.TOPIC: PriceBars()},
        shadow=lambda: PostgresShadow(store),
        snapshots=lambda: PostgresSnapshots(store),
    )
