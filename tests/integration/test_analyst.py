"""The analyst's jobs on real stores: bars in PostgreSQL become edges in Neo4j, and the edges go again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from axiom.bus.memory import MemoryProducer
from axiom.contracts.codec import encode
from axiom.errors import StoreDown
from axiom.resilience.clock import ManualClock
from axiom.runtime.jobs import Results, Run
from axiom.settings import PostgresSettings, load
from axiom_verify.readers import connect_neo4j
from services.analyst.analyst import NAME, Analyst
from services.analyst.market import open_market
from services.analyst.settings import AnalystSettings
from tests.bars import bar
from tests.integration.test_graph_records import Told, wipe
from tests.stack import StackUnderTest
from topics import price_updates
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


async def test_without_tables_the_job_says_what_to_wait_for(stack: StackUnderTest) -> None:
    await wipe(stack.env)
    with pytest.raises(StoreDown, match="postgres-sink makes the tables"):
        async with open_market(load(PostgresSettings)):
            pass
