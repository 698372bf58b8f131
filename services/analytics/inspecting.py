"""Looks how far the stream is behind the log: for readiness, metrics and the watchdog."""

from __future__ import annotations

import asyncio

from axiom.bus.port import LogReader
from axiom.errors import LogMismatch, Transient
from axiom.runtime.pauses import Pauses
from axiom.runtime.watchdog import Watchdog
from axiom.telemetry.health import Health
from axiom.telemetry.metrics import TRANSFORM_LAG
from services.analytics.analytics import NAME, Analytics
from topics.price_updates import TOPIC

EVERY_S = 2.0


class Inspecting:
    """Asks Kafka for the ends of the assigned partitions, again and again."""

    def __init__(self, analytics: Analytics, reader: LogReader, health: Health, watchdog: Watchdog) -> None:
        self._analytics = analytics
        self._reader = reader
        self._health = health
        self._watchdog = watchdog
        self._pauses = Pauses(NAME, health, watchdog)
        self._lag = 0
        health.details["analytics"] = analytics.summary
        health.details["lag"] = lambda: self._lag
        health.details["partitions"] = lambda: sorted(part.partition for part in analytics.assigned)

    async def run(self) -> None:
        """Look until cancelled; the watchdog ends the process when records wait and none is done."""
        self._watchdog.start()
        try:
            while True:
                await self.look()
                await asyncio.sleep(EVERY_S)
        finally:
            self._watchdog.stop()

    async def look(self) -> None:
        """Compare the log's ends with the places reached."""
        try:
            kept = await asyncio.to_thread(self._reader.ranges, TOPIC.name)
            done = await asyncio.to_thread(self._reader.done, NAME, list(kept))
        except (Transient, LogMismatch) as error:
            self._pauses.declare("kafka_down", str(error))
            return
        self._pauses.declare("kafka_down", None)
        self._lag = 0
        reached = {**done, **self._analytics.next_offsets}
        for part in self._analytics.assigned:
            behind = max(0, kept[part].end - max(kept[part].start, reached.get(part, 0)))
            TRANSFORM_LAG.labels(NAME, part.topic, part.partition).set(behind)
            self._lag += behind
        self._watchdog.observe(self._analytics.moved, self._lag)
        self._watchdog.turned()
        if self._analytics.assigned:
            self._health.not_ready.pop("service", None)
