"""Tells `sink-progress` when a sink's store had come how far. Nothing waits for it or is derived from it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from axiom.bus.port import Producer
from axiom.contracts.codec import encode
from axiom.contracts.record import TopicPartition
from axiom.errors import DeliveryFailed, RecordTooLarge
from axiom.telemetry.logs import get_logger
from topics.sink_progress import TOPIC, SinkProgress, Step

EVERY_S = 1.0
APART_S = 0.1
"""Steps of a partition that come sooner than that after the one before are told as one, the later."""
MOST_STEPS = 1000
log = get_logger()


class Steps:
    """Collects steps, and sends them about every second in one record."""

    def __init__(self, producer: Producer, consumer: str) -> None:
        self._producer = producer
        self._consumer = consumer
        self._waiting: dict[TopicPartition, list[tuple[int, float]]] = {}
        self._began_s: dict[TopicPartition, float] = {}

    def note(self, partition: TopicPartition, next_offset: int, at_s: float) -> None:
        """The store holds what is below `next_offset`, since this moment (Unix seconds)."""
        steps = self._waiting.setdefault(partition, [])
        if steps and at_s - self._began_s[partition] < APART_S:
            steps[-1] = (next_offset, at_s)
        elif len(steps) < MOST_STEPS // 10:  # Kafka has been away for long: the first ones will do
            steps.append((next_offset, at_s))
            self._began_s[partition] = at_s

    async def run(self) -> None:
        """Send again and again, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.send()

    async def send(self) -> None:
        """Send what waits, and wait for Kafka. What Kafka does not take is lost, and logged."""
        waiting, self._waiting = self._waiting, {}
        steps = [
            Step(
                topic=partition.topic,
                partition=partition.partition,
                next_offset=next_offset,
                at=datetime.fromtimestamp(at_s, UTC),
            )
            for partition, own in waiting.items()
            for next_offset, at_s in own
        ]
        try:
            for start in range(0, len(steps), MOST_STEPS):
                told = SinkProgress(consumer=self._consumer, steps=tuple(steps[start : start + MOST_STEPS]))
                await self._producer.send(encode(TOPIC, told), TOPIC.max_record_bytes)
            await self._producer.flush()
        except (DeliveryFailed, RecordTooLarge) as error:
            log.warning("steps_not_told", why=str(error))
