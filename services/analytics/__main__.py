"""`python -m services.analytics`."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from axiom.bus.kafka import KafkaLogReader, KafkaProducer
from axiom.errors import LogMismatch, Transient
from axiom.resilience.backoff import Backoff
from axiom.resilience.clock import wait_or
from axiom.runtime.crashpoint import CrashPoint
from axiom.runtime.service import Work, run_service
from axiom.runtime.watchdog import Watchdog
from axiom.settings import KafkaSettings, ServiceSettings, load
from axiom.telemetry.health import Health
from axiom.telemetry.logs import get_logger
from axiom.universe.watchlist import WatchListSettings
from services.analytics.analytics import NAME, Analytics
from services.analytics.inspecting import Inspecting
from services.analytics.live import LiveMarket
from services.analytics.settings import AnalyticsSettings
from services.analytics.stream import Stream
from topics.price_updates import TOPIC

log = get_logger()


def make_work(service: ServiceSettings) -> Work:
    """Compose the service out of settings."""
    kafka, settings = load(KafkaSettings), load(AnalyticsSettings)
    watched = load(WatchListSettings).watched

    def make_market() -> LiveMarket:
        return LiveMarket(watched, settings.min_r, settings.limits)

    async def work(health: Health, stop: asyncio.Event) -> None:
        reader = KafkaLogReader(kafka.bootstrap)
        if not await _log_is_there(reader, health, stop):
            return
        producer = KafkaProducer(kafka.bootstrap, client_id=NAME)
        analytics = Analytics(
            make_market,
            producer,
            reader,
            timedelta(hours=settings.lookback_h),
            CrashPoint(service.crashpoint),
        )
        stream = Stream(
            kafka.bootstrap, NAME, TOPIC.name, analytics.take, analytics.assign, settings.batch_records
        )
        inspecting = Inspecting(analytics, reader, health, Watchdog(service.watchdog_s))
        looking = asyncio.create_task(inspecting.run())
        try:
            await stream.run(stop)
        finally:
            looking.cancel()
            await producer.close()

    return work


async def _log_is_there(reader: KafkaLogReader, health: Health, stop: asyncio.Event) -> bool:
    """Wait until Kafka answers and has the topic; False if the service is stopped before."""
    backoff = Backoff(base_s=0.5, cap_s=5.0)
    while not stop.is_set():
        try:
            await asyncio.to_thread(reader.ranges, TOPIC.name)
        except (Transient, LogMismatch) as error:
            health.not_ready["kafka_down"] = str(error)
            await wait_or(stop, backoff.next_s(getattr(error, "retry_after_s", None)))
        else:
            health.not_ready.pop("kafka_down", None)
            return True
    return False


if __name__ == "__main__":
    sys.exit(run_service(NAME, make_work))
