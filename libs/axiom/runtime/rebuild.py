"""Rebuilding a store from the log: fill a shadow, fence the live store, fold the tail, swap.

    prepare ─► fill to the end of the log, again and again until little is left
            ─► fence live writers ─► fold the tail up to the live vector ─► swap ─► discard the old data

A kill at any moment leaves the live store untouched; a rerun goes on with the shadow or begins anew.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from axiom.bus.port import LogReader
from axiom.contracts.record import TopicPartition
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


async def rebuild(sink: Sink[H], reader: LogReader, progress: Progress, *, resume: bool = True) -> Rebuilt:
    """Rebuild a sink's store from the log and swap it in, while the sink goes on.

    Raises:
        LogMismatch: the log does not reach back as far as the live store does.
        StoreDown: the store or Kafka is down; run it again to go on.
    """
    started_s = time.monotonic()
    shadow = sink.shadow()
    resumed = await shadow.prepare(resume=resume)
    fold = LogFold(sink, shadow.store, reader, progress)
    try:
        await fold.take()
        while await fold.fill(fold.ends()) > _NEAR_RECORDS:
            pass
        filled_s = time.monotonic()
        swap_s = await _swap(sink.name, shadow, fold)
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


async def _swap(consumer: str, shadow: Shadow[H], fold: LogFold[H]) -> float:
    """Fence, fold the tail, swap; returns the seconds that live writers were held off."""
    tries = 0
    while True:
        tries += 1
        started_s = time.monotonic()
        async with shadow.fenced(consumer) as fence:
            _refuse_lost_records(fence.vector, fold.ends())
            await fold.fill({part: end for part, end in fence.vector.items() if part in fold.positions})
            try:
                await fence.swap()
            except Transient:  # a writer got in between after all
                if tries == _FENCE_TRIES:
                    raise
            else:
                return time.monotonic() - started_s


def _refuse_lost_records(vector: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> None:
    for part, live in vector.items():
        if part in ends and ends[part] < live:
            raise LogMismatch(
                f"{part} ends at {ends[part]}, but the live store is at {live}: the log no longer holds what "
                f"the store was made from, so a rebuild would lose records. Restore the topic first"
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
