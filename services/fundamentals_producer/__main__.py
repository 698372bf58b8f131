"""`python -m services.fundamentals_producer`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from axiom.bus.kafka import KafkaLogReader, KafkaProducer
from axiom.quota.postgres import MIGRATIONS as QUOTA_MIGRATIONS
from axiom.resilience.clock import SystemClock
from axiom.resilience.negative import NegativeCache
from axiom.runtime.jobs import Handlers, JobHandler
from axiom.runtime.service import Work, beside_jobs, run_service
from axiom.settings import KafkaSettings, Neo4jSettings, PostgresSettings, ServiceSettings, load
from axiom.sources.access import Access
from axiom.sources.breakers import breakers_for
from axiom.sources.failover import Failover
from axiom.sources.settings import FinnhubSettings, SourceSettings
from axiom.stores.control import ControlStore
from axiom.stores.neo4j import Neo4jStore
from axiom.telemetry.health import Health
from axiom.universe.listing import Universe
from axiom.universe.store import MIGRATIONS as UNIVERSE_MIGRATIONS
from axiom.universe.store import Universes
from services.fundamentals_producer.company_graph.checking import Neo4jGraph
from services.fundamentals_producer.company_graph.rounds import CompanyGraph, Parts
from services.fundamentals_producer.company_graph.settings import CompanyGraphSettings
from services.fundamentals_producer.company_graph.trail import Trail
from services.fundamentals_producer.company_graph.visits import MIGRATIONS as VISIT_MIGRATIONS
from services.fundamentals_producer.company_graph.visits import PostgresVisits
from services.fundamentals_producer.cycle import Chain
from services.fundamentals_producer.producer import NAME, FundamentalsProducer
from services.fundamentals_producer.settings import FundamentalsSettings
from services.fundamentals_producer.sources import build
from services.fundamentals_producer.sources.port import Setup


def make_work(service: ServiceSettings) -> Work:
    """Compose the service out of settings."""
    kafka, clock = load(KafkaSettings), SystemClock()
    migrations = UNIVERSE_MIGRATIONS | QUOTA_MIGRATIONS | VISIT_MIGRATIONS
    control = ControlStore(load(PostgresSettings), migrations=migrations)
    neo4j, graph_settings = load(Neo4jSettings), load(CompanyGraphSettings)
    shared = load(SourceSettings)
    access = Access.shared(control, clock, shared.request_timeout_s)
    setup = Setup(
        load(FundamentalsSettings), shared, load(FinnhubSettings), Universes(control), clock, access
    )
    chain = make_chain(setup)

    async def work(health: Health, stop: asyncio.Event) -> None:
        producer = KafkaProducer(kafka.bootstrap, client_id=NAME)
        graph = Neo4jStore(neo4j)
        try:
            producing = FundamentalsProducer(chain, producer, setup.settings, setup.shared, clock, health)
            reader = KafkaLogReader(kafka.bootstrap)
            trail = Trail(reader, reader)
            parts = Parts(
                producing.publish_anew, _universe(setup.universes), shared.watched, PostgresVisits(control),
                trail, Neo4jGraph(graph), clock,
            )  # fmt: skip
            handlers: dict[str, JobHandler] = {
                "company_profiles": producing.company_profiles,
                "company_graph": CompanyGraph(parts, graph_settings),
            }
            owner = Handlers(NAME, handlers)
            await beside_jobs(owner, producing.run, kafka.bootstrap, health, service, stop)
        finally:
            await graph.close()
            await control.close()

    return work


def _universe(universes: Universes) -> Callable[[], Awaitable[Universe]]:
    async def current() -> Universe:
        return (await universes.current()).universe

    return current


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
