"""Folding stretches of the log into a store outside any consumer group."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Generic, TypeVar

from axiom.bus.deadletters import Graveyard
from axiom.bus.port import LogReader
from axiom.contracts.codec import Decoder
from axiom.contracts.record import LogRange, Record, TopicPartition
from axiom.errors import Fenced, Permanent
from axiom.runtime.apart import Task, shares, size
from axiom.runtime.crashpoint import CrashPoint
from axiom.runtime.feeds import Feed, HelperFeed, ThreadFeed, read_ahead
from axiom.runtime.positions import Log, positions_of
from axiom.runtime.runs import Run, decode_runs
from axiom.runtime.sink import Sink
from axiom.runtime.writer import Held, Writer
from axiom.stores.port import Position, Store
from axiom.stores.shadow import ANOTHER
from axiom.telemetry.logs import get_logger

H = TypeVar("H")
log = get_logger()

_SESSION = 1
_MOST_HELPERS = 4
LONG = 200_000
"""From so many records on processes of their own are worth the second that they take to start."""

Progress = Callable[[TopicPartition, int, int], None]
"""Called with a partition, its next offset and the offset it is to reach."""


class Nowhere:
    """A graveyard for records that had their dead letters when the live sink read them."""

    async def bury(self, bad: Sequence[tuple[Record, Permanent]]) -> None:
        return None


class LogFold(Generic[H]):
    """Applies what the log holds to a store with a sink's handlers.

    Args:
        store: the target; another one than the sink's live store.
        dead_letters: where bad records go.
        accept: which records take part; None means all.
    """

    def __init__(
        self,
        sink: Sink[H],
        store: Store[H],
        reader: LogReader,
        progress: Progress,
        dead_letters: Graveyard,
        accept: Callable[[Record], bool] | None = None,
    ) -> None:
        self.records = 0
        self._name = sink.name
        self._store = store
        self._reader = reader
        self._progress = progress
        self._accept = accept
        self._decoders: dict[str, Decoder[Any]] = {topic.name: Decoder(topic) for topic in sink.handlers}
        self._prepare = {topic.name: prepare for topic, prepare in sink.prepare.items()}
        apart = [topic for topic in sink.apart if topic in sink.prepare]
        self._apart_topics = {topic.name for topic in apart}
        self._apart = {topic.payload.__module__: sink.prepare[topic] for topic in apart}
        target = replace(sink, store=store)
        self._writer = Writer(target, dead_letters, CrashPoint(), _say)

    @property
    def positions(self) -> dict[TopicPartition, Position]:
        """How far the target is."""
        return {part: held.position for part, held in self._writer.held.items()}

    def ends(self) -> dict[TopicPartition, int]:
        """Where the log ends now."""
        return {
            part: kept.end for topic in self._decoders for part, kept in self._reader.ranges(topic).items()
        }

    async def take(self) -> None:
        """Own the target's partitions: from the beginning of the log, or where an earlier try got to."""
        for topic in self._decoders:
            log = Log(self._reader.identity(topic), self._reader.ranges(topic))
            positions = await positions_of(self._store, self._name, topic, log, take=True)
            for part, position in positions.items():
                self._writer.held[part] = Held(position, _SESSION)

    async def fill(self, ends: Mapping[TopicPartition, int]) -> int:
        """Fold the log up to these offsets; returns how many records that was.

        Raises:
            Fenced: somebody else fills the same target.
            StoreDown, LogMismatch: as the reader does.
        """
        starts = {part: held.position.next_offset for part, held in self._writer.held.items()}
        stretches = {part: LogRange(starts[part], end) for part, end in ends.items() if starts[part] < end}
        before = self.records
        async with aclosing(read_ahead(self._feeds(stretches))) as polls:
            async for runs in polls:
                await self._writer.write(runs)
                if self._writer.fenced:
                    raise Fenced(ANOTHER)
                for run in runs:
                    self.records += run.read
                    self._progress(run.source, run.next_offset, ends[run.source])
        return self.records - before

    def _feeds(self, stretches: Mapping[TopicPartition, LogRange]) -> list[Feed]:
        """Who reads what: processes of their own where that is worth it, else this one."""
        address = self._reader.address
        apart = {part: stretch for part, stretch in stretches.items() if part.topic in self._apart_topics}
        if address is None or self._accept is not None or size(apart) < LONG:
            return [ThreadFeed(self._runs(stretches))]
        feeds: list[Feed] = [
            HelperFeed(Task(address, self._apart, share), _SESSION, self._again)
            for share in shares(apart, min(_MOST_HELPERS, os.cpu_count() or 1))
        ]
        others = {part: stretch for part, stretch in stretches.items() if part not in apart}
        return [*feeds, ThreadFeed(self._runs(others))]

    def _runs(self, stretches: Mapping[TopicPartition, LogRange]) -> Generator[list[Run]]:
        sessions = dict.fromkeys(stretches, _SESSION)
        for records in self._reader.read(stretches):
            wanted = records if self._accept is None else [one for one in records if self._accept(one)]
            yield decode_runs(wanted, self._decoders, sessions, self._prepare)

    def _again(self, source: TopicPartition, stretch: LogRange) -> Run:
        records = [one for polled in self._reader.read({source: stretch}) for one in polled]
        [run] = decode_runs(records, self._decoders, {})
        return run


def _say(reason: str, why: str | None) -> None:
    if why is not None:
        log.error("fold_waits", reason=reason, why=why)
