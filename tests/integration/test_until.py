"""A state as of a time equals a fresh system that was fed only with the records up to then."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from axiom.contracts.codec import encode
from axiom.runtime.rebuild import build_as_of
from tests.e2e.bars import mixed_bars
from tests.integration.test_shadows import Neo4jWorld, PostgresWorld, RealWorld
from tests.stack import StackUnderTest
from tests.suites.shadows import ignore
from topics.price_updates import TOPIC

pytestmark = pytest.mark.integration

FIRST = datetime(2024, 7, 1, tzinfo=UTC)
SPAN_S = 3_600
BARS = mixed_bars(count=8, days=12)


class PostgresPast(PostgresWorld):
    """Any schema."""

    async def everything(self, place: str | None) -> list[Any]:
        """All bars of a state as of a time, or of the live store."""
        schema = "market" if place is None else place.removeprefix("schema ")
        rows = await self._run(f'SELECT * FROM {schema}.price_bars ORDER BY symbol, "interval", ts')  # noqa: S608 - the store's own name
        return [tuple(row) for row in rows]


class Neo4jPast(Neo4jWorld):
    """Any generation."""

    async def everything(self, place: str | None) -> list[Any]:
        """All companies of a state as of a time, or of the active generation."""
        [row] = await self._run("MATCH (a:ActiveGeneration) RETURN a.generation AS generation")
        generation = row["generation"] if place is None else int(place.removeprefix("generation "))
        own = f"MATCH (c:Company {{generation: {generation}}})"
        rows = await self._run(f"{own} RETURN properties(c) AS company ORDER BY c.symbol")
        return [{**row["company"], "generation": None} for row in rows]


@pytest.fixture(params=[PostgresPast, Neo4jPast], ids=lambda world: world.name)
async def world(request: pytest.FixtureRequest, stack: StackUnderTest) -> AsyncIterator[RealWorld]:
    world: RealWorld = request.param(stack.env)
    await world.wipe()
    yield world
    await world.close()
    await world.wipe()


def send(world: RealWorld, at_s: list[int], until_s: int = SPAN_S) -> None:
    """Make the topic anew, with the bars that Kafka got until then; it stamps them itself."""
    world.broker.create(TOPIC.name, 3)
    for bar, second in zip(BARS, at_s, strict=True):
        if second <= until_s:
            record = world.broker.append(encode(TOPIC, bar))
            stamped = record._replace(timestamp_ms=int((FIRST.timestamp() + second) * 1000))
            world.broker.logs[TOPIC.name][record.partition].records[-1] = stamped


@pytest.mark.parametrize("seed", range(4))
async def test_it_equals_a_fresh_system_fed_up_to_then(world: Any, seed: int) -> None:
    """Times of records and the time asked for are random; clocks may go back between records."""
    dice = random.Random(seed)
    at_s = [dice.randrange(SPAN_S) for _ in BARS]
    if seed % 2:
        at_s.sort()
    until_s = dice.choice([dice.randrange(SPAN_S), at_s[dice.randrange(len(at_s))]])
    send(world, at_s)
    sink = await world.fold()
    live = await world.everything(None)
    until = datetime.fromtimestamp(FIRST.timestamp() + until_s, UTC)

    records = await build_as_of(sink, world.reader, ignore, until)
    assert records == sum(second <= until_s for second in at_s)
    assert sink.snapshots is not None
    [kept] = await sink.snapshots().kept()
    past = await world.everything(kept.place)
    assert await world.everything(None) == live, "the live store is as it was"
    await sink.snapshots().drop(kept.name)
    assert await sink.snapshots().kept() == []

    await world.wipe()
    send(world, at_s, until_s)
    await world.fold()
    assert past == await world.everything(None)
