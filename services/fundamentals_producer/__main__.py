"""`python -m services.fundamentals_producer`."""

from __future__ import annotations

import asyncio
import sys

from axiom.bus.kafka import KafkaProducer
from axiom.quota.postgres import MIGRATIONS as QUOTA_MIGRATIONS
from axiom.resilience.clock import SystemClock
from axiom.resilience.negative import NegativeCache
from axiom.runtime.jobs import Handlers
from axiom.runtime.service import Work, beside_jobs, run_service
from axiom.settings import KafkaSettings, PostgresSettings, ServiceSettings, load
from axiom.sources.access import Access
from axiom.sources.breakers import breakers_for
from axiom.sources.failover import Failover
from axiom.sources.settings import FinnhubSettings, SourceSettings
from axiom.stores.control import ControlStore
from axiom.telemetry.health import Health
from axiom.universe.store import MIGRATIONS, Universes
from services.fundamentals_producer.cycle import Chain
from services.fundamentals_producer.producer import NAME, FundamentalsProducer
from services.fundamentals_producer.settings import FundamentalsSettings
from services.fundamentals_producer.sources import build
from services.fundamentals_producer.sources.port import Setup


def make_work(service: ServiceSettings) -> Work:
    """Compose the service out of settings."""
    kafka, clock = load(KafkaSettings), SystemClock()
    control = ControlStore(load(PostgresSettings), migrations=MIGRATIONS | QUOTA_MIGRATIONS)
    shared = load(SourceSettings)
    access = Access.shared(control, clock, shared.request_timeout_s)
    setup = Setup(
        load(FundamentalsSettings), shared, load(FinnhubSettings), Universes(control), clock, access
    )
    chain = make_chain(setup)

    async def work(health: Health, stop: asyncio.Event) -> None:
        producer = KafkaProducer(kafka.bootstrap, client_id=NAME)
        try:
            producing = FundamentalsProducer(chain, producer, setup.settings, setup.shared, clock, health)
            owner = Handlers(NAME, {"company_profiles": producing.company_profiles})
            await beside_jobs(owner, producing.run, kafka.bootstrap, health, service, stop)
        finally:
            await control.close()

    return work


def make_chain(setup: Setup) -> Chain:
    """The sources that the settings name, or those that there is something to ask with, with their breakers.

    Raises:
        Misconfigured: no such source, or a setting that it needs is missing.
    """
    names = setup.settings.sources
    if not names:
        key, file = setup.finnhub.api_key is not None, setup.settings.file is not None
        names = (*["file"] * file, "yahoo", *["finnhub"] * key, "universe")
    sources = [build(name, setup) for name in dict.fromkeys(names)]
    shared, clock = setup.shared, setup.clock
    breakers = breakers_for(
        [source.name for source in sources], shared.breaker_failures, shared.breaker_reset_s, clock
    )
    return Failover(sources, breakers, NegativeCache(shared.dead_symbol_ttl_s, clock=clock))


if __name__ == "__main__":
    sys.exit(run_service(NAME, make_work))
