"""The graph's topics in the real stores: what a varied log says, in any order, is what the stores hold."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from axiom.bus.deadletters import DeadLetters
from axiom.bus.memory import MemoryBroker, MemoryLogReader, MemoryProducer
from axiom.contracts.codec import encode
from axiom.contracts.headers import standard_headers
from axiom.contracts.record import Message
from axiom.runtime.discovery import sink_of
from axiom.runtime.fold import LogFold, Nowhere
from axiom.runtime.rebuild import build_as_of, rebuild
from axiom.runtime.sink import Sink
from axiom.stores.shadow import Shadow
from axiom_verify.compare import Report, verify
from axiom_verify.folds import FOLDS
from axiom_verify.readers import connect_neo4j, connect_redis, read
from tests.bars import bar
from tests.graph import MADE, call, correlation, mutation, varied
from tests.stack import StackUnderTest, run_postgres
from tests.texts import company, event
from topics import (
    all_topics,
    company_fundamentals,
    correlation_updates,
    graph_mutations,
    llm_calls,
    market_events,
    price_updates,
)

pytestmark = pytest.mark.integration
STORES = ["neo4j", "postgres", "redis"]
BAD = (b"no json", None, b"{}", b'{"kind": "affects"}', b"\xff\xfe")


class Told:
    """A log in memory with every topic, and one real store that its sink fills from it."""

    def __init__(self, name: str, env: Mapping[str, str]) -> None:
        self.name, self.env = name, env
        self.broker = MemoryBroker()
        for topic in all_topics():
            self.broker.create(topic, 3)
        self.reader = MemoryLogReader(self.broker)
        self._made = sink_of(name)
        self.sink: Sink[Any] = replace(self._made, shadow=self._shadow)

    def _shadow(self) -> Shadow[Any]:
        shadow = self._made.shadow()
        shadow.linger_s = 0.0
        return shadow

    def publish(self, messages: Iterable[Message], at_ms: int = 0) -> None:
        for message in messages:
            made = self.broker.append(message)
            log = self.broker.logs[made.topic][made.partition]
            log.records[-1] = made._replace(timestamp_ms=at_ms)

    async def fold(self) -> None:
        """Bring the store to the end of the log, as its sink would."""
        await self.sink.store.setup()
        letters = DeadLetters(MemoryProducer(self.broker), self.sink.name)
        fold = LogFold(self.sink, self.sink.store, self.reader, lambda *_: None, letters)
        await fold.take()
        await fold.fill(fold.ends())

    async def report(self) -> Report:
        return await asyncio.to_thread(verify, self.name, self.env, self.reader)

    async def counts(self) -> dict[str, tuple[int, int, int]]:
        """By topic: applied, superseded, dead-lettered."""
        found = {}
        for topic in FOLDS[f"{self.name}_sink"]:
            dump = await asyncio.to_thread(read, self.name, self.env, False, topic)
            found[topic] = tuple(map(dump.total, ("applied", "superseded", "dead_lettered")))
        return found

    async def content(self) -> dict[Any, Any]:
        """Every entity of every topic."""
        found: dict[Any, Any] = {}
        for topic in FOLDS[f"{self.name}_sink"]:
            found |= (await asyncio.to_thread(read, self.name, self.env, True, topic)).entities
        return found


def messages(seed: int) -> list[Message]:
    """All topics, in an order of chance, with prices between them."""
    found = [encode(topic, payload) for topic in MADE for payload in varied(topic, seed)]
    found += [encode(price_updates.TOPIC, bar("NVDA", days, 10.0 + days)) for days in range(5)]
    random.Random(seed).shuffle(found)
    return found


def with_bad_ones(good: list[Message], seed: int) -> list[Message]:
    """Some records that no sink may take, put in between."""
    dice = random.Random(seed)
    for topic in MADE:
        for value in BAD:
            good.insert(dice.randrange(len(good)), Message(topic.name, b"k", value, ()))
        whole = encode(topic, next(MADE[topic](dice)))
        of_later = standard_headers("id", topic.version + 1)
        good.insert(dice.randrange(len(good)), whole._replace(headers=of_later))
        good.insert(dice.randrange(len(good)), whole._replace(key=b"another"))
    return good


async def wipe(env: Mapping[str, str]) -> None:
    """Empty the three stores."""

    def all_of_them() -> None:
        for schema in ("market", "market_shadow", "market_old"):
            run_postgres(env, f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        with connect_redis(env) as redis:
            redis.flushall()
        with connect_neo4j(env) as neo4j:
            neo4j.execute_query("MATCH (node) DETACH DELETE node", database_="neo4j")

    await asyncio.to_thread(all_of_them)


@pytest.fixture(params=STORES)
async def told(request: pytest.FixtureRequest, stack: StackUnderTest) -> AsyncIterator[Told]:
    world = Told(request.param, stack.env)
    await wipe(stack.env)
    try:
        yield world
    finally:
        await world.sink.store.close()
        await wipe(stack.env)


def assert_equal(report: Report) -> None:
    """The store is what the log says, and every kind of entity was there to be compared."""
    assert report.equal, (report.differing, report.differences[:5], report.accounting)
    assert {kind.kind for kind in report.kinds} >= {
        "neo4j": {
            "event", "profile", "sector", "industry", "IN_SECTOR", "IN_INDUSTRY", "CORRELATED_WITH",
            "AFFECTS", "EXPOSES", "COMPETES_WITH", "SECTOR_PEER", "SUPPLIES", "reading",
            "explanation", "company",
        },
        "postgres": {"event", "fundamentals", "correlation", "mutation", "call", "signal", "bar"},
        "redis": {"events", "events text", "affects", "affects text", "latest", "bar"},
    }[report.store]  # fmt: skip


async def test_a_varied_log_with_bad_records_becomes_what_the_plain_fold_says(told: Told) -> None:
    told.publish(with_bad_ones(messages(1), 1))
    await told.fold()
    assert_equal(await told.report())
    dead = {topic: counts[2] for topic, counts in (await told.counts()).items()}
    assert dead == dict.fromkeys(dead, len(BAD) + 2) | {"price-updates": 0}


async def test_the_widest_records_that_the_contract_takes_are_no_trouble(told: Told) -> None:
    dice = random.Random(1)
    wide = "".join(chr(dice.randrange(0x10000, 0x1F000)) for _ in range(2000))  # 8,000 bytes, no pattern
    long = wide * 25
    cause = f"AAPL:MSFT:{wide[:1900]}:2026-03-02T00:00:00Z"
    told.publish(
        [
            encode(market_events.TOPIC, event(wide, summary=long, source=wide, url=wide, severity=1.0)),
            encode(
                company_fundamentals.TOPIC, company(source=wide, sector=wide, industry=wide, aliases=(wide,))
            ),
            encode(correlation_updates.TOPIC, correlation(window=wide)),
            encode(graph_mutations.TOPIC, mutation("explains-correlation", "AAPL", "MSFT", cause=cause)),
            encode(
                llm_calls.TOPIC, call(event_id=wide, task=wide, model=wide, answer=long, cost_usd="9" * 9)
            ),
        ]
    )
    await told.fold()
    report = await told.report()
    assert report.equal, (report.differences, report.accounting)
    assert not any(counts[2] for counts in (await told.counts()).values())


async def test_any_order_of_the_same_records_ends_alike(told: Told) -> None:
    told.publish(messages(2))
    await told.fold()
    first = await told.content()
    again = Told(told.name, told.env)
    await wipe(told.env)
    again.publish(random.Random(9).sample(messages(2), len(messages(2))))
    for _ in range(2):  # the second time in a store that has everything
        await again.fold()
    assert await again.content() == first
    await again.sink.store.close()


async def test_told_twice_it_counts_as_superseded_and_changes_nothing(told: Told) -> None:
    told.publish(messages(3))
    await told.fold()
    before, counts = await told.content(), await told.counts()
    told.publish(messages(3))
    await told.fold()
    assert await told.content() == before
    sent = {topic.name: len(varied(topic, 3)) for topic in MADE} | {"price-updates": 5}
    assert await told.counts() == {
        topic: (applied, superseded + sent[topic], 0) for topic, (applied, superseded, _) in counts.items()
    }


async def test_a_rebuild_makes_the_same_beside_it_and_swaps_it_in(told: Told) -> None:
    told.publish(with_bad_ones(messages(4), 4))
    await told.fold()
    before = await told.content()
    rebuilt = await rebuild(told.sink, told.reader, Nowhere(), lambda *_: None)
    assert rebuilt.dead == (len(BAD) + 2) * len(FOLDS[f"{told.name}_sink"].keys() - {"price-updates"})
    assert_equal(await told.report())
    assert await told.content() == before


async def test_damage_is_found_and_named(told: Told) -> None:
    told.publish(messages(5))
    await told.fold()
    await asyncio.to_thread(DAMAGE[told.name], told.env)
    report = await told.report()
    kinds = {kind.kind for kind in report.kinds if kind.expected_digest != kind.found_digest}
    assert kinds == DAMAGED[told.name]
    assert report.differing == len(DAMAGED[told.name])


def damage_neo4j(env: Mapping[str, str]) -> None:
    with connect_neo4j(env) as driver:
        for query in (
            "MATCH (e:MarketEvent) WHERE e.version IS NOT NULL WITH e LIMIT 1 SET e.title = 'other'",
            "MATCH ()-[r:SUPPLIES]->() WITH r LIMIT 1 DELETE r",
            "MATCH ()-[r:CORRELATED_WITH]->() WHERE r.version > '' WITH r LIMIT 1 SET r.live = NOT r.live",
            "MATCH (a:ActiveGeneration) CREATE (:Company {generation: a.generation, symbol: 'BARE'})",
            "MATCH (a:ActiveGeneration) CREATE (:Injected {generation: a.generation})",
        ):
            driver.execute_query(query, database_="neo4j")


def damage_postgres(env: Mapping[str, str]) -> None:
    some = "ctid IN (SELECT ctid FROM market.{} LIMIT 1)"
    for statement, table in (
        ("UPDATE market.market_events SET title = 'x' WHERE ", "market_events"),
        ("DELETE FROM market.company_fundamentals WHERE ", "company_fundamentals"),
        ("UPDATE market.llm_calls SET cost_usd = cost_usd + 0.000000000001 WHERE ", "llm_calls"),
    ):
        run_postgres(env, statement + some.format(table))


def damage_redis(env: Mapping[str, str]) -> None:
    with connect_redis(env) as client:
        client.zpopmax("axiom:events:all")
        client.hset("axiom:affects:texts:NVDA", client.zrange("axiom:affects:NVDA", 0, 0)[0], "0 {}")
        client.set("axiom:other", "x")


DAMAGE = {"neo4j": damage_neo4j, "postgres": damage_postgres, "redis": damage_redis}
DAMAGED = {
    "neo4j": {"event", "SUPPLIES", "CORRELATED_WITH", "bare node", "unknown node"},
    "postgres": {"event", "fundamentals", "call"},
    "redis": {"events", "affects text", "unknown key"},
}


async def test_redis_tells_its_readers_of_news_once_and_not_of_a_rebuild(stack: StackUnderTest) -> None:
    await wipe(stack.env)
    told = Told("redis", stack.env)
    try:
        listener: Any = told.sink.store.client.pubsub()
        await listener.subscribe("axiom:events", "axiom:affects")
        news = [encode(market_events.TOPIC, event(title)) for title in ("One", "Two")]
        told.publish([*news, *news, encode(graph_mutations.TOPIC, mutation())])
        await told.fold()
        await rebuild(told.sink, told.reader, Nowhere(), lambda *_: None)
        heard = []
        while (message := await listener.get_message(timeout=1)) is not None:
            if message["type"] == "message":
                heard.append((message["channel"], json.loads(message["data"]).get("title")))
        await listener.aclose()
    finally:
        await told.sink.store.close()
    assert sorted(heard, key=str) == [
        (b"axiom:affects", None), (b"axiom:events", "One"), (b"axiom:events", "Two"),
    ]  # fmt: skip
    await wipe(stack.env)


async def test_a_swap_leaves_nothing_of_the_old_generation(stack: StackUnderTest) -> None:
    await wipe(stack.env)
    told = Told("neo4j", stack.env)
    told.publish(messages(6))
    await told.fold()
    sizes = await asyncio.to_thread(neo4j_size, stack.env)
    await rebuild(told.sink, told.reader, Nowhere(), lambda *_: None)
    await told.sink.store.close()
    assert await asyncio.to_thread(neo4j_size, stack.env) == sizes
    await wipe(stack.env)


def neo4j_size(env: Mapping[str, str]) -> dict[str, int]:
    """How many nodes and relationships of each kind there are, of all generations."""
    with connect_neo4j(env) as driver:
        nodes = driver.execute_query(
            "MATCH (n) RETURN labels(n)[0] AS kind, count(*) AS n", database_="neo4j"
        )
        edges = driver.execute_query(
            "MATCH ()-[r]->() RETURN type(r) AS kind, count(*) AS n", database_="neo4j"
        )
    found = {row["kind"]: row["n"] for row in [*nodes.records, *edges.records]}
    return {kind: count for kind, count in found.items() if kind != "GenerationLock"}


async def test_the_graph_as_of_a_time_is_beside_the_live_one(stack: StackUnderTest) -> None:
    await wipe(stack.env)
    told = Told("neo4j", stack.env)
    told.publish(messages(7), at_ms=1_000)
    await told.fold()
    then = await told.content()
    told.publish(messages(8), at_ms=2_001)
    await told.fold()
    records = await build_as_of(told.sink, told.reader, lambda *_: None, datetime.fromtimestamp(2, UTC))
    read = {topic.name for topic in told.sink.handlers}
    assert records == sum(message.topic in read for message in messages(7))
    assert_equal(await told.report())
    assert await told.content() != then
    await told.sink.store.query(
        "MATCH (s:AsOfGeneration) MATCH (a:ActiveGeneration) SET a.generation = s.generation"
    )
    assert await told.content() == then
    await told.sink.store.close()
    await wipe(stack.env)
