"""Records in and out on the bus's twin: restoring, bad records, outages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from axiom.bus.memory import MemoryBroker, MemoryLogReader, MemoryProducer
from axiom.contracts.codec import encode
from axiom.contracts.record import Message, Record, TopicPartition
from axiom.errors import StoreDown
from services.analytics.analytics import NAME, Analytics
from tests.minute_bars import WATCHED, Said, end_s, feed, make_market, note, session
from topics import all_topics, dead_letters
from topics.price_updates import TOPIC, PriceBar

pytestmark = pytest.mark.unit
EVERY = [TopicPartition(TOPIC.name, number) for number in range(3)]


class World:
    """A log in memory; the group's offsets are moved by hand."""

    def __init__(self) -> None:
        self.broker = MemoryBroker()
        for name in all_topics():
            self.broker.create(name, 3)
        self.broker.committed[NAME] = {}

    def publish(self, bars: Sequence[PriceBar]) -> None:
        """The records' time is the end of their bars."""
        for one in bars:
            made = self.broker.append(encode(TOPIC, one))
            log = self.broker.logs[TOPIC.name][made.partition]
            log.records[-1] = made._replace(timestamp_ms=round(end_s(one) * 1000))

    def analytics(self, hours: float = 24) -> Analytics:
        producer, reader = MemoryProducer(self.broker), MemoryLogReader(self.broker)
        made = Analytics(make_market, producer, reader, timedelta(hours=hours))
        made.assign(EVERY)
        return made

    def rest(self, most: int = 10_000) -> list[Record]:
        """What the group has yet to read."""
        done = self.broker.committed[NAME]
        found: list[Record] = []
        for part in EVERY:
            found += self.broker.logs[TOPIC.name][part.partition].records[done.get(part, 0) :]
        return sorted(found, key=lambda record: record.timestamp_ms)[:most]

    def commit(self, records: Sequence[Record]) -> None:
        for record in records:
            self.broker.committed[NAME][TopicPartition(record.topic, record.partition)] = record.offset + 1

    def said(self) -> Said:
        said: Said = {}
        for name in ("technical-signals", "correlation-updates", "market-events"):
            topic = all_topics()[name]
            assert topic.payload is not None
            for record in self.broker.records(name):
                note(
                    said,
                    topic,
                    topic.payload.model_validate_json(record.value or b""),
                    record.key,
                    record.value,
                )
        return said


async def test_a_new_process_goes_on_where_the_last_one_was_killed() -> None:
    bars = session(minutes=60)
    world = World()
    world.publish(bars)
    first = world.analytics()
    while done := world.rest(most=40):
        await first.take(done)
        if len(world.broker.records("technical-signals")) > 300:
            break  # killed: these results are there, these offsets are not
        world.commit(done)
    second = world.analytics()
    before = len(world.broker.records("technical-signals"))
    while rest := world.rest(most=25):
        await second.take(rest)
        world.commit(rest)
    assert world.said() == feed(make_market(), bars)
    assert before < len(world.broker.records("technical-signals")) < before + len(feed(make_market(), bars))


async def test_nothing_is_told_of_what_is_read_again() -> None:
    world = World()
    world.publish(session(minutes=60))
    world.commit(world.rest())
    late = session(minutes=61)[len(session(minutes=60)) :]
    world.publish(late)
    await world.analytics().take(world.rest())
    ends = {record.value for record in world.broker.records("technical-signals")}
    assert 0 < len(ends) < 40


async def test_a_pair_of_which_one_half_brings_nothing_more_is_told() -> None:
    """The windows of all partitions are restored, not only of those that bring records."""
    world = World()
    bars = session(["AAPL", "MSFT"], minutes=60, jumps=False)
    last = max(one.ts for one in bars if one.symbol == "AAPL")
    held_back = [one for one in bars if (one.symbol, one.ts) == ("AAPL", last)]
    world.publish([one for one in bars if one not in held_back])
    world.commit(world.rest())
    world.publish(held_back)
    await world.analytics().take(world.rest())
    assert [told for topic, told in world.said() if topic == "correlation-updates"] == [
        "AAPL:MSFT:60m:2026-11-20T15:30:00Z"
    ]


async def test_other_partitions_are_forgotten_at_an_assignment() -> None:
    world = World()
    world.publish(session(minutes=30))
    analytics = world.analytics()
    await analytics.take(world.rest())
    world.commit(world.rest())
    analytics.assign(EVERY[:1])
    await analytics.take([])
    assert analytics.next_offsets == {}
    own = {record.key for record in world.broker.logs[TOPIC.name][0].records}
    assert analytics.summary() == {"symbols": len(own), "bars": {}}
    assert 0 < len(own) < len(WATCHED)


async def test_records_that_are_no_bars_are_passed_over() -> None:
    world = World()
    bars = session(minutes=60)
    world.publish(bars[:50])
    for value in (b"{", None, b'{"symbol": "AAPL"}'):
        world.broker.append(Message(TOPIC.name, b"AAPL", value, ()))
    world.publish(bars[50:])
    analytics = world.analytics()
    await analytics.take(world.rest())
    assert world.said() == feed(make_market(), bars)
    assert world.broker.records(dead_letters.TOPIC.name) == []


async def test_while_kafka_is_down_nothing_is_half_restored() -> None:
    world = World()
    bars = session(minutes=30)
    world.publish(bars)
    analytics = world.analytics()
    rest = world.rest()
    world.broker.down = True
    with pytest.raises(StoreDown):
        await analytics.take(rest)
    assert analytics.next_offsets == {}
    world.broker.down = False
    await analytics.take(rest)
    assert world.said() == feed(make_market(), bars)
    assert sum(analytics.next_offsets.values()) == len(bars)
