"""What a producing service shares with its siblings: sending to one topic, and stopping in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

from axiom.bus.deadletters import publish
from axiom.bus.port import Producer
from axiom.contracts.payload import Payload
from axiom.contracts.topic import Topic
from axiom.errors import DeliveryFailed, Transient
from axiom.resilience.clock import Clock
from axiom.telemetry.health import Health
from axiom.telemetry.logs import get_logger

P = TypeVar("P", bound=Payload)

KAFKA_SLOW_S = 5.0
CLOSE_S = 5.0
log = get_logger()


class Outbox(Generic[P]):
    """Payloads of one topic on their way to Kafka. /ready says so while Kafka does not confirm them."""

    def __init__(
        self, producer: Producer, topic: Topic[P], publisher: str, clock: Clock, health: Health
    ) -> None:
        """`publisher` is the service's name, for the dead letter of a record that is too large."""
        self._producer = producer
        self._topic = topic
        self._publisher = publisher
        self._clock = clock
        self._health = health

    async def send(self, payload: P) -> bool:
        """Queue one; False if it was too large and became a dead letter."""
        return await publish(self._producer, self._topic, payload, self._publisher)

    async def flush(self) -> None:
        """Wait until Kafka has confirmed everything; not ready while that takes long.

        Raises:
            DeliveryFailed: some were refused or ran out of time.
        """
        flushing = asyncio.ensure_future(self._producer.flush())
        slow = asyncio.ensure_future(self._clock.sleep(KAFKA_SLOW_S))
        try:
            await asyncio.wait({flushing, slow}, return_when=asyncio.FIRST_COMPLETED)
            if not flushing.done():
                self._health.not_ready["kafka"] = "Kafka has not confirmed the last records yet"
            await flushing
        finally:
            flushing.cancel()
            slow.cancel()
        self._health.not_ready.pop("kafka", None)

    async def close(self) -> None:
        """Give what is queued a few seconds."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._producer.close()
        except (TimeoutError, DeliveryFailed, Transient) as error:
            log.error("records_left_unsent", why=str(error) or f"Kafka took longer than {CLOSE_S:.0f} s")


async def run_until_stopped(
    stop: asyncio.Event, work: Coroutine[Any, Any, None], *closing: Callable[[], Awaitable[None]]
) -> None:
    """Run `work`, which never ends by itself, until `stop` is set; then call `closing` in order."""
    working = asyncio.ensure_future(work)
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        working.cancel()
        stopped.cancel()
        await asyncio.gather(working, stopped, return_exceptions=True)
        for close in closing:
            await close()
