"""Rebuilding a store from the log: fill a shadow, fence the live store, fold the tail, swap.

    prepare ─► fill to the end of the log, again and again until little is left
            ─► fence live writers ─► fold the tail up to the live vector ─► swap ─► discard the old data

A kill at any moment leaves the live store untouched; a rerun goes on with the shadow or begins anew.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from axiom.bus.port import LogReader
from axiom.errors import LogMismatch, Misconfigured, Transient
from axiom.runtime.fold import LogFold, Progress
from axiom.runtime.sink import Sink
from axiom.stores.shadow import Shadow

H = TypeVar("H")

_NEAR_RECORDS = 5_000
_FENCE_TRIES = 5


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild did. Times in seconds; `swap_s` is how long live writers were held off."""

    sink: str
    resumed: bool
    records: int
    applied: int
    dead: int
    fill_s: float
    swap_s: float


async def rebuild(
    sink: Sink[H], reader: LogReader, progress: Progress, *, resume: bool = True, accept_loss: bool = False
) -> Rebuilt:
    """Rebuild a sink's store from the log and swap it in, while the sink goes on.

    Args:
        accept_loss: also where the log no longer holds all that the live store was made from.

    Raises:
        LogMismatch: it does not, and that was not accepted.
        StoreDown: the store or Kafka is down; run it again to go on.
    """
    started_s = time.monotonic()
    if not accept_loss:
        await _refuse_loss(sink, reader)
    shadow = sink.shadow()
    resumed = await shadow.prepare(resume=resume)
    fold = LogFold(sink, shadow.store, reader, progress)
    try:
        await fold.take()
        while await fold.fill(fold.ends()) > _NEAR_RECORDS:
            pass
        filled_s = time.monotonic()
        swap_s = await _swap(sink.name, shadow, fold, accept_loss=accept_loss)
    finally:
        await shadow.store.close()
    await shadow.discard()
    return Rebuilt(
        sink=sink.name,
        resumed=resumed,
        records=fold.records,
        applied=sum(position.applied for position in fold.positions.values()),
        dead=sum(position.dead_lettered for position in fold.positions.values()),
        fill_s=filled_s - started_s,
        swap_s=swap_s,
    )


async def _swap(consumer: str, shadow: Shadow[H], fold: LogFold[H], *, accept_loss: bool) -> float:
    """Fence, fold the tail, swap; returns the seconds that live writers were held off."""
    tries = 0
    while True:
        tries += 1
        started_s = time.monotonic()
        async with shadow.fenced(consumer) as fence:
            ends = fold.ends()
            tail = {
                part: min(end, ends[part]) for part, end in fence.vector.items() if part in fold.positions
            }
            await fold.fill(tail)
            try:
                await fence.swap(accept_loss=accept_loss)
            except Transient:  # a writer got in between after all
                if tries == _FENCE_TRIES:
                    raise
            else:
                return time.monotonic() - started_s


async def _refuse_loss(sink: Sink[H], reader: LogReader) -> None:
    """Compare what the live store has read with what the log holds."""
    await sink.store.setup()
    for topic in sink.handlers:
        ranges = reader.ranges(topic.name)
        live = await sink.store.load(sink.name, topic.name, [part.partition for part in ranges])
        identity = reader.identity(topic.name)
        for part, kept in ranges.items():
            position = live.get(part.partition)
            if position is None:
                continue
            first = position.next_offset - position.applied - position.superseded - position.dead_lettered
            if position.log != identity or kept.start > first or kept.end < position.next_offset:
                raise LogMismatch(
                    f"{part} holds {kept.start} to {kept.end}, the live {sink.name} was made from {first} to "
                    f"{position.next_offset} of it or of its forerunner: a rebuild would lose records. "
                    f"Restore the topic, or accept the loss with --accept-loss"
                )


async def build_as_of(sink: Sink[H], reader: LogReader, progress: Progress, until: datetime) -> int:
    """Build the state as of a time beside the live one; returns the number of records folded.

    A record belongs to it if Kafka's timestamp of it is not after `until`. See `Snapshots` for where it lies.

    Raises:
        Misconfigured: the sink's store can't keep more than one state.
    """
    if sink.snapshots is None:
        raise Misconfigured(f"{sink.name} can't build a state as of a time; postgres and neo4j can")
    snapshots = sink.snapshots()
    until_ms = int(until.timestamp() * 1000)
    store = await snapshots.begin()
    fold = LogFold(sink, store, reader, progress, accept=lambda record: record.timestamp_ms <= until_ms)
    try:
        await fold.take()
        await fold.fill(fold.ends())
    finally:
        await store.close()
    await snapshots.finish(f"{until:%Y%m%dt%H%M%S}")
    return fold.records
