"""Backups that tests make without a server: topics of a MemoryBroker, and tables that are given."""

from __future__ import annotations

import gzip
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from axiom.backup.folder import Backup, being_made, name_of, open_backup, seal
from axiom.backup.manifest import FORMAT, GroupOffset, Manifest, Partition, Table, TopicState
from axiom.backup.partitions import chunks_of, sum_of
from axiom.backup.reuse import Earlier
from axiom.bus.memory import MemoryBroker, MemoryLogReader
from axiom.contracts.record import LogRange, Record, TopicPartition
from axiom.contracts.topic import Topic
from axiom.errors import DeliveryFailed

MADE_AT = datetime(2026, 11, 26, 2, 15, tzinfo=UTC)
TOPIC = "price-updates"


def broker_of(*records: int, topic: str = TOPIC) -> MemoryBroker:
    """A broker with a topic of one partition for each number, that has so many records."""
    broker = MemoryBroker()
    broker.create(topic, len(records))
    for number, count in enumerate(records):
        log = broker.logs[topic][number]
        log.records += [
            Record(topic, number, at, 1_000 + at, b"k%d" % at, b"v%d" % at, (("event-id", b"e%d" % at),))
            for at in range(count)
        ]
    return broker


def backup_of(
    broker: MemoryBroker,
    place: Path,
    made_at: datetime = MADE_AT,
    records_each: int = 4,
    groups: Collection[GroupOffset] = (),
) -> Backup:
    """What `take` makes of the broker and of a schema `control` with one table."""
    reader = MemoryLogReader(broker)
    with being_made(place, name_of(made_at)) as folder:
        earlier, sums, topics = Earlier.of(place), {}, []
        for name in broker.logs:
            (folder / "topics" / name).mkdir(parents=True)
            identity, partitions = reader.identity(name), []
            for part, kept in reader.ranges(name).items():
                steps = chunks_of(reader, identity.topic_id, part, kept, folder, earlier, records_each)
                found = [chunk for chunk, sums[chunk.path] in steps]
                partitions.append(
                    Partition(number=part.partition, start=kept.start, end=kept.end, chunks=tuple(found))
                )
            topics.append(TopicState(name=name, topic_id=identity.topic_id, partitions=tuple(partitions)))
        (folder / "control").mkdir()
        path = "control/llm_calls.copy.gz"
        with gzip.open(folder / path, "wb") as file:
            file.write(b"one\n")
        sums[path] = sum_of(folder / path)
        manifest = Manifest(
            format=FORMAT, name=name_of(made_at), made_at=made_at, topics=tuple(topics), groups=tuple(groups),
            tables=(Table(name="llm_calls", path=path, columns=("id",), rows=1),),
            migrations=(), sequences={},
        )  # fmt: skip
        seal(folder, manifest, sums)
    return open_backup(place / name_of(made_at))


class MemoryAdmin:
    """`axiom.backup.restoring.Admin` on a MemoryBroker."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.broker = broker

    def names(self) -> set[str]:
        return set(self.broker.logs)

    def ranges(self, topic: str) -> dict[TopicPartition, LogRange]:
        return MemoryLogReader(self.broker).ranges(topic)

    def create(self, topics: Iterable[Topic[Any]]) -> dict[str, str]:
        for topic in topics:
            self.broker.create(topic.name, topic.partitions)
        return {}

    def delete(self, names: Collection[str]) -> None:
        for name in names:
            self.broker.delete(name)

    def truncate(self, before: Mapping[TopicPartition, int]) -> None:
        for part, offset in before.items():
            self.broker.truncate(part, offset)

    def at_work(self) -> list[str]:
        return sorted(group for group, members in self.broker.groups.items() if members)

    def set_group_offsets(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        self.broker.committed[group] = dict(offsets)


class MemoryWriter:
    """`axiom.backup.restoring.Writer` on a MemoryBroker."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    def begin(self, partition: TopicPartition, next_offset: int) -> None:
        assert self._log(partition).end == next_offset

    def write(self, records: Iterable[Record]) -> None:
        for record in records:
            log = self._log(TopicPartition(record.topic, record.partition))
            if log.end != record.offset:
                raise DeliveryFailed(f"offset {record.offset} would be {log.end}")
            log.records.append(record)

    def fill(self, partition: TopicPartition, count: int) -> None:
        log = self._log(partition)
        for _ in range(count):
            log.records.append(Record(*partition, log.end, 0, None, None, ()))

    def flush(self) -> None:
        pass

    def _log(self, part: TopicPartition) -> Any:
        return self._broker.logs[part.topic][part.partition]
