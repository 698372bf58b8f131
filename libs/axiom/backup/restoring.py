"""Restoring a backup: the log record by record at its old offsets, schema `control`, the groups' offsets.

Derived stores are filled from the log afterwards, by a rebuild: see `Unburied` for its dead letters.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from axiom.backup import chunks
from axiom.backup.folder import Backup
from axiom.backup.manifest import Partition, TopicState
from axiom.backup.taking import Report
from axiom.bus.deadletters import Graveyard
from axiom.contracts.record import LogRange, Record, TopicPartition
from axiom.contracts.topic import Topic
from axiom.errors import Misconfigured, Permanent, StoreDown
from axiom.settings import PostgresSettings
from axiom.stores.control_copy import ControlShape, ControlTable, control_exists, restore_control
from topics import all_topics

_GONE_S = 60.0
_FILLERS_AT_ONCE = 50_000


class Writer(Protocol):
    """Writes records back to where they were; `axiom.bus.kafka.writer`."""

    def begin(self, partition: TopicPartition, next_offset: int) -> None: ...

    def write(self, records: Iterable[Record]) -> None: ...

    def fill(self, partition: TopicPartition, count: int) -> None: ...

    def flush(self) -> None: ...


class Admin(Protocol):
    """The part of Kafka's administration that a restore needs; `axiom.bus.kafka.groups`."""

    def names(self) -> set[str]: ...

    def ranges(self, topic: str) -> dict[TopicPartition, LogRange]: ...

    def create(self, topics: Iterable[Topic[Any]]) -> dict[str, str]: ...

    def delete(self, names: Collection[str]) -> None: ...

    def truncate(self, before: Mapping[TopicPartition, int]) -> None: ...

    def at_work(self) -> list[str]: ...

    def set_group_offsets(self, group: str, offsets: Mapping[TopicPartition, int]) -> None: ...


@dataclass(frozen=True)
class Target:
    """Where to: Kafka, and PostgreSQL with the folders of migrations that make its tables."""

    admin: Admin
    writer: Writer
    postgres: PostgresSettings
    migrations: Mapping[str, Path]


async def obstacles(target: Target, *, control_only: bool = False) -> list[str]:
    """What is there already and would be lost, in words.

    Raises:
        Misconfigured: services run; nothing may write while a log is restored.
    """
    if groups := await asyncio.to_thread(target.admin.at_work):
        raise Misconfigured(
            f"services are at work ({', '.join(groups)}): stop them first (`axiom down`, or `docker compose "
            f"stop`; servers alone are wanted), and wait some seconds for Kafka to notice"
        )
    found = [] if control_only else await asyncio.to_thread(_filled_topics, target.admin)
    if await control_exists(target.postgres):
        found.append("PostgreSQL has a schema control")
    return found


def _filled_topics(admin: Admin) -> list[str]:
    filled = {name: _records(admin, name) for name in sorted(admin.names() & set(all_topics()))}
    return [f"topic {name} has had {count} records" for name, count in filled.items() if count]


def _records(admin: Admin, name: str) -> int:
    return sum(kept.end for kept in admin.ranges(name).values())


async def restore_log(backup: Backup, target: Target, report: Report) -> None:
    """Make the backup's topics anew, with every record at its partition, offset and time.

    Offsets below a partition's first record are filled with empty records and deleted again, so that
    dead letters, groups and ledgers that name offsets stay right.

    Raises:
        Misconfigured: the backup has topics that are not declared here.
        DeliveryFailed: something else writes to Kafka.
    """
    topics = [_declared(topic) for topic in backup.manifest.topics]
    await asyncio.to_thread(_make_anew, target.admin, topics)
    for topic in backup.manifest.topics:
        await _refill(backup, topic, target, report)


def _declared(topic: TopicState) -> Topic[Any]:
    declared = all_topics().get(topic.name)
    if declared is None:
        raise Misconfigured(
            f"the backup has a topic {topic.name} that this Axiom does not declare: restore it with the "
            f"version that wrote it"
        )
    return replace(declared, partitions=len(topic.partitions))


def _make_anew(admin: Admin, topics: Sequence[Topic[Any]]) -> None:
    every = all_topics()
    if present := admin.names() & every.keys():
        admin.delete(present)
        give_up_s = time.monotonic() + _GONE_S
        while admin.names() & present:
            if time.monotonic() > give_up_s:
                raise StoreDown(f"Kafka has not deleted {', '.join(sorted(present))} yet: restore again")
            time.sleep(0.1)
    admin.create([*({**every, **{topic.name: topic for topic in topics}}).values()])


async def _refill(backup: Backup, topic: TopicState, target: Target, report: Report) -> None:
    done, total = 0, topic.records
    for partition in topic.partitions:
        await asyncio.to_thread(_fill_below, topic.name, partition, target)
        for chunk in partition.chunks:
            records = await asyncio.to_thread(
                chunks.read, backup.file(chunk.path), topic.name, partition.number
            )
            if [record.offset for record in records] != list(range(chunk.start, chunk.end)):
                raise Permanent(f"{backup.file(chunk.path)} does not hold the records {chunk.start} on")
            await asyncio.to_thread(target.writer.write, records)
            done += len(records)
            report(topic.name, done, total)
    await asyncio.to_thread(target.writer.flush)
    report(topic.name, total, total)


def _fill_below(topic: str, partition: Partition, target: Target) -> None:
    part = TopicPartition(topic, partition.number)
    target.writer.begin(part, 0)
    if partition.start:
        for at in range(0, partition.start, _FILLERS_AT_ONCE):
            target.writer.fill(part, min(_FILLERS_AT_ONCE, partition.start - at))
        target.writer.flush()
        target.admin.truncate({part: partition.start})


async def restore_tables(backup: Backup, target: Target) -> int:
    """Make schema `control` what it was, in one transaction; returns its rows.

    Raises as `axiom.stores.control_copy.restore_control`.
    """
    manifest = backup.manifest
    shape = ControlShape(
        tuple(ControlTable(table.name, table.columns) for table in manifest.tables),
        manifest.migrations,
        manifest.sequences,
    )
    if not shape.tables:
        return 0
    files = {table.name: backup.file(table.path) for table in manifest.tables}
    return await restore_control(target.postgres, target.migrations, shape, files)


def restore_groups(backup: Backup, admin: Admin) -> None:
    """Let every consumer group go on where it was."""
    by_group: dict[str, dict[TopicPartition, int]] = {}
    for one in backup.manifest.groups:
        by_group.setdefault(one.group, {})[TopicPartition(one.topic, one.partition)] = one.next_offset
    for group, offsets in sorted(by_group.items()):
        admin.set_group_offsets(group, offsets)


class Unburied:
    """Buries only the bad records of which a sink had not told when the backup was made.

    A letter that was written and closed must not be opened by the fold that fills the store again. What
    the sink had read is known by its group's offsets, and beyond those by the letters in the log.
    """

    def __init__(
        self, backup: Backup, consumer: str, known: Collection[tuple[str, int, int]], inner: Graveyard
    ):
        self._read = {
            TopicPartition(one.topic, one.partition): one.next_offset
            for one in backup.manifest.groups
            if one.group == consumer
        }
        self._known = set(known)
        self._inner = inner

    async def bury(self, bad: Sequence[tuple[Record, Permanent]]) -> None:
        new = [
            (record, why)
            for record, why in bad
            if record.offset >= self._read.get(TopicPartition(record.topic, record.partition), 0)
            and (record.topic, record.partition, record.offset) not in self._known
        ]
        if new:
            await self._inner.bury(new)
