"""The job `company_graph` on twins: whose turn it is, what a run waits for, what a check finds."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from axiom.bus.deadletters import publish
from axiom.bus.memory import MemoryBroker, MemoryLogReader, MemoryProducer
from axiom.contracts.record import TopicPartition
from axiom.errors import Permanent, Transient
from axiom.resilience.clock import ManualClock
from axiom.sources.failover import Missed
from axiom.universe.listing import Listing, Universe
from services.fundamentals_producer.company_graph.checking import RELATION_OF, Edge
from services.fundamentals_producer.company_graph.choosing import chosen
from services.fundamentals_producer.company_graph.rounds import CompanyGraph, Parts
from services.fundamentals_producer.company_graph.settings import CompanyGraphSettings
from services.fundamentals_producer.company_graph.trail import Ends, Trail
from services.fundamentals_producer.company_graph.visits import MemoryVisits
from services.fundamentals_producer.cycle import Report
from tests.runs import run_of
from topics import company_fundamentals, graph_mutations
from topics.company_fundamentals import CompanyFundamentals
from topics.graph_mutations import GraphMutation, mutation_version

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 23, 15, 10, tzinfo=UTC)
DAY = timedelta(days=1)
UNIVERSE = Universe.of(
    [
        Listing("AAPL", "Apple Inc. Common Stock", market_cap=4e12),
        Listing("MSFT", "Microsoft Corporation Common Stock", market_cap=3e12),
        Listing("KO", "Coca-Cola Company Common Stock", market_cap=3e11),
        Listing("TINY", "Tiny Corp. Common Stock", market_cap=1e8),
        Listing("TINYW", "Tiny Corp. Warrant"),
    ]
)
LISTINGS = list(UNIVERSE.listings.values())
OWN = [one for one in LISTINGS if one.symbol != "TINYW"]


def test_large_and_watched_companies_come_first_and_every_one_has_its_turn() -> None:
    turns = chosen(OWN, {}, ["KO"], NOW, 3, DAY)
    assert turns == ["KO", "AAPL", "MSFT"], "KO is on the watch list"
    visited = dict.fromkeys(turns, NOW)
    assert chosen(OWN, visited, ["KO"], NOW, 3, DAY) == ["TINY"], "the others had their turn just now"
    later = NOW + 30 * DAY
    assert chosen(OWN, visited | {"TINY": NOW}, [], later, 4, DAY) == ["AAPL", "MSFT", "KO", "TINY"]


def test_nobody_waits_for_ever() -> None:
    universe = [Listing(f"S{number:03}", "x", market_cap=10.0 ** (number % 13)) for number in range(300)]
    visited: dict[str, datetime] = {}
    seen: list[str] = []
    for hour in range(600):
        now = NOW + timedelta(hours=hour)
        turns = chosen(universe, visited, (), now, 5, timedelta(hours=20))
        visited |= dict.fromkeys(turns, now)
        seen += turns
    assert set(seen) == {one.symbol for one in universe}
    largest, smallest = seen.count("S012"), seen.count("S000")
    assert largest > 2 * smallest > 0


def stated(about: str, other: str, **changed: Any) -> GraphMutation:
    """A peer of a company, as the enricher states it."""
    subject, object_ = sorted((about, other))
    named = about.encode().hex().zfill(16) + other.encode().hex().zfill(16)
    mutation = GraphMutation(
        mutation_id=named, kind="sector-peer", subject=subject, object=object_, confidence=0.5,
        evidence="Beverages", cause_topic="company-fundamentals",
        cause=f"{about}:2026-11-23T00:00:00Z:test", method="local", model="m", prompt_version="p",
        universe=UNIVERSE.version, cost_usd="0", event_time=NOW, ingested_at=NOW,
    )  # fmt: skip
    return mutation.model_copy(update=changed)


class World:
    """Kafka, an enricher and a graph, in the test's hands."""

    def __init__(self, *, says: Mapping[str, list[GraphMutation]] | None = None) -> None:
        self.clock = ManualClock(NOW, skip_sleeps=True)
        self.broker = MemoryBroker()
        self.broker.create(company_fundamentals.TOPIC.name, 2)
        self.broker.create(graph_mutations.TOPIC.name, 2)
        self.producer = MemoryProducer(self.broker)
        self.visits = MemoryVisits()
        self.says = says or {}
        self.enricher_works = self.sink_works = True
        self.absent: set[str] = set()
        self.unusable: set[str] = set()
        self.down = False
        self.asked: list[list[str]] = []
        self.lost: set[Edge] = set()
        trail = Trail(MemoryLogReader(self.broker), self)
        self.job = CompanyGraph(
            Parts(self.publish, self.universe, ["KO"], self.visits, trail, self, self.clock),
            CompanyGraphSettings(companies=2, answer_patience_s=1, graph_patience_s=1),
        )

    async def universe(self) -> Universe:
        return UNIVERSE

    async def publish(self, symbols: Collection[str]) -> Report:
        self.asked.append(list(symbols))
        report = Report()
        for symbol in symbols:
            if symbol in self.unusable:
                continue
            if self.down or symbol in self.absent:
                report.missed.append(Missed(symbol, "nobody knows it", absent=not self.down))
                continue
            company = CompanyFundamentals(
                symbol=symbol, name=symbol, source="test", fetched_at=self.clock.now(),
                as_of=NOW.replace(hour=0, minute=0),
            )  # fmt: skip
            await publish(self.producer, company_fundamentals.TOPIC, company, "test")
            report.answered[symbol] = "test"
            report.published["test"] += 1
            for mutation in self.says.get(symbol, []):
                await publish(self.producer, graph_mutations.TOPIC, mutation, "test")
        await self.producer.flush()
        return report

    def done(self, group: str, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        assert group == "enricher"
        ranges = MemoryLogReader(self.broker).ranges(company_fundamentals.TOPIC.name)
        return {part: ranges[part].end for part in partitions} if self.enricher_works else {}

    async def reached(self) -> Ends:
        return self._ends(graph_mutations.TOPIC.name) if self.sink_works else {}

    async def edges(self, edges: Collection[Edge]) -> Mapping[Edge, Mapping[str, Any]]:
        held: dict[Edge, Mapping[str, Any]] = {}
        records = {record.value: record for record in self.broker.records(graph_mutations.TOPIC.name)}
        for value in records:
            one = GraphMutation.model_validate_json(value or b"")
            edge = (RELATION_OF[one.kind], one.subject, one.object or "")
            if edge in edges and edge not in self.lost:
                held[edge] = one.model_dump() | {"version": mutation_version(one, value)}
        return held

    def _ends(self, topic: str) -> Ends:
        ranges = MemoryLogReader(self.broker).ranges(topic)
        return {part.partition: kept.end for part, kept in ranges.items()}

    async def run(self, *symbols: str) -> Mapping[str, str]:
        return await self.job(run_of("company_graph", self.clock.now(), symbols=symbols)) or {}

    def later(self) -> None:
        self.clock.move(DAY.total_seconds())


PEERS = {"KO": [stated("KO", "AAPL")], "AAPL": [stated("AAPL", "KO"), stated("AAPL", "MSFT")]}


async def test_a_run_takes_those_whose_turn_it_is_and_checks_what_was_stated() -> None:
    world = World(says=PEERS)
    assert await world.run() == {
        "companies": "2", "published": "2", "missed": "0", "read": "2", "relations": "3", "waiting": "0",
    }  # fmt: skip
    assert world.asked == [["KO", "AAPL"]]
    assert {(one.visit.symbol, one.relations, one.faults) for one in world.visits.verdicts} == {
        ("KO", 1, 0), ("AAPL", 2, 0),
    }  # fmt: skip
    await world.run()
    assert world.asked[1] == ["MSFT", "TINY"], "warrants are no companies"
    assert (await world.run())["companies"] == "0", "all had their turn today"


async def test_symbols_that_a_person_names_are_taken_whenever_they_were() -> None:
    world = World(says=PEERS)
    for _ in range(2):
        results = await world.run("AAPL", "MSFT")
        assert (results["companies"], results["relations"]) == ("2", "2")
        world.clock.move(1)
    assert world.asked == [["AAPL", "MSFT"]] * 2


async def test_a_run_that_begins_again_writes_nothing_twice() -> None:
    world = World(says=PEERS)
    world.enricher_works = False
    run = run_of("company_graph", NOW, symbols=("AAPL", "MSFT"))
    assert (await world.job(run) or {})["waiting"] == "2"
    world.enricher_works = True
    assert (await world.job(run) or {})["relations"] == "2"
    assert world.asked == [["AAPL", "MSFT"]]


async def test_what_the_enricher_has_not_read_is_checked_by_the_next_run_which_takes_no_more() -> None:
    world = World(says=PEERS)
    world.enricher_works = False
    assert (await world.run())["waiting"] == "2"
    results = await world.run()
    assert (results["companies"], results["waiting"]) == ("0", "2"), "nothing piles up"
    world.enricher_works = True
    results = await world.run()
    assert (results["companies"], results["read"], results["relations"]) == ("0", "2", "3")


async def test_a_graph_that_is_behind_is_no_fault() -> None:
    world = World(says=PEERS)
    world.sink_works = False
    assert (await world.run())["waiting"] == "2"
    world.sink_works = True
    assert (await world.run())["relations"] == "3"


async def test_a_relation_that_the_graph_lost_is_named() -> None:
    world = World(says=PEERS)
    world.lost.add(("SECTOR_PEER", "AAPL", "MSFT"))
    with pytest.raises(Permanent, match=r"1 of 3 .*sector-peer AAPL MSFT: the graph does not have it"):
        await world.run()
    assert {(one.visit.symbol, one.faults) for one in world.visits.verdicts} == {("KO", 0), ("AAPL", 1)}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (stated("KO", "AAPL", evidence=" "), "it has no evidence"),
        (stated("KO", "ZZZ"), "the other company is not listed"),
        (stated("MSFT", "AAPL", cause="KO:2026-11-23T00:00:00Z:test"), "it is not about KO"),
    ],
)
async def test_what_may_not_be_is_named(wrong: GraphMutation, why: str) -> None:
    with pytest.raises(Permanent, match=why):
        await World(says={"KO": [wrong]}).run("KO")


async def test_another_version_of_the_list_may_know_others() -> None:
    world = World(says={"KO": [stated("KO", "ZZZ", universe="old")]})
    assert (await world.run("KO"))["relations"] == "1"


async def test_what_nobody_knows_has_had_its_turn() -> None:
    world = World()
    world.absent = {"KO"}
    results = await world.run()
    assert (results["published"], results["missed"], results["waiting"]) == ("1", "1", "0")
    await world.run()
    assert world.asked[1] == ["MSFT", "TINY"]


async def test_what_is_said_in_a_way_that_can_not_be_used_has_had_its_turn() -> None:
    world = World()
    world.unusable = {"KO"}
    await world.run()
    await world.run()
    assert world.asked == [["KO", "AAPL"], ["MSFT", "TINY"]]


async def test_sources_that_are_away_are_asked_again() -> None:
    world = World()
    world.down = True
    with pytest.raises(Transient, match="nobody knows it"):
        await world.run()
    world.down = False
    await world.run()
    assert world.asked == [["KO", "AAPL"]] * 2, "they have not had their turn"
