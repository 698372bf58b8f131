"""`axiom rebuild`: against the live sink on the same records, and against applying every record."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from axiom.bus.kafka import KafkaLogReader
from axiom.errors import AxiomError
from axiom.runtime.fold import Nowhere
from axiom.runtime.rebuild import rebuild
from axiom.runtime.sink import Sink
from axiom.settings import KafkaSettings, Neo4jSettings, PostgresSettings, RedisSettings, load
from axiom.stores.port import Batch
from axiom.stores.redis import Call, pack
from axiom.telemetry.logs import setup_logs
from services.neo4j_sink.sink import make_sink as neo4j_sink
from services.postgres_sink.sink import make_sink as postgres_sink
from services.redis_sink.mapping import rows
from services.redis_sink.sink import make_sink as redis_sink
from services.redis_sink.sink import write_prices
from tests.bench import neo4j, postgres, redis
from tests.bench.lab import Lab
from tests.bench.results import Contestant, Timing
from tests.bench.servers import server_cpu_s
from tests.stack import ROOT
from topics.price_updates import TOPIC

Ways = Mapping[str, Callable[[], Sink[Any]]]
REBUILD, EVERY_RECORD = "rebuild", "every record applied"


def of_postgres(lab: Lab) -> Sequence[Contestant]:
    """The live sink at its best first."""
    live = next(one for one in postgres.contestants(lab) if one.name == "whole service")

    async def run() -> Timing:
        await (await postgres.emptied(lab)).close()
        return await _rebuild(lab, "postgres", REBUILD)

    return (
        Contestant("live sink", live.how, live.run),
        Contestant(REBUILD, "from the log's beginning to the swap", run),
    )


def of_redis(lab: Lab) -> Sequence[Contestant]:
    """With and without coalescing."""

    async def run(way: str) -> Timing:
        redis.emptied().close()
        return await _rebuild(lab, "redis", way)

    return _both(run, "the same, each record a row of the script")


def of_neo4j(lab: Lab) -> Sequence[Contestant]:
    """With and without coalescing."""

    async def run(way: str) -> Timing:
        await (await neo4j.emptied()).store.close()
        return await _rebuild(lab, "neo4j", way)

    return _both(run, "the same, each record a row")


def _both(run: Callable[[str], Awaitable[Timing]], how: str) -> Sequence[Contestant]:
    return (
        Contestant(REBUILD, "from the log's beginning to the swap", lambda: run(REBUILD)),
        Contestant(EVERY_RECORD, how, lambda: run(EVERY_RECORD)),
    )


async def _rebuild(lab: Lab, server: str, way: str) -> Timing:
    """From the first read of the log to the end of the swap; deleting what was replaced is left out.

    In a process of its own, as `axiom rebuild` is: in the bench's, among millions of objects of other
    subjects, the same work takes half as long again.
    """
    server_s = server_cpu_s(lab.stack, server)
    command = [sys.executable, "-m", "tests.bench.rebuilding", server, way]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, **lab.stack.env}
    )
    said, _ = await process.communicate()
    if process.returncode != 0:
        raise AxiomError(f"{' '.join(command)} ended with {process.returncode}")
    done = json.loads(said.splitlines()[-1])
    if (done["records"], done["dead"]) != (lab.log.records, 0):
        raise AxiomError(f"the rebuild folded {done['records']} records, {done['dead']} of them bad")
    return Timing(done["seconds"], done["records"], done["cpu_s"], server_cpu_s(lab.stack, server) - server_s)


def _every_record(batch: Batch) -> Call:
    own = [rows([record], [bar]) for record, bar in zip(batch.records, batch.payloads, strict=True)]
    return write_prices(replace(batch, ready=pack([row for [row] in own])))


def _each_in_redis() -> Sink[Any]:
    return replace(redis_sink(load(RedisSettings)), handlers={TOPIC: _every_record}, prepare={})


WAYS: Mapping[str, Ways] = {
    "postgres": {REBUILD: lambda: postgres_sink(load(PostgresSettings))},
    "redis": {REBUILD: lambda: redis_sink(load(RedisSettings)), EVERY_RECORD: _each_in_redis},
    "neo4j": {
        REBUILD: lambda: neo4j_sink(load(Neo4jSettings)),
        EVERY_RECORD: lambda: neo4j.uncoalesced(load(Neo4jSettings)),
    },
}


def _cpu_s() -> float:
    """Of this process and of those that it has had."""
    return sum(os.times()[:4])


async def main(server: str, way: str) -> None:
    """Rebuild a store and say on standard output how it went."""
    sink, began_s = WAYS[server][way](), _cpu_s()
    reader = KafkaLogReader(load(KafkaSettings).bootstrap)
    result = await rebuild(sink, reader, Nowhere(), lambda part, at, end: None)
    cpu_s = _cpu_s() - began_s
    await sink.store.close()
    done = {
        "seconds": result.fill_s + result.swap_s, "cpu_s": cpu_s,
        "records": result.records, "dead": result.dead,
    }  # fmt: skip
    print(json.dumps(done))  # noqa: T201


if __name__ == "__main__":
    setup_logs("bench", "error")
    asyncio.run(main(*sys.argv[1:]))
