"""Rebuilding a store from the log: fill a shadow, fence the live store, fold the tail, swap.

    prepare ─► fill to the end of the log, again and again until little is left
            ─► fence live writers ─► fold the tail up to the live vector ─► swap ─► discard the old data

A kill at any moment leaves the live store untouched; a rerun goes on with the shadow or begins anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from axiom.bus.port import LogReader
from axiom.contracts.codec import Decoder
from axiom.contracts.record import LogRange, Record, TopicPartition
from axiom.errors import Fenced, LogMismatch, Permanent, Transient
from axiom.runtime.crashpoint import CrashPoint
from axiom.runtime.positions import Log, positions_of
from axiom.runtime.runs import Run, decode_runs
from axiom.runtime.sink import Sink
from axiom.runtime.writer import Held, Writer

H = TypeVar("H")

_SESSION = 1
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


Progress = Callable[[TopicPartition, int, int], None]
"""Called with a partition, its next offset and the offset it is to reach."""


class _NoSecondDeadLetter:
    """Stands in for DeadLetters: what the log holds has its dead letter from the first time."""

    async def bury(self, bad: Sequence[tuple[Record, Permanent]]) -> None:
        return None


class Rebuild(Generic[H]):
    """One rebuild of one sink's store, while the sink itself goes on.

    Args:
    """

    def __init__(self, sink: Sink[H], reader: LogReader, progress: Progress) -> None:
        self._sink = sink
        self._reader = reader
        self._progress = progress
        self._decoders: dict[str, Decoder[Any]] = {topic.name: Decoder(topic) for topic in sink.handlers}
        self._shadow = sink.shadow()
        self._records = 0

    async def run(self, *, resume: bool = True) -> Rebuilt:
        """Rebuild and swap.

        Raises:
            LogMismatch: the log does not reach back as far as the live store does.
            StoreDown: the store or Kafka is down; run it again to go on.
        """
        started_s = time.monotonic()
        resumed = await self._shadow.prepare(resume=resume)
        shadow = Sink(self._sink.name, self._shadow.store, self._sink.handlers, self._sink.shadow)
        writer = Writer(shadow, _NoSecondDeadLetter(), CrashPoint(), lambda reason, why: None)
        try:
            await self._take(writer)
            while await self._fill(writer, self._ends()) > _NEAR_RECORDS:
                pass
            filled_s = time.monotonic()
            swap_s = await self._swap(writer)
        finally:
            await self._shadow.store.close()
        await self._shadow.discard()
        held = [one.position for one in writer.held.values()]
        return Rebuilt(
            sink=self._sink.name,
            resumed=resumed,
            records=self._records,
            applied=sum(position.applied for position in held),
            dead=sum(position.dead_lettered for position in held),
            fill_s=filled_s - started_s,
            swap_s=swap_s,
        )

    async def _take(self, writer: Writer[H]) -> None:
        """Own the shadow's partitions: from the beginning of the log, or where an earlier try got to."""
        for topic in self._decoders:
            log = Log(self._reader.identity(topic), self._reader.ranges(topic))
            positions = await positions_of(self._shadow.store, self._sink.name, topic, log, take=True)
            for part, position in positions.items():
                writer.held[part] = Held(position, _SESSION)

    def _ends(self) -> dict[TopicPartition, int]:
        return {
            part: kept.end for topic in self._decoders for part, kept in self._reader.ranges(topic).items()
        }

    async def _fill(self, writer: Writer[H], ends: Mapping[TopicPartition, int]) -> int:
        """Fold the log up to these offsets; returns how many records that was."""
        stretches = {
            part: LogRange(writer.held[part].position.next_offset, end)
            for part, end in ends.items()
            if writer.held[part].position.next_offset < end
        }
        before = self._records
        runs = self._runs(stretches)
        ahead = asyncio.create_task(asyncio.to_thread(next, runs, None))
        while (now := await ahead) is not None:
            ahead = asyncio.create_task(
                asyncio.to_thread(next, runs, None)
            )  # decodes while this one is written
            await writer.write(now)
            if writer.fenced:
                raise Fenced("another rebuild is filling the same shadow: let one of them end")
            for run in now:
                self._records += run.read
                self._progress(run.source, run.next_offset, ends[run.source])
        return self._records - before

    def _runs(self, stretches: Mapping[TopicPartition, LogRange]) -> Iterator[list[Run]]:
        sessions = dict.fromkeys(stretches, _SESSION)
        for records in self._reader.read(stretches):
            yield decode_runs(records, self._decoders, sessions)

    async def _swap(self, writer: Writer[H]) -> float:
        """Fence, fold the tail, swap; returns the seconds that live writers were held off."""
        tries = 0
        while True:
            tries += 1
            started_s = time.monotonic()
            async with self._shadow.fenced(self._sink.name) as fence:
                self._refuse_lost_records(writer, fence.vector)
                await self._fill(
                    writer, {part: end for part, end in fence.vector.items() if part in writer.held}
                )
                try:
                    await fence.swap()
                except Transient:  # a writer got in between after all
                    if tries == _FENCE_TRIES:
                        raise
                else:
                    return time.monotonic() - started_s

    def _refuse_lost_records(self, writer: Writer[H], vector: Mapping[TopicPartition, int]) -> None:
        ends = self._ends()
        for part, live in vector.items():
            if part in writer.held and ends[part] < live:
                raise LogMismatch(
                    f"{part} ends at {ends[part]}, but the live store is at {live}: the log no longer holds "
                    f"what the store was made from, so a rebuild would lose records. Restore the topic first"
                )
