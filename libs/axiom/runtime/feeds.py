"""Where a fold's runs come from: a thread of this process, or processes of their own (`apart`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import suppress
from functools import cache
from typing import Protocol, TypeVar, overload

from axiom.contracts.record import LogRange, TopicPartition
from axiom.errors import BadRecord
from axiom.runtime.apart import Helper, Piece, Task
from axiom.runtime.runs import Run

T = TypeVar("T")


class Feed(Protocol):
    """Gives runs, those of one partition in order, one `next` at a time."""

    async def next(self) -> list[Run] | None:
        """The next runs; None when there are no more."""

    def stop(self) -> None:
        """Nobody asks any more; a `next` under way ends soon."""

    def close(self) -> None:
        """No `next` is under way: let go of everything."""


async def read_ahead(feeds: Sequence[Feed]) -> AsyncGenerator[list[Run]]:
    """The runs of all feeds as they come; each reads on while the ones before are dealt with."""
    asked = {asyncio.create_task(feed.next()): feed for feed in feeds}
    try:
        while asked:
            done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                feed = asked.pop(task)
                if (runs := task.result()) is not None:
                    asked[asyncio.create_task(feed.next())] = feed
                    yield runs
    finally:
        for feed in feeds:
            feed.stop()
        for left in asyncio.as_completed(asked):
            with suppress(Exception):  # what ends the fold is on its way already
                await left
        for feed in feeds:
            feed.close()


class ThreadFeed:
    """Reads and decodes in a thread."""

    def __init__(self, runs: Generator[list[Run]]) -> None:
        self._runs = runs

    async def next(self) -> list[Run] | None:
        return await asyncio.to_thread(next, self._runs, None)

    def stop(self) -> None:
        """It reads one batch, and no more."""

    def close(self) -> None:
        self._runs.close()


class HelperFeed:
    """Reads and decodes in a process. The records stay in the log: see `Left`."""

    def __init__(self, task: Task, session: int, read: Callable[[TopicPartition, LogRange], Run]) -> None:
        """`read` is the way back to the records of a stretch, for a write that can't do without."""
        self._helper = Helper(task)
        self._session = session
        self._read = read

    async def next(self) -> list[Run] | None:
        pieces = await asyncio.to_thread(self._helper.take)
        return None if pieces is None else [self._run(piece) for piece in pieces]

    def stop(self) -> None:
        self._helper.stop()

    def close(self) -> None:
        self._helper.close()

    def _run(self, piece: Piece) -> Run:
        @cache
        def again() -> Run:
            return self._read(piece.source, LogRange(piece.first_offset, piece.next_offset))

        return Run(
            piece.source,
            self._session,
            piece.first_offset,
            piece.next_offset,
            records=Left(piece.records, piece.first, lambda: again().records),
            payloads=Left(piece.records, None, lambda: again().payloads),
            bad=[(record, BadRecord(error_class, why)) for record, error_class, why in piece.bad],
            ready=piece.ready,
        )


class Left(Sequence[T]):
    """So many records, or their payloads, that are still in the log alone: read when they are asked for.

    The first may be here: it is the one that a write without trouble looks at.
    """

    def __init__(self, count: int, first: T | None, read: Callable[[], Sequence[T]]) -> None:
        self._count = count
        self._first = first
        self._read = read

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if index == 0 and self._first is not None:
            return self._first
        return self._read()[index]
