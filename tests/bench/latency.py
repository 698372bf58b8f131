"""From a producer's send to the notification in Redis, through a real redis-sink."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from axiom.bus.kafka import KafkaProducer
from axiom.contracts.codec import encode
from axiom.settings import RedisSettings, load
from services.redis_sink.sink import make_sink
from tests.bench import relay
from tests.bench.lab import loaded_offsets
from tests.bench.log import make_anew
from tests.bench.records import SYMBOLS, live, moved
from tests.bench.relay import CHANNEL
from tests.bench.results import Latency
from tests.bench.servers import service
from tests.stack import StackUnderTest
from topics.price_updates import TOPIC, PriceBar

PER_SECOND = 500
SECONDS = 10
WARM_UP_S = 2
SINK, RELAY = "redis-sink", "bare relay"
ARRIVAL_S = 5.0


async def through_sink(stack: StackUnderTest) -> Latency:
    """Through redis-sink as a service.

    PER_SECOND bars a second for SECONDS, after a warm-up that is not counted. Sender and subscriber are one
    process with one clock. Each bar is its symbol's newest and no symbol comes twice in a second, so every
    bar is notified.
    """

    async def ready(sink: Any) -> bool:
        return len(await loaded_offsets(sink.store, sink.name)) == TOPIC.partitions

    return await _measure(stack, "services.redis_sink", ready)


async def through_relay(stack: StackUnderTest) -> Latency:
    """The same through the least that could be there: see `tests.bench.relay`."""

    async def ready(sink: Any) -> bool:
        return bool(await sink.store.client.get(relay.READY))

    return await _measure(stack, "tests.bench.relay", ready)


WAYS = {RELAY: through_relay, SINK: through_sink}


async def _measure(stack: StackUnderTest, module: str, ready: Callable[[Any], Awaitable[bool]]) -> Latency:
    sink: Any = make_sink(load(RedisSettings))
    await sink.store.client.flushall()
    await make_anew(stack.env["AXIOM_KAFKA_BOOTSTRAP"], TOPIC)
    try:
        with service(stack, module) as running:
            while not await ready(sink):
                running.check()
                await asyncio.sleep(0.05)
            async with sink.store.client.pubsub() as subscription:
                await subscription.subscribe(CHANNEL)
                return await _Exchange(stack.env["AXIOM_KAFKA_BOOTSTRAP"], subscription).run()
    finally:
        await sink.store.close()


class _Exchange:
    def __init__(self, bootstrap: str, subscription: Any) -> None:
        self._subscription = subscription
        self._producer = KafkaProducer(bootstrap, client_id="bench", linger_ms=0)
        self._under_way: dict[bytes, float] = {}
        self._times_s: list[float] = []

    async def run(self) -> Latency:
        listening = asyncio.create_task(self._listen())
        bars = _endless(live(SYMBOLS).bars)
        try:
            await self._send(bars, WARM_UP_S * PER_SECOND)
            self._times_s.clear()
            self._under_way.clear()
            await self._send(bars, SECONDS * PER_SECOND)
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
            await self._producer.close()
        return Latency.of(self._times_s, lost=len(self._under_way))

    async def _send(self, bars: Iterator[PriceBar], count: int) -> None:
        """Send at an even pace, then wait for what is still under way."""
        gc.collect()
        start_s = time.perf_counter()
        for number in range(count):
            await asyncio.sleep(max(0.0, start_s + number / PER_SECOND - time.perf_counter()))
            message = encode(TOPIC, next(bars))
            self._under_way[message.value or b""] = time.perf_counter()
            await self._producer.send(message, TOPIC.max_record_bytes)
        given_up_s = time.perf_counter() + ARRIVAL_S
        while self._under_way and time.perf_counter() < given_up_s:  # noqa: ASYNC110 - or nothing
            await asyncio.sleep(0.05)

    async def _listen(self) -> None:
        async for message in self._subscription.listen():
            sent_s = self._under_way.pop(message["data"], None) if message["type"] == "message" else None
            if sent_s is not None:
                self._times_s.append(time.perf_counter() - sent_s)


def _endless(bars: Sequence[PriceBar]) -> Iterator[PriceBar]:
    """The bars of one minute, then the same of the next one, and so on."""
    minute = timedelta(minutes=1)
    start = datetime.now(UTC).replace(second=0, microsecond=0)
    while True:
        for bar in bars:
            yield moved(bar, start, start + minute)
        start += minute
