"""`python -m services.price_producer`."""

from __future__ import annotations

import asyncio
import sys

from axiom.bus.kafka import KafkaProducer
from axiom.errors import Misconfigured
from axiom.resilience.clock import SystemClock
from axiom.resilience.negative import NegativeCache
from axiom.runtime.jobs import Handlers
from axiom.runtime.service import Work, beside_jobs, run_service
from axiom.settings import KafkaSettings, ServiceSettings, load
from axiom.sources.access import open_access
from axiom.sources.breakers import breakers_for
from axiom.telemetry.health import Health
from services.price_producer.chain import SourceChain
from services.price_producer.producer import NAME, PriceProducer
from services.price_producer.settings import ProducerSettings
from services.price_producer.sources import build
from services.price_producer.sources.port import Setup


def make_work(service: ServiceSettings) -> Work:
    """Compose the service out of settings."""
    kafka, settings, clock = load(KafkaSettings), load(ProducerSettings), SystemClock()
    access, control = open_access(clock, settings.request_timeout_s)
    chain = make_chain(Setup(settings, clock, access))

    async def work(health: Health, stop: asyncio.Event) -> None:
        producer = KafkaProducer(kafka.bootstrap, client_id=NAME)
        try:
            producing = PriceProducer(chain, producer, settings.watched, settings, clock, health)
            owner = Handlers(
                NAME, {"data_ingestion": producing.minute_bars, "daily_bars": producing.daily_bars}
            )
            await beside_jobs(owner, producing.run, kafka.bootstrap, health, service, stop)
        finally:
            await control.close()

    return work


def make_chain(setup: Setup) -> SourceChain:
    """The sources that the settings name, each with its breaker.

    Raises:
        Misconfigured: no such source, or real and made-up prices in one chain.
    """
    settings = setup.settings
    sources = [build(name, setup) for name in settings.sources]
    if len(sources) > 1 and any(source.capabilities.streams for source in sources):
        raise Misconfigured(
            f"AXIOM_PRODUCER_SOURCES={','.join(settings.sources)} would mix real and made-up prices: "
            "name the synthetic market alone, or leave it out"
        )
    names = [source.name for source in sources]
    breakers = breakers_for(names, settings.breaker_failures, settings.breaker_reset_s, setup.clock)
    return SourceChain(sources, breakers, NegativeCache(settings.dead_symbol_ttl_s, clock=setup.clock))


if __name__ == "__main__":
    sys.exit(run_service(NAME, make_work))
