"""How a batch becomes nodes: the newest bar of each symbol, one `UNWIND`."""

from __future__ import annotations

from pathlib import Path

from axiom.runtime.sink import Sink
from axiom.settings import Neo4jSettings
from axiom.stores.neo4j import Handler, Neo4jStore, Transaction
from axiom.stores.neo4j_shadow import Neo4jShadow, Neo4jSnapshots
from axiom.stores.port import Batch
from axiom.stores.queries import named_queries
from services.neo4j_sink.mapping import newest_rows
from topics import price_updates

_CYPHER = named_queries(Path(__file__).parent / "queries.cypher")


async def write_prices(transaction: Transaction, batch: Batch) -> int:
    """Write a batch of `price-updates`; a bar takes effect where it is newer than the node's."""
    rows = newest_rows(batch.records, batch.payloads)
    [answer] = await transaction.run(_CYPHER["upsert_prices"], rows=rows)
    return int(answer["applied"])


def make_sink(settings: Neo4jSettings) -> Sink[Handler]:
    """The sink, its store and its routing."""
    store = Neo4jStore(settings, constraints=[_CYPHER["company_constraint"]])
    return Sink(
        name="neo4j-sink",
        store=store,
        handlers={price_updates.TOPIC: write_prices},
        shadow=lambda: Neo4jShadow(store),
        snapshots=lambda: Neo4jSnapshots(store),
    )
