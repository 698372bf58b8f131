"""How batches become nodes and edges: the newest of each entity in a batch, one `UNWIND` a kind."""

from __future__ import annotations

from pathlib import Path

from axiom.runtime.sink import LINGER_S, Sink
from axiom.settings import Neo4jSettings
from axiom.stores.neo4j import Handler, Neo4jStore, Transaction, Upsert
from axiom.stores.neo4j_shadow import Neo4jShadow, Neo4jSnapshots
from axiom.stores.port import Batch
from axiom.stores.queries import named_queries
from services.neo4j_sink import rows
from services.neo4j_sink.mapping import newest_rows
from topics import company_fundamentals, correlation_updates, graph_mutations, market_events, price_updates

_HERE = Path(__file__).parent
_CYPHER = named_queries(_HERE / "queries.cypher")
_GRAPH = named_queries(_HERE / "graph.cypher")
CONSTRAINTS = [
    query for name, query in (_CYPHER | _GRAPH).items() if name.endswith("_constraint")
]  # fmt: skip


def _prices(batch: Batch) -> rows.Rows:
    return batch.ready or newest_rows(batch.records, batch.payloads)


write_prices = Upsert(_CYPHER["upsert_prices"], _prices)
"""A bar of `price-updates` takes effect where it is newer than the node's."""
write_events = Upsert(_GRAPH["upsert_events"], rows.events)
"""`market-events` as nodes."""
write_correlations = Upsert(_GRAPH["upsert_correlations"], rows.correlations)
"""`correlation-updates` as edges; one that is gone stays as an edge that is not live."""


async def write_companies(transaction: Transaction, batch: Batch) -> int:
    """Write a batch of `company-fundamentals`: profiles, and the edges to sector and industry they imply."""
    sectors, industries = rows.groups(batch.payloads)
    await transaction.run(_GRAPH["merge_sectors"], names=sectors)
    await transaction.run(_GRAPH["merge_industries"], names=industries)
    profiles = rows.profiles(batch)
    taken = {row["symbol"] for row in await transaction.run(_GRAPH["upsert_profiles"], rows=profiles)}
    changed = [row for row in profiles if row[0] in taken]
    await transaction.run(_GRAPH["leave_groups"], symbols=sorted(taken))
    await transaction.run(_GRAPH["join_sectors"], rows=[row for row in changed if row[12] is not None])
    await transaction.run(_GRAPH["join_industries"], rows=[row for row in changed if row[13] is not None])
    return len(changed)


async def write_mutations(transaction: Transaction, batch: Batch) -> int:
    """Write a batch of `graph-mutations`, kind by kind."""
    found = sorted(rows.mutations(batch).items())
    return sum([await transaction.upsert(_GRAPH[rows.QUERY_OF[kind]], own) for kind, own in found])


def make_sink(settings: Neo4jSettings) -> Sink[Handler]:
    """The sink, its store and its routing."""
    store = Neo4jStore(settings, constraints=CONSTRAINTS, census=_GRAPH["census"])
    return Sink(
        name="neo4j-sink",
        store=store,
        handlers={
            price_updates.TOPIC: write_prices,
            market_events.TOPIC: write_events,
            company_fundamentals.TOPIC: write_companies,
            correlation_updates.TOPIC: write_correlations,
            graph_mutations.TOPIC: write_mutations,
        },
        prepare={price_updates.TOPIC: newest_rows},
        apart=[price_updates.TOPIC],
        linger_s=LINGER_S,
        shadow=lambda: Neo4jShadow(store),
        snapshots=lambda: Neo4jSnapshots(store),
    )
