"""The peers as contestants: each runs as a process of its own, and what it wrote is counted afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import asyncpg
import redis as redis_client

from axiom.errors import AxiomError
from axiom.settings import PostgresSettings, RedisSettings, load
from tests.bench import postgres, redis
from tests.bench.lab import Lab
from tests.bench.peers.environments import python_of, variables_of, version_of
from tests.bench.results import Contestant, Timing
from tests.bench.servers import server_cpu_s
from topics.price_updates import PriceBar

GIVE_UP_S = 300
TABLE = """
    DROP SCHEMA IF EXISTS peers CASCADE;
    CREATE SCHEMA peers
"""
READY_TABLE = """
    CREATE TABLE peers.bars (
        symbol text NOT NULL, "interval" text NOT NULL, ts timestamptz NOT NULL,
        open double precision NOT NULL, high double precision NOT NULL, low double precision NOT NULL,
        close double precision NOT NULL, volume double precision NOT NULL,
        fetched_at timestamptz NOT NULL, source text NOT NULL,
        PRIMARY KEY (symbol, "interval", ts)
    )
"""


class Peer(NamedTuple):
    """A peer: its name, its environment and package, how it works, the stores it writes."""

    name: str
    environment: str
    package: str
    how: str
    stores: Sequence[str]


PEERS = (
    Peer("Kafka Connect", "connect", "debezium-connector-jdbc", "upserts by 10,000", ("postgres",)),
    Peer("Quix Streams", "quix", "quixstreams", "its own sink, as documented", ("postgres", "redis")),
    Peer("Faust", "faust", "faust-streaming", "an agent, asyncpg executemany by 5,000", ("postgres",)),
    Peer("Bytewax", "bytewax", "bytewax", "COPY and upsert, or a pipeline, by 10,000", ("postgres", "redis")),
)  # fmt: skip


def against_postgres(lab: Lab) -> Sequence[Contestant]:
    """Ours first, the record-by-record loop last."""
    return _with_ours("postgres-sink", postgres.contestants(lab), _peers(lab, "postgres"))


def against_redis(lab: Lab) -> Sequence[Contestant]:
    """The same of Redis. Ours keeps a window of bars for each symbol too, the others the latest record."""
    return _with_ours("redis-sink", redis.contestants(lab), _peers(lab, "redis"))


def _with_ours(name: str, own: Sequence[Contestant], peers: Sequence[Contestant]) -> Sequence[Contestant]:
    by_name = {one.name: one for one in own}
    whole = by_name["whole service"]
    return (Contestant(name, whole.how, whole.run), *peers, by_name["one by one"])


def _peers(lab: Lab, store: str) -> list[Contestant]:
    return [
        Contestant(peer.name, f"{peer.package} {version_of(peer.environment, peer.package)}: {peer.how}", run)
        for peer in PEERS
        if store in peer.stores
        for run in [_runner(lab, peer, store)]
    ]


def _runner(lab: Lab, peer: Peer, store: str) -> Callable[[], Any]:
    async def run() -> Timing:
        await EMPTY[store](peer)
        server_s = server_cpu_s(lab.stack, store)
        found = await asyncio.to_thread(_measured, lab, peer, store)
        server_s = server_cpu_s(lab.stack, store) - server_s
        await CHECK[store](lab)
        return Timing(found["seconds"], lab.log.records, found["cpu_s"], server_s)

    return run


def _measured(lab: Lab, peer: Peer, store: str) -> dict[str, float]:
    """What the peer's script says of its run."""
    script = Path(__file__).parent / f"with_{peer.environment}.py"
    command = [python_of(peer.environment), script, store, lab.log.records, f"peer-{uuid4().hex[:8]}"]
    env = {**os.environ, **lab.stack.env, **variables_of(peer.environment)}
    try:
        done = subprocess.run(
            list(map(str, command)), env=env, cwd=lab.stack.home,
            capture_output=True, text=True, timeout=GIVE_UP_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        raise AxiomError(f"{peer.name} did not finish in {GIVE_UP_S} s: {late.stderr!r:.800}") from late
    found = [
        line for line in done.stdout.splitlines() if line.startswith('{"seconds"')
    ]  # others log there too
    if done.returncode or not found:
        raise AxiomError(f"{peer.name} exited with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")
    timing: dict[str, float] = json.loads(found[-1])
    return timing


async def _connected() -> Any:
    settings = load(PostgresSettings)
    return await asyncpg.connect(
        host=settings.host, port=settings.port, user=settings.user, database=settings.database,
        password=settings.password.get_secret_value(),
    )  # fmt: skip


async def _empty_postgres(peer: Peer) -> None:
    connection = await _connected()
    await connection.execute(TABLE)
    if peer.environment != "quix":  # its sink makes the table itself
        await connection.execute(READY_TABLE)
    await connection.close()


async def _check_postgres(lab: Lab) -> None:
    connection = await _connected()
    found = await connection.fetchval("SELECT count(*) FROM peers.bars")
    await connection.execute(TABLE)
    await connection.close()
    wanted = {(bar.symbol, bar.interval, bar.ts) for bar in _bars(lab)}
    if found != len(wanted):
        raise AxiomError(f"the peer wrote {found} bars of {len(wanted)}")


async def _empty_redis(peer: Peer) -> None:
    _redis().flushall()


async def _check_redis(lab: Lab) -> None:
    found, wanted = _redis().dbsize(), len({bar.symbol for bar in _bars(lab)})
    if found != wanted:
        raise AxiomError(f"the peer wrote {found} symbols of {wanted}")


def _redis() -> redis_client.Redis:
    settings = load(RedisSettings)
    return redis_client.Redis(
        host=settings.host, port=settings.port, password=settings.password.get_secret_value()
    )


def _bars(lab: Lab) -> list[PriceBar]:
    return [bar for batch in lab.log.batches() for bar in batch.payloads]


EMPTY = {"postgres": _empty_postgres, "redis": _empty_redis}
CHECK = {"postgres": _check_postgres, "redis": _check_redis}
