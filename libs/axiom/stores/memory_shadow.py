"""The rebuilds' twin in memory: another store that takes the live one's place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from axiom.contracts.record import TopicPartition
from axiom.errors import Fenced, Transient
from axiom.stores.memory import MemoryStore
from axiom.stores.port import Position
from axiom.stores.shadow import ANOTHER, Filled, Snapshot, Vector, refuse_another


class MemoryFence:
    """Live epochs are raised: writers are refused until they load their positions again."""

    def __init__(self, live: MemoryStore, shadow: MemoryStore, consumer: str) -> None:
        self._live = live
        self._shadow = shadow
        self._consumer = consumer
        self._at = _positions(live, consumer)
        self.stored: Vector = {part: position.next_offset for part, position in self._at.items()}
        self.vector = self.stored
        self.swapped = False

    async def swap(self, filled: Filled) -> None:
        await self._live.ping()
        if self._live.shadow is not self._shadow:
            raise Fenced(ANOTHER)
        held = _positions(self._shadow, self._consumer)
        refuse_another({part: (one.epoch, one.next_offset) for part, one in held.items()}, filled)
        now = _positions(self._live, self._consumer)
        if {part: one.next_offset for part, one in now.items()} != self.vector:
            raise Transient(f"a writer of {self._consumer} went on in spite of the fence")
        for part, position in held.items():
            epoch = max(now.get(part, position).epoch, position.epoch) + 1
            self._shadow.positions[self._consumer, *part] = replace(position, epoch=epoch)
        self._live.become(self._shadow)
        self._live.shadow = None
        self.swapped = True


class MemoryShadow:
    """`axiom.stores.shadow.Shadow` beside a MemoryStore, which keeps it as a server would."""

    linger_s = 0.0

    def __init__(self, live: MemoryStore) -> None:
        self._live = live
        self.store = MemoryStore()

    async def prepare(self, *, resume: bool) -> bool:
        await self._live.ping()
        found = self._live.shadow
        if found is None or not resume:
            if found is not None:
                found.become(MemoryStore())  # gone for whoever still fills it
            self._live.shadow = MemoryStore()
        self.store = self._live.shadow or self.store
        return found is self.store

    @asynccontextmanager
    async def fenced(self, consumer: str) -> AsyncIterator[MemoryFence]:
        await self._live.ping()
        for source, position in self._live.positions.items():
            if source[0] == consumer:
                self._live.positions[source] = replace(position, epoch=position.epoch + 1)
        yield MemoryFence(self._live, self.store, consumer)

    async def discard(self) -> None:
        await self._live.ping()
        if self._live.shadow is self.store:
            self._live.shadow = None


class MemorySnapshots:
    """`axiom.stores.shadow.Snapshots` beside a MemoryStore."""

    def __init__(self, live: MemoryStore) -> None:
        self._live = live
        self._building: MemoryStore | None = None

    async def begin(self) -> MemoryStore:
        await self._live.ping()
        self._building = self._live.building = MemoryStore()
        return self._building

    async def finish(self, name: str) -> None:
        await self._live.ping()
        if self._building is None or self._live.building is not self._building:
            raise Fenced(ANOTHER)
        self._live.snapshots[name] = self._building
        self._live.building = None

    async def kept(self) -> list[Snapshot]:
        await self._live.ping()
        return [Snapshot(name, f"snapshot {name}") for name in sorted(self._live.snapshots)]

    async def drop(self, name: str) -> None:
        await self._live.ping()
        self._live.snapshots.pop(name, None)


def _positions(store: MemoryStore, consumer: str) -> dict[TopicPartition, Position]:
    return {
        TopicPartition(topic, number): position
        for (owner, topic, number), position in store.positions.items()
        if owner == consumer
    }
