from __future__ import annotations

import pytest

from axiom.bus.memory import MemoryBroker, MemoryConsumer
from axiom.contracts.record import LogRange, TopicIdentity, TopicPartition
from axiom.errors import LogMismatch, StoreDown
from axiom.runtime.positions import Log, check, positions_of, read_logs
from axiom.stores.memory import MemoryStore
from axiom.stores.port import Position

pytestmark = pytest.mark.unit

PART = TopicPartition("t", 0)
LOG = TopicIdentity("id", 2)


@pytest.mark.parametrize("offset", [5, 7, 10])
def test_an_offset_within_the_log_is_right(offset: int) -> None:
    check(PART, Position(offset, 1, LOG), LOG, LogRange(5, 10))


@pytest.mark.parametrize(
    ("position", "log", "way_out"),
    [
        (Position(7, 1, LOG), TopicIdentity("other", 2), "its id was id, now other.*rebuild"),
        (Position(7, 1, LOG), TopicIdentity("id", 3), "has 3 partitions .* 2.*rebuild"),
        (
            Position(3, 1, LOG),
            LOG,
            "goes on at 3, the log begins at 5, so 2 records are lost.*Restore the topic",
        ),
        (Position(11, 1, LOG), LOG, "ends at 10, before the store's 11.*Restore the topic"),
    ],
)
def test_another_log_is_named_with_the_way_out(position: Position, log: TopicIdentity, way_out: str) -> None:
    with pytest.raises(LogMismatch, match=way_out):
        check(PART, position, log, LogRange(5, 10))


async def test_a_new_partition_begins_where_the_log_does() -> None:
    broker = MemoryBroker()
    broker.create("t", 2)
    broker.logs["t"][1].start = 40
    consumer = MemoryConsumer(broker, "g", ["t"])
    log = read_logs(consumer, [PART, TopicPartition("t", 1)])["t"]
    store = MemoryStore()
    taken = await positions_of(store, "c", "t", log, take=True)
    assert {part.partition: at.next_offset for part, at in taken.items()} == {0: 0, 1: 40}
    assert await positions_of(store, "c", "t", log, take=False) == taken
    assert await positions_of(store, "other", "t", log, take=False) == {}


async def test_a_log_that_is_another_is_refused_when_partitions_are_taken() -> None:
    store = MemoryStore()
    await store.take("c", "t", LOG, {0: 7})
    with pytest.raises(LogMismatch):
        await positions_of(store, "c", "t", Log(LOG, {PART: LogRange(8, 9)}), take=True)


def test_an_absent_kafka_is_passed_on() -> None:
    broker = MemoryBroker()
    broker.create("t")
    consumer = MemoryConsumer(broker, "g", ["t"])
    broker.down = True
    with pytest.raises(StoreDown):
        read_logs(consumer, [PART])
