from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from axiom.bus.memory import MemoryBroker, MemoryProducer
from axiom.errors import Transient
from axiom.resilience.breaker import CircuitBreaker
from axiom.resilience.clock import ManualClock
from axiom.resilience.negative import NegativeCache
from axiom.sources.failover import Failover
from axiom.sources.outcomes import NoSuchSymbol, SourceDown
from axiom.sources.settings import SourceSettings
from axiom.telemetry.health import Health
from services.fundamentals_producer.company import company
from services.fundamentals_producer.producer import FundamentalsProducer
from services.fundamentals_producer.settings import FundamentalsSettings
from services.fundamentals_producer.sources.port import Capabilities, Outcome, Profile
from tests.runs import run_of
from topics.company_fundamentals import TOPIC

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY_S = 86_400


class FakeSource:
    """Has every company, unless `answers` says otherwise."""

    def __init__(self, name: str, *, last_resort: bool = False, **answers: Outcome) -> None:
        self.name = name
        self.capabilities = Capabilities(last_resort=last_resort)
        self.answers = answers
        self.asked: list[str] = []

    async def fetch(self, symbols: Collection[str], request: datetime) -> AsyncGenerator[Outcome, None]:
        day = NOW if self.capabilities.last_resort else request
        for symbol in symbols:
            self.asked.append(symbol)
            yield self.answers.get(symbol) or Profile(
                symbol, company(symbol, self.name, day, day, {"name": f"{symbol} Inc."})
            )

    async def close(self) -> None:
        """Nothing is held."""


class Bench:
    """A producer on a memory broker, with its clock in the test's hand."""

    def __init__(self, *sources: FakeSource) -> None:
        self.clock = ManualClock(NOW)
        self.broker = MemoryBroker()
        self.broker.create(TOPIC.name)
        self.health = Health("fundamentals-producer")
        self.sources = sources

    @asynccontextmanager
    async def running(self, *, scheduled: bool = False) -> AsyncIterator[FundamentalsProducer]:
        breakers = {source.name: CircuitBreaker(source.name, 3, 60, self.clock) for source in self.sources}
        chain: Any = Failover(self.sources, breakers, NegativeCache(3600, clock=self.clock))
        shared = SourceSettings(symbols=("AAPL", "KO"), retry_min_s=60, retry_max_s=600)
        producer: Any = MemoryProducer(self.broker)
        service = FundamentalsProducer(
            chain, producer, FundamentalsSettings(), shared, self.clock, self.health
        )
        stop = asyncio.Event()
        task = asyncio.create_task(service.run(stop, scheduled=scheduled))
        try:
            await self.clock.advance(0)
            yield service
        finally:
            stop.set()
            await task

    def told(self) -> list[tuple[str, str, str]]:
        records = [json.loads(record.value or b"") for record in self.broker.records(TOPIC.name)]
        return [(one["symbol"], one["source"], one["as_of"][:10]) for one in records]


async def test_once_a_day_for_the_watch_list() -> None:
    source = FakeSource("live")
    bench = Bench(source)
    async with bench.running():
        assert bench.told() == [("AAPL", "live", "2026-11-20"), ("KO", "live", "2026-11-20")]
        assert bench.health.not_ready == {}
        assert bench.health.notice is None
        await bench.clock.advance(DAY_S - 1)
        assert source.asked == ["AAPL", "KO"]
        await bench.clock.advance(2)
        assert bench.told()[2:] == [("AAPL", "live", "2026-11-21"), ("KO", "live", "2026-11-21")]


async def test_the_last_resort_answers_and_the_others_are_asked_again() -> None:
    live = FakeSource("live", AAPL=SourceDown("AAPL", "no route to host", reachable=False))
    bench = Bench(live, FakeSource("universe", last_resort=True))
    async with bench.running():
        assert bench.told() == [("AAPL", "universe", "2026-11-20"), ("KO", "universe", "2026-11-20")]
        assert bench.health.not_ready == {}
        notice = bench.health.notice or ""
        assert "no live source has fundamentals of 2 companies (live: no route to host)" in notice
        assert "2 of 2 companies come from the list of companies alone" in notice
        await bench.clock.advance(3600)
        assert len(bench.told()) == 2, "the same said again is not sent again"
        del live.answers["AAPL"]
        await bench.clock.advance(700)
        assert bench.told()[2:] == [("AAPL", "live", "2026-11-20"), ("KO", "live", "2026-11-20")]
        assert bench.health.notice is None


async def test_only_the_companies_that_failed_are_asked_for_again() -> None:
    live = FakeSource("live", KO=SourceDown("KO", "HTTP 503"))
    bench = Bench(live, FakeSource("universe", last_resort=True))
    async with bench.running():
        assert bench.told() == [("AAPL", "live", "2026-11-20"), ("KO", "universe", "2026-11-20")]
        live.asked.clear()
        await bench.clock.advance(601)
        assert set(live.asked) == {"KO"}


async def test_a_company_that_nobody_knows_is_left_alone() -> None:
    live = FakeSource("live", KO=NoSuchSymbol("KO", "not found"))
    bench = Bench(live)
    async with bench.running():
        assert bench.told() == [("AAPL", "live", "2026-11-20")]
        assert bench.health.notice is None
        await bench.clock.advance(7200)
        assert live.asked == ["AAPL", "KO"]


async def test_with_nothing_to_give_it_is_not_ready() -> None:
    bench = Bench(FakeSource("live", AAPL=SourceDown("AAPL", "no route", reachable=False)))
    async with bench.running():
        assert "no route" in bench.health.not_ready["sources"]


async def test_where_the_scheduler_is_the_clock_it_works_by_commands_alone() -> None:
    source = FakeSource("live")
    async with Bench(source).running(scheduled=True) as service:
        assert source.asked == ["AAPL", "KO"], "the round at the start"
        results = await service.company_profiles(run_of("company_profiles", NOW, symbols=("KO",)))
        assert results == {"published": "0", "missed": "0"}
        assert source.asked == ["AAPL", "KO", "KO"]
        source.answers["KO"] = SourceDown("KO", "HTTP 500")
        with pytest.raises(Transient, match="1 of 2 companies"):
            await service.company_profiles(run_of("company_profiles", NOW))


async def test_no_round_comes_by_itself_where_the_scheduler_is_the_clock() -> None:
    source = FakeSource("live")
    bench = Bench(source)
    async with bench.running(scheduled=True):
        await bench.clock.advance(3 * DAY_S)
        assert source.asked == ["AAPL", "KO"]
