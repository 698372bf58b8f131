"""How a run is timed: in this process, and a whole service from its first read to lag 0."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, Message, TopicPartition

from axiom.errors import AxiomError
from axiom.runtime.sink import Sink
from axiom.stores.port import Store
from tests.bench.log import CONSUMER, Log
from tests.bench.results import Timing
from tests.bench.servers import server_cpu_s, service
from tests.stack import StackUnderTest
from topics.price_updates import TOPIC

START_S = 60.0
WATCH_S = 0.005
_NEARLY = 0.9

Offsets = Callable[[Store[Any], str], Awaitable[dict[int, int]]]
"""The next offset of each partition that a consumer has in a store."""


@dataclass
class Lab:
    """What every contestant needs: the servers and what their topic holds."""

    stack: StackUnderTest
    log: Log

    @property
    def bootstrap(self) -> str:
        return self.stack.env["AXIOM_KAFKA_BOOTSTRAP"]

    @contextmanager
    def timed(self, server: str, records: int) -> Iterator[list[Timing]]:
        """Time the block; the timing is in the list afterwards. Garbage is collected before, not within."""
        timings: list[Timing] = []
        gc.collect()
        server_s, own_s, start_s = server_cpu_s(self.stack, server), time.process_time(), time.perf_counter()
        yield timings
        seconds, own_s = time.perf_counter() - start_s, time.process_time() - own_s
        timings.append(Timing(seconds, records, own_s, server_cpu_s(self.stack, server) - server_s))

    async def store_write(self, server: str, sink: Sink[Any], log: Log | None = None) -> Timing:
        """Batches that are decoded already, through the sink's handler and `Store.apply`."""
        log = log or self.log
        await sink.store.setup()
        await log.take(sink.store)
        handler = sink.handlers[TOPIC]
        batches = list(log.batches())
        try:
            with self.timed(server, log.records) as timings:
                for batch in batches:
                    await sink.store.apply(batch, handler)
        finally:
            await sink.store.close()
        return timings[0]

    async def whole_service(
        self, server: str, module: str, sink: Sink[Any], offsets: Offsets, watch_s: float = WATCH_S
    ) -> Timing:
        """A real process, from the moment it takes its partitions in the empty store to lag 0.

        So the start of the process and its joining of the group are left out, its first fetch is in. The
        store is watched from here: often at the beginning and the end, seldom between.
        """
        await sink.store.setup()
        total, partitions = self.log.records, self.log.identity.partitions
        gc.collect()
        try:
            with service(self.stack, module) as running:
                given_up_s = time.perf_counter() + START_S
                while len(await offsets(sink.store, sink.name)) < partitions:
                    running.check()
                    assert time.perf_counter() < given_up_s, f"{module} took no partitions in {START_S} s"
                    await asyncio.sleep(watch_s)
                start_s = time.perf_counter()
                client_s, server_s = running.cpu_s(), server_cpu_s(self.stack, server)
                while (done := sum((await offsets(sink.store, sink.name)).values())) < total:
                    running.check()
                    await asyncio.sleep(watch_s if done > _NEARLY * total else 4 * watch_s)
                seconds = time.perf_counter() - start_s
                client_s, server_s = (
                    running.cpu_s() - client_s,
                    server_cpu_s(self.stack, server) - server_s,
                )
            await _check(sink)
            return Timing(seconds, total, client_s, server_s)
        finally:
            await sink.store.close()


async def _check(sink: Sink[Any]) -> None:
    """A service that dead-letters is fast."""
    positions = await sink.store.load(sink.name, TOPIC.name, range(TOPIC.partitions))
    dead = sum(position.dead_lettered for position in positions.values())
    if dead:
        raise AxiomError(f"{sink.name} dead-lettered {dead} of the bench's records")


async def loaded_offsets(store: Store[Any], consumer: str) -> dict[int, int]:
    """`Offsets` by way of the store's own port."""
    positions = await store.load(consumer, TOPIC.name, range(TOPIC.partitions))
    return {partition: position.next_offset for partition, position in positions.items()}


class OneByOne:
    """What a service does at its simplest: one record at a time, parsed with the standard library."""

    def __init__(self, bootstrap: str, count: int) -> None:
        self._count = count
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": f"{CONSUMER}-naive", "enable.auto.commit": False}
        )
        self._consumer.assign([TopicPartition(TOPIC.name, number, 0) for number in range(TOPIC.partitions)])
        while (first := self._consumer.poll(1.0)) is None:
            pass  # connecting and the first fetch are not measured
        self._first: Message | None = first

    def __iter__(self) -> Iterator[tuple[dict[str, Any], int, int]]:
        """Parsed value, partition and offset of each record."""
        message = self._first
        for _ in range(self._count):
            while message is None or message.error():
                message = self._consumer.poll(1.0)
            yield json.loads(message.value() or b""), message.partition() or 0, message.offset() or 0
            message = None

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()
