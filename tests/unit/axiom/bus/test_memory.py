from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from axiom.bus.memory import MemoryBroker, MemoryConsumer, MemoryLogReader, MemoryProducer
from axiom.contracts.record import TopicPartition
from axiom.errors import LogMismatch, StoreDown
from tests.suites.bus import BusSuite, Member, World
from topics import dead_letters

pytestmark = pytest.mark.unit


class MemoryWorld:
    """A MemoryBroker as a world."""

    def __init__(self) -> None:
        self.broker = MemoryBroker()
        self.broker.create(dead_letters.TOPIC.name)

    def create(self, name: str, partitions: int = 1) -> None:
        self.broker.create(name, partitions)

    def delete(self, name: str) -> None:
        self.broker.delete(name)

    def truncate(self, partition: TopicPartition, before: int) -> None:
        self.broker.truncate(partition, before)

    def producer(self) -> MemoryProducer:
        return MemoryProducer(self.broker)

    def cut_off_producer(self) -> tuple[MemoryProducer, Callable[[], None]]:
        self.broker.down = True

        def reconnect() -> None:
            self.broker.down = False

        return self.producer(), reconnect

    def consumer(self, group: str, *topics: str) -> MemoryConsumer:
        return MemoryConsumer(self.broker, group, topics)

    def reader(self) -> MemoryLogReader:
        return MemoryLogReader(self.broker)

    def committed(self, group: str) -> dict[TopicPartition, int]:
        return dict(self.broker.committed.get(group, {}))


class TestMemoryBus(BusSuite):
    @pytest.fixture
    def world(self) -> World:
        return MemoryWorld()


def test_an_absent_broker_delivers_nothing_and_answers_nothing() -> None:
    broker = MemoryBroker()
    broker.create("t")
    member = Member(MemoryConsumer(broker, "g", ["t"]))
    member.poll()
    broker.down = True
    member.poll()
    for ask in (
        lambda: member.consumer.identities(["t"]),
        lambda: member.consumer.log_ranges([TopicPartition("t", 0)]),
    ):
        with pytest.raises(StoreDown):
            ask()


def test_a_member_may_leave_twice() -> None:
    broker = MemoryBroker()
    consumer = MemoryConsumer(broker, "g", ["t"])
    with suppress(LogMismatch):
        consumer.close()
        consumer.close()
    assert broker.groups["g"] == []
