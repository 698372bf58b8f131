"""redis-sink: against ready commands on a bare connection, and against one command at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis

from axiom.settings import RedisSettings, load
from services.redis_sink.mapping import WINDOW, rows
from services.redis_sink.sink import make_sink
from tests.bench.lab import Lab, OneByOne, loaded_offsets
from tests.bench.results import Contestant, Timing

SERVER = "redis"
SAMPLE = 10_000


def contestants(lab: Lab) -> Sequence[Contestant]:
    """The limit first."""
    return (
        Contestant(
            "raw commands", "the same writes, coalesced and packed beforehand, pipelined", lambda: _raw(lab)
        ),
        Contestant("store write", "decoded batches of 10k, offsets included", lambda: _write(lab)),
        Contestant("whole service", "Kafka to Redis, offsets included", lambda: _whole(lab)),
        Contestant(
            "one by one",
            f"an HSET and an offset a record, {SAMPLE:,} records, scaled",
            lambda: _one_by_one(lab),
        ),
    )


async def _raw(lab: Lab) -> Timing:
    client = emptied()
    connection: Any = client.connection_pool.get_connection()  # the packing of commands has no types
    packed = []
    for batch in lab.log.batches():
        commands = [("MULTI",), *_commands(rows(batch.records, batch.payloads))]
        commands += [
            ("HSET", f"axiom:offsets:{batch.partition}", "next_offset", batch.next_offset),
            ("EXEC",),
        ]
        packed.append((connection.pack_commands(commands), len(commands)))
    try:
        with lab.timed(SERVER, lab.log.records) as timings:
            for data, answers in packed:
                connection.send_packed_command(data)
                for _ in range(answers):
                    connection.read_response()
    finally:
        client.connection_pool.release(connection)
        client.close()
    return timings[0]


def _commands(by_symbol: Sequence[Any]) -> list[tuple[Any, ...]]:
    """What the sink's script does to an empty Redis, as plain commands."""
    commands: list[tuple[Any, ...]] = []
    for symbol, (version, fields, message), windows in by_symbol:
        commands.append(("HSET", f"axiom:latest:{symbol}", "version", version, *fields))
        commands.append(("PUBLISH", "axiom:prices", message))
        for interval, bars in windows:
            key = f"axiom:bars:{interval}:{symbol}"
            commands.append(("ZADD", key, *(part for bar in bars for part in bar)))
            commands.append(("ZREMRANGEBYRANK", key, 0, -WINDOW - 1))
    return commands


async def _write(lab: Lab) -> Timing:
    emptied().close()
    return await lab.store_write(SERVER, make_sink(load(RedisSettings)))


async def _whole(lab: Lab) -> Timing:
    emptied().close()
    sink = make_sink(load(RedisSettings))
    return await lab.whole_service(SERVER, "services.redis_sink", sink, loaded_offsets)


async def _one_by_one(lab: Lab) -> Timing:
    client = emptied()
    records = OneByOne(lab.bootstrap, SAMPLE)
    try:
        with lab.timed(SERVER, SAMPLE) as timings:
            for value, partition, offset in records:
                fields: Any = {name: part for name, part in value.items() if part is not None}
                client.hset(f"axiom:latest:{value['symbol']}", mapping=fields)
                client.hset("axiom:offsets", str(partition), str(offset + 1))
    finally:
        records.close()
        client.close()
    return timings[0]


def emptied() -> redis.Redis:
    settings = load(RedisSettings)
    client = redis.Redis(
        host=settings.host, port=settings.port, password=settings.password.get_secret_value()
    )
    client.flushall()
    return client
