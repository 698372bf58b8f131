"""Rebuilding a store from the log: fill a shadow, fence the live store, fold the tail, swap.

    prepare ─► fill up to where the live store is, again and again until little is left
            ─► fence live writers ─► fold the tail up to the live vector ─► swap ─► discard the old data

A kill at any moment leaves the live store untouched; a rerun goes on with the shadow or begins anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from axiom.bus.deadletters import Graveyard
from axiom.bus.port import LogReader
from axiom.contracts.record import Record, TopicPartition
from axiom.errors import LogMismatch, Misconfigured, Permanent, Transient
from axiom.runtime.fold import LogFold, Nowhere, Progress
from axiom.runtime.interpreter import tuned
from axiom.runtime.sink import Sink
from axiom.stores.port import Position
from axiom.stores.shadow import Shadow
from axiom.telemetry.logs import get_logger

H = TypeVar("H")
log = get_logger()

_NEAR_RECORDS = 5_000
_FENCE_TRIES = 10


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild did. Times in seconds; `swap_s` is how long live writers were held off, in all tries."""

    sink: str
    resumed: bool
    records: int
    applied: int
    dead: int
    fill_s: float
    swap_s: float


async def rebuild(
    sink: Sink[H],
    reader: LogReader,
    dead_letters: Graveyard,
    progress: Progress,
    *,
    resume: bool = True,
    accept_loss: bool = False,
    has_readers: bool = True,
) -> Rebuilt:
    """Rebuild a sink's store from the log and swap it in, while the sink goes on.

    Args:
        dead_letters: for bad records of partitions in which the live store has no position: its sink may not
            have read them.
        accept_loss: also where the log no longer holds all that the live store was made from.
        has_readers: queries may be under way, so what is replaced stays for some seconds.

    Raises:
        LogMismatch: it does not, and that was not accepted.
        Fenced: another rebuild of the same store has begun since.
        StoreDown: the store or Kafka is down; run it again to go on.
    """
    started_s = time.monotonic()
    await sink.store.setup()
    if not accept_loss:
        await _refuse_loss(sink, reader)
    unread = _OfUnread(dead_letters)
    shadow = sink.shadow()
    try:
        async with tuned():
            fold, resumed = await _begin(sink, shadow, reader, unread, progress, resume=resume)
            while True:
                unread.read = await _live(sink, reader)
                if await fold.fill({**fold.ends(), **unread.read}) <= _NEAR_RECORDS:
                    break
            filled_s = time.monotonic()
            swap_s = await _swap(sink.name, shadow, fold, unread)
        await _discard(shadow, shadow.linger_s if has_readers else 0.0)
    finally:
        await shadow.store.close()
    return Rebuilt(
        sink=sink.name,
        resumed=resumed,
        records=fold.records,
        applied=sum(position.applied for position in fold.positions.values()),
        dead=sum(position.dead_lettered for position in fold.positions.values()),
        fill_s=filled_s - started_s,
        swap_s=swap_s,
    )


class _OfUnread:
    """Buries the bad records that the live sink may not have buried.

    Attributes:
        read: where the live sink has dealt with all records below, by partition; in a partition that is not
            here none is known to be dealt with.
    """

    def __init__(self, dead_letters: Graveyard) -> None:
        self.read: Mapping[TopicPartition, int] = {}
        self._dead_letters = dead_letters

    async def bury(self, bad: Sequence[tuple[Record, Permanent]]) -> None:
        unread = [
            (record, why)
            for record, why in bad
            if record.offset >= self.read.get(TopicPartition(record.topic, record.partition), 0)
        ]
        if unread:
            await self._dead_letters.bury(unread)


async def _begin(
    sink: Sink[H],
    shadow: Shadow[H],
    reader: LogReader,
    dead_letters: Graveyard,
    progress: Progress,
    *,
    resume: bool,
) -> tuple[LogFold[H], bool]:
    """Make the shadow or go on with it, and own it; the second value says whether it goes on."""
    resumed = await shadow.prepare(resume=resume)
    fold = LogFold(sink, shadow.store, reader, progress, dead_letters)
    try:
        await fold.take()
    except LogMismatch:
        if not resumed:
            raise
        await shadow.store.close()  # an earlier rebuild left it, of a log that is gone
        return await _begin(sink, shadow, reader, dead_letters, progress, resume=False)
    return fold, resumed


async def _live(sink: Sink[H], reader: LogReader) -> dict[TopicPartition, int]:
    """Where the live store is, in the partitions in which that is a place in today's log."""
    live: dict[TopicPartition, int] = {}
    for topic in sink.handlers:
        held = await _held(sink, reader, topic.name)
        ranges, identity = reader.ranges(topic.name), reader.identity(topic.name)
        for part, kept in ranges.items():
            position = held.get(part.partition)
            if position and position.log == identity and kept.start <= position.next_offset <= kept.end:
                live[part] = position.next_offset
    return live


async def _held(sink: Sink[H], reader: LogReader, topic: str) -> dict[int, Position]:
    """The live store's positions.

    Read them before the log's ends: read after, a store that keeps up would seem to be beyond its log.
    """
    return await sink.store.load(sink.name, topic, [part.partition for part in reader.ranges(topic)])


async def _swap(consumer: str, shadow: Shadow[H], fold: LogFold[H], unread: _OfUnread) -> float:
    """Fence, fold the tail, swap; returns the seconds that live writers were held off.

    Partitions that the live store knows are brought to its vector, the others to the log's end.
    """
    tries, held_s, known = 0, 0.0, set(unread.read)
    while True:
        tries += 1
        started_s = time.monotonic()
        async with shadow.fenced(consumer) as fence:
            ends = fold.ends()
            _refuse_shrunk(fence.vector, ends, known)
            unread.read = {part: fence.stored[part] for part in known & fence.stored.keys()}
            await fold.fill({**ends, **{part: fence.vector[part] for part in unread.read}})
            try:
                await fence.swap(fold.positions)
            except Transient:  # a writer got in between after all
                if tries == _FENCE_TRIES:
                    raise
            else:
                return held_s + time.monotonic() - started_s
        held_s += time.monotonic() - started_s


async def _discard(shadow: Shadow[H], linger_s: float) -> None:
    await asyncio.sleep(linger_s)
    try:
        await shadow.discard()
    except Transient as down:  # the rebuild itself is done
        log.error("replaced_data_left", why=str(down), then="the next rebuild deletes it")


def _refuse_shrunk(
    vector: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int], known: set[TopicPartition]
) -> None:
    for part in known:
        if vector.get(part, 0) > ends[part]:
            raise LogMismatch(
                f"{part} ends at {ends[part]}, and the live store is at {vector[part]}: the log lost records "
                f"during the rebuild"
            )


async def _refuse_loss(sink: Sink[H], reader: LogReader) -> None:
    """Compare what the live store has read with what the log holds."""
    for topic in sink.handlers:
        live = await _held(sink, reader, topic.name)
        ranges, identity = reader.ranges(topic.name), reader.identity(topic.name)
        for part, kept in ranges.items():
            position = live.get(part.partition)
            if position is None:
                continue
            first = position.next_offset - position.applied - position.superseded - position.dead_lettered
            first = max(first, 0)  # counts that somebody changed by hand
            if position.log != identity or kept.start > first or kept.end < position.next_offset:
                raise LogMismatch(
                    f"{part} holds {kept.start} to {kept.end}, the live {sink.name} was made from {first} to "
                    f"{position.next_offset} of it or of its forerunner: a rebuild would lose records. "
                    f"Restore the topic, or accept the loss with --accept-loss"
                )


async def build_as_of(
    sink: Sink[H], reader: LogReader, progress: Progress, until: datetime, *, accept_loss: bool = False
) -> int:
    """Build the state as of a time beside the live one; returns the number of records folded.

    A record belongs to it if Kafka's timestamp of it is not after `until`. See `Snapshots` for where it lies.

    Args:
        accept_loss: as in `rebuild`.

    Raises:
        Misconfigured: the sink's store can't keep more than one state.
        LogMismatch: the log no longer holds all that the live store was made from, and that was not accepted.
    """
    if sink.snapshots is None:
        raise Misconfigured(f"{sink.name} can't build a state as of a time; postgres and neo4j can")
    if not accept_loss:
        await sink.store.setup()
        await _refuse_loss(sink, reader)
    snapshots = sink.snapshots()
    until_ms = int(until.timestamp() * 1000)
    store = await snapshots.begin()
    fold = LogFold(
        sink, store, reader, progress, Nowhere(), accept=lambda record: record.timestamp_ms <= until_ms
    )
    try:
        await fold.take()
        await fold.fill(fold.ends())
    finally:
        await store.close()
    await snapshots.finish(f"{until:%Y%m%dt%H%M%S}")
    return fold.records
