"""The stores' twin in memory, with the faults a server can have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any

from axiom.contracts.record import TopicIdentity, TopicPartition
from axiom.errors import Fenced, StoreDown
from axiom.stores.port import Batch, Contents, Position

Rows = MutableMapping[Any, Any]
Handler = Callable[[Rows, Batch], int]
"""Changes the rows by a batch; returns how many of its records took effect."""


class MemoryStore:
    """`axiom.stores.port.Store` on dicts. A handler that raises changes nothing.

    Attributes:
        down: while true every call raises StoreDown, before it has an effect.
        lose_answers: so many next writes take effect and then raise StoreDown, as when a connection
            breaks between a commit and its answer.
        shadow, building, snapshots: what `memory_shadow` keeps beside it.
    """

    def __init__(self) -> None:
        self.rows: dict[Any, Any] = {}
        self.positions: dict[tuple[str, str, int], Position] = {}
        self.dead: dict[tuple[str, str, int, int], str] = {}
        self.down = False
        self.lose_answers = 0
        self.shadow: MemoryStore | None = None
        self.building: MemoryStore | None = None
        self.snapshots: dict[str, MemoryStore] = {}

    async def setup(self) -> None:
        await self.ping()

    async def ping(self) -> None:
        if self.down:
            raise StoreDown("the store is down")

    async def take(
        self, consumer: str, topic: str, log: TopicIdentity, starts: Mapping[int, int]
    ) -> dict[int, Position]:
        await self.ping()
        taken: dict[int, Position] = {}
        for number, start in starts.items():
            held = self.positions.get((consumer, topic, number), Position(start, 0, log))
            taken[number] = replace(held, epoch=held.epoch + 1)
            self.positions[consumer, topic, number] = taken[number]
        return taken

    async def load(self, consumer: str, topic: str, partitions: Sequence[int]) -> dict[int, Position]:
        await self.ping()
        found = {number: self.positions.get((consumer, topic, number)) for number in partitions}
        return {number: position for number, position in found.items() if position is not None}

    async def all_positions(self, consumer: str) -> dict[TopicPartition, Position]:
        await self.ping()
        return {
            TopicPartition(topic, number): position
            for (owner, topic, number), position in self.positions.items()
            if owner == consumer
        }

    async def apply(self, batch: Batch, handler: Handler) -> int:
        await self.ping()
        source = (batch.consumer, batch.topic, batch.partition)
        held = self.positions.get(source)
        if held is None or (held.epoch, held.next_offset) != (batch.epoch, batch.expected_offset):
            raise Fenced(
                f"{batch.source}: the store is not at epoch {batch.epoch}, offset {batch.expected_offset}"
            )
        rows = dict(self.rows)
        applied = handler(rows, batch) if batch.records else 0
        self.rows = rows
        self.dead.update({(*source, offset): error_class for offset, error_class in batch.dead})
        self.positions[source] = replace(
            held,
            next_offset=batch.next_offset,
            applied=held.applied + applied,
            superseded=held.superseded + len(batch.records) - applied,
            dead_lettered=held.dead_lettered + len(batch.dead),
        )
        if self.lose_answers:
            self.lose_answers -= 1
            raise StoreDown("the answer was lost")
        return applied

    async def rehearse(self, batch: Batch, handler: Handler) -> int:
        await self.ping()
        return handler(dict(self.rows), batch)

    def become(self, other: MemoryStore) -> None:
        """Take over another's rows and positions, all at once."""
        self.rows, self.positions, self.dead = other.rows, other.positions, other.dead

    async def contents(self) -> Contents:
        await self.ping()
        return Contents(None, {"rows": len(self.rows)})

    async def close(self) -> None:
        pass
