"""Rebuilds on the twins: the suite of shadows, and what needs a fault of the store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from axiom.contracts.codec import content_hash
from axiom.contracts.record import Record
from axiom.runtime.sink import Sink
from axiom.stores.memory import MemoryStore, Rows
from axiom.stores.memory_shadow import MemoryShadow, MemorySnapshots
from axiom.stores.port import Batch
from axiom_verify.fold import LogRecord, Seen, good, newest_bars
from axiom_verify.readers import Dump, Offset
from tests.suites.shadows import ShadowSuite, World, at, rising
from topics.price_updates import TOPIC

pytestmark = pytest.mark.unit
NAME = "memory-sink"


def keep_newest(rows: Rows, batch: Batch) -> int:
    """Each bar's newest version."""
    applied = 0
    for record, one in zip(batch.records, batch.payloads, strict=True):
        key = (one.symbol, one.interval, one.ts)
        version = (one.fetched_at, content_hash(record.value))
        if key not in rows or rows[key][:2] < version:
            rows[key] = (*version, one.close)
            applied += 1
    return applied


class MemoryWorld(World):
    """The twin: one store object that every process shares."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()

    def make_sink(self) -> Sink[Any]:
        return Sink(
            NAME, self.store, {TOPIC: keep_newest}, shadow=lambda: MemoryShadow(self.store),
            snapshots=lambda: MemorySnapshots(self.store),
        )  # fmt: skip

    async def dump(self, entities: bool = True) -> Dump:
        return dump(self.store)

    async def problems(self) -> list[str]:
        found = await self.dump()
        read = [
            record
            for record in self.broker.records(TOPIC.name)
            if record.offset < found.next_offsets.get(record.partition, 0)
        ]
        problems = [] if fold(read) == found.entities else ["rows differ"]
        for number, offset in found.offsets.items():
            counted = offset.applied + offset.superseded + offset.dead_lettered
            if counted != sum(record.partition == number for record in read):
                problems.append(f"partition {number}: {offset}")
        return problems

    async def prices(self) -> dict[str, float]:
        return {symbol: row[2] for (symbol, _, _), row in sorted(self.store.rows.items())}

    async def beside(self) -> set[str]:
        return {name for name in ("shadow", "building") if getattr(self.store, name) is not None}

    async def damage(self) -> None:
        for key in sorted(self.store.rows)[::7]:
            del self.store.rows[key]

    async def wipe(self) -> None:
        self.store.become(MemoryStore())


def dump(store: MemoryStore) -> Dump:
    """The store as the plain readers give others."""
    return Dump(
        dict(store.rows),
        {
            number: Offset(one.next_offset, one.epoch, one.applied, one.superseded, one.dead_lettered)
            for (_, _, number), one in store.positions.items()
        },
        {(number, offset): why for (_, _, number, offset), why in store.dead.items()},
    )


def fold(records: list[Record]) -> dict[Any, Any]:
    """What the store must hold, by the second, plain fold."""
    seen = [good(LogRecord(one.partition, one.offset, one.key, one.value, one.headers)) for one in records]
    newest = newest_bars(one for one in seen if one is not None)
    return {key: _row(one) for key, one in newest.items()}


def _row(one: Seen) -> tuple[Any, ...]:
    return one.bar.fetched_at, one.digest, one.bar.close


@pytest.fixture
async def world() -> AsyncIterator[MemoryWorld]:
    world = MemoryWorld()
    yield world
    await world.close()


class TestMemory(ShadowSuite):
    """The suite over the twin."""

    async def test_what_the_live_sink_wrote_since_the_last_fill_is_folded_under_the_fence(
        self, world: MemoryWorld
    ) -> None:
        world.publish(rising(10))
        await world.fold()

        async def go_on() -> None:
            world.publish(rising(1, start=10))
            world.publish_poison(3)
            await world.fold()

        await world.rebuild(at("fencing", go_on))
        assert await world.offsets() == world.ends()
        assert set((await world.prices()).values()) == {20.0}
        await world.check()
