"""`python -m services.analyst`."""

from __future__ import annotations

import asyncio
import sys

from axiom.bus.kafka import KafkaProducer
from axiom.resilience.clock import SystemClock
from axiom.runtime.service import Work, run_service, serve_jobs
from axiom.settings import KafkaSettings, PostgresSettings, ServiceSettings, load
from axiom.telemetry.health import Health
from services.analyst.analyst import NAME, Analyst
from services.analyst.settings import AnalystSettings
from services.analyst.watching import SevereEvents


def make_work(service: ServiceSettings) -> Work:
    """Compose the service out of settings."""
    kafka, settings, clock = load(KafkaSettings), load(AnalystSettings), SystemClock()
    postgres = load(PostgresSettings)

    async def work(health: Health, stop: asyncio.Event) -> None:
        producer = KafkaProducer(kafka.bootstrap, client_id=NAME)
        analyst = Analyst(settings, postgres, producer, clock)
        watching = asyncio.create_task(SevereEvents(analyst, settings.look_every_s, clock, health).run())
        health.not_ready.pop("service", None)
        jobs = asyncio.create_task(serve_jobs(analyst, kafka.bootstrap, health, service, stop))
        try:
            await asyncio.wait({watching, jobs}, return_when=asyncio.FIRST_COMPLETED)
            for task in (watching, jobs):
                if task.done():
                    task.result()
        finally:
            watching.cancel()
            stop.set()
            await asyncio.gather(watching, jobs, return_exceptions=True)
            await analyst.close()

    return work


if __name__ == "__main__":
    sys.exit(run_service(NAME, make_work))
