"""neo4j-sink: against a coalesced UNWIND of ready rows, the same without coalescing, and one at a time."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from neo4j import GraphDatabase, Session

from axiom.runtime.service import run_sink
from axiom.runtime.sink import Sink
from axiom.settings import Neo4jSettings, load
from axiom.stores.neo4j import Handler, Upsert
from axiom.stores.port import Batch
from axiom.stores.queries import named_queries
from services.neo4j_sink import sink as neo4j_sink
from services.neo4j_sink.mapping import newest_rows
from tests.bench.lab import Lab, OneByOne, loaded_offsets
from tests.bench.log import Log
from tests.bench.records import Market
from tests.bench.results import Contestant, Timing
from tests.stack import ROOT
from topics.price_updates import TOPIC

SERVER = "neo4j"
SAMPLE = 500
WATCH_S = 0.02
_UPSERT = named_queries(ROOT / "services" / "neo4j_sink" / "queries.cypher")["upsert_prices"]
_EMPTY = "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS"
_MERGE = "MERGE (c:Company {generation: 1, symbol: $symbol}) SET c.price = $close, c.price_ts = $ts"
_OFFSET = "MERGE (o:SinkOffset {consumer: 'bench', partition: $partition}) SET o.next_offset = $next_offset"


def contestants(lab: Lab, market: Market) -> Sequence[Contestant]:
    """The limit first. Store writes get every symbol in every batch; services, the partitions as they are."""
    log = Log.in_one_partition(market)
    return (
        Contestant("ready rows", "UNWIND of ready, coalesced rows, batches of 10k", lambda: _ready(lab, log)),
        Contestant("store write", "decoded batches of 10k, offsets included", lambda: _write(lab, log)),
        Contestant(
            "store write, uncoalesced",
            "the same, each record a row",
            lambda: _write(lab, log, coalesced=False),
        ),
        Contestant("whole service", "Kafka to Neo4j, offsets included", lambda: _whole(lab)),
        Contestant(
            "whole service, uncoalesced",
            "the same service with each record a row",
            lambda: _whole(lab, coalesced=False),
        ),
        Contestant(
            "one by one", f"a transaction a record, {SAMPLE:,} records, scaled", lambda: _one_by_one(lab)
        ),
    )


def uncoalesced(settings: Neo4jSettings) -> Sink[Handler]:
    """neo4j-sink with a handler that sends every record as a row of the same query."""
    return replace(
        neo4j_sink.make_sink(settings), handlers={TOPIC: Upsert(_UPSERT, _every_record)}, prepare={}
    )


def _every_record(batch: Batch) -> list[list[Any]]:
    return [
        row
        for record, bar in zip(batch.records, batch.payloads, strict=True)
        for row in newest_rows([record], [bar])
    ]


async def _ready(lab: Lab, log: Log) -> Timing:
    store = (await emptied()).store
    ready = [newest_rows(batch.records, batch.payloads) for batch in log.batches()]
    try:
        with lab.timed(SERVER, log.records) as timings:
            for rows in ready:
                async with store.transaction() as transaction:
                    await transaction.run(_UPSERT, rows=rows)
    finally:
        await store.close()
    return timings[0]


async def _write(lab: Lab, log: Log, *, coalesced: bool = True) -> Timing:
    return await lab.store_write(SERVER, await emptied(coalesced=coalesced), log)


async def _whole(lab: Lab, *, coalesced: bool = True) -> Timing:
    module = "services.neo4j_sink" if coalesced else "tests.bench.neo4j"
    sink = await emptied(coalesced=coalesced)
    return await lab.whole_service(SERVER, module, sink, loaded_offsets, WATCH_S)


async def _one_by_one(lab: Lab) -> Timing:
    await (await emptied()).store.close()
    settings = load(Neo4jSettings)
    records = OneByOne(lab.bootstrap, SAMPLE)
    driver = GraphDatabase.driver(settings.uri, auth=(settings.user, settings.password.get_secret_value()))
    try:
        with driver, driver.session() as session, lab.timed(SERVER, SAMPLE) as timings:
            for value, partition, offset in records:
                _write_one(session, value, partition, offset)
    finally:
        records.close()
    return timings[0]


def _write_one(session: Session, value: dict[str, Any], partition: int, offset: int) -> None:
    with session.begin_transaction() as transaction:
        transaction.run(_MERGE, symbol=value["symbol"], close=value["close"], ts=value["ts"])
        transaction.run(_OFFSET, partition=partition, next_offset=offset + 1)
        transaction.commit()


async def emptied(*, coalesced: bool = True) -> Any:
    """The sink on an empty graph with its constraints."""
    settings = load(Neo4jSettings)
    sink: Any = neo4j_sink.make_sink(settings) if coalesced else uncoalesced(settings)
    await sink.store.setup()
    await sink.store.query(_EMPTY)
    await sink.store.setup()  # the node that names the active generation
    return sink


if __name__ == "__main__":
    sys.exit(run_sink("neo4j-sink", Neo4jSettings, uncoalesced))
