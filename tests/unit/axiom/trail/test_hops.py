"""From what log and stores say of an event to its hops, in order of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from axiom.contracts.codec import encode
from axiom.contracts.record import Record, TopicPartition
from axiom.contracts.topic import Topic
from axiom.trail.hops import Reached, hops
from axiom.trail.searching import Found, NoSuchEvent, search
from tests.unit.axiom.trail.log import Log
from topics import dead_letters, graph_mutations, market_events, sink_progress
from topics.graph_mutations import GraphMutation
from topics.market_events import MarketEvent
from topics.sink_progress import SinkProgress, Step

pytestmark = pytest.mark.unit

BEGAN = datetime(2026, 11, 20, 14, tzinfo=UTC)
EVENT = "ab" * 16
SINKS = {"market-events": ["neo4j-sink", "redis-sink"], "graph-mutations": ["neo4j-sink"]}


def event() -> MarketEvent:
    return MarketEvent(
        event_id=EVENT, title="Nvidia beats estimates", source="test", published_at=BEGAN, fetched_at=BEGAN
    )


def mutation() -> GraphMutation:
    return GraphMutation(
        mutation_id="cd" * 16, kind="affects", subject=EVENT, object="NVDA", confidence=0.9,
        evidence="Nvidia beats estimates", cause_topic="market-events", cause=EVENT, method="local",
        model="local-1", prompt_version="1", universe="u", cost_usd="0", event_time=BEGAN,
        ingested_at=BEGAN,
    )  # fmt: skip


def step(topic: Topic[object], next_offset: int, after_s: float) -> Step:
    return Step(topic=topic.name, partition=0, next_offset=next_offset, at=BEGAN + timedelta(seconds=after_s))


@pytest.fixture
def log() -> Log:
    """The event as the second record of its topic, what was said of it, and Neo4j's steps."""
    made = Log()
    made.write(market_events.TOPIC, event().model_copy(update={"event_id": "00" * 16}), BEGAN)
    made.write(market_events.TOPIC, event(), BEGAN)
    made.write(graph_mutations.TOPIC, mutation(), BEGAN + timedelta(seconds=1))
    steps = (step(market_events.TOPIC, 1, 0.2), step(market_events.TOPIC, 2, 0.5))
    made.write(sink_progress.TOPIC, SinkProgress(consumer="neo4j-sink", steps=steps), BEGAN)
    later = (step(graph_mutations.TOPIC, 1, 2.0),)
    made.write(sink_progress.TOPIC, SinkProgress(consumer="neo4j-sink", steps=later), BEGAN)
    return made


def place(topic: str) -> TopicPartition:
    return TopicPartition(topic, 0)


def test_an_event_is_followed_to_its_edge(log: Log) -> None:
    found = search(log, EVENT, lambda topic, read: None)
    positions = {
        ("neo4j-sink", place("market-events")): 2,
        ("redis-sink", place("market-events")): 1,
        ("neo4j-sink", place("graph-mutations")): 1,
    }
    told = hops(found, Reached(SINKS, positions, {"cd" * 16: True}))
    after = [(hop.at - BEGAN).total_seconds() if hop.at else None for hop in told]
    assert [(hop.what, hop.who, hop.place) for hop in told] == [
        ("written", "producer", "market-events-0@1"),
        ("waits", "redis-sink", "market-events-0@1"),
        ("applied", "neo4j-sink", "market-events-0@1"),
        ("said", "enricher", "graph-mutations-0@0"),
        ("applied", "neo4j-sink", "graph-mutations-0@0"),
        ("edge", "neo4j", "graph-mutations-0@0"),
    ]
    assert after == [0.0, None, 0.5, 1.0, 2.0, 2.0]
    assert told[-1].detail.endswith("this counts")


def test_a_store_that_passed_a_record_says_so_without_a_time(log: Log) -> None:
    found = search(log, EVENT, lambda topic, read: None)
    positions = {("redis-sink", place("market-events")): 9}
    told = {hop.who: hop for hop in hops(found, Reached(SINKS, positions, {}))}
    assert (told["redis-sink"].what, told["redis-sink"].at) == ("applied", None)
    assert "does not tell when" in told["redis-sink"].detail


def test_a_store_that_does_not_answer_is_not_known_of(log: Log) -> None:
    found = search(log, EVENT, lambda topic, read: None)
    told = {hop.who: hop for hop in hops(found, Reached(SINKS, {}, {}))}
    assert told["redis-sink"].what == "unknown"


def test_a_record_that_was_given_up_says_why(log: Log) -> None:
    letter = dead_letters.DeadLetter(
        consumer="redis-sink", error_class="refused_by_store", error_message="too long",
        topic="market-events", partition=0, offset=1, timestamp_ms=0,
        buried_at=BEGAN + timedelta(seconds=3),
    )  # fmt: skip
    log.write(dead_letters.TOPIC, letter, BEGAN)
    found = search(log, EVENT, lambda topic, read: None)
    told = {hop.who: hop for hop in hops(found, Reached(SINKS, {}, {}))}
    assert (told["redis-sink"].what, told["redis-sink"].detail) == (
        "dead-lettered",
        "refused_by_store: too long",
    )


def test_an_event_that_nobody_wrote() -> None:
    with pytest.raises(NoSuchEvent, match="no record of the id"):
        search(Log(), EVENT, lambda topic, read: None)


def test_a_step_counts_from_the_first_that_passed_the_record() -> None:
    key, value, headers = encode(market_events.TOPIC, event())[1:]
    record = Record("market-events", 0, 5, 0, key, value, headers)
    steps = [(5, BEGAN), (6, BEGAN + timedelta(seconds=1)), (9, BEGAN + timedelta(seconds=2))]
    found = Found(records=[record], steps={("redis-sink", place("market-events")): steps})
    assert found.taken_at("redis-sink", record) == BEGAN + timedelta(seconds=1)
    assert found.taken_at("neo4j-sink", record) is None
