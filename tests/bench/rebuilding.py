"""`axiom rebuild`: against the live sink on the same records, and against applying every record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from axiom.bus.kafka import KafkaLogReader
from axiom.errors import AxiomError
from axiom.runtime.fold import Nowhere
from axiom.runtime.rebuild import rebuild
from axiom.runtime.sink import Sink
from axiom.settings import Neo4jSettings, PostgresSettings, RedisSettings, load
from axiom.stores.port import Batch
from axiom.stores.redis import Call, pack
from services.neo4j_sink.sink import make_sink as neo4j_sink
from services.postgres_sink.sink import make_sink as postgres_sink
from services.redis_sink.mapping import rows
from services.redis_sink.sink import make_sink as redis_sink
from services.redis_sink.sink import write_prices
from tests.bench import neo4j, postgres, redis
from tests.bench.lab import Lab
from tests.bench.results import Contestant, Timing
from topics.price_updates import TOPIC

Build = Callable[[], Awaitable[Timing]]


def of_postgres(lab: Lab) -> Sequence[Contestant]:
    """The live sink at its best first."""
    live = next(one for one in postgres.contestants(lab) if one.name == "whole service")

    async def run() -> Timing:
        await (await postgres.emptied(lab)).close()
        return await _rebuild(lab, "postgres", postgres_sink(load(PostgresSettings)))

    return (
        Contestant("live sink", live.how, live.run),
        Contestant("rebuild", "from the log's beginning to the swap", run),
    )


def of_redis(lab: Lab) -> Sequence[Contestant]:
    """With and without coalescing."""

    async def run(sink: Sink[Any]) -> Timing:
        redis.emptied().close()
        return await _rebuild(lab, "redis", sink)

    whole = redis_sink(load(RedisSettings))
    return (
        Contestant("rebuild", "from the log's beginning to the swap", lambda: run(whole)),
        Contestant(
            "every record applied",
            "the same, each record a row of the script",
            lambda: run(replace(whole, handlers={TOPIC: _every_record}, prepare={})),
        ),
    )


def of_neo4j(lab: Lab) -> Sequence[Contestant]:
    """With and without coalescing."""

    async def run(make: Callable[[Neo4jSettings], Sink[Any]]) -> Timing:
        await (await neo4j.emptied()).store.close()
        return await _rebuild(lab, "neo4j", make(load(Neo4jSettings)))

    return (
        Contestant("rebuild", "from the log's beginning to the swap", lambda: run(neo4j_sink)),
        Contestant("every record applied", "the same, each record a row", lambda: run(neo4j.uncoalesced)),
    )


def _every_record(batch: Batch) -> Call:
    own = [rows([record], [bar]) for record, bar in zip(batch.records, batch.payloads, strict=True)]
    return write_prices(batch)._replace(rows=pack([row for [row] in own]))


async def _rebuild(lab: Lab, server: str, sink: Sink[Any]) -> Timing:
    """From the first read of the log to the end of the swap; deleting what was replaced is left out."""
    with lab.timed(server, lab.log.records) as timings:
        result = await rebuild(sink, KafkaLogReader(lab.bootstrap), Nowhere(), lambda part, at, end: None)
    await sink.store.close()
    if (result.records, result.dead) != (lab.log.records, 0):
        raise AxiomError(f"the rebuild folded {result.records} records, {result.dead} of them bad")
    return replace(timings[0], seconds=result.fill_s + result.swap_s)
