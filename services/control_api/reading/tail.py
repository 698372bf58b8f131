"""Stretches of a topic, for people to look at: its end, what follows an offset, what follows a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from axiom.contracts.record import LogRange, Record, TopicPartition
from services.control_api.problems import invalid
from services.control_api.reading.models import Model
from services.control_api.reading.sources import Sources
from topics import all_topics

MOST = 200
_LONGEST = 20_000


class Seen(Model):
    """A record as people read it; of a long value its beginning."""

    partition: int
    offset: int
    at: datetime
    key: str
    value: str
    size_bytes: int
    headers: dict[str, str]


async def newest(sources: Sources, topic: str, count: int) -> list[Seen]:
    """The newest records of a topic, newest first."""

    def read() -> list[Seen]:
        kept = sources.log.ranges(_declared(topic))
        last = {part: LogRange(max(has.start, has.end - count), has.end) for part, has in kept.items()}
        return _read(sources, last, count, newest_first=True)

    return await asyncio.to_thread(read)


async def from_offset(sources: Sources, topic: str, partition: int, offset: int, count: int) -> list[Seen]:
    """The records of one partition from an offset on, oldest first.

    Raises:
        Refused: the topic has no such partition (422).
    """

    def read() -> list[Seen]:
        kept = sources.log.ranges(_declared(topic))
        part = TopicPartition(topic, partition)
        if part not in kept:
            raise invalid(f"{topic} has the partitions 0 to {len(kept) - 1}, not {partition}")
        start = min(max(offset, kept[part].start), kept[part].end)
        return _read(sources, {part: LogRange(start, min(start + count, kept[part].end))}, count)

    return await asyncio.to_thread(read)


async def from_time(sources: Sources, topic: str, since: datetime, count: int) -> list[Seen]:
    """The records of a topic that were written at a time or later, oldest first."""

    def read() -> list[Seen]:
        kept = sources.log.ranges(_declared(topic))
        starts = sources.admin.offsets_at(dict.fromkeys(kept, int(since.timestamp() * 1000)))
        first = {part: LogRange(starts[part], min(starts[part] + count, kept[part].end)) for part in kept}
        return _read(sources, first, count)

    return await asyncio.to_thread(read)


def _declared(topic: str) -> str:
    if topic not in all_topics():
        raise invalid(f"no topic {topic!r:.100}; there are {', '.join(all_topics())}")
    return topic


def _read(
    sources: Sources, stretches: Mapping[TopicPartition, LogRange], count: int, *, newest_first: bool = False
) -> list[Seen]:
    found = [record for records in sources.log.read(stretches) for record in records]
    found.sort(key=lambda one: (one.timestamp_ms, one.partition, one.offset), reverse=newest_first)
    return [_seen(record) for record in found[:count]]


def _seen(record: Record) -> Seen:
    value = record.value or b""
    return Seen(
        partition=record.partition,
        offset=record.offset,
        at=datetime.fromtimestamp(record.timestamp_ms / 1000, UTC),
        key=_text(record.key),
        value=_text(value[:_LONGEST]),
        size_bytes=len(value),
        headers={name: _text(held) for name, held in record.headers},
    )


def _text(held: bytes | None) -> str:
    return "" if held is None else held.decode(errors="backslashreplace")
