"""Taking newly assigned partitions: the store says where to go on, if the log is still the same one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from axiom.bus.port import Consumer
from axiom.contracts.record import LogRange, TopicIdentity, TopicPartition
from axiom.errors import LogMismatch
from axiom.stores.port import Position, Store


@dataclass(frozen=True, slots=True)
class Log:
    """A topic's identity and what some of its partitions hold."""

    identity: TopicIdentity
    ranges: dict[TopicPartition, LogRange]


def read_logs(consumer: Consumer, partitions: Collection[TopicPartition]) -> dict[str, Log]:
    """By topic. Raises Transient or LogMismatch as the consumer does."""
    identities = consumer.identities(sorted({part.topic for part in partitions}))
    ranges = consumer.log_ranges(partitions)
    return {
        topic: Log(identity, {part: kept for part, kept in ranges.items() if part.topic == topic})
        for topic, identity in identities.items()
    }


async def positions_of(
    store: Store[Any], consumer: str, topic: str, log: Log, *, take: bool
) -> dict[TopicPartition, Position]:
    """The store's positions of the log's partitions, as their new owner (`take`) or as they are.

    Raises:
        LogMismatch: the log is not the one the store was filled from.
    """
    if take:
        starts = {part.partition: kept.start for part, kept in log.ranges.items()}
        found = await store.take(consumer, topic, log.identity, starts)
    else:
        found = await store.load(consumer, topic, [part.partition for part in log.ranges])
    positions = {TopicPartition(topic, number): position for number, position in found.items()}
    for part, position in positions.items():
        check(part, position, log.identity, log.ranges[part])
    return positions


def check(part: TopicPartition, position: Position, log: TopicIdentity, kept: LogRange) -> None:
    """Compare a position with the log.

    Raises:
        LogMismatch: saying what differs and what to do about it.
    """
    if position.log.topic_id != log.topic_id:
        raise LogMismatch(
            f"{part.topic} was deleted and made again since the store was filled (its id was "
            f"{position.log.topic_id}, now {log.topic_id}). {LogMismatch.WAY_OUT}"
        )
    if position.log.partitions != log.partitions:
        raise LogMismatch(
            f"{part.topic} has {log.partitions} partitions where the store was filled from "
            f"{position.log.partitions}: keys have moved between partitions. {LogMismatch.WAY_OUT}"
        )
    if position.next_offset < kept.start:
        raise LogMismatch(
            f"{part} was truncated: the store goes on at {position.next_offset}, the log begins at "
            f"{kept.start}, so {kept.start - position.next_offset} records are lost to the store. "
            f"{LogMismatch.WAY_OUT}"
        )
    if position.next_offset > kept.end:
        raise LogMismatch(
            f"{part} ends at {kept.end}, before the store's {position.next_offset}: the log lost "
            f"records that the store has. {LogMismatch.WAY_OUT}"
        )
