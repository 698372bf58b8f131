"""Taking a backup: groups' offsets, then schema `control`, then the log, each of a later moment.

What `control` says was written to a topic is in the log then, and no group is beyond what `control` or the
log know. Records that the log has in excess of `control` are what a crash leaves too: their readers see
again what they had not noted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from axiom.backup.folder import Backup, being_made, name_of, open_backup, seal
from axiom.backup.manifest import FORMAT, Chunk, GroupOffset, Manifest, Partition, Table, TopicState
from axiom.backup.partitions import chunks_of, sum_of
from axiom.backup.reuse import Earlier
from axiom.bus.port import LogReader
from axiom.contracts.record import TopicPartition
from axiom.settings import PostgresSettings
from axiom.stores.control_copy import ControlShape, control_snapshot
from topics import all_topics


class Report(Protocol):
    """Told how far it is: of a topic or of schema `control`, so many of so many records or rows."""

    def __call__(self, what: str, done: int, total: int) -> None: ...


class Groups(Protocol):
    """The part of Kafka's administration that a backup needs."""

    def names(self) -> set[str]: ...

    def group_offsets(self) -> dict[str, dict[TopicPartition, int]]: ...


class _Source(NamedTuple):
    reader: LogReader
    groups: Groups
    postgres: PostgresSettings


async def take(
    place: Path,
    now: datetime,
    reader: LogReader,
    groups: Groups,
    postgres: PostgresSettings,
    report: Report,
) -> Backup:
    """Make a backup of every declared topic and of schema `control` in a folder of its own below `place`.

    It appears whole or not at all; an exception, also a cancellation, leaves nothing. Files of the newest
    backup in the same place that would come out equal are shared with it (hard links).

    Raises:
        Transient: another backup is being made there, a server is down, or the log was truncated meanwhile.
        Misconfigured: the place can't be written to.
        Permanent: a topic has gaps (it was compacted): its offsets could not be restored.
    """
    name = name_of(now)
    source = _Source(reader, groups, postgres)
    async with _in_threads(being_made(place, name)) as folder:
        earlier = await asyncio.to_thread(Earlier.of, place)
        sums: dict[str, str] = {}
        known = await asyncio.to_thread(_present, source)
        offsets = await asyncio.to_thread(_group_offsets, source, known)
        tables, shape = await _tables(source, folder, sums, report)
        states = [await _topic(source, one, folder, earlier, sums, report) for one in known]
        manifest = Manifest(
            format=FORMAT, name=name, made_at=now, topics=tuple(states), groups=offsets, tables=tables,
            migrations=shape.migrations, sequences=dict(shape.sequences), warnings=_warnings(states, shape),
        )  # fmt: skip
        await asyncio.to_thread(seal, folder, manifest, sums)
    return open_backup(place / name)


@asynccontextmanager
async def _in_threads(context: AbstractContextManager[Path]) -> AsyncIterator[Path]:
    """Enter and leave it in threads: it waits for the disk."""
    value = await asyncio.to_thread(context.__enter__)
    try:
        yield value
    except BaseException as error:
        await asyncio.to_thread(context.__exit__, type(error), error, error.__traceback__)
        raise
    await asyncio.to_thread(context.__exit__, None, None, None)


def _present(source: _Source) -> list[str]:
    return sorted(source.groups.names() & set(all_topics()))


def _group_offsets(source: _Source, topics: Sequence[str]) -> tuple[GroupOffset, ...]:
    return tuple(
        GroupOffset(group=group, topic=part.topic, partition=part.partition, next_offset=offset)
        for group, offsets in sorted(source.groups.group_offsets().items())
        for part, offset in sorted(offsets.items())
        if part.topic in topics
    )


async def _tables(
    source: _Source, folder: Path, sums: dict[str, str], report: Report
) -> tuple[tuple[Table, ...], ControlShape]:
    (folder / "control").mkdir()
    tables: list[Table] = []
    async with control_snapshot(source.postgres) as snapshot:
        shape = await snapshot.shape()
        for number, one in enumerate(shape.tables, 1):
            path = f"control/{one.name}.copy.gz"
            rows = await snapshot.copy(one, folder / path)
            tables.append(Table(name=one.name, path=path, columns=one.columns, rows=rows))
            report("schema control", number, len(shape.tables))
    for table in tables:
        sums[table.path] = await asyncio.to_thread(sum_of, folder / table.path)
    return tuple(tables), shape


async def _topic(
    source: _Source, name: str, folder: Path, earlier: Earlier, sums: dict[str, str], report: Report
) -> TopicState:
    (folder / "topics" / name).mkdir(parents=True)
    identity = await asyncio.to_thread(source.reader.identity, name)
    ranges = await asyncio.to_thread(source.reader.ranges, name)
    total = sum(kept.end - kept.start for kept in ranges.values())
    done = 0
    partitions: list[Partition] = []
    for part, kept in sorted(ranges.items()):
        written: list[Chunk] = []
        steps = chunks_of(source.reader, identity.topic_id, part, kept, folder, earlier)
        while (step := await asyncio.to_thread(next, steps, None)) is not None:
            chunk, sums[chunk.path] = step
            written.append(chunk)
            done += chunk.end - chunk.start
            report(name, done, total)
        partitions.append(
            Partition(number=part.partition, start=kept.start, end=kept.end, chunks=tuple(written))
        )
    report(name, total, total)
    return TopicState(name=name, topic_id=identity.topic_id, partitions=tuple(partitions))


def _warnings(topics: Collection[TopicState], shape: ControlShape) -> tuple[str, ...]:
    """What a restore will lack, in words."""
    declared = all_topics()
    found = [
        f"{part} begins at offset {kept.start}: what was before is not in the log, so not in the backup"
        for topic in topics
        for part, kept in topic.ranges.items()
        if kept.start and declared[topic.name].retention_ms is None
    ]
    if not shape.tables:
        found.append("PostgreSQL has no schema control")
    return tuple(found)
