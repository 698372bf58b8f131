"""The analyst's jobs on real stores: bars in PostgreSQL become edges in Neo4j, and the edges go again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from axiom.bus.kafka import KafkaLogReader, KafkaProducer
from axiom.bus.memory import MemoryProducer
from axiom.contracts.codec import encode
from axiom.errors import StoreDown
from axiom.resilience.clock import ManualClock
from axiom.runtime.jobs import Results, Run
from axiom.settings import PostgresSettings, load
from axiom.stores.control import ControlStore
from axiom.telemetry.health import Health
from axiom.tiers.model import Member
from axiom.tiers.postgres import PostgresTiers
from axiom_verify.readers import connect_neo4j
from services.analyst.analyst import NAME, Analyst
from services.analyst.checking import MIGRATIONS, QualityBook
from services.analyst.market import open_market
from services.analyst.settings import AnalystSettings
from services.analyst.watching import SevereEvents
from tests.bars import bar
from tests.e2e.pipeline import run_axiom
from tests.graph import correlation, mutation
from tests.integration.test_graph_records import Told, wipe
from tests.stack import StackUnderTest, wait_until
from tests.texts import event
from topics import (
    correlation_updates,
    graph_mutations,
    job_commands,
    job_runs,
    market_events,
    price_updates,
)
from topics.job_commands import JobCommand, run_id
from topics.price_updates import PriceBar

pytestmark = pytest.mark.integration

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
SESSIONS = 60
TOGETHER, ALONE = ("AAA", "BBB", "CCC"), ("XXX", "YYY", "ZZZ")


class World:
    """A log in memory, PostgreSQL and Neo4j filled from it by their sinks, and an analyst."""

    def __init__(self, stack: StackUnderTest, **settings: Any) -> None:
        self.stores = [Told("postgres", stack.env), Told("neo4j", stack.env)]
        self.stores[1].broker = self.stores[0].broker
        self.stores[1].reader = self.stores[0].reader
        self.clock = ManualClock(FIRST + timedelta(days=400))
        self.analyst = Analyst(
            AnalystSettings(**settings), load(PostgresSettings), MemoryProducer(self.broker), self.clock
        )

    @property
    def broker(self) -> Any:
        return self.stores[0].broker

    async def publish(self, bars: Sequence[PriceBar]) -> None:
        self.stores[0].publish(encode(price_updates.TOPIC, one) for one in bars)
        await self.fold()

    async def fold(self) -> None:
        for store in self.stores:
            await store.fold()

    async def run(self, job: str, day: int) -> Results:
        """Do a job as of the end of a day, and let the sinks catch up."""
        self.clock.move(1)
        at = FIRST + timedelta(days=day, hours=22)
        command = JobCommand(
            run_id=run_id(job, "schedule", at, 1), job=job, owner=NAME, trigger="schedule", nominal_at=at,
            attempt=1, issued_at=at, expires_at=at + timedelta(hours=1),
        )  # fmt: skip
        results = await self.analyst.handlers[job](Run(command, quiet))
        await self.fold()
        return results or {}

    def sent(self, topic: str) -> int:
        return sum(len(log.records) for log in self.broker.logs[topic])


async def quiet(done: int, total: int, message: str | None) -> None:
    """Nobody listens."""


@pytest.fixture
async def world(stack: StackUnderTest) -> AsyncIterator[World]:
    await wipe(stack.env)
    made = World(stack, windows=("30d",))
    try:
        yield made
    finally:
        await made.analyst.close()
        for store in made.stores:
            await store.sink.store.close()
        await wipe(stack.env)


def market(days: range, together: bool = True) -> list[PriceBar]:
    """Bars of a group that moves alike, while `together`, and of others that don't; one splits."""
    dice = np.random.default_rng(1)
    common = dice.normal(0, 0.02, 400)
    made = []
    for symbol in (*TOGETHER, *ALONE):
        own = dice.normal(0, 0.005 if symbol in TOGETHER else 0.02, 400)
        moves = own + (common if symbol in TOGETHER and together else dice.normal(0, 0.02, 400))
        closes = 100 * np.exp(np.cumsum(moves))
        for day in days:
            price, ratio = float(closes[day]), None
            if symbol == "BBB" and day >= SESSIONS - 10:
                price, ratio = price / 4, 4.0 if day == SESSIONS - 10 else 1.0
            made.append(bar(symbol, ts=FIRST + timedelta(days=day), close=price, split_ratio=ratio))
    return made


def correlated(env: Any) -> dict[tuple[str, str], Any]:
    """The live edges in Neo4j."""
    query = "MATCH (a)-[r:CORRELATED_WITH]->(b) WHERE r.live RETURN a.symbol AS a, b.symbol AS b, r"
    with connect_neo4j(env) as driver:
        found = driver.execute_query(query, database_="neo4j").records
    return {(row["a"], row["b"]): dict(row["r"]) for row in found}


async def test_bars_become_edges_in_the_graph_and_go_again(world: World, stack: StackUnderTest) -> None:
    await world.publish(market(range(SESSIONS)))
    results = await world.run("correlation_analyzer", SESSIONS - 1)
    edges = await asyncio.to_thread(correlated, stack.env)
    assert set(edges) == {("AAA", "BBB"), ("AAA", "CCC"), ("BBB", "CCC")}, results
    assert all(edge["r"] > 0.8 and edge["n"] == 30 and edge["window"] == "30d" for edge in edges.values())
    assert {str(edge["event_time"])[:16] for edge in edges.values()} == {"2026-03-01T22:00"}

    assert world.sent("correlation-updates") == 3
    await world.run("correlation_analyzer", SESSIONS - 1)
    assert world.sent("correlation-updates") == 3, "run again, there is no news"

    await world.publish(market(range(SESSIONS, SESSIONS + 40), together=False))
    await world.run("correlation_analyzer", SESSIONS + 39)
    assert await asyncio.to_thread(correlated, stack.env) == {}
    assert world.sent("correlation-updates") == 6
    for store in world.stores:
        assert (await store.report()).equal


async def test_too_few_sessions_are_said_to_be(world: World) -> None:
    await world.publish(market(range(10)))
    results = await world.run("correlation_analyzer", 9)
    assert results == {"30d": "nothing: 9 of 30 sessions are there"}


async def test_an_event_reaches_whom_it_does_not_name_and_the_graph_says_how(
    world: World, stack: StackUnderTest
) -> None:
    news = event("Floods stop a plant", published_at=FIRST + timedelta(days=1))
    told = {"cause": news.event_id, "event_time": news.published_at}
    graph = [
        mutation("affects", news.event_id, "TSM", sentiment_score=-1.0, confidence=0.9, **told),
        mutation("supplies", "TSM", "NVDA", confidence=0.8, **told),
        mutation("competes-with", "AMD", "NVDA", confidence=0.8, **told),
    ]
    linked = [correlation("NVDA", "SMH", r=0.9), correlation("AAPL", "TSM", r=0.9, change="gone")]
    world.stores[0].publish(encode(market_events.TOPIC, one) for one in [news])
    world.stores[0].publish(encode(graph_mutations.TOPIC, one) for one in graph)
    world.stores[0].publish(encode(correlation_updates.TOPIC, one) for one in linked)
    await world.fold()
    results = await world.run("risk_propagation", 2)
    assert (results["severe events"], results["exposures"], results["published"]) == ("1", "3", "3")
    query = "MATCH (e:MarketEvent)-[r:EXPOSES]->(c) RETURN c.symbol AS symbol, r"
    with connect_neo4j(stack.env) as driver:
        records = (await asyncio.to_thread(driver.execute_query, query, database_="neo4j")).records
    found = {row["symbol"]: dict(row["r"]) for row in records}
    assert found.keys() == {"NVDA", "AMD", "SMH"}
    assert found["SMH"]["explanation"] == (
        "TSM is badly affected; TSM supplies NVDA; NVDA correlates with SMH"
    )
    assert found["NVDA"]["sentiment_score"] < found["SMH"]["sentiment_score"] < 0
    assert (await world.run("risk_propagation", 2))["published"] == "0"
    assert (await world.run("risk_propagation", 9))["severe events"] == "0"
    for store in world.stores:
        assert (await store.report()).equal


async def test_the_quality_of_bars_is_kept_by_symbol_and_tier(world: World, stack: StackUnderTest) -> None:
    control = ControlStore(load(PostgresSettings), migrations=MIGRATIONS)
    try:
        await control.setup()
        members = [Member("AAA", 1, 1), Member("XXX", 2, 2), Member("NEVER", 2, 3)]
        await PostgresTiers(control).assign(members, "test", FIRST)
        bars = [one for one in market(range(SESSIONS)) if (one.symbol, one.ts.day) != ("XXX", 5)]
        spike = next(one for one in bars if one.symbol == "YYY" and one.ts == FIRST + timedelta(days=30))
        bars[bars.index(spike)] = spike.model_copy(update={"close": 5 * spike.close})
        await world.publish(bars)
        for _ in range(2):  # again, nothing doubles
            results = await world.run("data_quality", SESSIONS - 1)
        assert results["tier 1"].startswith("1 symbols, 0 never got, 0 stale, 0.00% of bars missing")
        assert results["tier 2"].startswith("2 symbols, 1 never got")
        book = QualityBook(control)
        standing, outliers = await book.symbol("YYY")
        assert standing is not None
        assert (standing["tier"], standing["sessions_behind"], standing["spikes"]) == (0, 0, 1)
        assert {row["kind"] for row in outliers} == {"spike", "inconsistent"}
        of_split, none = await book.symbol("BBB")
        assert of_split is not None
        assert (of_split["declared_splits"], none) == (1, [])
        assert [row["symbol"] for row in await book.worst(2, 5)] == ["NEVER", "XXX"]
    finally:
        await PostgresTiers(control).assign([], "test", FIRST)
        for table in ("quality_symbols", "quality_anomalies", "quality_tiers"):
            await control.execute(f"TRUNCATE {table}")
        await control.close()


async def test_indicators_reach_postgresql_once(world: World) -> None:
    await world.publish(market(range(SESSIONS)))
    first = await world.run("technical_analysis", SESSIONS - 1)
    assert (first["session"], first["symbols"], first["without a bar that day"]) == ("2026-03-01", "6", "0")
    assert first["published"] == first["readings"] == str(world.sent("technical-signals"))
    again = await world.run("technical_analysis", SESSIONS - 1)
    assert (again["readings"], again["published"]) == (first["readings"], "0")
    rows = await world.stores[0].sink.store.fetch(
        "SELECT symbol, value FROM market.current_signals WHERE indicator = 'sma-20' ORDER BY symbol"
    )
    closes = [one.close for one in market(range(SESSIONS - 20, SESSIONS)) if one.symbol == "AAA"]
    assert rows[0]["value"] == pytest.approx(np.mean(closes), rel=1e-12)
    assert len(rows) == 6
    assert (await world.stores[0].report()).equal


async def test_a_severe_event_is_noticed_once_between_ticks(world: World) -> None:
    news = event("Floods stop a plant", published_at=world.clock.now() - timedelta(hours=1))
    told = {"cause": news.event_id, "event_time": news.published_at}
    watching = SevereEvents(world.analyst, 30.0, world.clock, Health(NAME))
    await world.fold()
    assert not await watching.look()
    world.stores[0].publish([encode(market_events.TOPIC, news)])
    for one in (
        mutation("affects", news.event_id, "TSM", sentiment_score=-1.0, confidence=0.9, **told),
        mutation("supplies", "TSM", "NVDA", confidence=0.8, **told),
    ):
        world.stores[0].publish([encode(graph_mutations.TOPIC, one)])
    await world.fold()
    assert await watching.look()
    await world.fold()
    assert world.sent("graph-mutations") == 3
    assert not await watching.look()


def test_the_service_does_its_jobs_by_command(stack: StackUnderTest) -> None:
    assert run_axiom(stack.env, "topics", "create").returncode == 0
    with stack.start_service("analyst") as service:
        service.wait_ready()
        at = datetime.now(UTC)
        command = JobCommand(
            run_id=run_id("data_quality", "manual:test", at, 1), job="data_quality", owner=NAME,
            trigger="manual:test", nominal_at=at, attempt=1, issued_at=at, expires_at=at + timedelta(hours=1),
        )  # fmt: skip
        asyncio.run(send(stack, command))
        wait_until("the run's end", lambda: "failed" in states(stack, command.run_id))
        assert service.terminate() == 0


async def send(stack: StackUnderTest, command: JobCommand) -> None:
    """Put a command on job-commands, as the scheduler does."""
    producer = KafkaProducer(stack.env["AXIOM_KAFKA_BOOTSTRAP"], client_id="test")
    await producer.send(encode(job_commands.TOPIC, command), job_commands.TOPIC.max_record_bytes)
    await producer.close()


def states(stack: StackUnderTest, run: str) -> list[str]:
    """What job-runs says of a run."""
    reader = KafkaLogReader(stack.env["AXIOM_KAFKA_BOOTSTRAP"])
    whole = reader.ranges(job_runs.TOPIC.name)
    told = [json.loads(one.value or b"{}") for records in reader.read(whole) for one in records]
    return [one["state"] for one in told if one.get("run_id") == run]


async def test_without_tables_the_job_says_what_to_wait_for(stack: StackUnderTest) -> None:
    await wipe(stack.env)
    with pytest.raises(StoreDown, match="postgres-sink makes the tables"):
        async with open_market(load(PostgresSettings)):
            pass
