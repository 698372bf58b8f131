"""Folding stretches of the log into a store outside any consumer group."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from axiom.bus.deadletters import Graveyard
from axiom.bus.port import LogReader
from axiom.contracts.codec import Decoder
from axiom.contracts.record import LogRange, Record, TopicPartition
from axiom.errors import Fenced, Permanent
from axiom.runtime.crashpoint import CrashPoint
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
        runs = self._runs(stretches)
        ahead = _next(runs)
        try:
            while (now := await asyncio.shield(ahead)) is not None:
                ahead = _next(runs)  # decodes while this one is written
                await self._writer.write(now)
                if self._writer.fenced:
                    raise Fenced(ANOTHER)
                for run in now:
                    self.records += run.read
                    self._progress(run.source, run.next_offset, ends[run.source])
        finally:
            await asyncio.wait({ahead})
            ahead.exception()  # what ends the fold is on its way already
            runs.close()
        return self.records - before

    def _runs(self, stretches: Mapping[TopicPartition, LogRange]) -> Generator[list[Run]]:
        sessions = dict.fromkeys(stretches, _SESSION)
        for records in self._reader.read(stretches):
            wanted = records if self._accept is None else [one for one in records if self._accept(one)]
            yield decode_runs(wanted, self._decoders, sessions, self._prepare)


def _say(reason: str, why: str | None) -> None:
    if why is not None:
        log.error("fold_waits", reason=reason, why=why)


def _next(runs: Generator[list[Run]]) -> asyncio.Task[list[Run] | None]:
    """The next runs, read in a thread."""
    return asyncio.create_task(asyncio.to_thread(next, runs, None))
