"""Waiting for a store, and asking once for all who wait."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from axiom.contracts.record import TopicIdentity, TopicPartition
from axiom.errors import StoreDown
from axiom.resilience.clock import ManualClock, SystemClock
from axiom.stores.memory import MemoryStore
from axiom.stores.port import Position
from services.control_api.problems import Refused
from services.control_api.reading.offsets import Offsets, wanted_of
from services.control_api.reading.sharing import Shared
from services.control_api.reading.sources import Sources

pytestmark = pytest.mark.unit
PART = TopicPartition("price-updates", 3)


def offsets_of(store: Any, clock: Any, wait_s: float = 5.0) -> Offsets:
    sources = SimpleNamespace(market=store, redis=store, graph=store, shapes=store)
    return Offsets(cast(Sources, sources), clock, wait_s=wait_s)


def at(store: MemoryStore, offset: int) -> None:
    store.positions["redis-sink", *PART] = Position(offset, 1, TopicIdentity("t", 6))


async def test_a_read_waits_until_its_record_is_there() -> None:
    store = MemoryStore()
    offsets = offsets_of(store, SystemClock())
    at(store, 7)
    waiting = asyncio.create_task(offsets.reached("redis", {PART: 7}))
    await asyncio.sleep(0.01)
    assert not waiting.done(), "offset 7 is the next one, so its record is not there"
    at(store, 8)
    assert await waiting == {"redis": {"price-updates-3": 8}}
    assert await offsets.reached("redis", {}) == {"redis": {"price-updates-3": 8}}


async def test_what_does_not_come_is_a_problem_that_says_what_to_do() -> None:
    store = MemoryStore()
    at(store, 7)
    with pytest.raises(
        Refused, match=r"price-updates-3 is at 7, 10 is wanted.*redis-sink running"
    ) as refused:
        await offsets_of(store, ManualClock(skip_sleeps=True)).reached("redis", {PART: 9})
    assert refused.value.status == 504


async def test_a_store_that_is_away_for_a_moment_is_waited_for() -> None:
    store = MemoryStore()
    at(store, 10)
    offsets = offsets_of(store, SystemClock())
    store.down = True
    with pytest.raises(StoreDown):
        await offsets.reached("redis", {})
    waiting = asyncio.create_task(offsets.reached("redis", {PART: 9}))
    await asyncio.sleep(0.01)
    store.down = False
    assert await waiting == {"redis": {"price-updates-3": 10}}


async def test_a_vector_serves_for_a_second_but_for_whom_it_is_too_small() -> None:
    store, clock = MemoryStore(), ManualClock(skip_sleeps=True)
    offsets = offsets_of(store, clock)
    at(store, 8)
    assert await offsets.reached("redis", {}) == {"redis": {"price-updates-3": 8}}
    at(store, 9)
    store.down = True
    assert await offsets.reached("redis", {PART: 7}) == {"redis": {"price-updates-3": 8}}
    store.down = False
    assert await offsets.reached("redis", {PART: 8}) == {"redis": {"price-updates-3": 9}}
    at(store, 10)
    await clock.advance(1.5)
    assert await offsets.reached("redis", {}) == {"redis": {"price-updates-3": 10}}


@pytest.mark.parametrize(
    "place",
    ["", "price-updates", "price-updates-3", "price-updates-x@1", "nothing-1@1", "price-updates-1@-1"],
)
def test_a_place_that_is_none_is_refused(place: str) -> None:
    with pytest.raises(Refused):
        wanted_of([place])


def test_of_several_places_in_a_partition_the_last_counts() -> None:
    assert wanted_of(["price-updates-3@7", "price-updates-3@5"]) == {PART: 7}


async def test_those_who_ask_at_once_share_an_answer_also_when_one_leaves() -> None:
    asked, go = 0, asyncio.Event()

    async def ask() -> int:
        nonlocal asked
        asked += 1
        await go.wait()
        return asked

    shared = Shared(ask, ManualClock())
    callers = [asyncio.create_task(shared.get()) for _ in range(5)]
    await asyncio.sleep(0)
    callers[0].cancel()
    go.set()
    assert await asyncio.gather(*callers[1:]) == [1, 1, 1, 1]
    assert await shared.get() == 2, "nothing is kept"


async def test_an_answer_is_kept_for_so_long_and_an_error_is_not() -> None:
    clock, answers = ManualClock(), iter([StoreDown("away"), 1, 2])

    async def ask() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    shared = Shared(ask, clock, keep_s=2.0)
    with pytest.raises(StoreDown):
        await shared.get()
    assert [await shared.get(), await shared.get()] == [1, 1]
    await clock.advance(2.5)
    assert await shared.get() == 2
