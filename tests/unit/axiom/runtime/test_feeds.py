"""Runs of several feeds, and runs whose records stay in the log."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import aclosing
from typing import Any

import pytest

from axiom.contracts.record import LogRange, TopicPartition
from axiom.errors import StoreDown
from axiom.runtime.apart import shares
from axiom.runtime.feeds import Left, ThreadFeed, read_ahead
from axiom.runtime.runs import Run, halves
from axiom.stores.port import Batch
from tests.bars import bar, records

pytestmark = pytest.mark.unit


def run(partition: int, first: int) -> Run:
    return Run(TopicPartition("t", partition), 1, first, first + 1)


class Feed:
    """Gives what it was made with; an exception is raised. `said`: what it was told, in order."""

    def __init__(self, *gives: list[Run] | Exception) -> None:
        self.said: list[str] = []
        self._gives = list(gives)

    async def next(self) -> list[Run] | None:
        await asyncio.sleep(0)
        if not self._gives:
            return None
        match self._gives.pop(0):
            case Exception() as error:
                raise error
            case runs:
                return runs

    def stop(self) -> None:
        self.said.append("stop")

    def close(self) -> None:
        self.said.append("close")


async def all_of(*feeds: Any) -> list[Run]:
    async with aclosing(read_ahead(feeds)) as polls:
        return [one async for runs in polls for one in runs]


async def test_every_feed_is_read_to_its_end_and_in_its_order() -> None:
    feeds = [Feed([run(0, 0)], [run(0, 1), run(1, 0)], [run(0, 2)]), Feed([run(2, 0)], [run(2, 1)])]
    found = [(one.source.partition, one.first_offset) for one in await all_of(*feeds)]
    assert sorted(found) == [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (2, 1)]
    assert [at for partition, at in found if partition == 0] == [0, 1, 2]
    assert [feed.said for feed in feeds] == [["stop", "close"]] * 2


async def test_a_feed_that_fails_ends_all_of_them() -> None:
    feeds = [Feed([run(0, 0)], StoreDown("Kafka is away")), Feed(*[[run(1, n)] for n in range(1000)])]
    with pytest.raises(StoreDown, match="Kafka is away"):
        await all_of(*feeds)
    assert [feed.said for feed in feeds] == [["stop", "close"]] * 2


async def test_who_stops_reading_leaves_nothing_open() -> None:
    feed = Feed(*[[run(0, n)] for n in range(1000)])
    async with aclosing(read_ahead([feed])) as polls:
        async for _ in polls:
            break
    assert feed.said == ["stop", "close"]


async def test_a_thread_reads_what_a_generator_gives() -> None:
    closed: list[bool] = []

    def runs() -> Generator[list[Run]]:
        try:
            for number in range(10):
                yield [run(0, number)]
        finally:
            closed.append(True)

    assert len(await all_of(ThreadFeed(runs()))) == 10
    assert closed == [True]


def test_records_left_in_the_log_are_read_when_they_are_wanted() -> None:
    own = records([bar(days=days) for days in range(4)])
    asked: list[int] = []

    def read() -> list[Any]:
        asked.append(len(own))
        return own

    left = Left(len(own), own[0], read)
    assert (len(left), bool(left), left[0], asked) == (4, True, own[0], [])
    batch = Batch("sink", "t", 0, 1, 0, 4, records=left, payloads=Left(4, None, read), ready=b"rows")
    first, second = halves(batch)
    assert [*first.records, *second.records] == own
    assert (first.next_offset, second.expected_offset, first.ready) == (2, 2, None)
    assert asked


def test_stretches_are_shared_out_evenly() -> None:
    stretches = {
        TopicPartition("t", n): LogRange(10, 10 + size) for n, size in enumerate((50, 40, 30, 20, 10))
    }
    dealt = shares(stretches, 2)
    assert {part for share in dealt for part in share} == stretches.keys()
    assert [sum(one.end - one.start for one in share.values()) for share in dealt] == [80, 70]
    assert shares({}, 4) == []
    assert len(shares(stretches, 10)) == 5
