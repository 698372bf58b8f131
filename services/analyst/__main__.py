"""`python -m services.analyst`."""

from __future__ import annotations

import asyncio
import sys

from axiom.bus.kafka import KafkaProducer
from axiom.resilience.clock import SystemClock
from axiom.runtime.service import Work, run_service, serve_jobs
from axiom.settings import KafkaSettings, PostgresSettings, ServiceSettings, load
from axiom.telemetry.health import Health
from axiom.universe.watchlist import WatchListSettings
from services.analyst.analyst import NAME, Analyst
from services.analyst.freshness import Freshness
from services.analyst.settings import AnalystSettings
from services.analyst.watching import SevereEvents


def make_work(service: ServiceSettings) -> Work:
    """Compose the service out of settings."""
    kafka, settings, clock = load(KafkaSettings), load(AnalystSettings), SystemClock()
    postgres, watched = load(PostgresSettings), load(WatchListSettings).watched

    async def work(health: Health, stop: asyncio.Event) -> None:
        producer = KafkaProducer(kafka.bootstrap, client_id=NAME)
        analyst = Analyst(settings, postgres, producer, clock)
        fresh = Freshness(postgres, watched, settings.fresh_every_s, clock)
        watching = [
            asyncio.create_task(SevereEvents(analyst, settings.look_every_s, clock, health).run()),
            asyncio.create_task(fresh.run()),
        ]
        health.not_ready.pop("service", None)
        jobs = asyncio.create_task(serve_jobs(analyst, kafka.bootstrap, health, service, stop))
        tasks = [*watching, jobs]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in watching:
                task.cancel()
            stop.set()
            await asyncio.gather(*tasks, return_exceptions=True)
            await analyst.close()

    return work


if __name__ == "__main__":
    sys.exit(run_service(NAME, make_work))
