"""`python -m services.analytics`."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
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

STOP_S = 7.0
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
        ending = asyncio.create_task(_end_in_time(stop))
        try:
            await stream.run(stop)
        finally:
            looking.cancel()
            ending.cancel()
            _cut_short(code=0 if stop.is_set() else 1)
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


async def _end_in_time(stop: asyncio.Event) -> None:
    await stop.wait()
    _cut_short(code=0)


def _cut_short(code: int) -> None:
    """End the process in some seconds, if it still is there.

    Faust and the producer wait for a Kafka that is down. What it has not confirmed is done again by the next
    start, so nothing is lost.
    """

    def end() -> None:
        log.warning("stop_cut_short", exit_code=code)
        os._exit(code)

    timer = threading.Timer(STOP_S, end)
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    sys.exit(run_service(NAME, make_work))
