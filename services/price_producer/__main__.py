"""`python -m services.price_producer`."""

from __future__ import annotations

import asyncio
import sys

from axiom.bus.kafka import KafkaProducer
from axiom.errors import Misconfigured
from axiom.resilience.clock import SystemClock
from axiom.resilience.negative import NegativeCache
from axiom.runtime.jobs import Handlers, JobHandler
from axiom.runtime.outbox import Outbox
from axiom.runtime.service import Work, beside_jobs, run_service
from axiom.settings import KafkaSettings, ServiceSettings, load
from axiom.sources.access import open_access
from axiom.sources.breakers import breakers_for
from axiom.stores.control import ControlStore
from axiom.telemetry.health import Health
from axiom.tiers.postgres import MIGRATIONS as TIER_TABLES
from axiom.tiers.postgres import PostgresTiers
from axiom.tiers.settings import TierSettings
from axiom.universe.listing import Universe
from axiom.universe.store import MIGRATIONS as UNIVERSE_TABLES
from axiom.universe.store import Universes
from services.price_producer.chain import SourceChain
from services.price_producer.producer import NAME, PriceProducer
from services.price_producer.settings import ProducerSettings
from services.price_producer.sources import build
from services.price_producer.sources.port import Setup
from services.price_producer.tier_chains import discover, make_tier_jobs, sources_of
from services.price_producer.tier_jobs import Outlets, TierJobs
from services.price_producer.tier_service import TierService
from topics.price_updates import TOPIC, PriceBar


def make_work(service: ServiceSettings) -> Work:
    """Compose the service out of settings."""
    kafka, settings, clock = load(KafkaSettings), load(ProducerSettings), SystemClock()
    tables = TIER_TABLES | UNIVERSE_TABLES
    access, control = open_access(clock, settings.request_timeout_s, tables)
    setup = Setup(settings, clock, access)
    chain = make_chain(setup)

    async def work(health: Health, stop: asyncio.Event) -> None:
        producer = KafkaProducer(kafka.bootstrap, client_id=NAME)
        bars = Outbox(KafkaProducer(kafka.bootstrap, client_id=f"{NAME}-tiers"), TOPIC, NAME, clock, health)
        try:
            producing = PriceProducer(chain, producer, settings.watched, settings, clock, health)
            tiers = TierService(lambda: make_tiers(setup, control, bars))
            own: dict[str, JobHandler] = {
                "data_ingestion": producing.minute_bars,
                "daily_bars": producing.daily_bars,
            }
            owner = Handlers(NAME, own | tiers.handlers)
            try:
                await beside_jobs(owner, producing.run, kafka.bootstrap, health, service, stop)
            finally:
                await tiers.close()
                await bars.close()
        finally:
            await control.close()

    return work


async def make_tiers(setup: Setup, control: ControlStore, bars: Outbox[PriceBar]) -> TierJobs:
    """The tiers' jobs over PostgreSQL and Kafka; finds out what the keys allow.

    Raises:
        StoreDown: PostgreSQL is away.
    """
    universes, settings = Universes(control), load(TierSettings)
    await universes.setup()
    sources = sources_of(setup, settings)
    await discover(sources)

    async def current() -> Universe:
        return (await universes.current()).universe

    outlets = Outlets(bars.send, bars.flush)
    return make_tier_jobs(sources, setup, settings, PostgresTiers(control), current, outlets)


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
