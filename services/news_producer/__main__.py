"""`python -m services.news_producer`."""

from __future__ import annotations

import asyncio
import sys

from axiom.bus.kafka import KafkaLogReader, KafkaProducer
from axiom.resilience.clock import SystemClock
from axiom.runtime.jobs import Handlers
from axiom.runtime.service import Work, beside_jobs, run_service
from axiom.settings import KafkaSettings, ServiceSettings, load
from axiom.sources.access import open_access
from axiom.sources.breakers import breakers_for
from axiom.sources.settings import FinnhubSettings, SourceSettings
from axiom.telemetry.health import Health
from services.news_producer.producer import NAME, NewsProducer
from services.news_producer.settings import NewsSettings
from services.news_producer.sources import build
from services.news_producer.sources.port import NewsSource, Setup


def make_work(service: ServiceSettings) -> Work:
    """Compose the service out of settings."""
    kafka, clock = load(KafkaSettings), SystemClock()
    shared = load(SourceSettings)
    access, control = open_access(clock, shared.request_timeout_s)
    setup = Setup(load(NewsSettings), shared, load(FinnhubSettings), clock, access)
    sources = make_sources(setup)
    names = [source.name for source in sources]
    breakers = breakers_for(names, shared.breaker_failures, shared.breaker_reset_s, clock)

    async def work(health: Health, stop: asyncio.Event) -> None:
        producer = KafkaProducer(kafka.bootstrap, client_id=NAME)
        reader = KafkaLogReader(kafka.bootstrap)
        news = NewsProducer(sources, breakers, producer, reader, setup.settings, shared, clock, health)
        try:
            owner = Handlers(NAME, {"events_tracker": news.track_events})
            await beside_jobs(owner, news.run, kafka.bootstrap, health, service, stop)
        finally:
            await control.close()

    return work


def make_sources(setup: Setup) -> list[NewsSource]:
    """The sources that the settings name, or those that there is something to ask with.

    Raises:
        Misconfigured: no such source, or a setting that it needs is missing.
    """
    names = setup.settings.sources
    if not names:
        key, file = setup.finnhub.api_key is not None, setup.settings.file is not None
        names = ("yahoo", *["finnhub"] * key, "rss", *["file"] * file, "sample")
    return [build(name, setup) for name in dict.fromkeys(names)]


if __name__ == "__main__":
    sys.exit(run_service(NAME, make_work))
